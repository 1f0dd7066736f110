"""The admin's page about sales leads: what was handed to sales, and what became of it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cases.models import Lead
from crm.administration import ReadOnlyAdmin, ago


@admin.register(Lead)
class LeadAdmin(ReadOnlyAdmin[Lead]):
    list_display = ["case", "what", "state", "owner", "handed_by", "handed", "due_at"]
    list_filter = ["state"]
    list_select_related = ["case", "owner", "handed_by"]
    ordering = ["-id"]
    sortable_by = ()
    handed = ago("handed_at", _("handed over"))
    fields = [
        "case", "customer", "account", "message", "what", "state", "outcome", "owner", "handed_by", "handed_at",
        "due_at", "ended_at",
    ]  # fmt: skip
