"""Mail as ``.eml`` files; nothing leaves the machine."""

from pathlib import Path

from broadsheet.errors import AdapterFailed
from broadsheet.sending.inbox import MailFolder
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.tray import Tray, each
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

    def deliver(self, tray: Tray) -> None:
        """One file for each mail."""
        for mail in each(tray):
            tray.attempt(mail)
            tray.answer(self._keep(mail))

    def _keep(self, mail: Mail) -> Outcome:
        try:
            self._folder.add(mail.mail_from, [mail.rcpt_to], mail.content)
        except OSError as error:
            return Outcome(mail.delivery_id, Result.DEFERRED, f"can't be written: {error.strerror}")
        return Outcome(mail.delivery_id, Result.SENT)

    def close(self) -> None:
        """Nothing is held open."""
