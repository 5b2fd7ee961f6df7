"""What receivers look up about the sender's domain: SPF, DKIM, DMARC, MX, PTR."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from broadsheet.conf import Config, ProviderAdapter, SmtpAdapter
from broadsheet.doctor import records
from broadsheet.doctor.check import Check, Record
from broadsheet.doctor.names import Names
from broadsheet.errors import BroadsheetError

#: The selectors that providers give everybody. Amazon SES, Postmark, SparkPost and Postal make one for each domain.
SELECTORS: Final = {
    "mailgun": ("mx", "k1", "mailo", "smtp", "pic", "s1"),
    "sendgrid": ("s1", "s2"),
    "resend": ("resend",),
    "brevo": ("brevo1", "brevo2", "mail"),
    "mailjet": ("mailjet",),
    "mailersend": ("mlsend", "mlsend2"),
    "mandrill": ("mte1", "mte2", "mandrill"),
    "smtp": ("default", "dkim", "mail", "s1", "k1", "selector1"),
}
#: RFC 7208 section 4.6.4
_MOST_LOOKUPS: Final = 10
_LOOKS_UP: Final = re.compile(r"^[+?~-]?(include:|redirect=|exists:|a\b|mx\b|ptr\b)", re.IGNORECASE)


Found = tuple[bool, str] | tuple[bool, str, Record | None]
"""Whether it is well, what was found, and what to publish instead."""


def examine_domain(
    config: Config, names: Names, selectors: Sequence[str], keys: Mapping[str, Record] = {}
) -> Iterator[Check]:
    """The checks of the sender's domain, or one that says why there are none.

    ``keys`` are the records of the keys that are ours, by domain.
    """
    domain = config.sender.email.rpartition("@")[2]
    if names.made_up(domain):
        yield Check("sender", False, f"{domain} is a domain for examples; set `sender.email` to an address of yours.")
        return
    yield _told("spf", lambda: _spf(names, domain, config))
    yield _told("dkim", lambda: (*_dkim(names, domain, _selectors(config, selectors)), keys.get(domain)))
    yield _told("dmarc", lambda: _dmarc(names, domain, config))
    returns = config.sender.bounce_domain
    if returns and returns != domain:
        yield _told(f"spf of {returns}", lambda: _spf(names, returns, config))
    addressed = (address.rpartition("@")[2] for address in config.bounces.addresses)
    for each in dict.fromkeys((domain, *([returns] if returns else []), *addressed)):
        yield _told(
            "mx" if each == domain else f"mx of {each}",
            lambda each=each: (*_mx(names, each), records.mx(config, each)),  # type: ignore[misc]
        )
    for name, adapter in config.adapters.items():
        if isinstance(adapter, SmtpAdapter) and adapter.provider is None:
            yield _told(f"ptr of {name}", lambda host=adapter.host: _ptr(names, host))  # type: ignore[misc]


def _told(check: str, look: Callable[[], Found]) -> Check:
    try:
        ok, detail, *record = look()
        return Check(check, ok, detail, None if ok else next(iter(record), None))
    except BroadsheetError as error:
        return Check(check, False, f"{error}; check the network, or name a resolver with --resolver.")


def _spf(names: Names, domain: str, config: Config) -> Found:
    """RFC 7208: one record, that ends by refusing others, within ten lookups."""
    found = [text for text in names.ask(domain, "TXT") if re.match(r"v=spf1(\s|$)", text, re.IGNORECASE)]
    record = records.spf(config, domain, found)
    if not found:
        said = (
            f"{domain} has no SPF record; publish a TXT record there: v=spf1 include:… ~all, with your provider's name."
        )
        return False, said, record
    if len(found) > 1:
        return False, f"{domain} has {len(found)} SPF records, so receivers take none; merge them into one.", record
    terms = found[0].split()[1:]
    lookups = sum(bool(_LOOKS_UP.match(term)) for term in terms)
    if lookups > _MOST_LOOKUPS:
        return False, f"the SPF record of {domain} needs {lookups} lookups, and receivers stop at ten; shorten it."
    if any(term.lower() in ("all", "+all", "?all") for term in terms):
        return False, f"the SPF record of {domain} lets anybody send in its name; end it with ~all or -all.", record
    if not any(term.lower() in ("~all", "-all") or term.lower().startswith("redirect=") for term in terms):
        return False, f"the SPF record of {domain} does not end; add ~all to: {found[0]}", record
    return True, found[0]


def _selectors(config: Config, given: Sequence[str]) -> list[str]:
    if given:
        return list(given)
    own = [each for adapter in config.adapters.values() if (each := getattr(adapter, "dkim_selector", None))]
    known = [SELECTORS.get(_kind(adapter), ()) for adapter in config.adapters.values()]
    return own or [selector for each in known for selector in each]


def _kind(adapter: object) -> str:
    if isinstance(adapter, SmtpAdapter):
        return adapter.provider or "smtp"
    return str(getattr(adapter, "kind", "")) if isinstance(adapter, ProviderAdapter) else ""


def _dkim(names: Names, domain: str, selectors: list[str]) -> tuple[bool, str]:
    """RFC 6376 section 3.6.1, RFC 8301: a key that is there, not withdrawn, and long enough."""
    if not selectors:
        return True, "not looked up: run again with --selector, the name that your provider gave the key."
    for selector in selectors:
        for text in names.ask(f"{selector}._domainkey.{domain}", "TXT"):
            return _key(f"{selector}._domainkey.{domain}", text)
    return False, (
        f"there is no key at {', '.join(selectors)} under _domainkey.{domain}; publish the record that your provider "
        "shows, or name its selector with --selector."
    )


def _key(name: str, text: str) -> tuple[bool, str]:
    tags = dict(re.findall(r"(\w+)\s*=\s*([^;]*)", text))
    value = "".join(tags.get("p", "").split())
    if not value:
        return False, f"the key at {name} is withdrawn (p= is empty); publish the present one."
    if tags.get("k", "rsa").strip() != "rsa":
        return True, f"{name} holds a key ({tags['k'].strip()})"
    try:
        key = load_der_public_key(base64.b64decode(value, validate=True))
        bits = key.key_size if isinstance(key, RSAPublicKey) else 0
    except ValueError:
        return False, f"the key at {name} can't be read; publish the record again, its text whole."
    if bits < 1024:
        return False, f"the key at {name} has {bits} bits, and receivers want 1024; make one of 2048."
    return True, f"{name} holds a key of {bits} bits" + ("; 2048 would be better" if bits < 2048 else "")


def _dmarc(names: Names, domain: str, config: Config) -> Found:
    """RFC 7489 section 6.6.3: the domain's own record, or that of one above it."""
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        above = ".".join(labels[start:])
        found = [text for text in names.ask(f"_dmarc.{above}", "TXT") if text.lower().startswith("v=dmarc1")]
        if len(found) > 1:
            return False, f"_dmarc.{above} has {len(found)} records, so receivers take none; leave one."
        if found:
            if not re.search(r";\s*p\s*=\s*(none|quarantine|reject)", found[0], re.IGNORECASE):
                said = f"the record at _dmarc.{above} has no policy; add p=none to: {found[0]}"
                return False, said, records.dmarc(config, above, found)
            return True, f"_dmarc.{above}: {found[0]}"
    said = f"{domain} has no DMARC record; publish a TXT record at _dmarc.{domain}: v=DMARC1; p=none"
    return False, said, records.dmarc(config, domain, ())


