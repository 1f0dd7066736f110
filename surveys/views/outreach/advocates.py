"""Customers who praise us or help others: whom we may ask, and what becomes of it. Executives look, leads act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count
from django.forms import Form
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from cases.models import Case
from crm import exporting
from crm.errors import Refused
from crm.exporting import Streamed
from crm.models.staff import LEADING_ROLES, RESULT_ROLES
from crm.views.exports import filter_of
from crm.web import Request, keyset_page, roles, without
from surveys.advocates import letters, moving, writing
from surveys.forms.outreach.advocates import AdvocatesForm, EndForm, LetterForm, SaidForm
from surveys.models import Advocate, AdvocateLetter
from surveys.models.recognition import AdvocateQuerySet

PAGE = 25
KEY = ("since", "id")
PARTIALS = {"found": "surveys/recognition/_advocates.html", "more": "surveys/recognition/_advocates_more.html"}
COLUMNS = ("id", "customer id", "customer", "state", "since", "by", "how we know", "recommends", "praised", "helped")
Kind = AdvocateLetter.Kind


def _visible(request: Request) -> AdvocateQuerySet:
    return Advocate.objects.visible_to(request.user).standing().select_related("customer", "moved_by")


@require_GET
@roles(*RESULT_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def advocates(request: Request) -> HttpResponse:
    form = AdvocatesForm(request.GET)
    found = form.narrow(_visible(request)).with_reasons()
    page = keyset_page(found, request.GET, key=KEY, size=PAGE, newest_first=True)
    context = {"form": form, "page": page, "rows": _rows(page.rows), "query": without(request.GET, "after")}
    return render(request, PARTIALS.get(request.htmx.target or "", "surveys/recognition/advocates.html"), context)


def _rows(found: list[Advocate]) -> list[dict[str, Any]]:
    """Each with why they may not be written to, and what is open with them: never be surprised. Four queries."""
    who = [each.customer_id for each in found]
    against = {kind: writing.why_not(who, kind) for kind in Kind}
    unresolved = Case.objects.unresolved().filter(customer__in=who).order_by().values_list("customer")
    cases = dict(unresolved.annotate(n=Count("pk")))
    return [
        {
            "advocate": each, "no_invitation": against[Kind.INVITE].get(each.customer_id, ""),
            "no_thanks": against[Kind.THANK].get(each.customer_id, ""), "open_cases": cases.get(each.customer_id, 0),
        }
        for each in found
    ]  # fmt: skip


@require_GET
@roles(*LEADING_ROLES)
def advocates_export(request: Request) -> Streamed:
    query = filter_of(request)
    found = AdvocatesForm(query).narrow(_visible(request)).with_reasons()
    rows = _lines(exporting.every(found, key=KEY, newest_first=True))
    return exporting.response(request, _("advocates"), COLUMNS, rows, query=query)


def _lines(found: Iterable[Advocate]) -> Iterator[list[object]]:
    for each in found:
        kinds = [reason.kind for reason in each.reasons.all()]
        yield [
            each.pk, each.customer_id, str(each.customer), each.state, each.since, str(each.moved_by or ""), each.how,
            kinds.count("promoter"), kinds.count("praised"), kinds.count("helped"),
        ]  # fmt: skip


# --- written to


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def advocate_invite(request: Request, pk: int) -> HttpResponse:
    return _letter(request, pk, Kind.INVITE, writing.invite)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def advocate_thank(request: Request, pk: int) -> HttpResponse:
    return _letter(request, pk, Kind.THANK, writing.thank)


def _letter(request: Request, pk: int, kind: str, write: Callable[..., AdvocateLetter]) -> HttpResponse:
    """The letter as we propose it; as it was typed, with the refusal beside it; or it is on its way."""
    found = get_object_or_404(_visible(request), pk=pk)
    form = LetterForm(request.POST or None, initial={"text": letters.proposed(found, kind, request.user)})
    if request.method == "POST" and form.is_valid():
        try:
            write(advocate=found, text=form.cleaned_data["text"], by=request.user)
        except Refused as refusal:
            form.add_error("text", str(refusal))
        else:
            messages.success(request, _("It is on its way."))
            return redirect(found)
    why = writing.why_not([found.customer_id], kind).get(found.customer_id, "")
    context = {"advocate": found, "form": form, "kind": kind, "why_not": why}
    return render(request, "surveys/recognition/letter.html", context, status=422 if form.errors else 200)


# --- moved


@require_POST
@roles(*LEADING_ROLES)
def advocate_answer(request: Request, pk: int) -> HttpResponse:
    found, form = get_object_or_404(_visible(request), pk=pk), SaidForm(request.POST)
    if not form.is_valid():
        return _page_with(request, found, _wrong(form))
    yes, how = form.cleaned_data["said"] == "yes", form.cleaned_data["how"]
    return _moved(request, found, lambda: moving.answer(advocate=found, yes=yes, how=how, by=request.user))


@require_POST
@roles(*LEADING_ROLES)
def advocate_end(request: Request, pk: int) -> HttpResponse:
    found, form = get_object_or_404(_visible(request), pk=pk), EndForm(request.POST)
    if not form.is_valid():
        return _page_with(request, found, _wrong(form))
    how = form.cleaned_data["how"]
    return _moved(request, found, lambda: moving.end(advocate=found, how=how, by=request.user))


@require_POST
@roles(*LEADING_ROLES)
def advocate_again(request: Request, pk: int) -> HttpResponse:
    """Undo of both."""
    found = get_object_or_404(_visible(request), pk=pk)
    return _moved(request, found, lambda: moving.take_up_again(advocate=found, by=request.user))


def _moved(request: Request, found: Advocate, act: Callable[[], Advocate]) -> HttpResponse:
    try:
        act()
    except moving.AdvocateRefused as refusal:
        return _page_with(request, found, str(refusal))
    said = _("{name}: {state}.").format(name=found.customer, state=found.get_state_display())
    messages.success(request, said)
    return HttpResponseRedirect(found.get_absolute_url())


def _wrong(form: Form) -> str:
    return str(next(error for errors in form.errors.values() for error in errors))


def _page_with(request: Request, found: Advocate, refusal: str) -> HttpResponse:
    """Their line alone, with the refusal beside the field and what was typed."""
    rows = _rows([_visible(request).with_reasons().get(pk=found.pk)])
    context = {
        "rows": [{**rows[0], "refusal": refusal, "typed": request.POST}], "form": AdvocatesForm(request.GET),
        "back": f"{reverse('surveys:advocates')}?{urlencode({'state': found.state})}",
    }  # fmt: skip
    return render(request, "surveys/recognition/advocates.html", context, status=422)
