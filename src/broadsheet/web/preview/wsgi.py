"""The preview as a WSGI application: the project's settings, the preview's addresses."""

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class PreviewRequest(WSGIRequest):
    """A request that finds its view among the preview's addresses."""

    urlconf = "broadsheet.web.preview.urls"


class PreviewHandler(WSGIHandler):
    """Django's handler, for :class:`PreviewRequest`."""

    request_class = PreviewRequest


application = PreviewHandler()
