"""Mail as ``.eml`` files; nothing leaves the machine."""

from collections.abc import Sequence
from pathlib import Path

from broadsheet.errors import AdapterFailed
from broadsheet.sending.inbox import MailFolder
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.stamping import Mail


class FolderOutbox:
    """Writes each mail into a folder, where `broadsheet inbox` shows it."""

    def __init__(self, folder: Path | MailFolder) -> None:
        self._folder = MailFolder(folder) if isinstance(folder, Path) else folder

    def open(self) -> None:
        """Make the folder."""
        try:
            self._folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AdapterFailed(
                f"The folder {self._folder.path} can't be made ({error.strerror}); check `adapters`.",
                permanent=True,
            ) from error

    def deliver(self, mails: Sequence[Mail]) -> list[Outcome]:
        """One file for each mail."""
        outcomes = []
        for mail in mails:
            try:
                self._folder.add(mail.mail_from, [mail.rcpt_to], mail.content)
                outcomes.append(Outcome(mail.delivery_id, Result.SENT))
            except OSError as error:
                outcomes.append(Outcome(mail.delivery_id, Result.DEFERRED, f"can't be written: {error.strerror}"))
        return outcomes

    def close(self) -> None:
        """Nothing is held open."""
