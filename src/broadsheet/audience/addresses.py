"""Addresses: as they are written to, and the form they are known by."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

#: A dot-atom of at most 64 octets (RFC 5321 sections 4.1.2 and 4.5.3.1.1).
_LOCAL = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
LONGEST = 254


def known_address(text: str) -> tuple[str, str]:
    """The address as it is written to, and the form it is known by. Raises ValueError if it is none.

    An international domain is written in its ASCII form, which every server takes; an address whose local
    part is not ASCII stays as it is and needs SMTPUTF8 (RFC 6531).
    """
    local, at, domain = text.rpartition("@")
    # The library takes 26 µs for an address; a million of them know few domains, and most local parts are plain.
    if (
        at
        and len(text) <= LONGEST
        and len(domain) < LONGEST
        and _LOCAL.match(local)
        and (known := known_domain(domain))
    ):
        written = f"{local}@{known}"
        if len(written) <= LONGEST:
            return written, written.lower()
    return _checked(text)


def is_international(address: str) -> bool:
    """Whether the address needs a server with SMTPUTF8."""
    return not address.isascii()


def _checked(text: str) -> tuple[str, str]:
    try:
        checked = validate_email(text, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, UnicodeError) as error:
        raise ValueError(f"“{text[:80]}” is not an email address: {str(error).rstrip('.')}") from error
    written = checked.ascii_email or checked.normalized
    return written, written.casefold()


@lru_cache(maxsize=20_000)
def known_domain(domain: str) -> str:
    """The domain as it is written in addresses, an international one in its ASCII form; empty if it is none."""
    try:
        return _checked(f"a@{domain}")[0].removeprefix("a@")
    except ValueError:
        return ""
