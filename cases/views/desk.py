"""Team settings, Desk: how the desk works, and what was sent in spite of the stock-reply guard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from cases.forms.words import DeskForm
from cases.models import DeskSettings, Override
from crm import exporting
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.views.exports import filter_of
from crm.web import Request, keyset_page, roles

PAGE, KEY = 50, ("at", "id")
COLUMNS = ("at", "by", "case", "customer", "people", "likeness", "why", "text")


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def desk(request: Request) -> HttpResponse:
    form = DeskForm(request.POST or None, instance=DeskSettings.current())
    if request.method == "POST" and form.is_valid():
        changes = ", ".join(f"{name} {form.cleaned_data[name]}" for name in form.changed_data)
        log("changed", form.save(), by=request.user, detail=changes)
        messages.success(request, _("Saved. It holds from now on."))
        return redirect("cases:desk")
    return render(request, "cases/words/desk.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@roles(*LEADING_ROLES)
def overrides(request: Request) -> HttpResponse:
    """What was sent to one more person although they were warned, and why; newest first."""
    found = Override.objects.select_related("by", "case__customer", "message")
    page = keyset_page(found, request.GET, key=KEY, size=PAGE, newest_first=True)
    return render(request, "cases/words/overrides.html", {"page": page})


@require_GET
@roles(*LEADING_ROLES)
def overrides_export(request: Request) -> exporting.Streamed:
    found = Override.objects.select_related("by", "case__customer", "message")
    rows = _rows(exporting.every(found, key=KEY, newest_first=True))
    return exporting.response(request, _("overrides"), COLUMNS, rows, query=filter_of(request))


def _rows(found: Iterable[Override]) -> Iterator[list[object]]:
    for each in found:
        customer = each.case.customer.name
        yield [
            each.at, str(each.by), each.case_id, customer, each.people, round(each.likeness, 3), each.why,
            each.message.text,
        ]  # fmt: skip
