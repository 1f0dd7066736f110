"""What to put right next: the least certain first, one after the other by keys."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from channels_app import readings
from channels_app.learning import examples
from channels_app.models.learning import Aspect
from channels_app.reading_forms import NextForm
from crm.errors import Refused
from crm.models.staff import LEADING_ROLES
from crm.web import Request, came_from, keyset_page, roles

PAGE = 20


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def to_correct(request: Request) -> HttpResponse:
    """A page of them; for HTMX the list alone, or what follows in it."""
    form = NextForm(request.GET)
    aspect = form.chosen
    found = examples.least_certain(aspect, user=request.user, value=form.wanted().get("value", ""))
    page = keyset_page(found, request.GET, key=examples.place(aspect), size=PAGE)
    cards = [(message, readings.line(message, aspect)) for message in page.rows]
    context = {"form": form, "cards": cards, "next_query": page.next_query, "aspect": aspect}
    parts = {"more": "reading/_next_rows.html", "to-correct": "reading/_next.html"}
    return render(request, parts.get(request.htmx.target or "", "reading/next.html"), context)


@require_POST
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def correct(request: Request, pk: int) -> HttpResponse:
    """Say what one of them is: the card in its place for HTMX, else the list again."""
    message = get_object_or_404(readings.correctable(request.user), pk=pk)
    try:
        readings.put_right(message, request.POST, by=request.user)
    except Refused as refusal:
        if not request.htmx:
            raise
        return _card(request, pk, status=422, refusal=str(refusal))
    if request.htmx:
        return _card(request, pk)
    messages.success(request, _("Thank you: Hark learns from it."))
    return redirect(came_from(request, reverse("channels_app:reading_next")))


def _card(request: Request, pk: int, *, status: int = 200, refusal: str = "") -> HttpResponse:
    """As it stands now."""
    message = get_object_or_404(readings.correctable(request.user), pk=pk)
    aspect = request.POST.get("aspect", "")
    aspect = Aspect(aspect) if aspect in Aspect else Aspect.SENTIMENT
    line = next(each for each in readings.of([message])[pk] if each.aspect == aspect)
    return render(request, "reading/_card.html", {"message": message, "line": line, "refusal": refusal}, status=status)
