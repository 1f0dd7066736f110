"""How long what is kept: looked at, then switched on. For leads and administrators."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.errors import Refused
from crm.forms.privacy import RetentionForm
from crm.models import RetentionRun, User
from crm.models.staff import LEADING_ROLES
from crm.privacy import retention as ages
from crm.web import Request, roles


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def retention(request: Request) -> HttpResponse:
    if request.method != "POST":
        return _shown(request)
    form = RetentionForm(request.POST)
    if not form.is_valid():
        trouble = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return _shown(request, status=422, wrong=request.POST.get("name"), trouble=trouble)
    try:
        _act(by=request.user, **form.cleaned_data)
    except Refused as refusal:
        return _shown(request, status=422, wrong=form.cleaned_data["name"], trouble=str(refusal))
    if form.cleaned_data["act"] != RetentionForm.LOOK:
        messages.success(request, _("Saved."))
    return redirect("crm:retention")


def _act(*, name: str, days: int, act: str, by: User) -> None:
    match act:
        case RetentionForm.LOOK:
            ages.look(days={name: days}, by=by)
        case RetentionForm.ON:
            ages.switch_on(name=name, days=days, by=by)
        case _:
            ages.switch_off(name=name, by=by)


def _shown(request: Request, *, status: int = 200, **facts: Any) -> HttpResponse:
    context = {
        "lines": ages.lines(),
        "passing": list(ages.PASSING.values()),
        "runs": RetentionRun.objects.filter(dry=False).select_related("by").order_by("-pk")[:10],
        "counted": ages.COUNTED,
        **facts,
    }
    return render(request, "crm/retention.html", context, status=status)
