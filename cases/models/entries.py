"""What stands in a case: messages, and what we note among us."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.files import StoredFile


class CaseMessage(models.Model):
    """A message's place in a case: each message stands in one.

    `acknowledges`: a reply of ours that only says we have seen it; the answer is still to come. `repeated_at`: what the
    customer says here they had told us before.
    """

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="entries")
    message = models.OneToOneField("channels_app.Message", on_delete=models.CASCADE, related_name="case_entry")
    acknowledges = models.BooleanField(_("only acknowledges"), default=False)
    repeated_at = models.DateTimeField(_("had to be said again"), null=True, blank=True)
    repeated_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("message of a case")
        verbose_name_plural = _("messages of cases")

    def __str__(self) -> str:
        return f"{self.case_id} ← {self.message_id}"


class NoteFile(StoredFile):
    """A file that stands with a note. Like the note, nothing can send it."""

    note = models.ForeignKey("cases.Note", on_delete=models.CASCADE, related_name="files")

    class Meta:
        ordering = ["id"]
        verbose_name = _("file of a note")
        verbose_name_plural = _("files of notes")


class Note(models.Model):
    """Said among us, about a case. It is not a message: the outbox has no way to name it."""

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="notes", verbose_name=_("case"))
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    text = models.TextField(_("note"))
    created_at = models.DateTimeField(_("written"), default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return self.text[:60]
