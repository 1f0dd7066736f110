"""The ticked cases of the queue, all at once; and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from cases import assignment, deeds, joining, resolution, snooze, urgency
from cases.forms import BulkForm
from cases.models import Deed, Priority
from crm.models.staff import CARE_ROLES
from crm.web import Request, came_from, roles


@require_POST
@roles(*CARE_ROLES)
def bulk(request: Request) -> HttpResponse:
    """Do one thing to the ticked cases; says to how many of them it could, and offers to take it back."""
    form = BulkForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    else:
        n, deed = len(form.cleaned_data["ids"]), _do(request, form.cleaned_data)
        text = ngettext("%(done)d of %(n)d case changed.", "%(done)d of %(n)d cases changed.", n)
        undo = f"undo:{reverse('cases:undo_deed', args=[deed.pk])}" if deed else ""
        messages.success(request, text % {"done": len(deeds.concerned(deed)) if deed else 0, "n": n}, extra_tags=undo)
    return redirect(came_from(request, reverse("cases:queue")))


def _do(request: Request, chosen: dict[str, Any]) -> Deed | None:
    ids, by = chosen["ids"], request.user
    if chosen["action"] == "link":  # it writes its own: links are no fields of a case
        return joining.link_together(cases=ids, by=by)
    return deeds.do(action=chosen["action"], cases=ids, by=by, act=lambda pks: DO[chosen["action"]](pks, chosen, by))


DO: dict[str, Callable[[list[int], dict[str, Any], Any], object]] = {
    "take": lambda pks, chosen, by: assignment.take_many(cases=pks, by=by),
    "assign": lambda pks, chosen, by: assignment.assign_many(cases=pks, to=chosen["owner"], by=by),
    "resolve": lambda pks, chosen, by: resolution.resolve_many(
        cases=pks, cause=chosen["cause"], by=by, **({"outcome": chosen["outcome"]} if chosen.get("outcome") else {})
    ),
    "snooze": lambda pks, chosen, by: snooze.snooze_many(cases=pks, until=chosen["until"], by=by),
    "priority": lambda pks, chosen, by: urgency.set_priority_many(
        cases=pks, priority=Priority(chosen["priority"]), by=by
    ),
}
