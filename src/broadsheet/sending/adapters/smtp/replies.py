"""What a server's reply means: its code (RFC 5321 section 4.2.1) and its enhanced status (RFC 3463)."""

import re
from collections.abc import Sequence
from typing import Final

from broadsheet.sending.outcome import Outcome, Result

_STATUS: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?!\S)")

#: Enhanced statuses of class 5 that say the address itself does not exist. Full mailboxes (5.2.2), policy and spam
#: (5.7.x), a mail too big (5.3.4) or a server in trouble (5.3.x, 5.4.x) say nothing of the kind.
DEAD: Final = {
    "5.1.1": "there is no such mailbox",
    "5.1.2": "there is no such domain",
    "5.1.3": "the address can't be one",
    "5.1.6": "the mailbox has moved and left no address",
    "5.1.10": "its domain takes no mail at all (RFC 7505)",
}


def status_of(reply: str) -> str:
    """The enhanced status that the words of ``reply`` begin with; empty if there is none."""
    found = _STATUS.match(reply, 4)
    return found[1] if found else ""


def asks_to_wait(reply: str) -> bool:
    """Whether the server speaks of this sender's rate or standing, not of one mail: 421, or 4.7.x."""
    return reply.startswith("421") or status_of(reply).startswith("4.7.")


def wants_a_login(reply: str) -> bool:
    """Whether the server takes nobody's mail before a login (RFC 4954 section 6) or STARTTLS (RFC 3207 section 4)."""
    return reply.startswith("530")


def refused(delivery_id: int, reply: str) -> Outcome:
    """The outcome that a reply such as ``550 5.1.1 No such user`` means for the mail it answers."""
    if not reply.startswith("5"):
        return Outcome(delivery_id, Result.DEFERRED, reply)
    return Outcome(delivery_id, Result.FAILED, reply, dead=status_of(reply) in DEAD)


def one_line(lines: Sequence[bytes]) -> str:
    """A reply of one or many lines as one: the code, the status once, the words; at most 300 characters."""
    code = lines[-1][:3].decode("ascii", "replace")
    words = [" ".join(line[4:].decode("utf-8", "replace").split()) for line in lines]
    found = _STATUS.match(words[0])
    status = f"{found[1]} " if found else ""
    said = " ".join(word.removeprefix(status) for word in words if word)
    kept = "".join(character if character.isprintable() else "?" for character in f"{code} {status}{said}")
    return kept.strip()[:300]
