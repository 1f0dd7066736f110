"""What is listened for, and what was looked at again. Searches are made on their own page."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from channels_app.models import Look, Search
from crm.administration import ReadOnlyAdmin, ago


@admin.register(Search)
class SearchAdmin(ReadOnlyAdmin[Search]):
    list_display = ["name", "words", "channel", "joins_queue", "asked", "made_by", "trouble"]
    asked = ago("asked_at", _("asked last"))
    search_fields = ["name", "words"]
    list_filter = ["channel", "joins_queue"]
    list_select_related = ["channel", "made_by"]
    fields = [
        "name", "words", "channel", "joins_queue", "made_by", "made_at", "paused_at", "asked_at", "next_at", "trouble"
    ]  # fmt: skip


@admin.register(Look)
class LookAdmin(ReadOnlyAdmin[Look]):
    list_display = ["message", "above_since", "looked"]
    looked = ago("looked_at", _("read again"))
    list_select_related = ["message"]
    ordering = ["-message_id"]
    sortable_by = ()
    fields = ["message", "above_since", "looked_at"]
