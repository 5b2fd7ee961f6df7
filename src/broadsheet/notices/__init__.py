"""Mails to one person because of something they did, and what the pages leave for after their answer.

::

    a page       -> add(...)       one row; the page answers at once, and alike for everybody
    carry_out    the due rows      -> a request to join becomes rows and a notice; a notice becomes a mail
    the adapter  takes it          -> the row goes; else it is tried again for a day

:func:`post` is the one way in for a mail, :func:`carry_out` the one way out: whoever runs it (the server's own thread,
the scheduler, a queue's worker), a row is done once.
"""

from broadsheet.notices.carrying import carry_out
from broadsheet.notices.errands import add, invitations_of, invite, on_waking, post, withdraw
from broadsheet.notices.forgetting import forget
from broadsheet.notices.joining import Confirmed, Entered, Wish, confirm, enter, join, may_ask
from broadsheet.notices.links import welcome_url

__all__ = [
    "Confirmed",
    "Entered",
    "Wish",
    "add",
    "carry_out",
    "confirm",
    "enter",
    "forget",
    "invitations_of",
    "invite",
    "join",
    "may_ask",
    "on_waking",
    "post",
    "welcome_url",
    "withdraw",
]
