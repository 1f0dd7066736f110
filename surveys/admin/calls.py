"""Calls, what was said in them, what groups were asked and have answered: to look at."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.administration import ReadOnlyAdmin, ReadOnlyInline, ago, beginning, number_in, since_filter
from surveys.models import Attempt, Call, FollowUp, GroupAnswer, GroupRequest, Heard, Loop


class CallInline(ReadOnlyInline):
    model = Call
    fields = ["kind", "to", "owner", "state", "due_at", "ended_at"]
    show_change_link = True


class FollowUpInline(ReadOnlyInline):
    model = FollowUp
    fields = ["step", "response", "done_at", "cancelled_at", "reason"]


class AttemptInline(ReadOnlyInline):
    model = Attempt
    fields = ["by", "at", "kept_at", "outcome"]
    show_change_link = True


class HeardInline(ReadOnlyInline):
    model = Heard
    fields = ["topic", "tone"]


class RequestInline(ReadOnlyInline):
    model = GroupRequest
    fields = ["hashtag", "group", "customer", "due_at", "answer", "withdrawn_at"]
    show_change_link = True


@admin.register(Loop)
class LoopAdmin(ReadOnlyAdmin[Loop]):
    list_display = ["customer", "state", "opened", "ended_at", "died_at_step", "why"]
    opened = ago("opened_at", _("opened"))
    list_filter = ["state", "died_at_step"]
    list_select_related = ["customer"]
    sortable_by = ()
    inlines = [CallInline]

    def view_on_site(self, loop: Loop) -> str:
        return loop.get_absolute_url()


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin[Call]):
    list_display = ["customer", "kind", "to", "owner", "state", "due", "tries"]
    due = ago("due_at", _("due"))
    list_filter = ["state", "kind", "to", "group"]
    list_select_related = ["customer", "owner"]
    search_fields = ["pk"]
    search_help_text = _("#17, or the customer’s name")
    ordering = ["-id"]
    sortable_by = ()
    inlines = [FollowUpInline, AttemptInline]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Call], search_term: str
    ) -> tuple[QuerySet[Call], bool]:
        words, number = search_term.strip(), number_in(search_term)
        if not words:
            return queryset, False
        return (queryset.filter(pk=number) if number else queryset.filter(customer__name__icontains=words)), False

    def view_on_site(self, call: Call) -> str:
        return call.get_absolute_url()


@admin.register(FollowUp)
class FollowUpAdmin(ReadOnlyAdmin[FollowUp]):
    list_display = ["step", "customer", "done_at", "cancelled_at", "reason"]
    list_filter = ["step", since_filter("done_at", _("done"), yes=_("Yes"), no=_("No"))]
    list_select_related = ["call__customer"]
    ordering = ["-id"]
    sortable_by = ()

    @admin.display(description=_("customer"))
    def customer(self, owed: FollowUp) -> str:
        return str(owed.call.customer)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    """The key its device gave it is not shown: it says nothing to anybody."""

    list_display = ["call", "by", "called", "outcome", "words"]
    called = ago("at", _("at"))
    list_filter = ["outcome"]
    list_select_related = ["call__customer", "by"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["call", "by", "at", "kept_at", "outcome", "note"]
    inlines = [HeardInline, RequestInline]

    @admin.display(description=_("note"))
    def words(self, attempt: Attempt) -> str:
        return beginning(attempt.note) or "–"


@admin.register(Heard)
class HeardAdmin(ReadOnlyAdmin[Heard]):
    list_display = ["topic", "tone", "customer", "heard"]
    list_filter = ["topic", "tone"]
    list_select_related = ["attempt__call__customer"]
    ordering = ["-id"]
    sortable_by = ()

    @admin.display(description=_("customer"))
    def customer(self, heard: Heard) -> str:
        return str(heard.attempt.call.customer)

    @admin.display(description=_("at"))
    def heard(self, heard: Heard) -> str:
        return f"{heard.attempt.at:%Y-%m-%d %H:%M}"


@admin.register(GroupRequest)
class GroupRequestAdmin(ReadOnlyAdmin[GroupRequest]):
    list_display = ["hashtag", "group", "customer", "words", "due", "answer", "withdrawn_at"]
    due = ago("due_at", _("due"))
    list_filter = ["group", since_filter("answer", _("answered"), yes=_("Yes"), no=_("No"))]
    list_select_related = ["hashtag", "group", "customer", "answer__group"]
    ordering = ["-id"]
    sortable_by = ()

    @admin.display(description=_("what they said"))
    def words(self, asked: GroupRequest) -> str:
        return beginning(asked.quote) or "–"

    def view_on_site(self, asked: GroupRequest) -> str:
        return asked.get_absolute_url()


@admin.register(GroupAnswer)
class GroupAnswerAdmin(ReadOnlyAdmin[GroupAnswer]):
    list_display = ["group", "kind", "words", "change_from", "plan", "by", "said"]
    said = ago("at", _("at"))
    list_filter = ["kind", "group"]
    list_select_related = ["group", "plan", "by"]
    sortable_by = ()
    inlines = [RequestInline]

    @admin.display(description=_("in words for the customer"))
    def words(self, answer: GroupAnswer) -> str:
        return beginning(answer.text)
