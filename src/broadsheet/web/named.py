"""A filter for campaigns, which people know by the name in the file: every page calls them that."""

from django import template
from django.conf import settings

from broadsheet.models import Campaign

register = template.Library()


@register.filter
def named(campaign: Campaign) -> str:
    """The campaign's name; its slug once the file is gone."""
    return str(settings.WORKSPACE.name_of(campaign.slug))
