"""The admin's page about replies that wait for approval: to look at; what happens to them happens in the case."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cases.models import Approval
from crm.administration import ReadOnlyAdmin, ago, beginning


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin[Approval]):
    list_display = ["words", "case_number", "by", "state", "decided_by", "written"]
    written = ago("at", _("written"))
    list_filter = ["state"]
    list_select_related = ["by", "decided_by"]
    ordering = ["-id"]
    fields = [
        "case", "text", "private", "acknowledges", "by", "at", "why", "state", "decided_by", "decided_at", "reason",
    ]  # fmt: skip

    @admin.display(description=_("reply"))
    def words(self, approval: Approval) -> str:
        return beginning(approval.text)

    @admin.display(description=_("case"))
    def case_number(self, approval: Approval) -> str:
        return f"#{approval.case_id}"

    def view_on_site(self, approval: Approval) -> str:
        return approval.case.get_absolute_url()
