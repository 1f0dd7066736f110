"""Asking a support group inside a case; and the pages on which its members answer."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import questions
from cases.conversation import said_in
from cases.forms.story import AnswerForm, AskForm
from cases.models import GroupQuestion
from cases.views.pane import move, pane, theirs
from crm.errors import Refused
from crm.models.staff import CARE_ROLES, Role
from crm.web import Request, keyset_page, roles, without

PAGE = 30


@require_POST
@roles(*CARE_ROLES)
def ask(request: Request, pk: int) -> HttpResponse:
    case, form = theirs(request, pk), AskForm(request.POST, auto_id="ask_%s")
    try:
        if form.is_valid():
            chosen = form.cleaned_data
            questions.ask(case=case, group=chosen["group"], text=chosen["question"], by=request.user)
    except Refused as refusal:
        form.add_error("question", str(refusal))
    if form.errors:
        template = "cases/_pane.html" if request.htmx else "cases/case.html"
        return render(request, template, pane(request, case, ask_form=form), status=422)
    done = _("%(group)s is asked. The case stays with you.") % {"group": form.cleaned_data["group"]}
    return move(request, pk, lambda _case: None, done)


@require_POST
@roles(*CARE_ROLES)
def withdraw(request: Request, pk: int, question: int) -> HttpResponse:
    found = get_object_or_404(GroupQuestion.objects.select_related("case"), pk=question, case=theirs(request, pk))
    return move(request, pk, lambda _case: questions.withdraw(question=found, by=request.user))


@require_GET
@roles(*Role.values)
def asked_of_us(request: Request) -> HttpResponse:
    """What waits for an answer of my groups, oldest due first; or what they have answered, newest first."""
    mine = GroupQuestion.objects.visible_to(request.user).with_people()
    answered = request.GET.get("show") == "answered"
    if answered:
        page = keyset_page(mine.answered(), request.GET, key=("answered_at", "id"), size=PAGE, newest_first=True)
    else:
        page = keyset_page(mine.waiting(), request.GET, key=("due_at", "id"), size=PAGE)
    groups = list(request.user.support_groups.in_use())  # type: ignore[attr-defined]
    context = {"page": page, "answered": answered, "groups": groups, "query": without(request.GET, "after")}
    return render(request, "cases/questions/asked_of_us.html", context)


@require_http_methods(["GET", "POST"])
@roles(*Role.values)
def group_question(request: Request, pk: int) -> HttpResponse:
    """One question, what the customer and we said in its case, and the answer. For members of the group alone."""
    mine = (
        GroupQuestion.objects.visible_to(request.user).with_people().select_related("case__channel", "case__customer")
    )
    question = get_object_or_404(mine, pk=pk)
    form = AnswerForm(request.POST or None)
    try:
        if request.method == "POST" and form.is_valid():
            questions.answer(question=question, text=form.cleaned_data["text"], by=request.user)
            messages.success(request, _("Answered. %(who)s is told.") % {"who": question.by})
            return redirect("cases:group_questions")
    except Refused as refusal:
        form.add_error("text", str(refusal))
    context = {"question": question, "form": form, "said": said_in(question.case)}
    return render(request, "cases/questions/question.html", context, status=422 if form.errors else 200)
