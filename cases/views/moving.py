"""Snoozing, joining, parting and linking cases; taking it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import beside, deeds, joining, mentions, snooze
from cases.forms.moving import LinkForm, OtherCaseForm, SnoozeForm, SplitForm
from cases.joining import splitting
from cases.models import Case, Deed
from cases.views.pane import move, theirs
from crm.errors import Refused
from crm.models.staff import CARE_ROLES
from crm.web import Request, came_from, roles


class NoMoment(Refused):
    sentence = gettext_lazy("{why}")


def undo_of(pk: int) -> str:
    return reverse("cases:undo", args=[pk])


# --- snooze


@require_POST
@roles(*CARE_ROLES)
def snooze_until(request: Request, pk: int) -> HttpResponse:
    form = SnoozeForm(request.POST)

    def act(case: Case) -> None:
        if not form.is_valid():
            raise NoMoment(why=" ".join(str(error) for errors in form.errors.values() for error in errors))
        snooze.snooze(case=case, until=form.cleaned_data["until"], by=request.user)

    return move(request, pk, act, _("Snoozed."), undo=undo_of(pk))


@require_POST
@roles(*CARE_ROLES)
def wake(request: Request, pk: int) -> HttpResponse:
    return move(request, pk, lambda case: snooze.wake_now(case=case, by=request.user), _("Awake again."))


# --- taking back


@require_POST
@roles(*CARE_ROLES)
def undo(request: Request, pk: int) -> HttpResponse:
    """What this person did last to this case."""

    def act(case: Case) -> None:
        if not deeds.undo(deed=deeds.last_of(request.user, pk), by=request.user):
            raise deeds.ChangedSince

    return move(request, pk, act, _("Undone."))


@require_POST
@roles(*CARE_ROLES)
def undo_deed(request: Request, pk: int) -> HttpResponse:
    """What was done to many at once."""
    deed = get_object_or_404(Deed, pk=pk, by=request.user)
    restored, of = deeds.undo(deed=deed, by=request.user), len(deeds.concerned(deed))
    said = _("Undone for %(n)d of %(of)d.") if restored == of else _(
        "Undone for %(n)d of %(of)d: the others have changed since, and stay as they are."
    )  # fmt: skip
    messages.success(request, said % {"n": restored, "of": of})
    return redirect(came_from(request, reverse("cases:queue")))


# --- joining, parting, linking: each a page of its own


def _page(request: Request, name: str, case: Case, form: Any, **context: Any) -> HttpResponse:
    found = {"case": case, "form": form, **context}
    return render(request, f"cases/moving/{name}.html", found, status=422 if form.errors else 200)


def _done(request: Request, pk: int, said: str) -> HttpResponse:
    messages.success(request, said, extra_tags=f"undo:{undo_of(pk)}")
    return redirect("cases:case", pk)


def _try(form: Any, act: Callable[[], object]) -> bool:
    """Whether it was done; a refusal stands in the form."""
    try:
        act()
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def merge(request: Request, pk: int) -> HttpResponse:
    """Another case of the customer becomes part of this one."""
    case = theirs(request, pk)
    form = OtherCaseForm(request.POST or None, among=Case.objects.visible_to(request.user))
    if form.is_valid():
        other = form.cleaned_data["other"]
        if _try(form, lambda: joining.merge(case=other, into=case, by=request.user)):
            return _done(request, case.pk, _("#%(case)d is part of this case now.") % {"case": other.pk})
    return _page(request, "merge", case, form, others=beside.others(case, request.user))


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def split(request: Request, pk: int) -> HttpResponse:
    """Some of what the customer said becomes a case of its own."""
    case, made = theirs(request, pk), []
    said = list(splitting.of_customer(case))
    form = SplitForm(request.POST or None, said=said)
    if form.is_valid():
        facts = {"messages": form.cleaned_data["messages"], "subject": form.cleaned_data["subject"]}
        if _try(form, lambda: made.append(joining.split(case=case, by=request.user, **facts))):
            return _done(request, case.pk, _("Case #%(case)d was split off.") % {"case": made[0].pk})
    return _page(request, "split", case, form, said=said, chosen=request.POST.getlist("messages"))


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def link(request: Request, pk: int) -> HttpResponse:
    case = theirs(request, pk)
    form = LinkForm(request.POST or None, among=Case.objects.visible_to(request.user).with_row())
    if form.is_valid():
        other, kind = form.cleaned_data["other"], form.cleaned_data["kind"]
        if _try(form, lambda: joining.link(one=case, other=other, kind=kind, by=request.user)):
            return _done(request, case.pk, _("Linked to #%(case)d.") % {"case": other.pk})
    return _page(request, "link", case, form, others=beside.others(case, request.user))


@require_POST
@roles(*CARE_ROLES)
def unlink(request: Request, pk: int, other: int) -> HttpResponse:
    def act(case: Case) -> None:
        joining.unlink(one=case, other=Case(pk=other), by=request.user)

    return move(request, pk, act, _("The link is gone."), undo=undo_of(pk))


# --- whom a note may name


@require_GET
@roles(*CARE_ROLES)
def mentionable(request: Request, pk: int) -> HttpResponse:
    people, teams = mentions.those_who_see(theirs(request, pk))
    named = [(mentions.slug(team), team) for team in teams]
    return render(request, "cases/moving/_mentionable.html", {"people": people, "teams": named})
