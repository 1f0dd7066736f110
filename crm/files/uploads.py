"""Files of a form, stopped at the door where they are too large: they fill neither memory nor disk."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from crm.files.checking import Checked, TooLarge, TooMany, checked

FIELD = "files"  # what a file input is called whose files are attachments; others have limits of their own


class CappedHandler(FileUploadHandler):
    """Drops an attachment as soon as it is too large; what else the form brought is read as usual.

    It stands before the handlers that store. `request.too_large` holds the names of what was dropped.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self.room, self.counted, self.declared = 0, False, 0

    def handle_raw_input(
        self, input_data: Any, meta: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        self.declared = content_length

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, *args, **kwargs)
        self.counted, self.room = field_name == FIELD, settings.ATTACHMENT_BYTES
        if self.counted and self.declared > most_of_a_form():
            self._drop()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.room -= len(raw_data)
        if self.counted and self.room < 0:
            self._drop()
        return raw_data

    def _drop(self) -> None:
        request: Any = self.request
        request.too_large = [*getattr(request, "too_large", ()), self.file_name or ""]
        raise SkipFile

    def file_complete(self, file_size: int) -> None:
        return None


def most_of_a_form() -> int:
    """Bytes of a form with as many attachments as there may be, and the words beside them."""
    most: int = settings.ATTACHMENT_BYTES * settings.ATTACHMENTS_PER_MESSAGE + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return most


def uploaded(request: HttpRequest) -> list[Checked]:
    """The attachments of a form, each looked at. Raises the first refusal."""
    if dropped := getattr(request, "too_large", ()):
        raise TooLarge(name=dropped[0], most=filesizeformat(settings.ATTACHMENT_BYTES))
    files = [file for file in request.FILES.getlist(FIELD) if file.name]
    if len(files) > settings.ATTACHMENTS_PER_MESSAGE:
        raise TooMany(n=len(files), most=settings.ATTACHMENTS_PER_MESSAGE)
    return [checked(file) for file in files]
