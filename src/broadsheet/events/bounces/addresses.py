"""Addresses in the words of a report."""

import re
from typing import Final

#: One address among other text: a local part as people have them, a domain with a dot.
IN_TEXT: Final = re.compile(
    r"(?<![\w.+=%&'*/-])([\w.!#$%&'*+/=?^`{|}~-]{1,128})@([^\W_](?:[\w-]{0,62}\.)+[^\W\d_][\w-]{0,62})", re.UNICODE
)
#: Who sends reports; never whom they are about.
MACHINES: Final = re.compile(
    r"(?:mailer-?_?daemon|postmaster|mail-?daemon|mdaemon|mail[-_.]?delivery[-_.]?\w*|maildelivery\w*|no-?reply|noreply|"
    r"bounces?|mail(?:er)?-?(?:system|admin|service)?|complaints?|feedbackloop|fbl|abuse|staff|scomp|root|admin\w*|"
    r"microsoftexchange[0-9a-f]*|autoreply|system)",
    re.IGNORECASE,
)
#: Those of them that report on mail and do nothing else.
_DAEMONS: Final = re.compile(
    r"mailer-?_?daemon|post_?master|mail-?daemon|mdaemon|mail[-_.]?delivery[-_.]?\w*|microsoftexchange[0-9a-f]*",
    re.IGNORECASE,
)
_LONGEST: Final = 320


def address_of(text: str) -> str:
    """The address in a field's value (``rfc822; <a@b.example>``), or an empty text."""
    bare = text.partition(";")[2] if ";" in text.split("@", maxsplit=1)[0] else text
    bare = bare.strip().strip("\"'").strip()
    found = re.search(r"<\s*([^<>\s]{1,320})\s*>", bare)
    bare = (found[1] if found else bare).strip("<>()[]\"' \t,;:")
    if bare.lower().startswith(("smtp:", "mailto:")):
        bare = bare.partition(":")[2]
    if "@" in bare and " " not in bare and len(bare) <= _LONGEST and bare.isprintable():
        return bare
    inside = IN_TEXT.search(bare[:4000])
    return inside[0][:_LONGEST] if inside else ""


def addresses_of(text: str) -> list[str]:
    """Every address in a piece of text, once, in order."""
    return list(dict.fromkeys(f"{local}@{domain}".rstrip(".") for local, domain in IN_TEXT.findall(text[:100_000])))


def is_machine(address: str) -> bool:
    """Whether it is the address of something that reports."""
    return bool(MACHINES.fullmatch(address.partition("@")[0]))


def is_daemon(address: str) -> bool:
    """Whether it is the address of a mail server that reports on mail."""
    return bool(_DAEMONS.fullmatch(address.partition("@")[0]))
