"""The admin's pages about why cases happen, and what is to be done in cases of a cause."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.forms import CauseForm
from cases.models import Cause, CauseSign, CauseSuggestion, CheckedItem, ChecklistItem
from crm.administration import ReadOnlyAdmin, RecordAdmin, ago, since_filter


@admin.register(Cause)
class CauseAdmin(RecordAdmin[Cause]):
    form = CauseForm
    list_display = ["in_tree", "is_used", "its_cases"]
    list_filter = [since_filter("retired_at", _("state"), yes=_("Retired"), no=_("In use"))]
    list_select_related = ["parent"]
    search_fields = ["name", "parent__name"]
    sortable_by = ()
    list_per_page = 200
    fields = ["name", "parent", "retired_at"]
    switches = {"retired_at": (_("Retired"), _("Cases that have it keep it; no longer offered for new ones."))}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cause]:
        top_first = F("parent_id").asc(nulls_first=True)
        return super().get_queryset(request).order_by(Coalesce("parent__name", "name"), top_first, "name")

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Each branch under its top, rather than all tops at the end."""
        return [Coalesce("parent__name", "name"), F("parent_id").asc(nulls_first=True), "name", "pk"]

    @admin.display(description=_("cause"))
    def in_tree(self, cause: Cause) -> SafeString | str:
        return format_html('<span class="branch">{}</span>', cause.name) if cause.parent_id else cause.name

    @admin.display(description=_("in use"), boolean=True)
    def is_used(self, cause: Cause) -> bool:
        return cause.retired_at is None

    @admin.display(description=_("cases"))
    def its_cases(self, cause: Cause) -> SafeString:
        url = reverse("admin:cases_case_changelist")
        return format_html('<a href="{}?cause__id__exact={}">{}</a>', url, cause.pk, gettext("Cases with this cause"))


@admin.register(ChecklistItem)
class ChecklistItemAdmin(RecordAdmin[ChecklistItem]):
    list_display = ["text", "cause", "required", "position"]
    list_filter = ["required", since_filter("retired_at", _("state"), yes=_("Taken off"), no=_("In use"))]
    list_select_related = ["cause__parent"]
    search_fields = ["text", "cause__name"]
    ordering = ["cause", "position", "id"]
    sortable_by = ()
    fields = ["cause", "text", "required", "position", "retired_at"]
    switches = {"retired_at": (_("Taken off"), _("Cases in which it was ticked keep it."))}


@admin.register(CheckedItem)
class CheckedItemAdmin(ReadOnlyAdmin[CheckedItem]):
    list_display = ["item", "case", "by", "ticked"]
    ticked = ago("at", _("at"))
    list_filter = ["by"]
    list_select_related = ["item", "case__customer", "by"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["case", "item", "by", "at"]


@admin.register(CauseSign)
class CauseSignAdmin(ReadOnlyAdmin[CauseSign]):
    """What likely causes are told by: counted anew each hour."""

    list_display = ["sign", "cause", "cases"]
    list_select_related = ["cause__parent"]
    search_fields = ["sign"]
    ordering = ["-cases", "id"]
    sortable_by = ["cases"]
    fields = ["sign", "cause", "cases"]


@admin.register(CauseSuggestion)
class CauseSuggestionAdmin(ReadOnlyAdmin[CauseSuggestion]):
    list_display = ["case", "first", "chosen", "place", "resolved"]
    resolved = ago("at", _("at"))
    list_filter = ["place"]
    list_select_related = ["case__customer", "first__parent", "chosen__parent"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["case", "first", "chosen", "place", "at"]
