"""A password goes over a network only inside TLS."""

from ipaddress import ip_address

from broadsheet.conf import BounceMailbox
from broadsheet.errors import MailboxFailed


def refuse_plain_text(settings: BounceMailbox) -> None:
    """Raises MailboxFailed if the login would be readable on the way."""
    if settings.security == "none" and not is_loopback(settings.host):
        raise MailboxFailed("`security = none` is for this machine only; set `tls` or `starttls`")


def is_loopback(host: str) -> bool:
    """Whether that host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
