"""The support groups that agents may ask."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from crm.forms.groups import SupportGroupForm
from crm.models import SupportGroup
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles


@require_GET
@roles(*LEADING_ROLES)
def support_groups(request: Request) -> HttpResponse:
    groups = SupportGroup.objects.select_related("calendar", "owner").prefetch_related("members")
    return render(request, "crm/support_groups.html", {"groups": groups})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def support_group(request: Request, pk: int | None = None) -> HttpResponse:
    """Make a group, or change one."""
    found = None if pk is None else get_object_or_404(SupportGroup, pk=pk)
    form = SupportGroupForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        log("changed" if found else "made", saved, by=request.user)
        messages.success(request, _("Saved."))
        return redirect("crm:support_groups")
    context = {"form": form, "group": found}
    return render(request, "crm/support_group_form.html", context, status=422 if form.errors else 200)
