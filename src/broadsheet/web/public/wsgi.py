"""The subscribers' pages as a WSGI application."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

from broadsheet.models import Edition


def answer_to_old_names() -> None:
    """Let the pages answer to every host that links in mails sent so far lead to, whatever ``public.url`` is now."""
    urls = Edition.objects.order_by().values_list("public_url", flat=True).distinct()
    hosts = {host for url in urls if (host := urlsplit(url).hostname)}
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, *sorted(hosts - {*settings.ALLOWED_HOSTS})]


def make_application() -> WSGIHandler:
    """The application, which knows the names it is to answer to."""
    application = get_wsgi_application()
    answer_to_old_names()
    return application
