"""The admin's page about cases: to look at and to count."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from cases.models import Case, Cause
from cases.models.asked import CaseQuerySet
from crm.administration import ReadOnlyAdmin, ago


class CauseFilter(admin.RelatedFieldListFilter):
    """Each cause with the one it stands under, in one query."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        return [(str(cause.pk), str(cause)) for cause in Cause.objects.select_related("parent")]


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin[Case]):
    """To look at and to count; what happens to a case happens on its own page."""

    list_display = ["__str__", "customer", "state", "priority", "team", "owner", "opened", "waiting", "rule"]
    opened = ago("opened_at", _("opened"))
    waiting = ago("waiting_since", _("waiting since"))
    list_filter = [
        "state", "priority", "team", "owner", "channel", "sentiment", "intent", "topic", "urgency",
        ("cause", CauseFilter),
    ]  # fmt: skip
    search_fields = ["subject"]
    search_help_text = _("Number, what it is about, or the customer's name or handle")
    ordering = ["-opened_at", "-id"]
    sortable_by = ["opened"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "subject", "customer", "identity", "channel", "sentiment", "intent", "topic", "urgency", "language",
                ]
            },
        ),
        (_("Whose it is"), {"fields": ["state", "priority", "team", "owner", "rule", "merged_into"]}),
        (
            _("What happened when"),
            {
                "fields": [
                    "opened_at", "first_answered_at", "last_message_at", "waiting_since", "resolved_at", "resolved_by",
                    "cause", "outcome", "mood_at_start", "mood_at_end", "reopenings",
                ]
            },
        ),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> CaseQuerySet:
        return Case.objects.with_row().prefetch_related("team")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (queryset.saying(search_term.strip().lstrip("@")) if search_term else queryset), False

    def view_on_site(self, case: Case) -> str:
        return case.get_absolute_url()
