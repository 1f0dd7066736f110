"""The right person: the next case for who asks, what is offered to them, and for leads who fits."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url

from cases import offers
from cases.models import Case, Offer
from cases.offers.reasons import because
from cases.offers.showing import cards_of
from cases.views.pane import move, pane, theirs
from crm.errors import Refused
from crm.models import User
from crm.models.staff import CARE_ROLES, LEADING_ROLES
from crm.web import Request, came_from, part_of, roles

SHOWN = 5


class NobodyNamed(Refused):
    sentence = gettext_lazy("Choose to whom it is offered.")


@require_POST
@roles(*CARE_ROLES)
def next_case(request: Request) -> HttpResponse:
    """Take the first case that fits, and open it with the reason."""
    taken = offers.take_next(by=request.user)
    beside = _beside_the_list(request, taken.case.pk)
    if request.htmx:
        shown = pane(request, theirs(request, taken.case.pk), done=taken.sentence)
        return push_url(render(request, "cases/_pane.html", shown), beside)
    messages.success(request, taken.sentence)
    return redirect(beside)


def _beside_the_list(request: Request, pk: int) -> str:
    """The queue as it is filtered, with the case open."""
    query = QueryDict(urlsplit(request.htmx.current_url or "").query, mutable=True)
    query.pop("after", None)
    query["case"] = str(pk)
    return f"{reverse('cases:queue')}?{query.urlencode()}"


@require_GET
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request")
def mine(request: Request) -> HttpResponse:
    """What is offered to me."""
    template = "cases/offers/_mine.html" if request.htmx else "cases/offers/mine.html"
    return render(request, template, {"cards": cards_of(request.user)})


@require_POST
@roles(*CARE_ROLES)
def accept(request: Request, pk: int) -> HttpResponse:
    offer = get_object_or_404(Offer, pk=pk, user=request.user)
    why = because(offer.reasons)
    answer = move(request, offer.case_id, lambda case: offers.accept(offer=offer, by=request.user), why)
    return push_url(answer, _beside_the_list(request, offer.case_id)) if request.htmx else answer


@require_POST
@roles(*CARE_ROLES)
def decline(request: Request, pk: int) -> HttpResponse:
    """In the pane, where it stands too, or on its card in the list."""
    offer = get_object_or_404(Offer, pk=pk, user=request.user)
    done = _("Declined. It goes to the next colleague.")
    if request.htmx.target == "case-pane":
        return move(request, offer.case_id, lambda case: offers.decline(offer=offer, by=request.user), done)
    offers.decline(offer=offer, by=request.user)
    if request.htmx:
        return render(request, "cases/offers/_mine.html", {"cards": cards_of(request.user)})
    messages.success(request, done)
    return redirect(came_from(request, reverse("cases:queue")))


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def who_fits(request: Request, pk: int) -> HttpResponse:
    """The best few for a case, with the reasons."""
    case = theirs(request, pk)
    return part_of(request, case, "cases/offers/_who_fits.html", {"case": case, "fits": offers.best_for(case)[:SHOWN]})


@require_POST
@roles(*LEADING_ROLES)
def offer(request: Request, pk: int) -> HttpResponse:
    """Offer it to one colleague."""
    chosen = request.POST.get("owner", "")
    to = User.objects.who_answer().filter(pk=int(chosen)).first() if chosen.isdecimal() and len(chosen) < 10 else None

    def act(case: Case) -> None:
        if to is None:
            raise NobodyNamed
        offers.offer(case=case, to=to, by=request.user)

    return move(request, pk, act, _("Offered to %(person)s.") % {"person": to})
