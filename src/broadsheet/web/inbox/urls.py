"""The local inbox's addresses: a whole server of their own."""

from django.urls import path, register_converter
from django.views.generic import RedirectView

from broadsheet.sending.inbox import NAME
from broadsheet.web.assets import asset
from broadsheet.web.images import image
from broadsheet.web.inbox import views


class MailNameConverter:
    """A mail's file name."""

    regex = NAME

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(MailNameConverter, "mail")

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="inbox")),
    path("static/<asset:name>", asset, name="asset"),
    path("i/<str:name>", image, name="image"),
    path("inbox.json", views.inbox_json, name="inbox-json"),
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/clear", views.clear, name="inbox-clear"),
    path("inbox/<mail:name>", views.mail, name="mail"),
    path("inbox/<mail:name>.json", views.mail_json, name="mail-json"),
    path("inbox/<mail:name>/html", views.mail_html, name="mail-html"),
    path("inbox/<mail:name>/source", views.mail_source, name="mail-source"),
    path("inbox/<mail:name>/attachments/<int:number>", views.attachment, name="mail-attachment"),
    path("inbox/<mail:name>/delete", views.delete, name="mail-delete"),
]
