"""The admin's pages about cases that are linked, and what was done to cases and may be undone."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cases import deeds
from cases.models import CaseLink, Deed
from crm.administration import ReadOnlyAdmin, ago, since_filter


@admin.register(CaseLink)
class CaseLinkAdmin(ReadOnlyAdmin[CaseLink]):
    list_display = ["__str__", "kind", "by", "made"]
    list_filter = ["kind"]
    list_select_related = ["by"]
    ordering = ["-id"]
    sortable_by = ()
    made = ago("at", _("at"))
    fields = ["one", "other", "kind", "by", "at"]


@admin.register(Deed)
class DeedAdmin(ReadOnlyAdmin[Deed]):
    list_display = ["action", "cases", "by", "done", "undone"]
    list_filter = ["action", since_filter("undone_at", _("state"), yes=_("Undone"), no=_("Stands"))]
    list_select_related = ["by"]
    ordering = ["-id"]
    sortable_by = ()
    done = ago("at", _("at"))
    undone = ago("undone_at", _("undone"))
    fields = ["action", "by", "at", "undone_at", "before", "after"]

    @admin.display(description=_("cases"))
    def cases(self, deed: Deed) -> int:
        return len(deeds.concerned(deed))
