"""Copies, erasures and what the retention rules took: to look at. All three are written where they happen."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from crm.administration import ReadOnlyAdmin, ago, as_written, since_filter
from crm.models import PrivacyRequest, RetentionRule, RetentionRun
from crm.privacy import retention
from crm.templatetags.privacy import by_kind


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(ReadOnlyAdmin[PrivacyRequest]):
    """The file itself is fetched on the customer's page, where that is written down."""

    list_display = ["__str__", "state", "reason", "by", "how_long", "finished_at"]
    list_filter = ["kind", "state"]
    list_select_related = ["by"]
    search_fields = ["=customer__pk"]
    search_help_text = _("Number of the customer")
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        *("kind", "customer", "state", "reason", "by", "asked_at", "step", "trouble", "finished_at", "file_until"),
        "counted",
    ]
    how_long = ago("asked_at", _("asked"))

    def view_on_site(self, request: PrivacyRequest) -> str:
        return request.customer.get_absolute_url()

    @admin.display(description=_("receipt"))
    def counted(self, request: PrivacyRequest) -> SafeString:
        lines = (f"{label}: {count:,}" for label, count in by_kind(request.receipt.get("erased", {})))
        return as_written("\n".join(lines) or "–")


@admin.register(RetentionRule)
class RetentionRuleAdmin(ReadOnlyAdmin[RetentionRule]):
    """Switched in the team settings, after a look at what would go."""

    list_display = ["named", "days", "enabled_by", "enabled_at"]
    list_select_related = ["enabled_by"]
    list_filter = [since_filter("enabled_at", _("state"), yes=_("On"), no=_("Off"))]
    fields = ["named", "days", "enabled_by", "enabled_at"]
    sortable_by = ()

    @admin.display(description=_("kind of data"))
    def named(self, rule: RetentionRule) -> str:
        kind = retention.KINDS.get(rule.kind)
        return str(kind.label if kind else rule.kind)


@admin.register(RetentionRun)
class RetentionRunAdmin(ReadOnlyAdmin[RetentionRun]):
    list_display = ["__str__", "dry", "by", "how_long"]
    list_filter = ["dry"]
    list_select_related = ["by"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["at", "dry", "by", "removed"]
    how_long = ago("at", _("at"))
