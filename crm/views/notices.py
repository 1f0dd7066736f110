"""The bell: what somebody was told, and how they want to be told."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import notices
from crm.forms.notices import ChoicesForm, NoticesForm
from crm.models import Notice
from crm.models.staff import Role
from crm.web import Request, came_from, keyset_page, roles

PAGE = 50


@require_GET
@roles(*Role.values)
@vary_on_headers("HX-Request")
def notice_list(request: Request) -> HttpResponse:
    """One's own, the newest first. There is no export: they are nobody else's, and each leads to what it is about."""
    form = NoticesForm(request.GET)
    page = keyset_page(form.narrow(notices.of(request.user)), request.GET, key=("id",), size=PAGE, newest_first=True)
    template = "crm/notices/_lines.html" if request.htmx else "crm/notices/notices.html"
    return render(request, template, {"form": form, "page": page, "filtered": any(form.cleaned_data.values())})


@require_GET
@roles(*Role.values)
def notice(request: Request, pk: int) -> HttpResponse:
    """Mark it read and go where it leads."""
    found = get_object_or_404(Notice, pk=pk, user=request.user)
    return redirect(notices.read(notice=found) or "crm:notices")


@require_POST
@roles(*Role.values)
def read_all(request: Request) -> HttpResponse:
    n, at = notices.read_all(by=request.user)
    said = ngettext("%(n)d notice marked read.", "%(n)d notices marked read.", n) % {"n": n}
    undo = f"{reverse('crm:notices_unread')}?at={notices.microseconds(at)}"
    messages.success(request, said, extra_tags=f"undo:{undo}" if n else "")
    return redirect(came_from(request, reverse("crm:notices")))


@require_POST
@roles(*Role.values)
def unread_again(request: Request) -> HttpResponse:
    """Undo of `read_all`, by the moment `at` which it was done, in microseconds."""
    n = notices.unread_again(at=notices.moment(request.GET.get("at", "")), by=request.user)
    messages.success(request, ngettext("%(n)d is unread again.", "%(n)d are unread again.", n) % {"n": n})
    return redirect(came_from(request, reverse("crm:notices")))


@require_http_methods(["GET", "POST"])
@roles(*Role.values)
def choices(request: Request) -> HttpResponse:
    """How to hear of each kind: in the bell, by mail, not at all."""
    form = ChoicesForm(request.POST or None, user=request.user)
    if form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("crm:notice_choices")
    return render(request, "crm/notices/choices.html", {"form": form}, status=422 if form.errors else 200)
