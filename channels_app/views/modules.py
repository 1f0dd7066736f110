"""What leads set of certification: modules, their content, their questions, and from when they are needed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from channels_app import certification
from channels_app.conduct_forms import ModuleForm, QuestionForm, TestForm
from channels_app.models import Module, ModuleQuestion
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles


@require_GET
@roles(*LEADING_ROLES)
def modules(request: Request) -> HttpResponse:
    return render(request, "channels/modules.html", {"modules": Module.objects.with_counts()})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def module(request: Request, pk: int | None = None) -> HttpResponse:
    """Make a module, or change one; below stand its questions."""
    found = get_object_or_404(Module, pk=pk) if pk is not None else None
    form = ModuleForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        log("changed" if found else "made", saved, by=request.user)
        messages.success(request, _("Saved."))
        return redirect("channels_app:module", saved.pk)
    context = {"form": form, "module": found, "questions": found.questions.all() if found else ()}
    return render(request, "channels/module_form.html", context, status=422 if form.errors else 200)


@require_GET
@roles(*LEADING_ROLES)
def preview(request: Request, pk: int) -> HttpResponse:
    """As who has to pass it sees it; nothing is counted."""
    found = get_object_or_404(Module, pk=pk)
    form = TestForm(list(found.questions.all()))
    return render(request, "channels/module_preview.html", {"module": found, "form": form})


@require_POST
@roles(*LEADING_ROLES)
def switch(request: Request, pk: int) -> HttpResponse:
    """In force, or out of use."""
    found = get_object_or_404(Module, pk=pk)
    if request.POST.get("retire") == "1":
        certification.retire(module=found, by=request.user)
        messages.success(request, _("Retired: nobody needs it any more."))
    else:
        certification.put_in_force(module=found, by=request.user)
        said = _("In force. Until they have passed it, what people write there waits for approval.")
        messages.success(request, said)
    return redirect("channels_app:module", pk)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def question(request: Request, pk: int, module_question: int | None = None) -> HttpResponse:
    """Add a question to a module, or change one."""
    found = get_object_or_404(Module, pk=pk)
    number = module_question
    asked = get_object_or_404(ModuleQuestion, pk=number, module=found) if number is not None else None
    form = QuestionForm(request.POST or None, question=asked)
    if request.method == "POST" and form.is_valid():
        saved = form.save(found)
        log("changed", found, by=request.user, detail=_("Question: {text}").format(text=saved.text))
        messages.success(request, _("Saved."))
        return redirect("channels_app:module", pk)
    context = {"form": form, "module": found, "question": asked}
    return render(request, "channels/module_question.html", context, status=422 if form.errors else 200)


@require_POST
@roles(*LEADING_ROLES)
def question_remove(request: Request, pk: int, module_question: int) -> HttpResponse:
    found = get_object_or_404(ModuleQuestion, pk=module_question, module=pk)
    certification.remove_question(question=found, by=request.user)
    messages.success(request, _("The question is gone."))
    return redirect("channels_app:module", pk)
