"""The servers of one adapter: how each fares, and how the connections are shared out among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Literal

from pydantic import SecretStr

from broadsheet.conf import SmtpAdapter
from broadsheet.errors import AdapterFailed
from broadsheet.sending.adapters.smtp.envelope import Offers

#: Seconds of the first rest, and of the longest.
_FIRST_REST: Final = 0.25
_LONGEST_REST: Final = 300.0
#: Seconds after which a server that had enough connections is asked for more again.
_ENOUGH: Final = 60.0
#: Refusals with 4.7.x in a row, none taken between, that are more than a few greylisted addresses.
_PATIENCE: Final = 5


@dataclass(frozen=True)
class Place:
    """Where a server is and how to get in."""

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    user: str | None
    password: SecretStr | None
    ca_file: Path | None
    weight: int = 1

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def places(settings: SmtpAdapter, root: Path) -> list[Place]:
    """The adapter's servers. Raises AdapterFailed for a password that would be sent in the clear."""
    own = Place(
        settings.host,
        settings.port,
        settings.security,
        settings.user,
        settings.password,
        root / settings.ca_file if settings.ca_file else None,
    )
    found = [
        Place(
            each.host,
            each.port or own.port,
            each.security or own.security,
            each.user or own.user,
            each.password or own.password,
            root / each.ca_file if each.ca_file else own.ca_file,
            each.weight,
        )
        for each in settings.servers
    ] or [own]
    for place in found:
        if place.security == "none" and place.password and not _is_here(place.host):
            raise AdapterFailed(
                f"The password for {place} would be sent in the clear; set `security` to starttls or tls.",
                permanent=True,
            )
    return found


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Server:
    """One server's health. Times are the event loop's."""

    def __init__(self, place: Place) -> None:
        self.place = place
        #: nothing is begun with it before this
        self.rests_until = 0.0
        #: what it said, or what went wrong, the last time it was put to rest
        self.trouble: AdapterFailed | None = None
        #: what it said it can do, the last time that it was asked; None: it never was
        self.offers: Offers | None = None
        self._strikes = self._in_a_row = 0
        self._most, self._most_until = 0, 0.0

    @property
    def doubted(self) -> bool:
        """Whether the last try went wrong, so that one connection is enough to try again."""
        return self._strikes > 0

    def rest(self, now: float, trouble: AdapterFailed) -> None:
        """Leave it alone for a while: a quarter of a second, doubled with each time in a row, five minutes at most."""
        self.trouble = trouble
        if now >= self.rests_until:  # ten connections that end together are one event
            self._strikes += 1
            self.rests_until = now + min(_FIRST_REST * 2.0 ** (self._strikes - 1), _LONGEST_REST)

    def enough(self, now: float, connections: int) -> None:
        """It let nobody else in, but goes on with that many connections."""
        self._most, self._most_until = connections, now + _ENOUGH

    def most(self, now: float) -> int | None:
        """How many connections it has room for; None if it never said."""
        return self._most if now < self._most_until else None

    def asked_to_wait(self, now: float, reply: str) -> None:
        """It deferred a mail for its sender's rate or standing (4.7.x); after several in a row it gets a rest."""
        self._in_a_row += 1
        if self._in_a_row >= _PATIENCE and now >= self.rests_until:
            self._in_a_row = 0
            self.rest(now, AdapterFailed(f"The mail server {self.place} asks to wait ({reply}).", permanent=False))

    def took_one(self, now: float) -> None:
        """It took a mail: all is well."""
        self._in_a_row = 0
        if self._strikes and now >= self.rests_until:
            self._strikes = 0


def shared_out(servers: Sequence[Server], connections: int, now: float) -> dict[Server, int]:
    """How many connections each server should have now.

    By weight among those that do not rest; servers of weight 0 stand by and serve when no other can.
    A server that was in trouble gets one until it has proved itself, one that lets no more in as many as it did.
    """
    awake = [server for server in servers if now >= server.rests_until]
    chosen = [server for server in awake if server.place.weight] or awake
    total = sum(server.place.weight or 1 for server in chosen)
    exact = {server: connections * (server.place.weight or 1) / total for server in chosen}
    shares = {server: int(share) for server, share in exact.items()}
    for server in sorted(chosen, key=lambda each: shares[each] - exact[each])[: connections - sum(shares.values())]:
        shares[server] += 1
    most = {server: 1 if server.doubted else server.most(now) for server in shares}
    return {server: min(share, most[server] or share) for server, share in shares.items() if share}
