"""The local inbox as a WSGI application: the project's settings, the inbox's addresses."""

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class InboxRequest(WSGIRequest):
    """A request that finds its view among the inbox's addresses."""

    urlconf = "broadsheet.web.inbox.urls"


class InboxHandler(WSGIHandler):
    """Django's handler, for :class:`InboxRequest`."""

    request_class = InboxRequest


application = InboxHandler()
