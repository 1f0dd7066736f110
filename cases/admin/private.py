"""Threads on which cases went on, and files of notes."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cases.models import CaseThread, NoteFile
from crm.administration import ReadOnlyAdmin, ago


@admin.register(CaseThread)
class CaseThreadAdmin(ReadOnlyAdmin[CaseThread]):
    list_display = ["case", "thread", "began"]
    began = ago("since", _("since"))
    list_select_related = ["case", "thread"]
    ordering = ["-id"]
    sortable_by = ()


@admin.register(NoteFile)
class NoteFileAdmin(ReadOnlyAdmin[NoteFile]):
    list_display = ["name", "content_type", "size", "by", "kept"]
    kept = ago("created_at", _("kept"))
    list_select_related = ["by"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["name", "content_type", "size", "note", "by", "created_at"]
