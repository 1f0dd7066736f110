"""Listening: what saved searches found, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from cases import hits
from cases.forms.hits import HitsForm
from cases.models import Case
from channels_app import live
from channels_app.models import Message
from crm import exporting
from crm.errors import Refused
from crm.models.staff import CARE_ROLES, LEADING_ROLES
from crm.views.exports import filter_of
from crm.web import Request, came_from, keyset_page, roles, without

PAGE = 25
KEY = ("occurred_at", "id")
COLUMNS = (
    "said at", "by", "channel", "search", "text", "mood", "wants", "about", "urgency", "language", "link", "case",
    "not for us since",
)  # fmt: skip


@require_GET
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request")
def listening(request: Request) -> HttpResponse:
    return _shown(request, request.GET)


def _shown(request: Request, query: QueryDict) -> HttpResponse:
    """Newest first; for HTMX the list alone. The numbers of what it follows are asked for before its rows are read."""
    form, streams = HitsForm(query), live.numbers(hits.streams())
    wanted = form.wanted()
    found = hits.with_row(hits.under(hits.visible_to(request.user), wanted))
    context = {
        "form": form, "page": keyset_page(found, query, key=KEY, size=PAGE, newest_first=True), "state": wanted.state,
        "streams": streams.items(), "query": without(query, "after"), "place": query.urlencode(),
        "is_filtered": bool(without(query, "after", "state")),
    }  # fmt: skip
    template = "cases/listening/_hits.html" if request.htmx else "cases/listening/listening.html"
    return render(request, template, context)


@require_GET
@roles(*LEADING_ROLES)
def export(request: Request) -> exporting.Streamed:
    query = filter_of(request)
    found = hits.with_row(hits.under(hits.visible_to(request.user), HitsForm(query).wanted()))
    rows = _rows(exporting.every(found, key=KEY, newest_first=True))
    return exporting.response(request, _("listening"), COLUMNS, rows, query=query)


def _rows(found: Iterable[Message]) -> Iterator[list[object]]:
    for one in found:
        entry = getattr(one, "case_entry", None)
        yield [
            one.occurred_at, one.identity.label if one.identity else "", one.channel.name, str(one.found_by), one.text,
            one.sentiment, one.intent, one.topic, one.urgency, one.language, one.url,
            entry.case_id if entry else None, one.dismissed_at,
        ]  # fmt: skip


@require_POST
@roles(*CARE_ROLES)
def take(request: Request, pk: int) -> HttpResponse:
    def act(found: Message) -> str:
        case = hits.take(message=found, by=request.user)
        if Case.objects.visible_to(request.user).filter(pk=case.pk).exists():
            return _("In the queue as case #%(number)s.") % {"number": case.pk}
        return _("In the queue of %(team)s.") % {"team": case.team}

    return _done(request, pk, act, undo="cases:hit_put_back")


@require_POST
@roles(*CARE_ROLES)
def put_back(request: Request, pk: int) -> HttpResponse:
    return _done(request, pk, lambda found: hits.put_back(message=found, by=request.user), _("Back under Listening."))


@require_POST
@roles(*CARE_ROLES)
def dismiss(request: Request, pk: int) -> HttpResponse:
    done, undo = _("Not for us."), "cases:hit_bring_back"
    return _done(request, pk, lambda found: hits.dismiss(message=found, by=request.user), done, undo)


@require_POST
@roles(*CARE_ROLES)
def bring_back(request: Request, pk: int) -> HttpResponse:
    return _done(
        request, pk, lambda found: hits.bring_back(message=found, by=request.user), _("To be looked at again.")
    )


def _visible(request: Request) -> QuerySet[Message]:
    return hits.visible_to(request.user).select_related("channel", "found_by")


def _done(
    request: Request, pk: int, act: Callable[[Message], str | None], done: str = "", undo: str = ""
) -> HttpResponse:
    """The list again: in its place for HTMX, on the page it came from for a plain form."""
    found = get_object_or_404(_visible(request), pk=pk)
    try:
        done = act(found) or done
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done, extra_tags=f"undo:{reverse(undo, args=[pk])}" if undo else "")
    if not request.htmx:
        return redirect(came_from(request, reverse("cases:listening")))
    return _shown(request, QueryDict(request.POST.get("place", "")))
