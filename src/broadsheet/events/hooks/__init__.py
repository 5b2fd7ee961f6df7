"""Providers' webhooks: checked and kept at once, worked on after."""

from typing import TYPE_CHECKING

from broadsheet.lazily import lazily

if TYPE_CHECKING:
    from broadsheet.events.hooks.checking import Webhook, webhook_of
    from broadsheet.events.hooks.keeping import Keeper, count_refusal, keep_call
    from broadsheet.events.hooks.working import work_on_calls

__all__ = ["Keeper", "Webhook", "count_refusal", "keep_call", "webhook_of", "work_on_calls"]

__getattr__ = lazily(
    __name__,
    {
        "checking": "Webhook webhook_of",
        "keeping": "Keeper count_refusal keep_call",
        "working": "work_on_calls",
    },
)
