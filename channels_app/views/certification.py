"""Certification: one's own modules, and reading and passing one of them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from channels_app import certification, certified
from channels_app.conduct_forms import TestForm
from channels_app.models import Module
from crm import exporting
from crm.errors import Refused
from crm.models import Team
from crm.models.staff import CARE_ROLES, LEADING_ROLES
from crm.views.exports import filter_of
from crm.web import Request, roles


@require_GET
@roles(*CARE_ROLES)
def mine(request: Request) -> HttpResponse:
    """One's own modules: which are passed, until when, and what is next."""
    held = certified.of(request.user)
    done = sum(each.is_valid for each in held)
    return render(request, "channels/certification.html", {"held": held, "done": done})


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def read(request: Request, pk: int) -> HttpResponse:
    """What a module says, and its questions. Passed, back to one's own modules; else what was wrong, and once more."""
    module = get_object_or_404(Module.objects.in_force(), pk=pk)
    questions = list(module.questions.all())
    form, result, refusal = TestForm(questions, request.POST or None), None, ""
    if request.method == "POST" and form.is_valid():
        try:
            answers, seed = form.answers(), form.cleaned_data["seed"]
            result = certification.take(module=module, answers=answers, seed=seed, by=request.user)
        except Refused as refused:
            refusal = str(refused)
        if result and result.passed:
            messages.success(request, _("Passed: you are certified for “%(name)s”.") % {"name": module.name})
            return redirect("channels_app:certification")
        form = TestForm(questions)
    held = certified.one(request.user, module)
    context = {"module": module, "form": form, "result": result, "refusal": refusal, "held": held}
    return render(request, "channels/module_read.html", context, status=422 if form.errors or refusal else 200)


# --- for leads


@require_GET
@roles(*LEADING_ROLES)
def everybody(request: Request) -> HttpResponse:
    """Who is certified for what: people by modules."""
    board = certified.board(request.GET)
    teams = Team.objects.in_use()
    template = "channels/_certified_rows.html" if request.htmx.target == "certified-more" else "channels/certified.html"
    return render(request, template, {"board": board, "teams": teams, "chosen": board.team})


@require_GET
@roles(*LEADING_ROLES)
def export(request: Request) -> exporting.Streamed:
    query = filter_of(request)
    columns, rows = certified.table(query)
    return exporting.response(request, _("certification"), columns, rows, query=query)
