"""Requests to groups on screen: what waits, one of them with all that is about the same, and what is done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlencode

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from channels_app import live
from crm import exporting
from crm.errors import Refused
from crm.exporting import Streamed
from crm.models.staff import LEADING_ROLES, Role
from crm.views.exports import filter_of
from crm.web import Request, came_from, keyset_page, roles, without
from surveys.forms.outreach.requests import AskBackForm, RequestsForm, TellBackForm, answered_by, groups_of
from surveys.forms.verbatims import numbers
from surveys.models import GroupRequest
from surveys.models.requests import GroupRequestQuerySet
from surveys.outreach import requests
from surveys.views.outreach import request_page

PAGE = 30
DUE, NEWEST = ("due_at", "id"), ("id",)
LISTS = {"rows": "surveys/requests/_rows.html", "more": "surveys/requests/_more.html"}
COLUMNS = (
    "id", "group", "hashtag", "customer", "customer id", "what they said", "asked by", "asked", "due", "state",
    "answer", "in words", "changed from", "answered by", "answered",
)  # fmt: skip


def visible(request: Request) -> GroupRequestQuerySet:
    return GroupRequest.objects.visible_to(request.user).with_people()


# --- the list


@require_GET
@roles(*Role.values)
@vary_on_headers("HX-Request", "HX-Target")
def inbox(request: Request) -> HttpResponse:
    """What waits, in the order in which it is due; what is over, the newest first."""
    groups = list(groups_of(request.user))
    streams = live.numbers(f"group:{group.pk}" for group in groups)  # before what it shows is read
    form, now = RequestsForm(request.GET, user=request.user), timezone.now()
    found, key = form.narrow(visible(request), now), DUE if form.by_due_date else NEWEST
    page = keyset_page(found, request.GET, key=key, size=PAGE, newest_first=not form.by_due_date)
    counts = form.within(GroupRequest.objects.visible_to(request.user)).counted(now)
    context = {
        "page": page, "form": form, "groups": groups, "streams": sorted(streams.items()),
        "answering": {group.pk for group in (answered_by(request.user) if request.user.leads else groups)},
        "query": without(request.GET, "after"), "chips": _chips(request, form, counts),
    }  # fmt: skip
    return render(request, LISTS.get(request.htmx.target or "", "surveys/requests/requests.html"), context)


def _chips(request: Request, form: RequestsForm, counts: dict[str, int]) -> list[dict[str, object]]:
    """Each state with the address of the list in it, and how many there are of what waits."""
    kept = without(request.GET, "after", "state")
    return [
        {
            "label": label, "query": "&".join(filter(None, [kept, f"state={value}" if value else ""])),
            "is_on": form.chosen_state == value, "count": counts.get(value or "waiting"), "value": value,
        }
        for value, label in form.STATES
    ]  # fmt: skip


@require_GET
@roles(*LEADING_ROLES)
def export(request: Request) -> Streamed:
    """For leads, who answer for where such a file goes; groups read theirs page by page."""
    query = filter_of(request)
    form = RequestsForm(query, user=request.user)
    key = DUE if form.by_due_date else NEWEST
    found = exporting.every(form.narrow(visible(request), timezone.now()), key=key, newest_first=not form.by_due_date)
    return exporting.response(request, _("requests to groups"), COLUMNS, _lines(found), query=query)


def _lines(found: Iterable[GroupRequest]) -> Iterator[list[object]]:
    for each in found:
        given = each.answer
        answer = [given.kind, given.text, given.change_from, given.by.username, given.at] if given else [""] * 5
        yield [
            each.pk, each.group.name, each.hashtag.tag, each.customer.name, each.customer_id, each.quote,
            each.attempt.by.username, each.asked_at, each.due_at, each.state, *answer,
        ]  # fmt: skip


@require_GET
@roles(*Role.values)
def together(request: Request) -> HttpResponse:
    """The chosen ones: on to the page of what is due first of them, where they are answered with one answer."""
    pks = numbers(",".join(request.GET.getlist("requests")))[: requests.MOST_ALIKE]
    chosen = list(visible(request).waiting().filter(pk__in=pks).order_by(*DUE))
    if not chosen:
        raise requests.NothingChosen
    if len({each.group_id for each in chosen}) > 1:
        raise requests.OfSeveralGroups
    others = ",".join(str(each.pk) for each in chosen[1:])
    address = chosen[0].get_absolute_url()
    return redirect(f"{address}?{urlencode({'with': others})}" if others else address)


# --- one


def _theirs(request: Request, pk: int) -> GroupRequest:
    return get_object_or_404(visible(request), pk=pk)


@require_GET
@roles(*Role.values)
@vary_on_headers("HX-Request", "HX-Target")
def one(request: Request, pk: int) -> HttpResponse:
    return request_page.shown(request, _theirs(request, pk))


@require_POST
@roles(*Role.values)
@vary_on_headers("HX-Request", "HX-Target")
def answer(request: Request, pk: int) -> HttpResponse:
    """For this one, and for those that are chosen with it."""
    found = _theirs(request, pk)
    form = request_page.answer_form(request, found, request.POST)

    def act() -> str:
        every = [found, *form.together()]
        requests.answer(requests=every, by=request.user, **form.said())
        said = ngettext("Answered. %(who)s is told.", "%(n)d requests are answered, and who asked is told.", len(every))
        return said % {"n": len(every), "who": found.attempt.by}

    return _done(request, found, "answer_form", form, act)


@require_POST
@roles(*Role.values)
@vary_on_headers("HX-Request", "HX-Target")
def ask_back(request: Request, pk: int) -> HttpResponse:
    found, form = _theirs(request, pk), AskBackForm(request.POST)

    def act() -> str:
        requests.ask_back(request=found, text=form.cleaned_data["text"], by=request.user)
        return _("%(who)s is asked. Your clock stands still until you are told.") % {"who": found.attempt.by}

    return _done(request, found, "ask_back_form", form, act)


@require_POST
@roles(*Role.values)
@vary_on_headers("HX-Request", "HX-Target")
def tell_back(request: Request, pk: int) -> HttpResponse:
    """From its own page, and from that of the call."""
    found, form = _theirs(request, pk), TellBackForm(request.POST)

    def act() -> str:
        requests.tell_back(request=found, text=form.cleaned_data["text"], by=request.user)
        return _("%(group)s is told, and its clock goes on.") % {"group": found.group}

    return _done(request, found, "tell_back_form", form, act)


@require_POST
@roles(*Role.values)
@vary_on_headers("HX-Request", "HX-Target")
def withdraw(request: Request, pk: int) -> HttpResponse:
    found = _theirs(request, pk)

    def act() -> str:
        requests.withdraw(request=found, by=request.user)
        return _("Withdrawn. %(group)s need not answer any more.") % {"group": found.group}

    return _done(request, found, "withdraw_form", Form(request.POST), act)


def _done(request: Request, found: GroupRequest, name: str, form: Form, act: Callable[[], str]) -> HttpResponse:
    """Done, the page it came from with what it comes to; refused, the form as it was sent and the reason beside it."""
    try:
        if form.is_valid():
            messages.success(request, act())
            return _after(request, found)
    except Refused as refusal:
        field = getattr(refusal, "field", None)
        form.add_error(field if field in form.fields else None, str(refusal))
    return request_page.shown(request, _theirs(request, found.pk), 422, **{name: form})


def _after(request: Request, found: GroupRequest) -> HttpResponse:
    """The part for HTMX; a plain form goes back to where it stood, or to the page of the request."""
    if request.htmx.target == request_page.WHOLE:
        return request_page.shown(request, _theirs(request, found.pk))
    return redirect(came_from(request, found.get_absolute_url()))


@require_POST
@roles(*Role.values)
def typing(request: Request, pk: int) -> JsonResponse:
    """Somebody looks at it, writes, or has gone: who else is there."""
    doing = request.POST.get("doing", "viewing")
    if doing not in ("viewing", "typing", "gone"):
        return JsonResponse({}, status=400)
    found = get_object_or_404(GroupRequest.objects.visible_to(request.user), pk=pk)
    return JsonResponse({"people": requests.typing(request=found, by=request.user, doing=doing)})
