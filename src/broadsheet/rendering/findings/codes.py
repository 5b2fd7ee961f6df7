"""What can be found wrong with a mail: every code, declared once.

:data:`CODES` feeds the checks, ``docs/checks.md`` and its test. A code never changes its meaning.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["block", "warn", "advice"]

#: worst first; ``block`` must be mended, ``warn`` should be, ``advice`` may be
LEVELS: Final[tuple[Level, ...]] = ("block", "warn", "advice")


@dataclass(frozen=True)
class Code:
    """One thing that can be wrong."""

    name: str
    level: Level
    means: str
    mend: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a mail."""

    code: str
    level: Level
    message: str
    where: str
    mend: str


def found(code: str, message: str, where: str, mend: str = "") -> Finding:
    """The finding of that code; how to mend it is the table's, unless something nearer is known."""
    declared = CODES[code]
    return Finding(code, declared.level, message, where, mend or declared.mend)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The findings worst first, each once for its place, however many of an edition's mails have it."""
    once: dict[tuple[str, str], Finding] = {}
    for each in findings:
        once.setdefault((each.code, each.where), each)
    order = list(CODES)
    return sorted(once.values(), key=lambda each: (LEVELS.index(each.level), order.index(each.code)))


CODES: Final[dict[str, Code]] = {
    code.name: code
    for code in (
        # the template and the reader's values
        Code(
            "template-error",
            "block",
            "The template, or a text of the campaign, can't be compiled.",
            "Mend the line that is named.",
        ),
        Code(
            "undefined-variable",
            "block",
            "The template uses a name that nothing has.",
            "Correct the name, or give it a value with `{% set %}` or `| default(…)`.",
        ),
        Code(
            "unknown-attribute",
            "warn",
            "The mail uses something of the subscriber that is not built in, not declared under `attributes` in "
            "`subscribers/lists.yaml`, and that no subscriber has.",
            "Correct the name, or declare it in `subscribers/lists.yaml`.",
        ),
        Code(
            "value-without-default",
            "advice",
            "A reader's value that some readers lack is printed with nothing to take its place.",
            "Write what those readers should see: `{{ subscriber.first_name | default('there') }}`.",
        ),
        Code(
            "reader-unstampable",
            "block",
            "The mail can't be made for a reader of whom all, or nothing but the address, is known.",
            "Give the value a `| default(…)`, or put an `{% if %}` round it.",
        ),
        # the edition and its articles
        Code(
            "edition-empty",
            "block",
            "Nobody would get a mail, or the mail has neither articles nor an intro.",
            "Look at `broadsheet plan`: who is left out and why. Read articles with `broadsheet sync`, people with "
            "`broadsheet subscribers import`; loosen `articles` or `segment` in the campaign.",
        ),
        Code(
            "list-held",
            "block",
            "So many readers complained about the list's last editions, or so many copies bounced, that the next one "
            "waits for somebody's yes.",
            "Look at `broadsheet report`: who complained, which addresses are dead. Clean the list first; "
            "`broadsheet edition ID approve` sends all the same.",
        ),
        Code(
            "list-unwell",
            "warn",
            "Complaints or bounces of the list's last editions are above what mailbox providers put up with.",
            "Look at `broadsheet report`, and mail only those who asked for it and still read it.",
        ),
        Code(
            "unknown-name",
            "advice",
            "The campaign asks for a tag, a category or an article (`pinned`, `dropped`) that no article has, or is.",
            "Correct the name; `broadsheet articles` lists what there is.",
        ),
        Code(
            "article-duplicate",
            "warn",
            "One mail holds the same article twice: the same address, or the same title.",
            "Remove one of the two files, or give them tags that keep them apart.",
        ),
        Code(
            "article-problem",
            "warn",
            "Something of an article could not be brought along, such as a picture that can't be fetched or converted. "
            "The mail is made without it.",
            "Mend the article or its picture, then run `broadsheet sync`.",
        ),
        # what the inbox shows, and the mail as a whole
        Code("subject-empty", "block", "The mail has no subject.", "Write a `subject` in the campaign."),
        Code(
            "subject-long",
            "warn",
            "The subject has more than 70 characters; most inboxes cut it.",
            "Say it in fewer words, the most telling first.",
        ),
        Code(
            "subject-shouting",
            "warn",
            "The subject is all in capitals or has several exclamation marks; readers and spam filters dislike both.",
            "Write it as you would say it.",
        ),
        Code(
            "preheader-missing",
            "advice",
            "There is no preheader, so that inboxes show the mail's first words, whatever they are, after the subject.",
            "Write a `preheader` in the campaign; a template of your own prints it with "
            '`{% include "shared/preheader.html" %}`.',
        ),
        Code(
            "text-missing",
            "warn",
            "The mail has no plain-text part, or an empty one.",
            "Give the template a `text.txt` that prints something, or remove the empty one.",
        ),
        Code(
            "mail-malformed",
            "block",
            "The mail breaks the rules of its format: a parser finds defects, or a line is longer than 998 octets.",
            "Look for unusual characters in the subject and in `[sender]`; if there are none, please report it.",
        ),
        Code(
            "unsubscribe-missing",
            "block",
            "A header or part of the mail has no way to unsubscribe, as the law and the large providers ask.",
            "Print `{{ unsubscribe_url }}` in the HTML and in `text.txt`; the footer of the shared macros does.",
        ),
        Code(
            "postal-address-missing",
            "block",
            "A part of the mail does not show the sender's postal address, as the law asks.",
            "Set `site.postal_address` in `broadsheet.toml` and print `{{ site.postal_address }}` in the HTML and in "
            "`text.txt`; the footer of the shared macros does.",
        ),
        Code(
            "footer-incomplete",
            "block",
            "A part of the mail lacks what its footer must have: why the reader gets it, preferences, view in browser.",
            "Print the shared macros' footer, or `{{ preferences_url }}`, `{{ view_url }}` and `{{ list.title }}`.",
        ),
        # links
        Code("link-broken", "block", "A link's address is no address that could work.", "Correct the address."),
        Code(
            "link-relative",
            "block",
            "A link's address is relative; in a mail there is nothing that it could be relative to.",
            "Write it whole, beginning with https://.",
        ),
        Code("link-empty", "warn", "A link leads nowhere.", "Give it an address, or make it plain text."),
        Code(
            "link-not-https",
            "warn",
            "A link is not encrypted (http). Our own pages on a loopback address are let off, for trying things out.",
            "Use the page's https address; for our own pages, set `public.url` or `site.url` in `broadsheet.toml`.",
        ),
        Code(
            "link-private",
            "warn",
            "A link leads to this machine or a private network, where no reader can follow.",
            "Use the public address; set `site.url` in `broadsheet.toml` if it is the site's.",
        ),
        Code(
            "link-dead",
            "block",
            "A link was tried: its page (404, 410) or its host does not exist. Only with `--links`.",
            "Correct the address, or take the link out.",
        ),
        Code(
            "link-unreachable",
            "warn",
            "A link was tried and no good answer came: none in time, a bad certificate, a fault of the server. "
            "Only with `--links`.",
            "Open it in a browser and try again; if it stays so, take it out.",
        ),
        Code(
            "link-refused",
            "advice",
            "A link was tried and the server refused (401, 403, 429 and others), perhaps only because a program asked. "
            "Only with `--links`.",
            "Open it in a browser that isn't logged in.",
        ),
        Code(
            "link-text-mismatch",
            "warn",
            "A link's text shows one domain and leads to another, as in a phishing mail.",
            "Let the text say what the page is, or show the domain it leads to.",
        ),
        Code(
            "domain-lookalike",
            "block",
            "A link's domain is written so that it looks like another: letters of several scripts in one word, or "
            "letters, digits or punycode that pose as the site's own name.",
            "Correct the address; copy it from the page itself.",
        ),
        Code(
            "domain-misspelt",
            "warn",
            "A link's domain is one letter away from the site's own.",
            "Correct the address, if it was meant to be the site's.",
        ),
        # pictures
        Code(
            "image-missing",
            "block",
            "A picture has no address that could work, or its file is not there.",
            "Correct the address, then run `broadsheet sync`.",
        ),
        Code(
            "image-format",
            "warn",
            "A picture is in a format that some mail programs don't show (SVG, WebP, AVIF …, or embedded in the HTML).",
            "Use PNG, JPEG or GIF. Pictures in an article's front matter are converted by themselves.",
        ),
        Code(
            "image-not-https",
            "warn",
            "A picture's address is not encrypted (http); many programs don't load it.",
            "Use its https address.",
        ),
        Code(
            "image-without-alt",
            "warn",
            "A picture has no alt text, for readers who can't see it or have pictures off.",
            'Write an alt text, or `alt=""` for mere decoration.',
        ),
        Code(
            "image-without-width",
            "advice",
            "A picture has no width attribute; Outlook on Windows shows it in the full size of its file.",
            'Write `width="…"`, in pixels as shown.',
        ),
        Code(
            "image-heavy",
            "warn",
            "A picture has more than 200 kB. (Those from elsewhere are weighed with `--links` only.)",
            "Save it smaller, or as JPEG.",
        ),
        Code(
            "images-heavy", "warn", "All pictures of a mail together have more than 1 MB.", "Use fewer or smaller ones."
        ),
        # size
        Code(
            "html-clipped",
            "block",
            "The HTML has 102 kB or more, links in place; Gmail cuts it there, and the unsubscribe link with it.",
            "Take fewer articles, shorten them, or simplify the template.",
        ),
        Code(
            "html-large",
            "warn",
            "The HTML has more than 90 kB, links in place, and comes near the 102 kB at which Gmail cuts it.",
            "Take fewer articles, shorten them, or simplify the template.",
        ),
        # mail programs
        Code(
            "css-breaks",
            "warn",
            "The layout rests on CSS that an important mail program doesn't know (by Can I Email), so it breaks there.",
            "Use tables and plain values instead, or move it into an `@media` or `@supports` block.",
        ),
        Code(
            "html-breaks",
            "warn",
            "The mail rests on an element that an important mail program removes or shows wrongly (by Can I Email).",
            "Link to a web page that has it instead.",
        ),
        Code(
            "css-unsupported",
            "advice",
            "Some CSS does nothing in an important mail program (by Can I Email).",
            "Check that the mail looks right without it.",
        ),
        Code(
            "html-unsupported",
            "advice",
            "An element or attribute does nothing in an important mail program (by Can I Email).",
            "Check that the mail reads right without it.",
        ),
        Code(
            "outlook-width",
            "advice",
            "A width is held by `max-width` alone; Outlook on Windows ignores that and fills its window.",
            "Put a table of fixed width round it in a conditional comment: `<!--[if mso]>…<![endif]-->`.",
        ),
        # accessibility
        Code(
            "lang-missing", "warn", "The mail doesn't say its language.", 'Write `<html lang="{{ site.language }}">`.'
        ),
        Code("dir-missing", "warn", "The mail doesn't say its direction.", 'Write `<html dir="{{ site.dir }}">`.'),
        Code("title-missing", "warn", "The mail has no title.", "Write `<title>{{ subject }}</title>` in the head."),
        Code(
            "table-role-missing",
            "warn",
            "A table that is there for the layout doesn't say so, so that screen readers read out rows and columns.",
            'Write `role="presentation"`; a table of data has `<th>` cells.',
        ),
        Code(
            "heading-order",
            "advice",
            "The headings don't begin with `<h1>`, or leave out a level.",
            "Use `<h1>`, `<h2>`, `<h3>` in this order; set their size by CSS.",
        ),
        Code("text-small", "warn", "Some text is smaller than 14 px.", "Make it 14 px or more."),
        Code(
            "link-text-vague",
            "advice",
            "A link's text says nothing without what is round it (“click here”).",
            "Say where it leads, in the text or in an `aria-label`.",
        ),
        Code(
            "link-without-text",
            "warn",
            "A link has neither text nor a picture with an alt text.",
            "Give the link a text, or the picture in it an alt text.",
        ),
        Code(
            "contrast-low",
            "warn",
            "Text and ground have a contrast of less than 4.5 : 1 (in light mode).",
            "Make the one darker or the other lighter; the colours stand in `template.toml`.",
        ),
        # leftovers
        Code(
            "leftover-template",
            "block",
            "Unfilled template syntax is left in the mail: `{{`, `{%`, `%%`, `*|` or `%(name)s`.",
            "Write it as Jinja2: `{{ subscriber.first_name }}`. In articles, put examples into code marks.",
        ),
        Code(
            "leftover-shortcode",
            "warn",
            "A blog engine's shortcode (`[gallery …]`, `::youtube{…}`) is left in the mail as text.",
            "Replace it in the article by the picture, link or text that it stands for.",
        ),
        # spam filters
        Code(
            "spam-score-high",
            "block",
            "SpamAssassin gives the mail 5 points or more. Only where `spamc` is there.",
            "Mend what the rules that are named complain of.",
        ),
        Code(
            "spam-score-raised",
            "warn",
            "SpamAssassin gives the mail 3 points or more. Only where `spamc` is there.",
            "Look at the rules that are named.",
        ),
    )
}
