"""What Hark may decide about matches without a person: rules an administrator turns on and off."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from crm.forms.matching import MatchRuleForm
from crm.matching import rules
from crm.models.staff import Role
from crm.web import Request, roles


@require_http_methods(["GET", "POST"])
@roles(Role.ADMIN)
def match_rules(request: Request) -> HttpResponse:
    form = MatchRuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        on = form.cleaned_data["on"]
        rule = rules.switch(evidence=form.cleaned_data["evidence"], on=on, by=request.user)
        done = _("Switched on: {rule}") if on else _("Switched off: {rule}")
        messages.success(request, done.format(rule=rule))
        return redirect("crm:match_rules")
    context = {"rules": rules.all_of_them(), "form": form}
    return render(request, "crm/match_rules.html", context, status=422 if request.method == "POST" else 200)
