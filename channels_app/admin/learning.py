"""What Hark learns reading from, to look at: each is changed on the pages about reading."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from channels_app.models import Correction, FittedModel, LexiconWord, Rereading, Training
from crm.administration import ReadOnlyAdmin, ago


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin[Correction]):
    list_display = ["message", "aspect", "was", "now", "was_confidence", "by", "since"]
    since = ago("at", _("said"))
    list_select_related = ["message", "by"]
    list_filter = ["aspect"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["message", "aspect", "was", "was_confidence", "reader", "now", "by", "at"]


@admin.register(LexiconWord)
class LexiconWordAdmin(ReadOnlyAdmin[LexiconWord]):
    list_display = ["words", "language", "brand", "aspect", "value", "weight", "added_by", "since", "removed_at"]
    since = ago("added_at", _("added"))
    list_select_related = ["added_by"]
    list_filter = ["aspect", "language"]
    search_fields = ["words"]
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        "words", "language", "brand", "aspect", "value", "weight", "added_by", "added_at", "removed_by", "removed_at",
    ]  # fmt: skip


@admin.register(FittedModel)
class FittedModelAdmin(ReadOnlyAdmin[FittedModel]):
    list_display = ["version", "base", "is_live", "fitted", "fitted_by", "live_since", "live_until"]
    fitted = ago("fitted_at", _("fitted"))
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        "version", "base", "fitted_at", "fitted_by", "is_live", "live_since", "live_until", "sha256", "report",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("body").select_related("fitted_by")


@admin.register(Training)
class TrainingAdmin(ReadOnlyAdmin[Training]):
    list_display = ["asked", "asked_by", "step", "model", "refusal", "finished_at"]
    asked = ago("asked_at", _("asked"))
    ordering = ["-id"]
    sortable_by = ()
    fields = ["asked_at", "asked_by", "put_live", "step", "moved_at", "finished_at", "model", "refusal"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("asked_by", "model").defer("model__body")


@admin.register(Rereading)
class RereadingAdmin(ReadOnlyAdmin[Rereading]):
    list_display = ["version", "started", "started_by", "looked_at", "total", "changed", "finished_at", "stopped_at"]
    started = ago("started_at", _("started"))
    list_select_related = ["started_by"]
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        "version", "started_at", "started_by", "up_to", "reached", "total", "looked_at", "changed", "moved_at",
        "finished_at", "stopped_at",
    ]  # fmt: skip
