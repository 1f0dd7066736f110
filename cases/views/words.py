"""The composer of a case: templates to begin with, what is kept of what is written, what is taken back or in doubt."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from cases import doubts, drafts, withdrawing
from cases.models import Case, Draft
from cases.views.pane import move_reply, theirs
from cases.wording import templates
from crm.models.staff import CARE_ROLES
from crm.web import Request, keyset_page, roles

PAGE = 50


@require_GET
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request")
def pick(request: Request, pk: int) -> HttpResponse:
    """The templates for a case, filled in for it: a list in the composer, a page for who follows the plain link."""
    case, words = theirs(request, pk), request.GET.get("words", "")
    found = templates.offered(case, request.user, words[:100])
    context = {"case": case, "offered": found, "words": words}
    return render(request, "cases/words/_picker.html" if request.htmx else "cases/words/pick.html", context)


@require_POST
@roles(*CARE_ROLES)
def draft(request: Request, pk: int) -> HttpResponse:
    """Keep what is being written; the page does it a second after the last key.

    What does not say whether it is a note or a reply is not kept: a note must never stand where replies are written.
    """
    case, kind = theirs(request, pk), request.POST.get("kind", "")
    if kind not in Draft.Kind.values:
        return HttpResponseBadRequest()
    drafts.keep(case=case, kind=kind, text=request.POST.get("text", ""), by=request.user)
    return HttpResponse(status=204)


@require_GET
@roles(*CARE_ROLES)
def mine(request: Request) -> HttpResponse:
    """What this person has begun to write, newest first, in cases they may still see."""
    visible = Case.objects.visible_to(request.user)
    found = Draft.objects.filter(user=request.user, case__in=visible.values("pk"))
    found = found.select_related("case__customer", "case__channel")
    page = keyset_page(found, request.GET, key=("at", "id"), size=PAGE, newest_first=True)
    return render(request, "cases/words/drafts.html", {"page": page})


@require_POST
@roles(*CARE_ROLES)
def withdraw(request: Request, pk: int, delivery: int) -> HttpResponse:
    """Take back a reply that has not left."""
    return move_reply(request, pk, delivery, withdrawing.withdraw, _("Taken back. It was not sent."))


@require_POST
@roles(*CARE_ROLES)
def arrived(request: Request, pk: int, delivery: int) -> HttpResponse:
    """Count a reply as sent that is in doubt where nobody can be asked."""
    return move_reply(request, pk, delivery, doubts.count_as_arrived, _("It counts as sent."))


@require_POST
@roles(*CARE_ROLES)
def send_again(request: Request, pk: int, delivery: int) -> HttpResponse:
    """Send such a reply once more: it may then stand there twice."""
    return move_reply(request, pk, delivery, doubts.send_again, _("It is sent again."))
