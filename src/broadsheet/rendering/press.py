"""The press: compiles one variant's mail. Read :func:`compile_message`."""

import re
from email.headerregistry import Address
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateError, TemplateNotFound, TemplateSyntaxError
from markupsafe import Markup
from mjml import mjml2html

from broadsheet.errors import NotDeferrable, TemplateProblem
from broadsheet.rendering.cutting import cut_html, cut_text, header_parts, shielded, unshielded
from broadsheet.rendering.deferred import Deferred
from broadsheet.rendering.environment import LARGEST, PressEnvironment
from broadsheet.rendering.inlining import inlined
from broadsheet.rendering.intro import intro_html
from broadsheet.rendering.marking import marked
from broadsheet.rendering.message import Encoding, Line, Message, Pieces, Slot
from broadsheet.rendering.mime import joined, skeleton
from broadsheet.rendering.notes import Notes
from broadsheet.rendering.plain_text import from_html
from broadsheet.rendering.reading import named
from broadsheet.rendering.recorder import Recorder, recording, rendering_of
from broadsheet.rendering.sheet import OWN_ADDRESSES, Sheet

DEFERRED_NAMES = ("subscriber", *OWN_ADDRESSES)


def compile_message(sheet: Sheet) -> Message:
    """The variant's mail, compiled once and ready to be stamped for each reader.

    1. Jinja2 renders subject, preheader, intro, HTML and text with the reader's values deferred.
    2. premailer inlines the CSS.
    3. The tokens cut both bodies into pieces; the standard library makes the MIME skeleton round them.

    Raises TemplateProblem, naming template and line, for what can't be compiled.
    """
    with recording() as recorder:
        html_env, text_env = _environments(sheet.templates)
        context = _context(sheet)
        file = f"campaigns/{sheet.campaign['slug']}.md"
        subject = _one_line(_from_string(text_env, sheet.campaign["subject"], context, f"{file}: subject"))
        preheader = _one_line(_from_string(text_env, sheet.campaign["preheader"], context, f"{file}: preheader"))
        words = _from_string(html_env, sheet.campaign["intro"], context, f"{file}: body")
        intro = intro_html(words, sheet.site["url"], recorder)
        head = {**context, "subject": subject, "preheader": preheader}
        html = _html(sheet, html_env, {**head, "intro": Markup(intro)}, recorder)  # noqa: S704  sanitised
        text = _text(sheet, text_env, {**head, "intro": intro}, html, recorder)
        if sheet.counted:
            html = marked(html, recorder)
        try:
            html_pieces = cut_html(unshielded(html, recorder), recorder)
            text_pieces = cut_text(text, recorder)
            subject_parts = header_parts(subject, recorder)
        except NotDeferrable as error:
            raise NotDeferrable(error.reason, error.template or _template_file(sheet), error.line) from error
        pieces = skeleton(_fixed_headers(sheet), text_pieces, html_pieces)
        shown = recorder.pattern.sub(lambda m: _shown(recorder, m), subject)
        return Message(
            pieces=joined((*_reader_headers(subject_parts, sheet.addresses), *pieces)),
            subject=shown,
            html_size=len(recorder.pattern.sub("", html).encode()),
        )


@lru_cache(maxsize=8)
def _environments(templates: Path) -> tuple[PressEnvironment, PressEnvironment]:
    return PressEnvironment(templates, autoescape=True), PressEnvironment(templates, autoescape=False)


def _context(sheet: Sheet) -> dict[str, Any]:
    return {
        "site": sheet.site,
        "sender": sheet.sender,
        "campaign": sheet.campaign,
        "list": sheet.list,
        "edition": sheet.edition,
        "articles": sheet.articles,
        "theme": sheet.theme,
        **{name: Deferred(["name", name]) for name in ("subscriber", *sheet.addresses)},
        **sheet.extra,
    }


def _template_file(sheet: Sheet) -> str:
    kind = "mjml" if (sheet.templates / sheet.template / "template.mjml").is_file() else "html"
    return f"templates/{sheet.template}/template.{kind}"


def _html(sheet: Sheet, env: PressEnvironment, context: dict[str, Any], recorder: Recorder) -> str:
    """The HTML part with CSS inlined, its conditions' tokens shielded in comments."""
    name = _template_file(sheet)
    html = shielded(_from_file(env, name.removeprefix("templates/"), context), recorder)
    if name.endswith(".mjml"):
        try:
            html = mjml2html(html, fonts={})
        except ValueError as error:
            raise TemplateProblem(f"MJML can't be compiled: {error}", name) from error
    try:
        return inlined(html, recorder)
    except NotDeferrable as error:
        raise NotDeferrable(error.reason, error.template or name, error.line) from error
    except TemplateProblem as error:
        raise TemplateProblem(error.reason, name) from error


