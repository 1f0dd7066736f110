"""How a customer's message was read: why, and put right by whoever may answer the case."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from cases.models import Case, CaseMessage
from cases.views.pane import theirs
from channels_app import readings
from channels_app.models import Message
from crm.errors import Refused
from crm.models.staff import CARE_ROLES
from crm.web import Request, roles


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request")
def reading(request: Request, pk: int) -> HttpResponse:
    """The line under a message, opened: each aspect with how sure and why. POST says what one of them is."""
    case, message = _found(request, pk)
    if request.method == "GET":
        return _shown(request, case, message)
    try:
        readings.put_right(message, request.POST, by=request.user)
    except Refused as refusal:
        return _shown(request, case, message, refusal=str(refusal))
    if request.htmx:
        return _shown(request, *_found(request, pk))
    messages.success(request, _("Thank you: Hark learns from it."))
    return redirect("cases:reading", pk)


def _found(request: Request, pk: int) -> tuple[Case, Message]:
    entries = CaseMessage.objects.select_related("message__identity", "message__channel")
    entry = get_object_or_404(entries, message=pk)
    if entry.message.is_ours or entry.message.erased_at:
        raise Http404
    return theirs(request, entry.case_id), entry.message


def _shown(request: Request, case: Case, message: Message, refusal: str = "") -> HttpResponse:
    """The rows to put right, on a page of their own for who follows the plain link; `closed` is the line again."""
    context = {"case": case, "message": message, "readings": readings.of([message])[message.pk], "refusal": refusal}
    part = "cases/readings/_line.html" if "closed" in request.GET else "cases/readings/_panel.html"
    template = part if request.htmx else "cases/readings/reading.html"
    return render(request, template, context, status=422 if refusal else 200)
