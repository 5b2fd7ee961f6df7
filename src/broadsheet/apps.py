"""Broadsheet's one Django app."""

from django.apps import AppConfig


class BroadsheetConfig(AppConfig):
    """The app that holds every row."""

    name = "broadsheet"
    label = "broadsheet"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the connection's pragmas and the system checks."""
        from broadsheet import checks  # noqa: F401  Django's registry is ready only now
