"""The admin's page about promise clocks: what was promised of a case, and whether it was kept."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from cases.models import Clock
from crm.administration import ReadOnlyAdmin, ago, number_in


@admin.register(Clock)
class ClockAdmin(ReadOnlyAdmin[Clock]):
    list_display = ["case", "kind", "began", "due_at", "broken_at", "end"]
    list_filter = ["kind", "end"]
    list_select_related = ["case"]
    search_fields = ["pk"]
    search_help_text = "#17"
    ordering = ["-id"]
    fields = [
        "case", "kind", "promised", "warned", "started_at", "running_since", "spent", "due_at", "risk_at",
        "risk_told_at", "broken_at", "ended_at", "end",
    ]  # fmt: skip
    began = ago("started_at", Clock._meta.get_field("started_at").verbose_name)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Clock], search_term: str
    ) -> tuple[QuerySet[Clock], bool]:
        """By the number of the case alone."""
        number = number_in(search_term)
        if not search_term:
            return queryset, False
        return (queryset.filter(case=number) if number is not None else queryset.none()), False
