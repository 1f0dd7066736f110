"""The tree of causes, their checklists, and joining two that are one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cases import causes as tree_of_causes
from cases import deeds
from cases.forms import CauseForm, ChecklistForms, JoinForm
from cases.likely import taken
from cases.models import Cause, ChecklistItem, Deed
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def causes(request: Request) -> HttpResponse:
    """The tree, with what became of suggested causes, and a form to add to it."""
    form = CauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        log("made", form.save(), by=request.user)
        return redirect("cases:causes")
    counted, suggested = list(Cause.objects.with_counts()), taken.figures()
    for each in counted:
        each.stood_first, each.was_taken = suggested.by_cause.get(each.pk, (0, 0))  # type: ignore[attr-defined]
    tree = [c for c in counted if c.parent_id is None]
    for top in tree:
        top.below = [c for c in counted if c.parent_id == top.pk]  # type: ignore[attr-defined]
    context = {"tree": tree, "form": form, "suggested": suggested}
    return render(request, "cases/settings_causes.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def cause(request: Request, pk: int) -> HttpResponse:
    """Rename or move a cause; `retire` takes it out of use or back: cases that have it keep it."""
    found = get_object_or_404(Cause, pk=pk)
    if request.method == "POST" and "retire" in request.POST:
        tree_of_causes.retire(cause=found, retired=request.POST["retire"] == "1", by=request.user)
        return redirect("cases:causes")
    form = CauseForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        log("changed", form.save(), by=request.user)
        return redirect("cases:causes")
    return _page(request, get_object_or_404(Cause, pk=pk), form=form)


def _page(request: Request, found: Cause, **shown: Any) -> HttpResponse:
    """A cause with its three forms; `shown` are those that were filled in."""
    context = {
        "form": CauseForm(instance=found),
        "checklist": ChecklistForms(queryset=ChecklistItem.objects.filter(cause=found), prefix="items"),
        "join_form": JoinForm(cause=found),
        "cause": found,
    } | shown
    wrong = any(getattr(form, "is_bound", False) and not form.is_valid() for form in shown.values())
    return render(request, "cases/cause_form.html", context, status=422 if wrong else 200)


@require_POST
@roles(*LEADING_ROLES)
def checklist(request: Request, pk: int) -> HttpResponse:
    """What is to be done in each case of this cause."""
    found = get_object_or_404(Cause, pk=pk)
    forms = ChecklistForms(request.POST, queryset=ChecklistItem.objects.filter(cause=found), prefix="items")
    if not forms.is_valid():
        return _page(request, found, checklist=forms)
    forms.keep(found)  # type: ignore[attr-defined]
    log("changed", found, by=request.user, detail=_("its checklist"))
    messages.success(request, _("The checklist of “%(cause)s” is kept.") % {"cause": found})
    return redirect("cases:cause", pk)


@require_POST
@roles(*LEADING_ROLES)
def cause_join(request: Request, pk: int) -> HttpResponse:
    """Show what joining it to another moves; with `sure`, do it."""
    found = get_object_or_404(Cause.objects.select_related("parent"), pk=pk)
    form = JoinForm(request.POST, cause=found)
    if not form.is_valid():
        return _page(request, found, join_form=form)
    into = form.cleaned_data["into"]
    if "sure" not in request.POST:
        return _page(request, found, join_form=form, preview=tree_of_causes.preview(cause=found, into=into))
    deed = tree_of_causes.merge(cause=found, into=into, by=request.user)
    said = _("“%(cause)s” is now “%(into)s”.") % {"cause": found, "into": into}
    undo = reverse("cases:cause_join_undo", args=[deed.pk])
    messages.success(request, said, extra_tags=f"undo:{undo}")
    return redirect("cases:causes")


@require_POST
@roles(*LEADING_ROLES)
def cause_join_undo(request: Request, pk: int) -> HttpResponse:
    deed = get_object_or_404(Deed, pk=pk, by=request.user, action=tree_of_causes.ACTION)
    moved = deeds.undo(deed=deed, by=request.user)
    messages.success(request, _("Put apart again, with %(n)s cases.") % {"n": moved})
    return redirect("cases:causes")
