"""What customers allow, and the questions who they are: to look at. Both are written where they happen."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.administration import ReadOnlyAdmin, ago
from crm.models import Consent, ConsentChange, IdentityRequest


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin[Consent]):
    list_display = ["customer", "purpose", "state", "how_long"]
    list_filter = ["purpose", "state"]
    list_select_related = ["customer"]
    search_fields = ["customer__name"]
    search_help_text = _("Name of the customer")
    ordering = ["-id"]
    sortable_by = ()
    fields = ["customer", "purpose", "state", "since"]
    how_long = ago("since", _("since"))


@admin.register(ConsentChange)
class ConsentChangeAdmin(ReadOnlyAdmin[ConsentChange]):
    list_display = ["customer", "purpose", "to", "how", "by", "how_long"]
    list_filter = ["purpose", "to"]
    list_select_related = ["customer", "by"]
    search_fields = ["customer__name"]
    search_help_text = _("Name of the customer")
    ordering = ["-id"]
    sortable_by = ()
    fields = ["customer", "purpose", "to", "how", "by", "at"]
    how_long = ago("at", _("at"))


@admin.register(IdentityRequest)
class IdentityRequestAdmin(ReadOnlyAdmin[IdentityRequest]):
    """Neither link nor code: they are for one person, and are not kept."""

    list_display = ["identity", "state", "asked_by", "how_long", "expires_at", "codes", "tries", "trouble"]
    list_filter = ["state"]
    list_select_related = ["identity", "asked_by"]
    search_fields = ["identity__handle"]
    search_help_text = _("Handle")
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        *("identity", "state", "asked_by", "asked_as", "asked_at", "expires_at", "claimed", "claim"),
        *("codes", "tries", "trouble", "answered_at"),
    ]
    how_long = ago("asked_at", _("asked"))
