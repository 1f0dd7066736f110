"""The way out, on every page of a survey and in every mail: no more surveys, no contact at all, or each by itself."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm import consent
from crm.models import Purpose
from crm.views.identify import quiet
from crm.web import public
from surveys import stopping
from surveys.forms.answering import PreferencesForm
from surveys.views.linked import Visit, linked


@csrf_exempt
@public
@require_http_methods(["GET", "HEAD", "POST"])
@quiet
@linked
def asked_stop(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Stop surveys, or everything; and take that back while the page is open."""
    if request.method == "POST":
        return _stop(request, visit)
    customer = visit.invitation.customer.survivor
    facts: dict[str, Any] = {
        "nothing_at_all": customer.do_not_contact_at, "surveys": consent.may_contact(customer, Purpose.SURVEY),
        "slip": request.GET.get("slip", ""),
        "answerable": visit.invitation.is_open and visit.invitation.expires_at > timezone.now(),
    }  # fmt: skip
    return visit.page(request, "stop", **facts)


def _stop(request: HttpRequest, visit: Visit) -> HttpResponse:
    back = reverse("surveys:asked_stop", args=[visit.token])
    if slip := request.POST.get("slip"):
        try:
            stopping.take_back(invitation=visit.invitation, slip=slip)
        except stopping.TooLate as refusal:
            return visit.page(request, "over", status=422, why="over", sentence=str(refusal))
        return redirect(back + visit.query)
    change = stopping.stop(invitation=visit.invitation, everything=request.POST.get("what") == "everything")
    undo = f"{'&' if visit.query else '?'}slip={stopping.slip(change)}" if change else ""
    return redirect(back + visit.query + undo)


@csrf_exempt
@public
@require_http_methods(["GET", "HEAD", "POST"])
@quiet
@linked
def one_click(request: HttpRequest, visit: Visit) -> HttpResponse:
    """List-Unsubscribe-Post, RFC 8058: a mail program sends it, and reads no page. A person who opens it gets one."""
    if request.method != "POST":
        return visit.page(request, "stop", surveys=True)
    stopping.stop(invitation=visit.invitation, everything=False, how="One click in their mail program")
    return HttpResponse("Unsubscribed.\n", content_type="text/plain; charset=utf-8")


@csrf_exempt
@public
@require_http_methods(["GET", "HEAD", "POST"])
@quiet
@linked
def preferences(request: HttpRequest, visit: Visit) -> HttpResponse:
    """What they want of us, purpose by purpose."""
    customer = visit.invitation.customer.survivor
    form = PreferencesForm(request.POST if request.method == "POST" else None, consent.held(customer, []))
    if customer.do_not_contact_at:
        return visit.page(request, "stop", nothing_at_all=customer.do_not_contact_at)
    if form.is_valid():
        stopping.prefer(invitation=visit.invitation, wishes=form.cleaned_data)
        where = reverse("surveys:preferences", args=[visit.token])
        return redirect(f"{where}{visit.query}{'&' if visit.query else '?'}saved=1")
    return visit.page(request, "preferences", form=form, saved="saved" in request.GET)
