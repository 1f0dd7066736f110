"""Asking colleagues who know, inside the case. Who asked keeps it; the group answers on a page of its own."""

from __future__ import annotations

from collections import defaultdict

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import live, told
from cases.models import Case, GroupQuestion
from crm import hours, notices
from crm.errors import Refused
from crm.models import Notice, SupportGroup, User
from crm.models.activity import log

AT_ONCE = 200  # overdue questions whose groups are reminded in one go


class NothingAsked(Refused):
    sentence = _("Write what you want to know.")


class GroupClosed(Refused):
    sentence = _("{group} is no longer asked. Choose another group.")


class NobodyInGroup(Refused):
    sentence = _("Nobody who still works here is in {group}, so nobody would answer. Ask a lead to add somebody.")


class CaseIsOver(Refused):
    sentence = _("This case is {state}. Reopen it before you ask somebody.")


class NothingAnswered(Refused):
    sentence = _("Write the answer first.")


class NotInGroup(Refused):
    sentence = _("Only members of {group} answer what it is asked.")


class AnsweredAlready(Refused):
    sentence = _("{who} has answered this already.")


class Withdrawn(Refused):
    sentence = _("This question was withdrawn: nobody waits for an answer any more.")


class NotYourQuestion(Refused):
    sentence = _("Only {who}, who asked, whoever has the case, or a lead can withdraw this question.")


@transaction.atomic
def ask(*, case: Case, group: SupportGroup, text: str, by: User) -> GroupQuestion:
    """Ask a group. Its answer is due after so many minutes of its own hours; the case stays where it is."""
    case = Case.objects.locked(case.pk)
    text = text.strip().replace("\x00", "")[:4000]
    if not text:
        raise NothingAsked
    if not case.is_unresolved:
        raise CaseIsOver(state=case.get_state_display().lower())
    members = _members(group)
    due = hours.after(group.calendar, timezone.now(), group.answer_minutes * 60)
    asked = GroupQuestion.objects.create(case=case, group=group, by=by, text=text, due_at=due)
    log("question asked", case, by=by, detail=str(group))
    said = gettext("%(who)s asks %(group)s in case #%(case)s.") % {"who": by, "group": group, "case": case.pk}
    notices.tell(members, Notice.Kind.ASKED, said, url=_page(asked), about=asked, by=by)
    _changed(asked, by)
    return asked


@transaction.atomic
def answer(*, question: GroupQuestion, text: str, by: User) -> GroupQuestion:
    """One answer, by who is a member now; the first of two at once counts, the other is told whose it is."""
    text = text.strip().replace("\x00", "")[:8000]
    if not text:
        raise NothingAnswered
    if not question.group.members.filter(pk=by.pk).exists():
        raise NotInGroup(group=question.group)
    waiting = GroupQuestion.objects.waiting().filter(pk=question.pk)
    answered = waiting.update(answer=text, answered_by=by, answered_at=timezone.now())
    question.refresh_from_db()
    if not answered:
        raise _why_not(question)
    log("question answered", question.case, by=by, detail=str(question.group))
    facts = {"group": question.group, "case": question.case_id}
    said = gettext("%(group)s has answered in case #%(case)s.") % facts
    hearing = [pk for pk in (question.by_id, question.case.owner_id) if pk]
    page = reverse("cases:case", args=[question.case_id])
    notices.tell(hearing, Notice.Kind.ANSWER, said, url=page, about=question.case, by=by)
    _changed(question, by)
    return question


@transaction.atomic
def withdraw(*, question: GroupQuestion, by: User) -> GroupQuestion:
    """No answer is needed any more: who asked, who has the case, or a lead."""
    if by.pk not in (question.by_id, question.case.owner_id) and not by.leads:
        raise NotYourQuestion(who=question.by)
    waiting = GroupQuestion.objects.waiting().filter(pk=question.pk)
    withdrawn = waiting.update(withdrawn_at=timezone.now())
    question.refresh_from_db()
    if not withdrawn:
        raise _why_not(question)
    log("question withdrawn", question.case, by=by, detail=str(question.group))
    _changed(question, by)
    return question


@transaction.atomic
def remind() -> int:
    """Remind groups, once, of what they should have answered by now. Returns of how many questions. By the clock."""
    overdue = GroupQuestion.objects.overdue(timezone.now()).filter(reminded_at=None).select_related("group", "by")
    found = list(overdue.select_for_update(of=("self",), skip_locked=True).order_by("due_at", "id")[:AT_ONCE])
    GroupQuestion.objects.filter(pk__in=[each.pk for each in found]).update(reminded_at=timezone.now())
    members = SupportGroup.members.through.objects.filter(supportgroup__in={each.group_id for each in found})
    of_group = defaultdict(list)
    for group, user in members.filter(user__is_active=True).values_list("supportgroup", "user"):
        of_group[group].append(user)
    notices.tell_each([_reminder(each, user) for each in found for user in of_group[each.group_id]])
    live.cases_changed({each.case_id for each in found})
    return len(found)


def _reminder(overdue: GroupQuestion, user: int) -> notices.Word:
    said = gettext("%(who)s still waits for an answer from %(group)s in case #%(case)s.")
    facts = {"who": overdue.by, "group": overdue.group, "case": overdue.case_id}
    return notices.Word(user, Notice.Kind.ASKED, said % facts, _page(overdue), overdue)


def _members(group: SupportGroup) -> list[User]:
    if group.closed_at:
        raise GroupClosed(group=group)
    members = list(group.members.filter(is_active=True))
    if not members:
        raise NobodyInGroup(group=group)
    return members


def _why_not(question: GroupQuestion) -> Refused:
    return AnsweredAlready(who=question.answered_by) if question.answered_at else Withdrawn()


def _page(question: GroupQuestion) -> str:
    return reverse("cases:group_question", args=[question.pk])


def _changed(question: GroupQuestion, by: User) -> None:
    told.changed([question.case_id])
    live.cases_changed([question.case_id], spoken=[question.case_id], by=by)
