"""Files that came with a message, or leave with one."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.files import StoredFile


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def to_fetch(self) -> AttachmentQuerySet:
        return self.filter(file="", trouble="")


class Attachment(StoredFile):
    """One that came has no `file` until it was fetched; `trouble` says why it never will be."""

    message = models.ForeignKey("channels_app.Message", on_delete=models.CASCADE, related_name="attachments")
    source_url = models.URLField(_("where the network keeps it"), max_length=1000, blank=True)
    alt = models.CharField(_("what it shows"), max_length=1500, blank=True, help_text=_("For who cannot see it."))
    expires_at = models.DateTimeField(_("handed out until"), null=True, blank=True)
    trouble = models.CharField(_("why it could not be fetched"), max_length=300, blank=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(file="") | ~models.Q(source_url=""), name="a_file_is_here_or_can_be_fetched"
            )
        ]
        indexes = [models.Index(fields=["id"], condition=models.Q(file="", trouble=""), name="attachment_to_fetch")]
