"""The questions of a version: asked, changed, moved, taken out and put back; and of whom each is asked."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from cases.models import Deed
from crm.errors import Refused
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles
from surveys import building
from surveys.building.questions import ACTION
from surveys.forms.questions import ConditionForm, QuestionForm
from surveys.models import Condition, Question
from surveys.views import builder


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def question_new(request: Request, pk: int, number: int) -> HttpResponse:
    """At the end of the line, of the kind in the address."""
    version = builder.found(request.user, pk, number)
    kind = request.GET.get("kind", Question.Kind.TEXT)
    if kind not in Question.Kind.values:
        raise Http404
    form = QuestionForm(request.POST or None, version=version, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            made = building.add_question(version=version, kind=kind, values=form.values(), by=request.user)
        except Refused as refusal:
            form.add_error("key" if isinstance(refusal, building.KeyTaken) else None, str(refusal))
        else:
            return builder.after(request, version, focus=made.pk)
    return builder.page(request, version, form=form, open="new", kind=Question.Kind(kind))


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def question(request: Request, pk: int, number: int, line: int) -> HttpResponse:
    """Its words and all else of it, in its place in the line."""
    version = builder.found(request.user, pk, number)
    found = builder.question_of(version, line)
    form = QuestionForm(request.POST or None, version=version, kind=found.kind, question=found)
    if request.method == "POST" and form.is_valid():
        try:
            building.change_question(question=found, values=form.values(), by=request.user)
        except Refused as refusal:
            form.add_error("key" if isinstance(refusal, building.KeyTaken) else None, str(refusal))
        else:
            return builder.after(request, version, focus=found.pk)
    return builder.page(request, version, form=form, open="question", at=found.pk)


@require_POST
@roles(*LEADING_ROLES)
def question_move(request: Request, pk: int, number: int, line: int) -> HttpResponse:
    """To the place `to`."""
    version = builder.found(request.user, pk, number)
    to = request.POST.get("to", "")
    if not (to.isascii() and to.isdigit() and len(to) < 5):
        raise Http404
    building.move(question=builder.question_of(version, line), to=int(to), by=request.user)
    return builder.after(request, version, focus=line)


@require_POST
@roles(*LEADING_ROLES)
def question_remove(request: Request, pk: int, number: int, line: int) -> HttpResponse:
    version = builder.found(request.user, pk, number)
    found = builder.question_of(version, line)
    waiting = [each for each in version.questions.all() if any(c.about_id == line for c in each.conditions.all())]
    deed = building.remove(question=found, by=request.user)
    said = _("“%(question)s” is taken out.") % {"question": found}
    if waiting:
        said += " " + _("What depended on it is asked of more people now: %(n)s.") % {"n": len(waiting)}
    messages.success(request, said, extra_tags="undo:" + reverse("surveys:question_put_back", args=[deed.pk]))
    return builder.after(request, version)


@require_POST
@roles(*LEADING_ROLES)
def question_put_back(request: Request, pk: int) -> HttpResponse:
    deed = get_object_or_404(Deed, pk=pk, by=request.user, action=ACTION)
    back = building.put_back(deed=deed, by=request.user)
    return builder.after(request, back.version, focus=back.pk)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def conditions(request: Request, pk: int, number: int, line: int) -> HttpResponse:
    """Of whom it is asked: what is looked at comes first (`on`), then what it must be."""
    version = builder.found(request.user, pk, number)
    found = builder.question_of(version, line)
    on = request.POST.get("on", "") or request.GET.get("on", "")
    form = ConditionForm(request.POST or None, version=version, question=found, on=on)
    if request.method == "POST" and form.is_valid() and form.is_complete:
        about, fact, test = form.about, form.fact, form.cleaned_data["test"]
        try:
            building.add_condition(
                question=found, about=about, fact=fact, test=test, values=form.chosen(), by=request.user
            )
        except Refused as refusal:
            form.add_error("values", str(refusal))
        else:
            return builder.after(request, version, focus=found.pk)
    return builder.page(request, version, form=form, open="when", at=found.pk)


@require_POST
@roles(*LEADING_ROLES)
def condition_remove(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Condition.objects.select_related("question__version__survey"), pk=pk)
    building.remove_condition(condition=found, by=request.user)
    return builder.after(request, found.question.version, focus=found.question_id)
