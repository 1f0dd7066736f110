"""Imports, to look at: what came in, what it changed, what was refused."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.administration import ReadOnlyAdmin, ago, as_written, beginning
from crm.exporting import as_text
from crm.models import Import, RefusedRow


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin[Import]):
    list_display = ["name", "what", "source", "state", "made", "changed", "same", "refused", "by", "brought"]
    list_filter = ["state", "what"]
    list_select_related = ["by"]
    search_fields = ["name"]
    search_help_text = _("File")
    ordering = ["-id"]
    sortable_by = ()
    brought = ago("created_at", _("brought"))
    fieldsets = [
        (None, {"fields": ["name", "what", "source", "state", "trouble"]}),
        (_("The file"), {"fields": ["size", "encoding", "delimiter", "columns"]}),
        (_("What came of it"), {"fields": ["rows", "done", "made", "changed", "same", "refused", "parked"]}),
        (_("Who and when"), {"fields": ["by", "created_at", "started_at", "finished_at", "undone_by", "undone_at"]}),
    ]

    def view_on_site(self, run: Import) -> str:
        return run.get_absolute_url()


@admin.register(RefusedRow)
class RefusedRowAdmin(ReadOnlyAdmin[RefusedRow]):
    list_display = ["number", "run", "sentence", "begins"]
    list_select_related = ["run"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["run", "number", "sentence", "as_it_came"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RefusedRow]:
        return super().get_queryset(request).select_related("run")

    @admin.display(description=_("as it came"))
    def begins(self, row: RefusedRow) -> str:
        return beginning(" · ".join(map(as_text, row.cells)))

    @admin.display(description=_("as it came"))
    def as_it_came(self, row: RefusedRow) -> str:
        return as_written("\n".join(map(as_text, row.cells)))
