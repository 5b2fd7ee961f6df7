"""An adapter's webhook: anymail's view of it, for the check of who calls, and for what the call says."""

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory

from broadsheet.conf import AmazonSesAdapter, ProviderAdapter
from broadsheet.errors import BroadsheetError, Refused
from broadsheet.events.hooks import sns
from broadsheet.models import HookCall
from broadsheet.sending.adapters.providers import PROVIDERS
from broadsheet.sending.adapters.providers.amazon_ses import session_params
from broadsheet.sending.adapters.providers.table import Provider
from broadsheet.sending.adapters.providers.through_anymail import quietly
from broadsheet.workspace import Workspace

_BASIC: Final = "webhook_secret"


@dataclass(frozen=True)
class Webhook:
    """The webhook of one adapter that has a secret for it."""

    adapter: str
    row: Provider
    settings: ProviderAdapter
    url: str
    """Its public address, which one provider signs."""

    @property
    def asks_for_a_password(self) -> bool:
        """Whether it is checked by basic auth (RFC 7617) alone."""
        return self.row.hook.secret == _BASIC

    def check(self, request: HttpRequest) -> None:
        """Raises Refused unless its password, its signature, or both where there are both, are good.

        Raises BroadsheetError if that can't be told now.
        """
        try:
            self._view().run_validators(request)
        except AnymailWebhookValidationFailure as error:
            raise Refused(str(error)) from error
        except (AnymailError, ValueError, KeyError, TypeError, AttributeError, MultiPartParserError) as error:
            raise Refused(f"can't be read: {error}"[:200]) from error
        if self.row.hook.signed_by_sns:
            sns.check(request.body)

    def events(self, call: HookCall) -> list[AnymailTrackingEvent]:
        """What a kept call says, in anymail's words. Raises whatever a call that nobody foresaw makes it raise."""
        request = RequestFactory().generic(
            "POST", f"/hooks/{self.adapter}", bytes(call.body), call.content_type, headers=call.headers
        )
        return [event for event in self._view().parse_events(request) if isinstance(event, AnymailTrackingEvent)]

    def _view(self) -> Any:
        return _view(self.settings, self.url)


@lru_cache(maxsize=64)
def _view(settings: ProviderAdapter, url: str) -> Any:
    """Anymail's view; it holds nothing of a call."""
    row, secret = PROVIDERS[type(settings)], settings.webhook_secret
    assert secret is not None
    arguments: dict[str, Any] = {row.hook.secret: secret.get_secret_value()}
    if row.hook.secret == "webhook_key":  # noqa: S105  an argument's name
        arguments["webhook_url"] = url
    if isinstance(settings, AmazonSesAdapter):
        arguments["session_params"] = session_params(settings)  # to confirm its subscription of this address
    module, _, name = row.hook.view.rpartition(".")
    try:
        with quietly():
            return getattr(import_module(module), name)(**arguments)
    except ImportError as error:
        raise BroadsheetError(f"The webhook of {row.title} can't be checked: {error}") from error


def webhook_of(workspace: Workspace, adapter: str) -> Webhook | None:
    """The webhook of that adapter; None if there is no such one, or it has no secret."""
    settings = workspace.config.adapters.get(adapter)
    row = PROVIDERS.get(type(settings))
    if row is None or not isinstance(settings, ProviderAdapter) or settings.webhook_secret is None:
        return None
    return Webhook(adapter, row, settings, f"{workspace.config.public.url}/hooks/{adapter}")
