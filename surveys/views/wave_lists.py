"""Who a wave asks and who not, to read and to take away; and what becomes of an invitation that is in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import exporting
from crm.exporting import Streamed
from crm.models import Customer
from crm.models.staff import LEADING_ROLES
from crm.views.exports import filter_of
from crm.web import Request, came_from, keyset_page, roles, without
from surveys import inviting, rehearsing, sampling, waves
from surveys.forms.waves import InvitedForm, LeftOutForm
from surveys.models import Invitation, Wave
from surveys.models.waves import InvitationQuerySet
from surveys.views.waves import visible

PAGE = 50
LEFT_OUT = ("customer", "name", "country", "tier", "why", "asked again by")
INVITED = (
    "invitation", "customer", "name", "state", "by", "stratum", "weight", "due", "sent", "opened", "ended", "expires",
    "reminders", "why",
)  # fmt: skip


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def wave_left_out(request: Request, pk: int) -> HttpResponse:
    """Those of the audience it does not ask, for one reason at a time, as it stands now."""
    wave = get_object_or_404(visible(request), pk=pk)
    form = LeftOutForm(request.GET)
    page = keyset_page(sampling.customers_left_out(wave, form.chosen), request.GET, key=("id",), size=PAGE)
    context = {
        "wave": wave, "form": form, "reason": form.chosen, "page": page, "query": without(request.GET, "after"),
        "reasons": rehearsing.reasons(wave.left_out),
    }  # fmt: skip
    partials = {"rows": "surveys/waves/_left_out_rows.html", "more": "surveys/waves/_left_out_more.html"}
    return render(request, partials.get(request.htmx.target or "", "surveys/waves/left_out.html"), context)


@require_GET
@roles(*LEADING_ROLES)
def left_out_export(request: Request, pk: int) -> Streamed:
    wave, query = get_object_or_404(visible(request), pk=pk), filter_of(request)
    reason = LeftOutForm(query).chosen
    found = exporting.every(sampling.customers_left_out(wave, reason), key=("id",))
    rows = _left_out_rows(found, str(reason.label))
    return exporting.response(request, _("left out of wave {pk}").format(pk=pk), LEFT_OUT, rows, query=query)


def _left_out_rows(customers: Iterable[Customer], why: str) -> Iterator[list[object]]:
    for customer in customers:
        due_on = customer.due_on  # type: ignore[attr-defined]
        yield [customer.pk, customer.name, customer.country, customer.tier, why, due_on]


def _invited(request: Request, wave: Wave) -> InvitationQuerySet:
    return Invitation.objects.visible_to(request.user).filter(wave=wave).select_related("customer", "identity")


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def wave_people(request: Request, pk: int) -> HttpResponse:
    wave = get_object_or_404(visible(request), pk=pk)
    form = InvitedForm(request.GET)
    page = keyset_page(form.narrow(_invited(request, wave)), request.GET, key=("id",), size=PAGE)
    context = {"wave": wave, "form": form, "page": page, "query": without(request.GET, "after")}
    partials = {"rows": "surveys/waves/_people_rows.html", "more": "surveys/waves/_people_more.html"}
    return render(request, partials.get(request.htmx.target or "", "surveys/waves/people.html"), context)


@require_GET
@roles(*LEADING_ROLES)
def wave_people_export(request: Request, pk: int) -> Streamed:
    """No link stands in it: who has a link answers for whom it was made."""
    wave, query = get_object_or_404(visible(request), pk=pk), filter_of(request)
    found = exporting.every(InvitedForm(query).narrow(_invited(request, wave)), key=("id",))
    rows = _invited_rows(found)
    return exporting.response(request, _("people of wave {pk}").format(pk=pk), INVITED, rows, query=query)


def _invited_rows(invitations: Iterable[Invitation]) -> Iterator[list[object]]:
    for one in invitations:
        yield [
            one.pk, one.customer_id, one.customer.name, one.state, one.by, one.stratum, one.weight, one.due_at,
            one.sent_at, one.opened_at, one.ended_at, one.expires_at, one.reminded, one.reason,
        ]  # fmt: skip


@require_POST
@roles(*LEADING_ROLES)
def invitation_decide(request: Request, pk: int) -> HttpResponse:
    """It may have left when its sender died: count it as sent, or send it again."""
    invitation = get_object_or_404(Invitation.objects.visible_to(request.user), pk=pk)
    if request.POST.get("as") == "again":
        inviting.send_again(invitation=invitation, by=request.user)
        messages.success(request, _("It is sent again."))
    else:
        inviting.count_as_sent(invitation=invitation, by=request.user)
        messages.success(request, _("It counts as sent."))
    if not invitation.wave_id:
        return redirect(came_from(request, reverse("surveys:waves")))
    waves.changed([invitation.wave_id])
    return redirect(came_from(request, reverse("surveys:wave_people", args=[invitation.wave_id])))
