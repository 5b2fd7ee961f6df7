"""Connect, STARTTLS or TLS, EHLO and AUTH by aiosmtplib; after that its connection is ours."""

import asyncio
import os
import socket
import ssl
from typing import NamedTuple, cast

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
)

from broadsheet.conf import SmtpAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.sending.adapters.smtp.envelope import Offers
from broadsheet.sending.adapters.smtp.servers import Place


class LoggedIn(NamedTuple):
    """A connection that is ready for MAIL."""

    transport: asyncio.Transport
    offers: Offers


def tls_context(place: Place) -> ssl.SSLContext | None:
    """How the server's certificate is checked; None without TLS. Raises AdapterFailed for a file that holds none."""
    if place.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=place.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise AdapterFailed(
            f"The file {place.ca_file} can't be read as certificates ({error}); check `ca_file`.", permanent=True
        ) from error


class _Client(SMTP):
    """Closes at once what was not logged in: over TLS, asyncio would keep the socket until the server says goodbye."""

    def close(self) -> None:
        """Also called by the library itself, when a login fails or is cancelled."""
        transport = self.transport
        super().close()
        if transport is not None:
            cast(asyncio.Transport, transport).abort()


async def logged_in(place: Place, settings: SmtpAdapter, tls: ssl.SSLContext | None) -> LoggedIn:
    """A new connection to the server. Raises AdapterFailed, saying what to check."""
    client = _Client(
        hostname=place.host,
        port=place.port,
        timeout=settings.connect_timeout,
        use_tls=place.security == "tls",
        start_tls=place.security == "starttls",
        tls_context=tls,
        local_hostname=settings.hello,
        username=place.user,
        password=place.password.get_secret_value() if place.password else None,
    )
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await _greet(client)
    except SMTPAuthenticationError as error:
        client.close()
        raise AdapterFailed(
            f"The mail server {place} refused the login ({error.code} {error.message}); check `user` and the password.",
            permanent=error.code >= 500,
        ) from error
    except SMTPConnectResponseError as error:
        client.close()
        raise AdapterFailed(
            f"The mail server {place} takes no mail now ({error.code} {error.message}).", permanent=False
        ) from error
    except (SMTPException, OSError, ValueError) as error:
        client.close()
        raise AdapterFailed(
            f"The mail server {place} can't be reached ({_words(error)}); check `host`, `port` and `security`.",
            permanent=False,
        ) from error
    return LoggedIn(cast(asyncio.Transport, client.transport), Offers.of(client.esmtp_extensions, settings.discard))


async def _greet(client: SMTP) -> None:
    try:
        await client.ehlo()
    except SMTPHeloError as error:
        if error.code < 500:
            raise
        await client.helo()


def _words(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    said = str(cause)
    if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError | socket.gaierror):
        said = os.strerror(cause.errno).lower()  # asyncio puts the address into its words
    return " ".join(said.split()) or type(error).__name__
