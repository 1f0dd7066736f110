"""Customers and the identities they go by."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm import webhooks
from crm.administration import ReadOnlyAdmin, ReadOnlyInline, RecordAdmin, ago, since_filter
from crm.forms import CustomerForm
from crm.models import Customer, Identity, IdentityLink


class LinkInline(ReadOnlyInline):
    """Read only: a handle is linked, and unlinked, with evidence, never in passing."""

    model = IdentityLink
    fields = ["identity", "customer", "state", "method", "evidence", "by", "created_at"]
    ordering = ["created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdentityLink]:
        return super().get_queryset(request).select_related("identity", "customer", "by")


class IdentityOfCustomerInline(LinkInline):
    fields = [name for name in LinkInline.fields if name != "customer"]
    verbose_name_plural = _("identities")


class CustomerOfIdentityInline(LinkInline):
    fields = [name for name in LinkInline.fields if name != "identity"]
    verbose_name_plural = _("customers")


@admin.register(Customer)
class CustomerAdmin(RecordAdmin[Customer]):
    """Customers are made by what they write, or by who logs a contact with them."""

    form = CustomerForm
    inlines = [IdentityOfCustomerInline]
    list_display = ["name", "handles", "tier", "language", "country", "is_known", "first_seen"]
    list_filter = ["tier", since_filter("known_at", _("record"), yes=_("Known"), no=_("Only a handle"))]
    search_fields = ["name"]
    search_help_text = _("Name or handle")
    ordering = ["-created_at", "-id"]
    sortable_by = ["first_seen"]
    first_seen = ago("created_at", _("first seen"))
    readonly_fields = ["created_at", "known_at"]
    fieldsets = [
        (None, {"fields": ["name", "tier", "about"]}),
        (_("Where and how they speak"), {"fields": ["language", "country", "city", "time_zone"]}),
        (_("In our books"), {"fields": ["created_at", "known_at"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        return Customer.objects.with_handles()

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (queryset.called(search_term.lstrip("@")) if search_term else queryset), False

    def log_change(self, request: HttpRequest, obj: Customer, message: Any) -> LogEntry:
        if message:
            webhooks.tell("customer.changed", obj)
        return super().log_change(request, obj, message)

    def view_on_site(self, customer: Customer) -> str:
        return customer.get_absolute_url()

    @admin.display(description=_("handles"))
    def handles(self, customer: Customer) -> str:
        return ", ".join(link.identity.label for link in customer.confirmed_links)  # type: ignore[attr-defined]

    @admin.display(description=_("known"), boolean=True)
    def is_known(self, customer: Customer) -> bool:
        return not customer.is_provisional


class PlaceFilter(admin.SimpleListFilter):
    title = _("network")
    parameter_name = "place"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(place, place) for place in Identity.objects.networks()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Identity]) -> QuerySet[Identity]:
        return queryset.filter(place=self.value()) if self.value() else queryset


@admin.register(Identity)
class IdentityAdmin(ReadOnlyAdmin[Identity]):
    inlines = [CustomerOfIdentityInline]
    list_display = ["label", "kind", "place", "display_name", "belongs_to", "reach", "first_seen"]
    list_filter = ["kind", PlaceFilter]
    search_fields = ["handle"]
    search_help_text = _("Handle, address or number")
    ordering = ["-id"]
    sortable_by = ()
    first_seen = ago("first_seen_at", _("first seen"))
    fields = ["kind", "place", "value", "handle", "display_name", "profile_url", "reach", "first_seen_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Identity]:
        owners = IdentityLink.objects.filter(state=IdentityLink.State.CONFIRMED).select_related("customer")
        return super().get_queryset(request).prefetch_related(Prefetch("links", owners, to_attr="owners"))

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        words = search_term.lstrip("@")
        return (queryset.filter(Q(handle__icontains=words) | Q(value=words)) if words else queryset), False

    @admin.display(description=_("belongs to"))
    def belongs_to(self, identity: Identity) -> str:
        return ", ".join(link.customer.name for link in identity.owners)  # type: ignore[attr-defined]