def _text(sheet: Sheet, env: PressEnvironment, context: dict[str, Any], html: str, recorder: Recorder) -> str:
    """The plain-text part: from ``text.txt`` where the template has one, else made from the HTML."""
    name, notes = f"{sheet.template}/text.txt", Notes(recorder)

    def plain(words: object) -> str:
        return from_html(str(words), recorder, notes) if str(words).strip() else ""

    if (sheet.templates / name).is_file():
        known = {"intro": plain(context["intro"]), "plain": plain, "cite": notes.cite, "notes": notes.listed}
        text = _from_file(env, name, {**context, **known})
    else:
        text = from_html(html, recorder, notes)
    return re.sub(r"\n{3,}", "\n\n", notes.numbered(text)).strip() + "\n"


def _from_file(env: PressEnvironment, name: str, context: dict[str, Any]) -> str:
    try:
        template = env.get_template(name)
    except TemplateSyntaxError as error:
        raise TemplateProblem(
            error.message or "can't be read", f"templates/{error.name or name}", error.lineno
        ) from error
    except (TemplateNotFound, OSError, UnicodeDecodeError) as error:
        raise TemplateProblem(f"can't be read ({error})", f"templates/{name}") from error
    return _rendered(template, context, f"templates/{name}")


@lru_cache(maxsize=64)
def _template(env: PressEnvironment, source: str) -> Template:
    return env.from_string(source)


def _from_string(env: PressEnvironment, source: str, context: dict[str, Any], shown: str) -> str:
    try:
        template = _template(env, source)
    except TemplateSyntaxError as error:
        raise TemplateProblem(error.message or "can't be read", shown, error.lineno) from error
    return _rendered(template, context, shown)


def _rendered(template: Template, context: dict[str, Any], shown: str) -> str:
    try:
        with rendering_of(shown):
            return _written(template, context)
    except NotDeferrable as error:
        name, line = _place(error, template, shown)
        raise NotDeferrable(error.reason, name, line) from error
    except TemplateSyntaxError as error:  # in a file that this one includes or extends
        raise TemplateProblem(error.message or "can't be read", f"templates/{error.name}", error.lineno) from error
    except TemplateNotFound as error:
        name, line = _place(error, template, shown)
        raise TemplateProblem(f"there is no template {error.name}", name, line) from error
    except (
        TemplateError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:
        name, line = _place(error, template, shown)
        raise TemplateProblem(str(error) or type(error).__name__, name, line) from error


def _written(template: Template, context: dict[str, Any]) -> str:
    """The template's text. Raises OverflowError as soon as it is too large."""
    parts, size = list[str](), 0
    for part in template.generate(context):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise OverflowError(f"makes a mail of more than {LARGEST / 1e6:g} MB")
    return "".join(parts)


def _place(error: BaseException, template: Template, shown: str) -> tuple[str, int | None]:
    """The template and line that ``error`` came from, by the traceback that Jinja rewrote."""
    folder = str(template.environment.loader.searchpath[0])  # type: ignore[union-attr]
    place: tuple[str, int | None] = (shown, None)
    traceback = error.__traceback__
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        if filename == "<template>":
            place = (shown, traceback.tb_lineno)
        elif filename.startswith(folder):
            place = ("templates/" + Path(filename).relative_to(folder).as_posix(), traceback.tb_lineno)
        traceback = traceback.tb_next
    return place


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())


def _shown(recorder: Recorder, match: re.Match[str]) -> str:
    token = recorder.read(match[2])
    if token.kind != "v":
        return ""
    return named(token.expr)


def _fixed_headers(sheet: Sheet) -> list[tuple[str, str]]:
    local, _, domain = sheet.sender["email"].rpartition("@")
    sender = Address(display_name=sheet.sender["name"], username=local, domain=domain)
    return [("From", str(sender)), *sheet.headers]


def _reader_headers(subject: list[Any], addresses: tuple[str, ...]) -> Pieces:
    def slot(name: str) -> Slot:
        return Slot(["name", name], Encoding.PLAIN)

    one_click: Pieces = (
        *(b"\r\nList-Unsubscribe: <", slot("unsubscribe_url")),
        b">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click",
    )
    return (
        *(b"Date: ", slot("date"), b"\r\nTo: ", slot("to"), b"\r\nSubject: ", Line(tuple(subject))),
        *(b"\r\nMessage-ID: ", slot("message_id")),
        *(one_click if "unsubscribe_url" in addresses else ()),
        b"\r\n",
    )
