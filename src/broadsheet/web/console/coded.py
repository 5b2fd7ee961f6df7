"""A filter for words that name settings: what stands in backticks becomes code."""

import re

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def coded(words: str) -> SafeString:
    """The words, escaped, with ``<code>`` for each pair of backticks."""
    escaped = str(conditional_escape(words))
    return mark_safe(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", escaped))  # noqa: S308  escaped just before
