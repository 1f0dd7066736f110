"""Answers that another survey tool asked for, saved: found again, made, or changed.

A response is known by its id in the other tool (`_number`), and there is one of a customer in a wave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.errors import Refused
from crm.importing.batch import Batch, Outcome, Saved, must_have
from crm.importing.people import NobodyThere, WasErased
from crm.importing.rules import Values
from crm.models import Customer, Import
from surveys.models import Answer, Invitation, Question, Response, Survey, Version, Wave

WHAT = Import.What.RESPONSES
NUMBERS = UUID("6f5c1a3e-8f0e-5a55-9c0e-2b7d3a9d41c6")  # a name space of our own, for ids of other tools
ANSWERABLE, HALF_A_YEAR = timedelta(days=30), timedelta(days=182)
NPS, WHY = "nps", "why"


class NobodyHasIt(Refused):
    sentence = gettext_lazy("Nobody we know has the address {address}. Import the customers first.")


class AskedByUs(Refused):
    sentence = gettext_lazy("We asked the wave “{name}” ourselves; what came in elsewhere needs a name of its own.")


class OfAnotherTool(Refused):
    sentence = gettext_lazy("The wave “{name}” was asked in another system; give this one a name of its own.")


class AnsweredAlready(Refused):
    sentence = gettext_lazy("{name} stands in the wave “{wave}” already, under another id.")


class OfSomebodyElse(Refused):
    sentence = gettext_lazy("This id is an answer of {name} in the wave “{wave}”.")


# --- what is there


@dataclass
class Held:
    """One person asked once: found, or made a moment ago."""

    invitation: Invitation
    response: Response | None = None
    answers: dict[str, Answer] = field(default_factory=dict)


def look_up(batch: Batch, rows: Sequence[Values]) -> None:
    """Six queries for all of them, and those it takes to know the customers."""
    batch.people.meet(
        ids=[values["customer"] for values in rows if "customer" in values],
        addresses=[values["address"] for values in rows if "address" in values],
    )
    names = {_wave_name(batch, values) for values in rows}
    waves = Wave.objects.select_for_update(of=("self",), no_key=True).select_related("version__survey")
    found = {wave.name: wave for wave in waves.filter(name__in=names).order_by("pk")}
    for name in names:
        batch.know(("wave", name), found.get(name))
    _meet_invitations(batch, rows, list(found.values()))


def _meet_invitations(batch: Batch, rows: Sequence[Values], waves: list[Wave]) -> None:
    customers = {who.pk for values in rows if (who := _known(batch, values))}
    numbers = {_number(batch, values) for values in rows}
    either = Q(number__in=numbers) | Q(wave__in=waves, customer__in=customers)
    rows_there = Invitation.objects.filter(either).select_related("wave", "customer").order_by("pk")
    held = {each.pk: Held(each) for each in rows_there.select_for_update(of=("self",), no_key=True)}
    for response in Response.objects.filter(invitation__in=held):
        held[response.invitation_id].response = response
    for answer in Answer.objects.filter(response__invitation__in=held).select_related("question", "response"):
        held[answer.response.invitation_id].answers[answer.question.key] = answer
    batch.know(("held",), {each.invitation.number: each for each in held.values()})
    batch.know(("places",), {_place(each.invitation): each for each in held.values()})


def _place(invitation: Invitation) -> tuple[str, int]:
    return invitation.wave.name if invitation.wave else "", invitation.customer_id


def _number(batch: Batch, values: Values) -> UUID:
    """One id in one tool is always this number: so the same row is known again."""
    return uuid5(NUMBERS, f"{batch.source}:{values['id']}")


def _wave_name(batch: Batch, values: Values) -> str:
    return str(values.get("wave") or Path(batch.origin).stem)[:80]


def _known(batch: Batch, values: Values) -> Customer | None:
    try:
        return _who(batch, values)
    except Refused:  # is said again, of that row alone, when it is saved
        return None


def _who(batch: Batch, values: Values) -> Customer:
    if "customer" in values:
        try:
            return batch.people.known_customer(values["customer"])
        except NobodyThere:
            if "address" not in values:
                raise
    identity = batch.people.identity(values["address"])
    owner = batch.people.owner(identity) if identity else None
    if owner is None:
        raise NobodyHasIt(address=values["address"].handle)
    if owner.erased_at:
        raise WasErased(id=owner.pk)
    return owner


# --- saved


def save(batch: Batch, values: Values) -> Saved:
    must_have(WHAT, values)
    customer = _who(batch, values)
    held = _held(batch, values, customer)
    made, wave = held is None, _wave(batch, values)
    held = held or _invite(batch, values, customer, wave)
    touched = _answered(batch, held, values) if values["answered_at"] else False
    if made:
        return Saved(held.invitation, Outcome.MADE)
    changed = batch.change(held.invitation, {"sent_at": values["asked_at"]})
    return Saved(held.invitation, Outcome.CHANGED if touched or changed else Outcome.SAME)


def _held(batch: Batch, values: Values, customer: Customer) -> Held | None:
    """What stands under this id. Raises OfSomebodyElse, AnsweredAlready."""
    name = _wave_name(batch, values)
    held: Held | None = batch.asked(("held",), dict).get(_number(batch, values))
    if held is None:
        if (name, customer.pk) in batch.asked(("places",), dict):
            raise AnsweredAlready(name=customer, wave=name)
        return None
    theirs, wave = held.invitation.customer, held.invitation.wave
    if wave is None or wave.name != name or customer.pk not in (theirs.pk, theirs.survivor.pk):
        raise OfSomebodyElse(name=theirs, wave=wave)
    return held


def _wave(batch: Batch, values: Values) -> Wave:
    """The wave of that name, made where there is none, as long as all that was asked in it. Raises AskedByUs."""
    name, begun = _wave_name(batch, values), values["asked_at"]
    ended = (values["answered_at"] or begun) + timedelta(hours=1)
    wave: Wave | None = batch.asked(("wave", name), lambda: None)
    if wave is None:
        wave = Wave(
            name=name, version=batch.asked(("version",), lambda: _version(batch)), imported=True, made_by=batch.by,
            state=Wave.State.CLOSED, share=100, rest_days=0, **_times(begun, ended),
        )  # fmt: skip
        batch.make(wave)
        batch.know(("wave", name), wave)
        return wave
    if not wave.imported:
        raise AskedByUs(name=name)
    if wave.version.survey.name != _survey_name(batch):
        raise OfAnotherTool(name=name)
    batch.change(wave, _times(min(begun, wave.opens_at), max(ended, wave.closes_at)))
    return wave


def _times(begun: datetime, ended: datetime) -> dict[str, Any]:
    next_on = (begun + HALF_A_YEAR).date()
    return {"opens_at": begun, "planned_at": begun, "closes_at": ended, "closed_at": ended, "next_on": next_on}


def _survey_name(batch: Batch) -> str:
    return _("Asked in {system}").format(system=batch.source)


def _version(batch: Batch) -> Version:
    """What was asked elsewhere, as far as we know it. Retired at once: nobody is asked it here."""
    survey, made = Survey.objects.get_or_create(
        name=_survey_name(batch), defaults={"made_by": batch.by, "retired_at": timezone.now()}
    )
    if not made:
        return survey.versions.select_related("survey").latest("number")
    wording = {"en": {"title": survey.name}}
    version = Version.objects.create(survey=survey, languages=["en"], wording=wording, made_by=batch.by)
    asked = (
        (NPS, Question.Kind.NPS, _("How likely are you to recommend us?")),
        (WHY, Question.Kind.TEXT, _("What is the main reason for your score?")),
    )
    Question.objects.bulk_create(
        [
            Question(version=version, position=n, key=key, kind=kind, wording={"en": {"text": words}})
            for n, (key, kind, words) in enumerate(asked, 1)
        ]
    )
    version.sent_at = timezone.now()
    version.save(update_fields=["sent_at"])
    return version


def _invite(batch: Batch, values: Values, customer: Customer, wave: Wave) -> Held:
    asked, over = values["asked_at"], min(values["asked_at"] + ANSWERABLE, timezone.now())
    invitation = Invitation(
        number=_number(batch, values), customer=customer, version=wave.version, wave=wave, by=Invitation.By.ELSEWHERE,
        state=Invitation.State.EXPIRED, due_at=asked, sent_at=asked, ended_at=over, expires_at=asked + ANSWERABLE,
    )  # fmt: skip
    batch.make(invitation)
    held = Held(invitation)
    batch.asked(("held",), dict)[invitation.number] = held
    batch.asked(("places",), dict)[wave.name, customer.pk] = held
    return held


def _answered(batch: Batch, held: Held, values: Values) -> bool:
    """That they answered, and what. Whether anything of it is new."""
    at = values["answered_at"]
    ended = {"state": Invitation.State.ANSWERED, "ended_at": at}
    touched = batch.change(held.invitation, ended)
    said = {"finished_at": at} | {name: values[name] for name in ("score", "language") if name in values}
    if "quotable" in values:
        said["quotable_at"] = at if values["quotable"] else None
    if held.response is None:
        held.response = Response(invitation=held.invitation, started_at=at, **said)
        batch.make(held.response)
        touched = True
    else:
        touched |= batch.change(held.response, said)
    for key, column, name in ((NPS, "number", "score"), (WHY, "text", "comment")):
        if name in values:
            touched |= _answer(batch, held, key, {column: values[name], "answered_at": at})
    return touched


def _answer(batch: Batch, held: Held, key: str, said: dict[str, Any]) -> bool:
    if answer := held.answers.get(key):
        return batch.change(answer, said)
    questions = batch.asked(("questions", held.invitation.version_id), lambda: _questions(held.invitation.version_id))
    answer = Answer(response=held.response, question=questions[key], **said)
    batch.make(answer)
    held.answers[key] = answer
    return True


def _questions(version: int) -> dict[str, Question]:
    return {question.key: question for question in Question.objects.filter(version=version)}
