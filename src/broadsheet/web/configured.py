"""The workspace's settings, as the middleware of every page needs them."""

from django.conf import settings

from broadsheet.conf import Config
from broadsheet.errors import InvalidFile


def configured() -> Config:
    """The settings; the defaults while the file is broken, which the preview has a page for."""
    try:
        found: Config = settings.WORKSPACE.config
    except InvalidFile:
        return Config()
    return found
