"""Malicious messages: a form beside the message, the list of what was done, and the second pair of eyes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import cast

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from cases import malicious
from cases.forms.malicious import MaliciousForm, MeasureForm
from cases.models import Case, CaseMessage
from cases.views.pane import move, theirs
from channels_app import measures
from channels_app.models import Measure
from channels_app.models.measures import MeasureQuerySet
from crm import exporting
from crm.errors import Refused
from crm.models.staff import CARE_ROLES, LEADING_ROLES
from crm.views.exports import filter_of
from crm.web import Request, came_from, keyset_page, roles

PAGE = 50
KEY = ("id",)
COLUMNS = (
    "what", "state", "reason", "detail", "author", "channel", "case", "by", "at", "second person", "looked at",
    "lifted by", "lifted at", "lifted because", "done on the network", "trouble",
)  # fmt: skip


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request")
def measure(request: Request, pk: int) -> HttpResponse:
    """What to do about message `pk`: the form, and the deed."""
    entry = get_object_or_404(CaseMessage.objects.select_related("message__identity", "message__channel"), message=pk)
    case, form = theirs(request, entry.case_id), MeasureForm(request.POST or None, auto_id=f"measure_{pk}_%s")
    if request.method == "POST" and (form.is_valid() or request.htmx):
        return _taken(request, case, entry, form)
    context = {"case": case, "message": entry.message, "form": form, "alone": not request.htmx}
    part = "cases/private/_measure_form.html" if request.htmx else "cases/private/measure.html"
    return render(request, part, context, status=422 if form.errors else 200)


def _taken(request: Request, case: Case, entry: CaseMessage, form: MeasureForm) -> HttpResponse:
    taken: list[Measure] = []

    def act(case: Case) -> None:
        if not form.is_valid():
            raise measures.NoReason
        taken.append(malicious.take(case=case, message=entry.message, by=request.user, **form.cleaned_data))

    waits = form.data.get("kind") in malicious.PROPOSED
    done = _("Proposed: it waits for a second person.") if waits else _("Done. Nothing of it is lost.")
    undo = SimpleLazyObject(lambda: reverse("cases:measure_lift", args=[taken[0].pk]))  # its number is known by then
    return move(request, case.pk, act, done, cast(str, undo))


@require_GET
@roles(*CARE_ROLES)
def listed(request: Request) -> HttpResponse:
    """What waits for a second person first, then everything else, newest first."""
    form = MaliciousForm(request.GET)
    found = form.narrow(_visible(request))
    waiting, rest = ([], found) if form.state_chosen else (found.waiting().order_by("id")[:PAGE], found.decided())
    page = keyset_page(rest, request.GET, key=KEY, size=PAGE, newest_first=True)
    shown = {"waiting": [] if request.GET.get("after") else waiting, "page": page}
    return render(request, "cases/private/malicious.html", {"form": form, **shown})


def _visible(request: Request) -> MeasureQuerySet:
    found = malicious.visible_to(request.user)
    return found.select_related("by", "seconded_by", "lifted_by", "identity", "channel", "message__case_entry")


@require_GET
@roles(*LEADING_ROLES)
def export(request: Request) -> exporting.Streamed:
    query = filter_of(request)
    found = MaliciousForm(query).narrow(_visible(request))
    rows = _rows(exporting.every(found, key=KEY, newest_first=True))
    return exporting.response(request, _("malicious"), COLUMNS, rows, query=query)


def _rows(found: Iterable[Measure]) -> Iterator[list[object]]:
    for one in found:
        entry = getattr(one.message, "case_entry", None)
        yield [
            one.kind, one.state, one.reason, one.detail, one.identity.label if one.identity else "", one.channel.name,
            entry.case_id if entry else None, str(one.by), one.at, str(one.seconded_by or ""), one.seconded_at,
            str(one.lifted_by or ""), one.lifted_at, one.lifted_why, one.told_at, one.trouble,
        ]  # fmt: skip


@require_POST
@roles(*CARE_ROLES)
def second(request: Request, pk: int) -> HttpResponse:
    return _decided(request, pk, lambda found: malicious.second(measure=found, by=request.user), _("It holds now."))


@require_POST
@roles(*CARE_ROLES)
def refuse(request: Request, pk: int) -> HttpResponse:
    why = request.POST.get("why", "")
    return _decided(request, pk, lambda found: malicious.refuse(measure=found, by=request.user, why=why), _("Refused."))


@require_POST
@roles(*CARE_ROLES)
def lift(request: Request, pk: int) -> HttpResponse:
    why = request.POST.get("why", "")
    return _decided(request, pk, lambda found: malicious.lift(measure=found, by=request.user, why=why), _("Lifted."))


def _decided(request: Request, pk: int, act: Callable[[Measure], object], done: str) -> HttpResponse:
    """In the pane for HTMX, on the page it came from for a plain form."""
    found = get_object_or_404(_visible(request), pk=pk)
    if request.htmx:
        return move(request, found.message.case_entry.case_id, lambda case: act(found), done)
    try:
        act(found)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect(came_from(request, reverse("cases:malicious")))
