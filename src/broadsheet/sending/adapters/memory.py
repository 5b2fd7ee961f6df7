"""Mail kept in memory, for trying Broadsheet out from Python and for its tests."""

from collections.abc import Sequence

from broadsheet.sending.outcome import Outcome, Result
from broadsheet.stamping import Mail


class MemoryOutbox:
    """Keeps what it is given in ``mails``; refuses the addresses in ``refuse`` with the outcome given there."""

    def __init__(self, refuse: dict[str, Outcome] | None = None) -> None:
        self.mails: list[Mail] = []
        self._refuse = refuse or {}

    def open(self) -> None:
        """Always ready."""

    def deliver(self, mails: Sequence[Mail]) -> list[Outcome]:
        """Sent, unless the address is one to refuse."""
        outcomes = []
        for mail in mails:
            refused = self._refuse.get(mail.rcpt_to)
            if refused is not None:
                outcomes.append(Outcome(mail.delivery_id, refused.result, refused.reply, refused.dead))
                continue
            self.mails.append(mail)
            outcomes.append(Outcome(mail.delivery_id, Result.SENT))
        return outcomes

    def close(self) -> None:
        """The mails stay."""
