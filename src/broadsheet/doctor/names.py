"""Names in the DNS, asked of the system's resolvers or of one that is named."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import dns.exception
import dns.name
import dns.resolver
import dns.reversename

from broadsheet.errors import BroadsheetError

_SECONDS: Final = 5.0
#: RFC 2606 and RFC 6761: nothing of theirs is in the DNS, and nobody may ask for it.
_MADE_UP: Final = ("test", "example", "invalid", "localhost")


@dataclass(frozen=True)
class Names:
    """Answers questions; what can't be asked raises BroadsheetError, what is not there is empty."""

    server: str = ""
    """``ADDRESS`` or ``ADDRESS:PORT`` of a resolver; empty for the system's."""
    asks_for_made_up: bool = field(default=False)
    """Whether it is asked for .test and its like, which only a server of one's own knows."""

    @cached_property
    def _resolver(self) -> dns.resolver.Resolver:
        try:
            resolver = dns.resolver.Resolver(configure=not self.server)
            if self.server:
                host, _, port = self.server.rpartition(":") if self.server.count(":") == 1 else (self.server, "", "53")
                resolver.nameservers, resolver.port = [host], int(port or 53)
        except (dns.exception.DNSException, ValueError) as error:
            raise BroadsheetError(f"There is no resolver to ask ({error}); name one with --resolver.") from error
        resolver.lifetime = _SECONDS
        return resolver

    def made_up(self, domain: str) -> bool:
        """Whether the domain is one for examples."""
        return not self.asks_for_made_up and domain.rstrip(".").rpartition(".")[2].lower() in _MADE_UP

    def ask(self, name: str, kind: str) -> list[str]:
        """The answers; TXT joined to whole texts. Raises BroadsheetError if nobody answers."""
        try:
            answer = self._resolver.resolve(name, kind)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            raise BroadsheetError(f"{name} can't be looked up ({str(error).splitlines()[0][:150]})") from error
        if kind == "TXT":
            return [b"".join(row.strings).decode("utf-8", "replace") for row in answer]
        return [row.to_text().rstrip(".") for row in answer]

    def of_address(self, address: str) -> list[str]:
        """The names of an IP address (PTR)."""
        return self.ask(dns.reversename.from_address(address).to_text(), "PTR")
