"""Why a copy bounced, from a status and a server's words. In doubt it is not dead."""

import pytest

from broadsheet.events.bounces import classified

SAID = {
    "dead": [
        ("5.1.1", ""),
        ("5.1.1", "550 5.1.1 mailbox unavailable"),
        ("5.1.2", "550 5.1.2 host unknown"),
        ("5.1.6", "551 5.1.6 she has moved"),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound"),
        ("5.0.0", "550 5.1.1 <a@b.example>: User unknown"),
        ("", "550 No such user here"),
        ("", "550-5.1.1 The email account that you tried to reach does not exist. https://help.example/spam"),
        ("", "host mx.blocked.example[192.0.2.1] said: 550 unknown user <spam@blocked.example>"),
        ("5.5.0", "550 5.5.0 user unknown"),
        ("", "Empfängeradresse existiert nicht"),
    ],
    "policy": [
        ("5.1.1", "550 5.1.1 blocked because of spam"),
        ("5.1.1", "550 5.1.1 your IP has a bad reputation"),
        ("5.7.1", ""),
        ("5.7.1", "550 5.7.1 user unknown"),
        ("", "554 message rejected by content filter"),
        ("5.1.1", "550 5.1.1 sender address rejected: user unknown"),
        ("5.1.1", "550 5.7.1 no such user"),
        ("", "550 relay access denied"),
        ("5.2.3", "552 5.2.3 too long for this mailbox"),
        ("", "550 listed at https://dnsbl.example/why, user unknown"),
        ("", "550 You've reached your daily relay quota"),
    ],
    "full": [
        ("5.2.2", ""),
        ("4.2.2", "452 4.2.2 out of space"),
        ("5.1.1", "552 5.1.1 mailbox full"),
        ("", "The mailbox of the user is over its storage quota"),
        ("", "Das Postfach ist voll"),
    ],
    "temporary": [
        ("4.1.1", "450 4.1.1 user unknown"),
        ("5.4.4", "host not found"),
        ("5.4.7", "delivery expired"),
        ("5.1.1", "450 user unknown"),
        ("5.1.1", "550 5.1.1 temporarily no such user, try again later"),
        ("4.7.1", "451 4.7.1 greylisted"),
        ("", "421 too many connections"),
        ("5.3.2", ""),
        ("", "452 4.3.1 Insufficient system storage"),
    ],
    "unknown": [
        ("", ""),
        ("5.0.0", ""),
        ("", "550 Requested action not taken: mailbox unavailable"),
        ("5.2.1", "550 5.2.1 user unknown"),
        ("5.1.1", "550 5.1.1 account disabled"),
        ("5.2.4", "550 5.2.4 no such user"),
        ("", "after end of data: 550 no such user"),
    ],
}


@pytest.mark.parametrize(
    ("cause", "status", "reply"), [(cause, *each) for cause, rows in SAID.items() for each in rows]
)
def test_a_reply_means(cause, status, reply):
    assert classified(status, reply) == cause
