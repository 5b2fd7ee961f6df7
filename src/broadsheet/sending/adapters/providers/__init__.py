"""Transactional-email providers' HTTP APIs: one table, one adapter."""

from broadsheet.conf import ProviderAdapter
from broadsheet.sending.adapters.providers.adapter import ApiAdapter, Keys
from broadsheet.sending.adapters.providers.amazon_ses import SesApi
from broadsheet.sending.adapters.providers.described import DescribedApi
from broadsheet.sending.adapters.providers.rows import PROVIDERS
from broadsheet.sending.adapters.providers.through_anymail import ProviderApi

__all__ = ["PROVIDERS", "ApiAdapter", "DescribedApi", "Keys", "ProviderApi", "made_api"]


def made_api(settings: ProviderAdapter, name: str) -> ProviderApi:
    """The API of the adapter of that name."""
    kind = SesApi if PROVIDERS[type(settings)].backend == SesApi.backend else ProviderApi
    return kind(settings, name)
