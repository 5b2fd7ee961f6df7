"""Any mail server, by SMTP (RFC 5321)."""

import asyncio
import re
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from broadsheet.conf import SmtpAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.sending.outcome import Outcome, Result
from broadsheet.sending.tray import Tray
from broadsheet.stamping import Mail

_CONTROL: Final = re.compile(r"[\x00-\x20\x7f<>]")
_STATUS: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
#: Enhanced status codes (RFC 3463) that say the address itself does not exist. Policy refusals and full
#: mailboxes (5.7.x, 5.2.2) say nothing of the kind.
DEAD: Final = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"}

#: Seconds until a connection without mail asks for some.
_LOOK_AGAIN: Final = 0.02


class Smtp:
    """Several connections kept open; mails are shared out among them."""

    def __init__(self, settings: SmtpAdapter) -> None:
        self._settings = settings
        self._runner = asyncio.Runner()
        self._idle: list[SMTP] = []

    def open(self) -> None:
        """Connect once, so that a wrong host or password shows before anything is claimed."""
        self._idle.append(self._runner.run(self._connected()))

    def deliver(self, tray: Tray) -> None:
        """Every connection takes from the tray until it has ended."""
        self._runner.run(self._deliver(tray))

    def close(self) -> None:
        """Say goodbye on every connection."""
        self._runner.run(self._quit())
        self._runner.close()

    async def _connected(self) -> SMTP:
        settings = self._settings
        client = SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=settings.timeout,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            username=settings.user,
            password=settings.password.get_secret_value() if settings.password else None,
        )
        place = f"The mail server {settings.host}:{settings.port}"
        try:
            await client.connect()
        except SMTPAuthenticationError as error:
            raise AdapterFailed(
                f"{place} refused the login ({error.message}); check `user` and the password.", permanent=True
            ) from error
        except (SMTPException, OSError, ValueError) as error:
            raise AdapterFailed(
                f"{place} can't be reached ({error}); check `host`, `port` and `security`.", permanent=False
            ) from error
        return client

    async def _deliver(self, tray: Tray) -> None:
        await asyncio.gather(*(self._work(tray) for _ in range(self._settings.connections)))

    async def _work(self, tray: Tray) -> None:
        """Send the tray's mails on one connection until it has ended."""
        client: SMTP | None = self._idle.pop() if self._idle else None
        while not tray.ended():
            if not (mails := tray.take(1)):
                await asyncio.sleep(_LOOK_AGAIN)
                continue
            mail = mails[0]
            try:
                if client is None or not client.is_connected:
                    client = await self._connected()
            except AdapterFailed as error:
                tray.answer(Outcome(mail.delivery_id, Result.DEFERRED, error.reason[:300]))
                continue
            tray.answer(await self._hand_over(client, mail, tray))
        if client is not None and client.is_connected:
            self._idle.append(client)

    async def _hand_over(self, client: SMTP, mail: Mail, tray: Tray) -> Outcome:
        """One transaction: MAIL, RCPT, DATA. What fails before the data is sent is certain; after it, it is not."""
        utf8 = [] if (mail.mail_from + mail.rcpt_to).isascii() else ["SMTPUTF8"]
        encoding = "utf-8" if utf8 else "ascii"
        try:
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
            if impossible := _impossible(mail, client):
                return Outcome(mail.delivery_id, Result.FAILED, impossible)
            await client.mail(mail.mail_from, options=utf8, encoding=encoding)
            await client.rcpt(mail.rcpt_to, encoding=encoding)
        except SMTPResponseException as error:
            await self._reset(client)
            return refused(mail.delivery_id, error.code, error.message)
        except (SMTPException, OSError) as error:
            client.close()
            return Outcome(mail.delivery_id, Result.DEFERRED, f"connection lost: {error}"[:300])
        tray.attempt(mail)
        try:
            await client.data(mail.content)
        except (SMTPServerDisconnected, SMTPTimeoutError, OSError) as error:
            client.close()
            return Outcome(mail.delivery_id, Result.UNKNOWN, f"no reply to the data: {error}"[:300])
        except SMTPResponseException as error:
            await self._reset(client)
            return refused(mail.delivery_id, error.code, error.message)
        return Outcome(mail.delivery_id, Result.SENT)

    @staticmethod
    async def _reset(client: SMTP) -> None:
        try:
            await client.rset()
        except (SMTPException, OSError):
            client.close()

    async def _quit(self) -> None:
        for client in self._idle:
            try:
                await client.quit()
            except (SMTPException, OSError):
                client.close()
        self._idle.clear()


def _impossible(mail: Mail, client: SMTP) -> str:
    """Why this server can't be given the mail at all; empty if it can."""
    if _CONTROL.search(mail.rcpt_to) or _CONTROL.search(mail.mail_from):
        return "the address holds a space or control character"
    if not (mail.mail_from + mail.rcpt_to).isascii() and not client.supports_extension("smtputf8"):
        return "the server takes no international addresses"
    return ""


def refused(delivery_id: int, code: int, words: str) -> Outcome:
    """The outcome that a reply code (RFC 5321 section 4.2.1) and its enhanced status (RFC 3463) mean."""
    reply = f"{code} {' '.join(words.split())}"[:300]
    if code < 500:
        return Outcome(delivery_id, Result.DEFERRED, reply)
    status = _STATUS.search(words)
    return Outcome(delivery_id, Result.FAILED, reply, dead=bool(status and status[1] in DEAD))
