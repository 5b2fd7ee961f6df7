"""Tag rules tried out: which articles one would tag, and by which words; then put into ``broadsheet.toml``."""

from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render

from broadsheet.articles import try_rule
from broadsheet.conf import TaggingRule
from broadsheet.errors import BroadsheetError, FileChanged, InvalidFile
from broadsheet.models import Role, Tag
from broadsheet.web.console.access import audit
from broadsheet.workspace import FileVersion, add_tag_rule, current, read_version, tag_rule_text
from broadsheet.workspace.reading import validated
from broadsheet.workspace.root import MARKER

SUGGESTED = 300


def rules(request: HttpRequest) -> HttpResponseBase:
    """A form for a rule and what it comes to; a POST puts it into the settings file."""
    if request.method == "POST":
        return _save(request)
    return _page(request, request.GET)


def _page(request: HttpRequest, given: QueryDict, conflict: FileChanged | None = None) -> HttpResponse:
    workspace = current(settings.WORKSPACE)
    version = read_version(workspace, MARKER)
    context = {
        "here": "articles",
        "given": {name: given.get(name, "") for name in ("tag", "when", "also_tagged")},
        "rules": workspace.config.tag_rules,
        "tags": Tag.objects.values_list("name", flat=True)[:SUGGESTED],
        "may_save": Role(request.member.role).may(Role.ADMIN),  # type: ignore[attr-defined]
        "digest": version.digest if version else "",
        "conflict": conflict,
        "file": MARKER,
    }
    if "when" in given:
        try:
            rule = _rule(given)
            context |= {"tried": try_rule(rule), "snippet": tag_rule_text(rule)}
        except InvalidFile as error:
            context["wrong"] = "\n".join(
                f"{_LABELS.get(each.where, each.where)} {each.reason}" for each in error.problems
            )
    return render(request, "console/tag_rules.html", context)


_LABELS = {"tag": "The tag", "when": "What is looked for"}


def _rule(given: QueryDict) -> TaggingRule:
    """The rule of the form. Raises InvalidFile."""
    data = {
        "tag": " ".join(given.get("tag", "").split()),
        "when": given.get("when", "").strip()[:5_000],
        "also_tagged": bool(given.get("also_tagged")),
    }
    return validated(TaggingRule, data, MARKER)


def _save(request: HttpRequest) -> HttpResponseBase:
    workspace = current(settings.WORKSPACE)
    try:
        rule = _rule(request.POST)
        version = read_version(workspace, MARKER) or FileVersion(MARKER, "", "utf-8", "")
        add_tag_rule(workspace, rule, replace(version, digest=request.POST.get("digest", "")))
    except FileChanged as error:
        return _page(request, request.POST, error)
    except BroadsheetError as error:
        messages.error(request, str(error))
        return _page(request, request.POST)
    audit(request, "tag-rule", MARKER, "", tag_rule_text(rule))
    messages.success(request, f"The rule is in {MARKER}. The next sync tags every article anew.")
    return redirect("console-tag-rules")
