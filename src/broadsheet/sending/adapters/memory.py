"""Mail kept in memory, for trying Broadsheet out from Python and for its tests."""

from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.tray import Tray, each
from broadsheet.stamping import Mail


class MemoryOutbox:
    """Keeps what it is given in ``mails``; refuses the addresses in ``refuse`` with the outcome given there."""

    def __init__(self, refuse: dict[str, Outcome] | None = None) -> None:
        self.mails: list[Mail] = []
        self._refuse = refuse or {}

    def open(self) -> None:
        """Always ready."""

    def deliver(self, tray: Tray) -> None:
        """Sent, unless the address is one to refuse."""
        for mail in each(tray):
            tray.attempt(mail)
            refused = self._refuse.get(mail.rcpt_to)
            if refused is None:
                self.mails.append(mail)
                tray.answer(Outcome(mail.delivery_id, Result.SENT))
            else:
                tray.answer(Outcome(mail.delivery_id, refused.result, refused.reply, refused.dead))

    def close(self) -> None:
        """The mails stay."""
