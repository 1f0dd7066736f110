"""The page of one request: what was said, how it stands, what this person can do about it, and what came before.

Its parts come again by themselves when the request changes, except what somebody is writing in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.forms import Form
from django.http import HttpResponse, QueryDict
from django.shortcuts import render

from channels_app import live
from crm.models import Customer, Stakeholder, User
from crm.web import Request
from surveys.forms.outreach.requests import AnswerForm, AskBackForm, TellBackForm
from surveys.forms.verbatims import numbers
from surveys.models import Group, GroupRequest, Response
from surveys.outreach import improving, loops, requests

WHOLE = "request-page"
MOST_ALIKE = 40  # of those that ask for the same: the likest; the others are chosen in the list
PARTS = {
    WHOLE: "surveys/requests/_page.html", "request": "surveys/requests/_request.html",
    "request-deeds": "surveys/requests/_deeds.html", "request-steps": "surveys/requests/_steps.html",
}  # fmt: skip


@dataclass
class Rights:
    """What somebody may do about a request now; in the words of its page."""

    request: GroupRequest
    user: User

    @cached_property
    def answer(self) -> bool:
        return self.request.waits and requests.is_of(self.request.group, self.user)

    @cached_property
    def ask_back(self) -> bool:
        return self.answer and self.request.asked_back_at is None

    @cached_property
    def withdraw(self) -> bool:
        return self.request.waits and requests.is_theirs(self.request, self.user)

    @cached_property
    def tell_back(self) -> bool:
        return self.withdraw and self.request.asked_back_at is not None

    @cached_property
    def note(self) -> bool:
        """All of the note: groups see the sentences they are asked about, callers and care all of it."""
        return self.user.knows_customers


def shown(request: Request, found: GroupRequest, status: int = 200, **forms: Form) -> HttpResponse:
    """Whole, or for HTMX the part that is asked for; with forms as they were sent, where they were refused."""
    number = live.numbers([f"request:{found.pk}"])[f"request:{found.pk}"]  # before what it shows is read
    may = Rights(found, request.user)
    context = {"asked": found, "number": number, "may": may, **_forms(request, found, may), **forms}
    target = request.htmx.target or ""
    if target not in PARTS or target in (WHOLE, "request-steps"):
        context |= {
            "loop": found.loop, "story": loops.story(found.loop, reader=request.user),
            "coming": loops.coming(found.loop),
        }  # fmt: skip
    if target not in PARTS or target == WHOLE:
        context["about"] = About(found.customer, found, request.user)
    return render(request, PARTS.get(target, "surveys/requests/request.html"), context, status=status)


def _forms(request: Request, found: GroupRequest, may: Rights) -> dict[str, Form]:
    forms: dict[str, Form] = {"ask_back_form": AskBackForm(), "tell_back_form": TellBackForm()}
    return forms | {"answer_form": answer_form(request, found)} if may.answer else forms


def answer_form(request: Request, found: GroupRequest, data: QueryDict | None = None) -> AnswerForm:
    """With those about the same beside it, and before them what was chosen to be answered with it.

    What is sent may have been answered meanwhile: it stays among them, so that whose answer it is can be said.
    """
    chosen = numbers(request.GET.get("with", "") if data is None else ",".join(data.getlist("requests")))
    others = GroupRequest.objects.visible_to(request.user).filter(group=found.group_id).with_people()
    others = others.waiting() if data is None else others
    picked = list(others.filter(pk__in=chosen).exclude(pk=found.pk)) if chosen else []
    alike = [each for each in requests.alike(found) if each not in picked]
    shown = [*picked, *alike[:MOST_ALIKE]]
    more = len(alike) + len(picked) - len(shown)
    return AnswerForm(data, plans=improving.open_of(found.group), alike=shown, chosen=chosen, more=more)


@dataclass
class About:
    """Who asked for it, as far as a group has to know."""

    customer: Customer
    request: GroupRequest
    reader: User

    @cached_property
    def stakes(self) -> list[Stakeholder]:
        return list(Stakeholder.objects.of_customer(self.customer).select_related("account").weightiest_first()[:2])

    @cached_property
    def response(self) -> Response | None:
        """What they answered that led to the call."""
        answered = Response.objects.filter(follow_ups__call__loop=self.request.loop_id)
        return answered.select_related("invitation__wave").order_by("-finished_at", "-pk").first()

    @property
    def group(self) -> str:
        """In a word, where they scored."""
        return str(Group(self.response.group).label) if self.response and self.response.group else ""

    @cached_property
    def others(self) -> list[GroupRequest]:
        """What else was asked for them after the same call, of those this person may see."""
        found = GroupRequest.objects.visible_to(self.reader).filter(loop=self.request.loop_id).with_people()
        return list(found.exclude(pk=self.request.pk).order_by("asked_at", "pk"))
