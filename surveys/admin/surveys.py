"""The admin's pages about surveys: to look at. What happens to them happens on their own pages, where rules hold."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.administration import ReadOnlyAdmin, ReadOnlyInline, ago, beginning, number_in, since_filter
from surveys.models import (
    ActionPlan,
    Answer,
    Condition,
    Flag,
    Invitation,
    PlanAnswer,
    Question,
    Response,
    Survey,
    SurveySettings,
    Theme,
    Told,
    Version,
    Wave,
)

# --- what is asked


class VersionInline(ReadOnlyInline):
    model = Version
    fields = ["number", "languages", "made_by", "made_at", "sent_at"]
    show_change_link = True


class QuestionInline(ReadOnlyInline):
    model = Question
    fields = ["position", "key", "kind", "required", "topic", "shelf_days"]
    show_change_link = True


class ConditionInline(ReadOnlyInline):
    model = Condition
    fk_name = "question"
    fields = ["about", "fact", "test", "values"]


@admin.register(Survey)
class SurveyAdmin(ReadOnlyAdmin[Survey]):
    list_display = ["name", "kind", "brand", "made_by", "made", "retired_at"]
    made = ago("made_at", _("made"))
    list_filter = ["kind", since_filter("retired_at", _("state"), yes=_("Retired"), no=_("In use"))]
    list_select_related = ["made_by"]
    search_fields = ["name"]
    inlines = [VersionInline]

    def view_on_site(self, survey: Survey) -> str:
        return survey.get_absolute_url()


@admin.register(Version)
class VersionAdmin(ReadOnlyAdmin[Version]):
    list_display = ["__str__", "languages", "made_by", "made", "sent_at"]
    made = ago("made_at", _("made"))
    list_filter = [since_filter("sent_at", _("state"), yes=_("Sent"), no=_("In the making"))]
    list_select_related = ["survey", "made_by"]
    search_fields = ["survey__name"]
    ordering = ["-id"]
    sortable_by = ()
    inlines = [QuestionInline]

    def view_on_site(self, version: Version) -> str:
        return version.get_absolute_url()


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin[Question]):
    list_display = ["key", "kind", "version", "position", "topic"]
    list_filter = ["kind", "topic"]
    list_select_related = ["version__survey"]
    search_fields = ["key"]
    ordering = ["-id"]
    sortable_by = ()
    inlines = [ConditionInline]


@admin.register(SurveySettings)
class SurveySettingsAdmin(ReadOnlyAdmin[SurveySettings]):
    """One row, made when a lead first saves its page."""

    list_display = ["__str__", "begins_on", "rest_days", "least", "valid_days", "case_hours"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).order_by("pk")


# --- who is asked


@admin.register(Wave)
class WaveAdmin(ReadOnlyAdmin[Wave]):
    list_display = ["name", "version", "state", "opens_at", "closes_at", "imported", "made_by"]
    list_filter = ["state", "imported"]
    list_select_related = ["version__survey", "made_by"]
    search_fields = ["name"]

    def view_on_site(self, wave: Wave) -> str:
        return wave.get_absolute_url()


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin[Invitation]):
    """Without its number: who knows it and the key of this house can answer in somebody's name."""

    list_display = ["customer", "wave", "by", "state", "due", "sent", "opened_at"]
    due = ago("due_at", _("due"))
    sent = ago("sent_at", _("sent"))
    list_filter = ["state", "by"]
    list_select_related = ["customer", "wave"]
    search_fields = ["pk"]
    search_help_text = _("#17, or the customer’s name")
    sortable_by = ()
    fields = [
        "customer", "version", "wave", "case", "by", "identity", "message", "state", "reason", "stratum", "weight",
        "due_at", "claimed_at", "sent_at", "opened_at", "ended_at", "expires_at", "reminded", "reminded_at",
    ]  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Invitation], search_term: str
    ) -> tuple[QuerySet[Invitation], bool]:
        words, number = search_term.strip(), number_in(search_term)
        if not words:
            return queryset, False
        return (queryset.filter(pk=number) if number else queryset.filter(customer__name__icontains=words)), False


# --- what they answered


class AnswerInline(ReadOnlyInline):
    model = Answer
    fields = ["question", "number", "chosen", "text", "agreed", "seconds", "answered_at"]
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("question__version__survey")


class FlagInline(ReadOnlyInline):
    model = Flag
    fields = ["kind", "why", "at"]


class ThemeInline(ReadOnlyInline):
    model = Theme
    fields = ["topic", "cause", "tone", "words", "suggested", "decided_by", "decided_at", "dropped_at"]


class PlanAnswerInline(ReadOnlyInline):
    model = PlanAnswer
    fields = ["answer", "by", "at"]


@admin.register(Response)
class ResponseAdmin(ReadOnlyAdmin[Response]):
    list_display = ["customer", "wave", "score", "group", "started", "finished_at", "left_out_at"]
    started = ago("started_at", _("started"))
    list_filter = ["group", since_filter("left_out_at", _("left out"), yes=_("Yes"), no=_("No"))]
    list_select_related = ["invitation__customer", "invitation__wave"]
    sortable_by = ()
    fields = [
        "invitation", "language", "score", "group", "started_at", "finished_at", "quotable_at", "left_out_at",
        "left_out_by", "let_in_at", "let_in_by",
    ]  # fmt: skip
    inlines = [AnswerInline, FlagInline]

    @admin.display(description=_("customer"))
    def customer(self, response: Response) -> str:
        return str(response.invitation.customer)

    @admin.display(description=_("wave"))
    def wave(self, response: Response) -> str:
        return str(response.invitation.wave or "–")

    def view_on_site(self, response: Response) -> str:
        return response.get_absolute_url()


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin[Answer]):
    list_display = ["asked", "answered", "at"]
    at = ago("answered_at", _("answered"))
    list_filter = ["question__kind"]
    list_select_related = ["question"]
    ordering = ["-id"]
    sortable_by = ()
    inlines = [ThemeInline]

    @admin.display(description=_("question"))
    def asked(self, answer: Answer) -> str:
        return answer.question.key

    @admin.display(description=_("answer"))
    def answered(self, answer: Answer) -> str:
        return beginning(answer.text) or ", ".join(answer.chosen) or str(answer.value)


# --- what is done about it


@admin.register(ActionPlan)
class ActionPlanAdmin(ReadOnlyAdmin[ActionPlan]):
    list_display = ["title", "topic", "owner", "due_on", "state"]
    list_filter = ["state", "topic"]
    list_select_related = ["owner"]
    search_fields = ["title"]
    inlines = [PlanAnswerInline]

    def view_on_site(self, plan: ActionPlan) -> str:
        return plan.get_absolute_url()


@admin.register(Told)
class ToldAdmin(ReadOnlyAdmin[Told]):
    list_display = ["customer", "plan", "how", "decided_at", "at", "reason"]
    list_filter = ["how"]
    list_select_related = ["customer", "plan"]
    search_fields = ["plan__title"]

    def view_on_site(self, told: Told) -> str:
        return told.plan.get_absolute_url()
