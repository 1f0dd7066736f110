"""Who is to be called: one's own calls, the pool, for leads all; and how a call goes from hand to hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from channels_app import live
from crm import exporting
from crm.errors import Refused
from crm.models import User
from crm.models.staff import CALLING_ROLES, LEADING_ROLES
from crm.views.exports import filter_of
from crm.web import Page, Request, came_from, keyset_page, part_of, roles, without
from surveys.forms.outreach.calls import ALL, MINE, CallsForm, GiveForm, HandBackForm, PlanForm
from surveys.models import Call
from surveys.models.calls import CALLER_OF, CallQuerySet
from surveys.outreach import assigning, calling, listing
from surveys.outreach.listing import Card
from surveys.outreach.loops import came_of

PAGE = 40  # a page follows each call that it shows, and a line follows sixty streams
MOST_COUNTED = 100
LATELY = timedelta(hours=1)  # a page that was open for longer has been drawn anew
KEY = ("due_at", "id")
COLUMNS = (
    "id", "customer", "customer id", "country", "for what", "who calls", "group", "owner", "state", "due",
    "planned for", "tried in vain", "reason", "made", "ended",
)  # fmt: skip


@dataclass(frozen=True)
class Trouble:
    """What could not be done to a call, and what was typed: shown where it was typed."""

    call: int
    deed: str
    form: forms.Form | None = None
    refusal: str = ""
    people: Any = ()

    def beside(self, cards: list[Card]) -> bool:
        """Whether what was typed stands on the page, with what is wrong with it."""
        shown = any(card.call.pk == self.call and self.deed in ("give", *card.forms) for card in cards)
        return shown and self.form is not None

    @property
    def sentence(self) -> str:
        wrong = [error for errors in self.form.errors.values() for error in errors] if self.form else []
        return self.refusal or str(next(iter(wrong), ""))


def _visible(request: Request) -> CallQuerySet:
    return Call.objects.visible_to(request.user).with_people()


# --- the list


@require_GET
@roles(*CALLING_ROLES)
@vary_on_headers("HX-Request")
def calls(request: Request) -> HttpResponse:
    """What may be called now first. Who calls begins with their own, leads with all."""
    return _shown(request)


def _shown(request: Request, trouble: Trouble | None = None) -> HttpResponse:
    """The list; for HTMX without its frame. The numbers of what it follows are asked for before its rows are read."""
    form, user = CallsForm(request.GET, user=request.user), request.user
    page = keyset_page(form.narrow(Call.objects.visible_to(user)).only(*KEY), request.GET, key=KEY, size=PAGE)
    streams = live.numbers([f"user:{user.pk}", *(f"call:{call.pk}" for call in page.rows)])
    cards = _cards(request, page, trouble)
    context = {
        "form": form, "page": page, "streams": streams.items(), "sections": _sections(form, cards), "cards": cards,
        "query": without(request.GET, "after"), "place": request.GET.urlencode(), "trouble": trouble,
        "is_filtered": bool(without(request.GET, "after", "show")), "next": _next(form, cards),
        "is_beside": trouble and trouble.beside(cards), **_around(request, form),
    }  # fmt: skip
    template = "surveys/calls/_list.html" if request.htmx else "surveys/calls/calls.html"
    return render(request, template, context, status=422 if trouble else 200)


def _cards(request: Request, page: Page, trouble: Trouble | None) -> list[Card]:
    found = _visible(request).filter(pk__in=[call.pk for call in page.rows]).order_by(*KEY)
    cards = listing.cards(found, timezone.now(), request.user)
    for card in cards:
        card.forms = _forms(request, card.call, trouble)
    return cards


def _forms(request: Request, call: Call, trouble: Trouble | None) -> dict[str, forms.Form]:
    """Of one's own calls; what was typed stands where it was typed."""
    if not (call.is_live and call.owner_id == request.user.pk):
        return {}
    made: dict[str, forms.Form] = {
        "plan": PlanForm(auto_id=f"plan-{call.pk}-%s"), "hand_back": HandBackForm(auto_id=f"back-{call.pk}-%s"),
    }  # fmt: skip
    if trouble and trouble.call == call.pk and trouble.form is not None:
        made[trouble.deed] = trouble.form
    return made


def _sections(form: CallsForm, cards: list[Card]) -> list[tuple[str, list[Card]]]:
    if form.show_what == ALL:
        return [("", cards)] if cards else []
    return listing.in_order(cards)


def _next(form: CallsForm, cards: list[Card]) -> Card | None:
    """The one to call first of one's own."""
    if form.show_what != MINE:
        return None
    return next((card for _when, part in listing.in_order(cards) for card in part), None)


def _around(request: Request, form: CallsForm) -> dict[str, Any]:
    """One's week, how many wait in the pool, and what came of one's calls."""
    user = request.user
    waiting = Call.objects.visible_to(user).in_pool()[:MOST_COUNTED].count()
    return {
        "show": form.show_what, "pooled": f"{MOST_COUNTED - 1}+" if waiting == MOST_COUNTED else waiting,
        "week": listing.week_of(user) if user.role in CALLER_OF else None,
        "came_of": came_of.of(user) if form.show_what == MINE and not request.GET.get("after") else None,
    }  # fmt: skip