def _mx(names: Names, domain: str) -> tuple[bool, str]:
    """Whether answers and bounces to the sender's address can arrive (RFC 5321 section 5.1, RFC 7505)."""
    found = names.ask(domain, "MX")
    if any(each.split()[-1] in (".", "0") for each in found if each):
        return False, f"{domain} says that it takes no mail (null MX), so no bounce comes back; publish an MX record."
    if not found:
        return False, f"{domain} has no MX record, so no bounce or answer comes back; publish one."
    for host in (each.split()[-1] for each in sorted(found, key=lambda each: int(each.split()[0]))):
        if names.ask(host, "A") or names.ask(host, "AAAA"):
            return True, f"{domain}: {', '.join(found)}"
    return False, f"the MX of {domain} ({', '.join(found)}) has no address; put its A record right."


def _ptr(names: Names, host: str) -> tuple[bool, str]:
    """Whether the mail server's address has a name, and the name that address."""
    literal = re.fullmatch(r"[\d.]+|[0-9a-fA-F:]*:[0-9a-fA-F:]*", host)
    addresses = [host] if literal else [*names.ask(host, "A"), *names.ask(host, "AAAA")]
    if not addresses and host != "localhost":
        return False, f"{host} has no address; check the adapter's `host`."
    for address in addresses:
        if address.startswith("127.") or address == "::1":
            continue
        own = names.of_address(address)
        if not own:
            return False, f"{address} ({host}) has no name; ask whoever runs it for a PTR record."
        if not any(address in (*names.ask(name, "A"), *names.ask(name, "AAAA")) for name in own):
            return (
                False,
                f"{address} is called {own[0]}, which does not lead back; put that name's address right.",
            )
    return True, f"{host} leads to {', '.join(addresses) or 'this machine'}, and back"
