"""Files beside messages, and what was done about malicious ones."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from channels_app.models import Attachment, Measure
from crm.administration import ReadOnlyAdmin, ago


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin[Attachment]):
    """The file itself is fetched from its case, by who may see that."""

    list_display = ["name", "content_type", "size", "by", "kept", "trouble"]
    kept = ago("created_at", _("kept"))
    list_select_related = ["by"]
    list_filter = ["content_type"]
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        "name",
        "content_type",
        "size",
        "message",
        "by",
        "created_at",
        "source_url",
        "alt",
        "expires_at",
        "trouble",
    ]


@admin.register(Measure)
class MeasureAdmin(ReadOnlyAdmin[Measure]):
    list_display = ["kind", "state", "identity", "channel", "reason", "by", "since", "trouble"]
    since = ago("at", _("since"))
    list_select_related = ["identity", "channel", "by"]
    list_filter = ["kind", "state", "channel"]
    ordering = ["-id"]
    sortable_by = ()
