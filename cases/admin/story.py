"""The admin's pages about the story of cases: to look at; what happens to them happens in the case."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cases.models import Commitment, GroupQuestion, HandOver
from crm.administration import ReadOnlyAdmin, ago, beginning


@admin.register(HandOver)
class HandOverAdmin(ReadOnlyAdmin[HandOver]):
    list_display = ["__str__", "by", "to", "team", "state", "handed"]
    handed = ago("at", _("handed over"))
    list_filter = ["state"]
    list_select_related = ["by", "to", "team"]
    ordering = ["-id"]
    fields = [
        "case", "by", "to", "team", "at", "story", "promised", "promised_until", "next_step", "state", "decided_by",
        "decided_at", "why",
    ]  # fmt: skip

    def view_on_site(self, given: HandOver) -> str:
        return given.case.get_absolute_url()


@admin.register(Commitment)
class CommitmentAdmin(ReadOnlyAdmin[Commitment]):
    list_display = ["what", "case_number", "by", "until", "kept_at", "dropped_at"]
    list_select_related = ["by"]
    ordering = ["-id"]
    fields = ["case", "text", "until", "by", "at", "kept_at", "dropped_at", "ended_by", "why"]

    @admin.display(description=_("what we promised"))
    def what(self, made: Commitment) -> str:
        return beginning(made.text)

    @admin.display(description=_("case"))
    def case_number(self, made: Commitment) -> str:
        return f"#{made.case_id}"

    def view_on_site(self, made: Commitment) -> str:
        return made.case.get_absolute_url()


@admin.register(GroupQuestion)
class GroupQuestionAdmin(ReadOnlyAdmin[GroupQuestion]):
    list_display = ["what", "group", "by", "asked", "due_at", "answered_by", "answered_at"]
    asked = ago("at", _("asked"))
    list_filter = ["group"]
    list_select_related = ["group", "by", "answered_by"]
    ordering = ["-id"]
    fields = ["case", "group", "by", "at", "text", "due_at", "answer", "answered_by", "answered_at", "withdrawn_at"]

    @admin.display(description=_("question"))
    def what(self, question: GroupQuestion) -> str:
        return beginning(question.text)

    def view_on_site(self, question: GroupQuestion) -> str:
        return question.case.get_absolute_url()
