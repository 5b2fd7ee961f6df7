"""Whether an edition may go: what there is to look at, who is asked, and who says yes or no.

::

    reviewing    findings, plan and changes of what is frozen
    asking       the question and proofs, by mail; comments to those whom they concern
    answering    approve, send back, take back, send now; nobody approves their own, where that is wanted
"""

from broadsheet.approvals.answering import (
    approve_by_link,
    refuse_miscounted,
    send_back,
    send_now,
    take_back,
)
from broadsheet.approvals.asking import (
    approval_url,
    ask,
    ask_approval,
    edition_of,
    facts,
    send_proofs,
    staff_url,
    tell_comment,
)
from broadsheet.approvals.reviewing import Since, anew, sending_takes, since_last_yes

__all__ = [
    "Since",
    "anew",
    "approval_url",
    "approve_by_link",
    "ask",
    "ask_approval",
    "edition_of",
    "facts",
    "refuse_miscounted",
    "send_back",
    "send_now",
    "send_proofs",
    "sending_takes",
    "since_last_yes",
    "staff_url",
    "take_back",
    "tell_comment",
]
