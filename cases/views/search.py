"""Searching cases and what was said in them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from cases import search as searching
from cases.forms.queue import Offered
from cases.forms.search import SearchForm
from cases.models import Case
from crm import finding
from crm.models.staff import CARE_ROLES
from crm.web import Request, keyset_page, roles, without

PAGE = 20
NEWEST = ("opened_at", "id")


@require_GET
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def search(request: Request) -> HttpResponse:
    """Words lead to ranked hits, a number straight to its case, a filter alone to the newest cases under it."""
    form = SearchForm(request.GET, offered=Offered())
    cases = Case.objects.visible_to(request.user).exclude(state=Case.State.MERGED)
    asked = searching.read(form.words)
    if case := searching.by_number(asked, cases):
        return redirect("cases:case", case.pk)
    found = _hits(request, form, asked, cases) if form.words else _newest(request, form, cases)
    context = {"form": form, "query": without(request.GET, "page", "after"), **found}
    return render(request, "cases/search/_hits.html" if request.htmx.target == "hits" else "cases/search.html", context)


def _hits(request: Request, form: SearchForm, asked: searching.Asked, cases: Any) -> dict[str, Any]:
    if asked.is_empty:
        return {"hits": [], "trouble": _("Name at least one word that is to be found; “-word” only takes away.")}
    try:
        hits = searching.search(asked, form.wanted(), cases=cases, narrowed=not request.user.leads)
    except finding.TookTooLong:
        return {"hits": [], "trouble": _("That takes too long. Add a word, a channel or a time.")}
    number = int(page) if (page := request.GET.get("page", "")).isdecimal() and len(page) < 4 else 1
    start = max(0, number - 1) * PAGE
    more = f"{number + 1}" if len(hits) > start + PAGE else ""
    return {"hits": searching.shown(hits[start : start + PAGE], asked), "count": len(hits), "next_page": more}


def _newest(request: Request, form: SearchForm, cases: Any) -> dict[str, Any]:
    wanted = form.wanted()
    if wanted == searching.Wanted():
        return {"hits": [], "nothing_asked": True}
    found = searching.without_words(wanted, cases=cases).with_row()
    page = keyset_page(found, request.GET, key=NEWEST, size=PAGE, newest_first=True)
    return {"hits": [(None, case, None) for case in page.rows], "next_query": page.next_query}
