"""The admin's page about support groups."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.administration import RecordAdmin, since_filter
from crm.models import SupportGroup


@admin.register(SupportGroup)
class SupportGroupAdmin(RecordAdmin[SupportGroup]):
    list_display = ["name", "purpose", "calendar", "answer_minutes", "owner", "people", "is_open"]
    list_filter = [since_filter("closed_at", _("state"), yes=_("Closed"), no=_("Open"))]
    list_select_related = ["calendar", "owner"]
    search_fields = ["name", "purpose"]
    fields = ["name", "purpose", "calendar", "answer_minutes", "owner", "members", "closed_at"]
    filter_horizontal = ["members"]
    switches = {"closed_at": (_("Closed"), _("No longer asked; what it was asked before can still be answered."))}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(member_count=Count("members"))

    @admin.display(description=_("members"), ordering="member_count")
    def people(self, group: Any) -> int:
        count: int = group.member_count
        return count

    @admin.display(description=_("open"), boolean=True)
    def is_open(self, group: SupportGroup) -> bool:
        return group.closed_at is None
