"""A file that somebody brought: kept outside the database, served only to who may see what it hangs on."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def kept_at(instance: StoredFile, name: str) -> str:
    """A place that nobody chose: nothing of the sender's file name is part of it."""
    return f"attachments/{timezone.now():%Y/%m}/{uuid.uuid4().hex}"


class StoredFile(models.Model):
    """`name` is what it was called, for show; `content_type` is what its bytes are, whatever the sender said."""

    file = models.FileField(_("file"), upload_to=kept_at, max_length=200)
    name = models.CharField(_("name"), max_length=200)
    content_type = models.CharField(_("type"), max_length=100)
    size = models.PositiveBigIntegerField(_("size"), help_text=_("bytes"))
    sha256 = models.CharField(max_length=64, editable=False)
    by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("kept since"), default=timezone.now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def is_picture(self) -> bool:
        """One that a page may show; the rest is only saved."""
        return self.content_type.startswith("image/")

    def read(self) -> bytes:
        with self.file.open("rb") as file:
            return bytes(file.read())
