"""The policy of a channel: what is in force, what was before, and the next version."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from channels_app import policies
from channels_app.conduct_forms import PolicyForm
from channels_app.models import Channel, Policy
from crm.errors import Refused
from crm.models.staff import CARE_ROLES, LEADING_ROLES
from crm.web import Request, came_from, roles


@require_GET
@roles(*CARE_ROLES)
def policy(request: Request, pk: int) -> HttpResponse:
    channel = get_object_or_404(Channel, pk=pk)
    return render(request, "channels/policy.html", _context(request, channel))


def _context(request: Request, channel: Channel, form: PolicyForm | None = None) -> dict[str, Any]:
    versions = list(Policy.objects.of(channel).with_count().with_accepted(request.user))
    current = versions[0] if versions else None
    form = form or PolicyForm(current=current)
    return {"channel": channel, "versions": versions, "current": current, "form": form}


@require_POST
@roles(*LEADING_ROLES)
def publish(request: Request, pk: int) -> HttpResponse:
    channel = get_object_or_404(Channel, pk=pk)
    form = PolicyForm(request.POST, current=policies.in_force(channel))
    if form.is_valid():
        try:
            made = policies.publish(channel=channel, by=request.user, **form.cleaned_data)
        except Refused as refusal:  # what was typed stays
            form.add_error(None, str(refusal))
        else:
            said = _("Version %(n)s is in force. Whoever answers here is asked to accept it first.")
            messages.success(request, said % {"n": made.version})
            return redirect("channels_app:policy", pk)
    return render(request, "channels/policy.html", _context(request, channel, form), status=422)


@require_POST
@roles(*CARE_ROLES)
def accept(request: Request, pk: int) -> HttpResponse:
    """From the policy's own page; at the composer cases.views.approvals does the same."""
    found = get_object_or_404(Policy, pk=pk)
    policies.accept(policy=found, by=request.user)
    messages.success(request, _("Thank you. You can answer on this channel now."))
    return redirect(came_from(request, policies.address(found.channel)))
