"""Loops: the figures of many, the list, the story of one, and what one customer or account asked and was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from channels_app import live
from crm import exporting
from crm.exporting import Streamed
from crm.models import Account, Customer
from crm.models.staff import CALLING_ROLES, CUSTOMER_ROLES, LEADING_ROLES, RESULT_ROLES, Role
from crm.views.exports import filter_of
from crm.web import Request, keyset_page, part_of, roles, without
from surveys.forms.outreach.loops import LoopsForm
from surveys.models import Loop
from surveys.models.loops import LoopQuerySet
from surveys.outreach import loops
from surveys.outreach.loops import Step
from surveys.outreach.loops.figures import TABLES
from surveys.outreach.loops.picture import bars

PAGE, LATEST = 50, 5
KEY = ("opened_at", "id")
PARTIALS = {"found": "surveys/loops/_found.html", "more": "surveys/loops/_more.html"}
COLUMNS = (
    "id", "customer id", "customer", "state", "opened", "ended", "answered", "called", "asked", "given", "told",
    "broke off before", "why",
)  # fmt: skip


def _visible(request: Request) -> LoopQuerySet:
    return Loop.objects.visible_to(request.user).select_related("customer")


@require_GET
@roles(*CALLING_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def board(request: Request) -> HttpResponse:
    """The list; and, for who reads results, the figures of all above it."""
    form, target = LoopsForm(request.GET), request.htmx.target or ""
    page = keyset_page(
        form.narrow(_visible(request), request.user), request.GET, key=KEY, size=PAGE, newest_first=True
    )  # fmt: skip
    context = {"form": form, "page": page, "rows": _rows(page.rows), "query": without(request.GET, "after")}
    if request.user.sees_results and target != "more":
        context |= _figures(form)
    return render(request, PARTIALS.get(target, "surveys/loops/board.html"), context)


def _rows(found: list[Loop]) -> list[dict[str, Any]]:
    """Each with when it came to each step, and what is next. Four queries, however many."""
    times, following = loops.times_of(loop.pk for loop in found), loops.comings(found)
    return [
        {"loop": loop, "steps": list(times[loop.pk].items()), "coming": following.get(loop.pk)} for loop in found
    ]  # fmt: skip


def _figures(form: LoopsForm) -> dict[str, Any]:
    since, until = form.period
    found = loops.board(since=since, until=until)
    return {
        "board": found, "since": since, "until": until, "bars": bars(found.stages),
        "tables": {key: found.table(key) for key in TABLES},
    }  # fmt: skip


@require_GET
@roles(*RESULT_ROLES)
def figures(request: Request, table: str) -> Streamed:
    """One figure of the board as its table shows it."""
    if table not in TABLES:
        raise Http404
    since, until = LoopsForm(request.GET).period
    found = loops.board(since=since, until=until).table(table)
    return exporting.response(request, found.title.lower(), found.columns, found.rows, query=request.GET)


@require_GET
@roles(*LEADING_ROLES)
def export(request: Request) -> Streamed:
    query = filter_of(request)
    found = LoopsForm(query).narrow(_visible(request), request.user)
    rows = _lines(exporting.every(found, key=KEY, newest_first=True))
    return exporting.response(request, _("loops"), COLUMNS, rows, query=query)


def _lines(found: Iterable[Loop]) -> Iterator[list[object]]:
    every = iter(found)
    while part := list(islice(every, exporting.CHUNK)):
        times = loops.times_of(loop.pk for loop in part)
        for loop in part:
            yield [
                loop.pk, loop.customer_id, str(loop.customer), loop.state, loop.opened_at, loop.ended_at,
                *(times[loop.pk][step] for step in Step), loop.died_at_step, loop.why,
            ]  # fmt: skip


# --- one


@require_GET
@roles(*Role.values)
@vary_on_headers("HX-Request")
def loop(request: Request, pk: int) -> HttpResponse:
    get_object_or_404(_visible(request), pk=pk)
    numbers = live.numbers(loops.streams(pk, reader=request.user))  # before what it shows is read
    found = get_object_or_404(_visible(request), pk=pk)
    story = loops.story(found, reader=request.user)
    context = {
        "loop": found, "story": story, "coming": loops.coming(found), "people": loops.people(story),
        "streams": numbers.items(),
    }  # fmt: skip
    return render(request, "surveys/loops/_loop.html" if request.htmx else "surveys/loops/loop.html", context)


# --- as parts of other pages


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request")
def of_customer(request: Request, pk: int) -> HttpResponse:
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    found = Loop.objects.filter(customer=customer)
    return part_of(request, customer, "surveys/loops/_asked.html", _asked(request, found) | {"customer": customer})


@require_GET
@roles(*CUSTOMER_ROLES)
@vary_on_headers("HX-Request")
def of_account(request: Request, pk: int) -> HttpResponse:
    account = get_object_or_404(Account.objects.visible_to(request.user), pk=pk)
    found = Loop.objects.of_account(account)
    return part_of(request, account, "surveys/loops/_asked.html", _asked(request, found) | {"account": account})


def _asked(request: Request, found: LoopQuerySet) -> dict[str, Any]:
    """The latest, with what was asked in each; whoever knows the customer may know it."""
    latest = list(found.with_what_was_asked()[:LATEST])
    theirs = Loop.objects.visible_to(request.user).filter(pk__in=[loop.pk for loop in latest])
    following, seen = loops.comings(latest), set(theirs.values_list("pk", flat=True))
    return {
        "rows": [{"loop": loop, "coming": following.get(loop.pk), "open": loop.pk in seen} for loop in latest]
    }  # fmt: skip