@require_GET
@roles(*LEADING_ROLES)
def calls_export(request: Request) -> exporting.Streamed:
    """For leads: who has ten calls reads them on the page, and needs no file of customers."""
    query = filter_of(request)
    form = CallsForm(query, user=request.user)
    found = exporting.every(form.narrow(_visible(request)), key=KEY)
    return exporting.response(request, _("calls"), COLUMNS, _lines(found), query=query)


def _lines(found: Iterable[Call]) -> Iterator[list[object]]:
    for call in found:
        yield [
            call.pk, call.customer.name, call.customer_id, call.customer.country, call.kind, call.to, call.group,
            call.owner.username if call.owner else "", call.state, call.due_at, call.planned_for, call.tries,
            call.reason, call.made_at, call.ended_at,
        ]  # fmt: skip


# --- from hand to hand


@require_POST
@roles(*CALLING_ROLES)
def call_take(request: Request, pk: int) -> HttpResponse:
    """From the pool. Whoever saw it there a moment ago, and comes second, is told whose it is."""
    seen = Call.objects.to_note(request.user, timezone.now() - LATELY).filter(pk=pk)
    call = get_object_or_404(seen.select_related("customer", "owner"))
    return _moved(request, call, "take", lambda held: assigning.take(call=held, by=request.user), _("It is yours."))


@require_POST
@roles(*CALLING_ROLES)
def call_hand_back(request: Request, pk: int) -> HttpResponse:
    """To the pool, with the reason. Whose it was may take it again at once."""
    call, form = _one(request, pk), HandBackForm(request.POST, auto_id=f"back-{pk}-%s")
    if not form.is_valid():
        return _shown(request, Trouble(pk, "hand_back", form))
    why = form.cleaned_data["why"]
    own = call.owner_id == request.user.pk and CALLER_OF.get(request.user.role) == call.to
    return _moved(
        request, call, "hand_back", lambda held: assigning.hand_back(call=held, why=why, by=request.user),
        _("It stands in the pool again."), form, undo=reverse("surveys:call_take", args=[pk]) if own else "",
    )  # fmt: skip


@require_POST
@roles(*CALLING_ROLES)
def call_plan(request: Request, pk: int) -> HttpResponse:
    call, form = _one(request, pk), PlanForm(request.POST, auto_id=f"plan-{pk}-%s")
    if not form.is_valid():
        return _shown(request, Trouble(pk, "plan", form))
    at = form.moment
    day = date_format(timezone.localtime(at), "l j F, H:i")
    done = _("Planned for %(day)s.") % {"day": day}
    return _moved(request, call, "plan", lambda held: calling.plan(call=held, at=at, by=request.user), done, form)


@require_http_methods(["GET", "POST"])
@roles(*CALLING_ROLES)
@vary_on_headers("HX-Request")
def call_give(request: Request, pk: int) -> HttpResponse:
    """Whom to give it to, each with their week; and giving it."""
    call, form = (
        _one(request, pk),
        GiveForm(request.POST if request.method == "POST" else None, auto_id=f"give-{pk}-%s"),
    )
    context = {"call": call, "form": form, "people": _people(call), "place": request.GET.urlencode()}
    if request.method == "GET":
        return part_of(request, call, "surveys/calls/_give.html", context)
    if not form.is_valid():
        return _shown(request, Trouble(call.pk, "give", form, people=context["people"]))
    to = form.cleaned_data["to"]
    done = _("%(who)s has it now.") % {"who": to}
    return _moved(
        request, call, "give", lambda held: assigning.give(call=held, to=to, by=request.user), done, form,
        people=context["people"],
    )  # fmt: skip


def _people(call: Call) -> list[tuple[User, listing.Week]]:
    """Who is here and calls: those it is for first, and of them whoever has most room."""
    here = listing.here(timezone.now())
    weeks = listing.weeks_of(here)
    first = sorted(here, key=lambda user: (CALLER_OF.get(user.role) != call.to, weeks[user.pk].share, str(user)))
    return [(user, weeks[user.pk]) for user in first if user.pk != call.owner_id]


@require_POST
@roles(*CALLER_OF)
def calls_more(request: Request) -> HttpResponse:
    """Five names more this week."""
    assigning.ask_for_more(by=request.user)
    messages.success(request, _("You take on five names more this week. What waits in the pool comes by itself."))
    return _shown(request) if request.htmx else redirect(_back(request))


def _one(request: Request, pk: int) -> Call:
    return get_object_or_404(_visible(request), pk=pk)


def _moved(
    request: Request, call: Call, deed: str, act: Callable[[Call], object], done: str, form: forms.Form | None = None,
    *, undo: str = "", people: Any = (),
) -> HttpResponse:  # fmt: skip
    """Do it, and show the list again. A refusal stands with the call, and what was typed stays."""
    try:
        act(call)
    except Refused as refusal:
        return _shown(request, Trouble(call.pk, deed, form, str(refusal), people))
    messages.success(request, done, extra_tags=f"undo:{undo}" if undo else "")
    return _shown(request) if request.htmx else redirect(_back(request))


def _back(request: Request) -> str:
    """To the list as it stood, or to the page that asked."""
    place = request.GET.urlencode()
    listed = reverse("surveys:calls") + (f"?{place}" if place else "")
    return came_from(request, listed) if "next" in request.POST else listed
