"""The records to publish: SPF of the adapters' mail servers, DKIM of our own keys, DMARC, MX of the return paths."""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

from broadsheet.conf import Config, SmtpAdapter
from broadsheet.doctor.check import Record
from broadsheet.errors import AdapterFailed
from broadsheet.sending.adapters.smtp.dkim import signer_of
from broadsheet.workspace import Workspace

#: What lets each provider's servers send in a domain's name. Resend gives each domain records of its own.
_SPF: Final = {
    "amazon-ses": "include:amazonses.com",
    "postmark": "include:spf.mtasv.net",
    "mailgun": "include:mailgun.org",
    "sendgrid": "include:sendgrid.net",
    "brevo": "include:spf.brevo.com",
    "sparkpost": "include:sparkpostmail.com",
    "mailjet": "include:spf.mailjet.com",
    "mailersend": "include:_spf.mailersend.net",
    "mandrill": "include:spf.mandrillapp.com",
}
_ENDS: Final = re.compile(r"[+?~-]?all|redirect=\S+", re.IGNORECASE)


def spf(config: Config, domain: str, found: Sequence[str]) -> Record | None:
    """One SPF record that holds what is there and what the adapters need; None if nobody knows what they need."""
    terms = [term for text in sorted(found) for term in text.split()[1:] if not _ENDS.fullmatch(term)]
    needed = list(_senders(config))
    if not (terms or needed):
        return None
    end = "-all" if any("-all" in text.lower().split() for text in found) else "~all"
    return Record(domain, "TXT", " ".join(["v=spf1", *dict.fromkeys([*terms, *needed]), end]))


def _senders(config: Config) -> Iterator[str]:
    for adapter in config.adapters.values():
        provider = adapter.provider if isinstance(adapter, SmtpAdapter) else getattr(adapter, "kind", "")
        if provider in _SPF:
            yield _SPF[provider]
        elif isinstance(adapter, SmtpAdapter) and provider is None:
            hosts = [each.host for each in adapter.servers] or [adapter.host]
            yield from (_machine(host, config) for host in hosts)


def _machine(host: str, config: Config) -> str:
    """The term for one mail server; one on this machine sends from where the pages are."""
    if host in ("localhost", "::1") or host.startswith("127."):
        host = urlsplit(config.public.url).hostname or "localhost"
    if re.fullmatch(r"[\d.]+", host):
        return f"ip4:{host}"
    return f"ip6:{host}" if ":" in host else f"a:{host}"


def dkim(workspace: Workspace) -> dict[str, Record]:
    """The records of the keys that mail is signed with here, by the domain they sign for."""
    found = {}
    for adapter in workspace.config.adapters.values():
        if not isinstance(adapter, SmtpAdapter) or not adapter.dkim_domain:
            continue
        try:
            signer = signer_of(adapter, workspace.root)
        except AdapterFailed:  # its own check says so
            continue
        if signer:
            name = f"{adapter.dkim_selector}._domainkey.{adapter.dkim_domain}"
            found[adapter.dkim_domain] = Record(name, "TXT", signer.record)
    return found


def dmarc(config: Config, domain: str, found: Sequence[str]) -> Record:
    """A policy that asks for reports and refuses nothing yet; the one that is there with a policy put in."""
    if found:
        rest = found[0].partition(";")[2].strip()
        return Record(f"_dmarc.{domain}", "TXT", "; ".join(filter(None, ["v=DMARC1", "p=none", rest])))
    reports = config.sender.reply_to or config.sender.email
    return Record(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=none; rua=mailto:{reports}")


def mx(config: Config, domain: str) -> Record | None:
    """Where the reports for return paths of that domain can arrive; None if nobody here takes any."""
    if domain != config.sender.bounce_domain and config.sender.bounce_domain:
        return None
    if config.bounces.listen:
        host = urlsplit(config.public.url).hostname or ""
    else:
        host = next((each.host for each in config.bounces.mailboxes.values()), "")
    is_name = bool(re.search(r"[a-z]", host, re.IGNORECASE)) and "." in host
    return Record(domain, "MX", f"10 {host}.") if is_name else None
