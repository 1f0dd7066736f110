"""Accounts, the people in them, and what they ordered."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm.administration import ReadOnlyAdmin, ReadOnlyInline, RecordAdmin, ago, since_filter
from crm.forms import AccountForm
from crm.models import Account, Order, Persona, Product, Stakeholder
from crm.models.accounts import PersonaQuerySet


class StakeholderInline(ReadOnlyInline):
    """Read only: people join and leave on the account's own page, where the log of both records is told."""

    model = Stakeholder
    fields = ["customer", "role", "influence", "persona", "title", "since_on", "left_on"]
    ordering = ["left_on", "customer__name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stakeholder]:
        return super().get_queryset(request).select_related("customer", "persona", "account")


@admin.register(Account)
class AccountAdmin(RecordAdmin[Account]):
    form = AccountForm
    inlines = [StakeholderInline]
    list_display = ["name", "kind", "country", "city", "owner", "is_in_use", "with_us"]
    list_filter = ["kind", since_filter("closed_at", _("state"), yes=_("Closed"), no=_("In use"))]
    list_select_related = ["owner"]
    search_fields = ["name"]
    search_help_text = _("A part of the name, or the whole outside id")
    ordering = ["name", "id"]
    sortable_by = ["name"]
    with_us = ago("created_at", _("with us since"))
    readonly_fields = ["source", "external_id", "created_at"]
    fieldsets = [
        (None, {"fields": ["name", "kind", "owner", "closed"]}),
        (_("What they do, and where"), {"fields": ["industry", "runs", "country", "city", "website", "about"]}),
        (_("In our books"), {"fields": ["source", "external_id", "created_at"]}),
    ]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (queryset.called(search_term.strip()) if search_term else queryset), False

    def view_on_site(self, account: Account) -> str:
        return account.get_absolute_url()

    @admin.display(description=_("in use"), boolean=True)
    def is_in_use(self, account: Account) -> bool:
        return account.closed_at is None


@admin.register(Persona)
class PersonaAdmin(RecordAdmin[Persona]):
    list_display = ["name", "description", "stakeholders_now", "is_in_use"]
    list_filter = [since_filter("retired_at", _("state"), yes=_("Retired"), no=_("In use"))]
    search_fields = ["name", "description"]
    fields = ["name", "description", "retired_at"]
    switches = {"retired_at": (_("Retired"), _("No longer offered; whoever has it keeps it."))}

    def get_queryset(self, request: HttpRequest) -> PersonaQuerySet:
        return Persona.objects.with_people()

    @admin.display(description=_("stakeholders"), ordering="people")
    def stakeholders_now(self, persona: Persona) -> int:
        return persona.people  # type: ignore[attr-defined]

    @admin.display(description=_("in use"), boolean=True)
    def is_in_use(self, persona: Persona) -> bool:
        return persona.retired_at is None


@admin.register(Stakeholder)
class StakeholderAdmin(ReadOnlyAdmin[Stakeholder]):
    list_display = ["customer", "account", "role", "influence", "persona", "title", "since_on", "left_on"]
    list_filter = ["role", "influence", "persona"]
    list_select_related = ["customer", "account", "persona"]
    search_fields = ["account__name", "customer__name"]
    search_help_text = _("Account or customer")
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        "customer", "account", "role", "influence", "persona", "title", "since_on", "left_on", "created_at",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stakeholder]:
        return super().get_queryset(request).select_related("customer", "account", "persona")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin[Order]):
    """To look at: orders come from the shop, which is asked again rather than corrected here."""

    list_display = ["number", "customer", "account", "state", "what", "placed", "promised_on", "late"]
    list_filter = ["state"]
    list_select_related = ["customer", "account"]
    search_fields = ["number__exact"]
    search_help_text = _("The whole number of the order")
    ordering = ["-id"]
    sortable_by = ()
    placed = ago("placed_at", _("placed"))
    fields = [
        "number", "customer", "account", "state", "what", "amount", "currency", "placed_at", "promised_on",
        "delivered_on", "tracking_url", "source", "external_id", "changed_at",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return super().get_queryset(request).select_related("customer", "account")

    @admin.display(description=_("late"))
    def late(self, order: Order) -> str:
        if not order.is_late:
            return ""
        return ngettext("%(n)d day", "%(n)d days", order.days_late) % {"n": order.days_late}


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin[Product]):
    list_display = ["name", "serial", "customer", "account", "state", "since_on", "until_on"]
    list_filter = ["state"]
    list_select_related = ["customer", "account"]
    search_fields = ["serial__exact"]
    search_help_text = _("The whole serial number")
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        "name", "serial", "customer", "account", "order", "state", "since_on", "until_on", "source", "external_id",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return super().get_queryset(request).select_related("customer", "account", "order")
