"""An upload goes straight into the state folder as it comes in: never into memory, and not by way of another disk."""

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler
from django.http import HttpRequest

from broadsheet.audience import uploads


class _StateFile(TemporaryUploadedFile):
    """A file in the folder of imports that goes when the request ends, unless it was moved to a name of its own."""

    def __init__(self, folder: Path, name: str | None, content_type: str | None) -> None:
        UploadedFile.__init__(self, NamedTemporaryFile(dir=folder, prefix=".upload."), name, content_type, 0)  # noqa: SIM115


class ToState(TemporaryFileUploadHandler):
    """Django's handler, with the state folder in the place of the machine's folder for temporary files."""

    def new_file(self, *given: Any, **more: Any) -> None:
        """A part of the form that is a file begins."""
        FileUploadHandler.new_file(self, *given, **more)
        self.file = _StateFile(uploads.folder(settings.WORKSPACE), self.file_name, self.content_type)


def too_large(request: HttpRequest) -> bool:
    """Whether the form is larger than a file may be; known before any of it is read."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    return not length.isdecimal() or int(length) > uploads.MOST
