"""What hands stamped mail over: SMTP, a provider's HTTP API, a folder, memory."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from broadsheet import conf
from broadsheet.sending.adapters.folder import FolderOutbox
from broadsheet.sending.adapters.memory import MemoryOutbox
from broadsheet.sending.adapters.providers import PROVIDERS, ApiAdapter, DescribedApi, Keys, made_api
from broadsheet.sending.adapters.smtp import Smtp
from broadsheet.sending.inbox import MailFolder
from broadsheet.sending.outcome import Outcome
from broadsheet.sending.tray import Handful, Tray
from broadsheet.stamping import Mail
from broadsheet.workspace import Workspace


class Adapter(Protocol):
    """Opened once, given batches, closed at the end."""

    def open(self) -> None:
        """Make ready. Raises AdapterFailed when nothing can be sent at all."""

    def deliver(self, tray: Tray) -> None:
        """Take mails until the tray has ended, and answer each. One mail's refusal never disturbs its neighbours.

        Raises AdapterFailed when no further mail can be sent. Of the mails it took and did not answer, those it noted
        an attempt of are unknown; the others go back to the queue.
        """

    def close(self) -> None:
        """Let go of connections."""


_MAKERS: dict[type, Callable[[Workspace, str, Any], Adapter]] = {
    conf.FolderAdapter: lambda workspace, _, settings: FolderOutbox(workspace.root / settings.path),
    conf.MemoryAdapter: lambda *_: MemoryOutbox(),
    conf.SmtpAdapter: lambda workspace, _, settings: Smtp(settings, workspace.root),
    conf.HttpAdapter: lambda _workspace, _name, settings: ApiAdapter(DescribedApi(settings)),
    **dict.fromkeys(PROVIDERS, lambda _, name, settings: ApiAdapter(made_api(settings, name))),
}


def make_adapter(workspace: Workspace, name: str) -> Adapter:
    """The adapter of that name in ``broadsheet.toml``; an unset ``default`` writes into the local inbox."""
    settings = workspace.config.adapters.get(name)
    if settings is None:
        return FolderOutbox(MailFolder.of(workspace))
    return _MAKERS[type(settings)](workspace, name, settings)


def keys_of(workspace: Workspace, name: str) -> Keys | None:
    """What the idempotency keys of the adapter of that name allow; None where it has none."""
    settings = workspace.config.adapters.get(name)
    if not isinstance(settings, (conf.HttpAdapter, *PROVIDERS)):
        return None
    adapter = make_adapter(workspace, name)
    return adapter.keys if isinstance(adapter, ApiAdapter) else None


def login(workspace: Workspace, name: str) -> str:
    """What the adapter says when it is opened, and its provider asked, without sending. Raises AdapterFailed."""
    adapter = make_adapter(workspace, name)
    try:
        adapter.open()
        return adapter.api.login(workspace.config.sender.email) if isinstance(adapter, ApiAdapter) else "it opens"
    finally:
        adapter.close()


def hand_over(adapter: Adapter, mails: Iterable[Mail]) -> list[Outcome]:
    """What an open adapter answers for these mails. Raises AdapterFailed when it can't send."""
    tray = Handful(mails)
    adapter.deliver(tray)
    return tray.outcomes
