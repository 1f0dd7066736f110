"""One link, one answer to each question, kept the moment it is given.

Everything that a customer sends arrives at `answer`. It takes the row of the invitation first: fifty who send at once
are fifty one after the other, and whoever comes after the last answer is told that it was given. The customer's own
clock is never read, and times of one response never run backwards, whatever our own clocks do.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import consent, handoff
from crm.errors import Refused
from crm.models import Consent, Customer, Purpose
from surveys import quality, standing, waves
from surveys.checking import checked
from surveys.models import Answer, Invitation, Question, Response
from surveys.outreach import follow_ups
from surveys.paths import Value
from surveys.standing import NotAsked, Standing

__all__ = ["NotAsked", "answer", "look", "must_be_open", "opened"]

SUGGEST_THEMES = "surveys.jobs.suggest_themes"
LONGEST_LOOK = timedelta(hours=12)  # who comes back after that has not looked at the question all the while

HELD_IN = {
    Question.Kind.NPS: "number",
    Question.Kind.SCALE: "number",
    Question.Kind.CHOICE: "chosen",
    Question.Kind.TEXT: "text",
    Question.Kind.CONSENT: "agreed",
}


class AnsweredAlready(Refused):
    sentence = gettext_lazy("This survey was answered already. Thank you.")


class Expired(Refused):
    sentence = gettext_lazy("This link has run out: it worked until {day}.")


class Over(Refused):
    sentence = gettext_lazy("This survey is over.")


class NotWanted(Refused):
    sentence = gettext_lazy("You asked us for no more surveys, so we keep no further answers.")


class NobodyThere(Refused):
    sentence = gettext_lazy("There is nothing here any more.")


# --- opening


def look(invitation: Invitation, at: datetime) -> Standing:
    """Where they stand, to be shown. Changes nothing. Raises as `must_be_open` does, and NotWanted."""
    must_be_open(invitation, at)
    stands = standing.of(invitation, at)
    _must_be_wanted(stands)
    return stands


def opened(invitation: Invitation, at: datetime) -> None:
    """All that a look leaves behind: when the first was. Mail scanners and previews look as well."""
    if invitation.opened_at is None:
        Invitation.objects.filter(pk=invitation.pk, opened_at=None).update(opened_at=at)


def must_be_open(invitation: Invitation, at: datetime) -> None:
    """Raises NobodyThere, AnsweredAlready, Expired and Over."""
    if invitation.customer.survivor.erased_at:
        raise NobodyThere
    if invitation.state == Invitation.State.ANSWERED:
        raise AnsweredAlready
    if invitation.state == Invitation.State.EXPIRED or (invitation.is_open and at >= invitation.expires_at):
        raise Expired(day=date_format(timezone.localtime(invitation.expires_at), "j F Y"))
    if not invitation.is_open:
        raise NotWanted if _may_not(invitation.customer) else Over


def _may_not(customer: Customer) -> bool:
    return not consent.may_contact(customer, Purpose.SURVEY)


def _must_be_wanted(stands: Standing) -> None:
    """Who says no to the next survey within this one may finish this one. No contact at all is no contact at all."""
    customer = stands.invitation.customer.survivor
    said_here = stands.said_no_to(Purpose.SURVEY) and not customer.do_not_contact_at
    if not said_here and _may_not(customer):
        raise NotWanted


# --- answering


@transaction.atomic
def answer(
    *,
    invitation: Invitation,
    question: Question | int,
    value: Value,
    at: datetime,
    device: str = "",
    seconds: float | None = None,
    language: str = "",
) -> Standing:
    """Keep one answer, or change it while the survey is unfinished; the last one on the path finishes it.

    `value` is as `checking.checked` takes it, `seconds` how long the question was looked at. Answers that a change
    takes off the path are dropped. Returns where they stand now, with the response and the question that comes next.
    Raises as `look` does, NotAsked, and the refusals of `checking`.
    """
    stands = look(_locked(invitation), at)
    asked = stands.screen_of(question if isinstance(question, int) else question.pk)
    kept = checked(asked, value)
    response = _response(stands, at, device, language)
    _keep(stands, response, asked, kept, max(at, response.started_at), seconds)
    with translation.override(settings.LANGUAGE_CODE):  # what is noted for us
        _permit(stands, response, asked, kept)
        return _settle(stands, response, max(at, response.started_at))


def _locked(invitation: Invitation) -> Invitation:
    rows = Invitation.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("customer", "wave", "version__survey").get(pk=invitation.pk)


def _response(stands: Standing, at: datetime, device: str, language: str) -> Response:
    """Its row, from the first answer on. The device is that of the latest answer."""
    response = stands.response or Response(invitation=stands.invitation, started_at=at)
    response.device = device or response.device
    response.language = language or response.language
    response.save()
    return response


def _keep(
    stands: Standing, response: Response, question: Question, value: Value, at: datetime, seconds: float | None
) -> None:  # fmt: skip
    row = stands.answers.get(question.pk) or Answer(response=response, question=question)
    setattr(row, HELD_IN[Question.Kind(question.kind)], value)
    row.answered_at = max(at, row.answered_at) if row.pk else at
    row.seconds = _looked(row.seconds, seconds)
    row.save()
    stands.answers[question.pk] = row


def _looked(before: float | None, seconds: float | None) -> float | None:
    """Added up over every look at the question. A clock of ours that went wrong tells nothing."""
    if seconds is None or not 0 <= seconds <= LONGEST_LOOK.total_seconds():
        return before
    return (before or 0) + seconds


def _permit(stands: Standing, response: Response, question: Question, value: Value) -> None:
    """What they allow or refuse holds at once. Passed over, it leaves everything as it was."""
    if question.permission == Question.Permission.QUOTE:
        response.quotable_at = stands.answers[question.pk].answered_at if value else None
        response.save(update_fields=["quotable_at"])
    elif question.permission and value is not None:
        state = Consent.State.GIVEN if value else Consent.State.REFUSED
        how = _("Said so in the survey “{survey}”").format(survey=stands.version.survey)
        customer = stands.invitation.customer
        consent.record(customer=customer, purpose=question.permission, state=state, how=how, by=None)


def _settle(stands: Standing, response: Response, at: datetime) -> Standing:
    """Drop what is no longer asked, carry the score over, and finish after the last answer."""
    stands = stands.now(response)
    if gone := set(stands.answers) - {question.pk for question in stands.path}:
        Answer.objects.filter(response=response, question__in=gone).delete()
        stands = stands.now(response, without=gone)
    numbers = [row.number for row in stands.answers.values() if row.question.kind == Question.Kind.NPS]
    response.score = numbers[0] if numbers else None
    response.finished_at = at if stands.current is None else None
    response.save(update_fields=["score", "finished_at"])
    if response.finished_at:
        _finish(stands.invitation, response, at)
    return stands


def _finish(invitation: Invitation, response: Response, at: datetime) -> None:
    """The link has had its answer. Of who answers, we know that it reached them, whatever its sender knows."""
    invitation.state, invitation.ended_at = Invitation.State.ANSWERED, at
    invitation.opened_at = invitation.opened_at or at
    invitation.sent_at = invitation.sent_at or invitation.claimed_at or at
    invitation.save(update_fields=["state", "ended_at", "opened_at", "sent_at"])
    quality.flag([response])
    follow_ups.owe([response])
    handoff.nudge(SUGGEST_THEMES, response.pk)
    if invitation.wave_id:
        waves.changed([invitation.wave_id])


def device(invitation: Invitation, *traits: str) -> str:
    """A keyed hash of what a device tells anyway, different in every wave: it leads to nobody, and from none to the
    next. Empty where it tells nothing, or where there is no wave to compare within."""
    if invitation.wave_id is None or not any(traits):
        return ""
    told = "\n".join([str(invitation.wave_id), *traits])
    return salted_hmac("surveys.device", told, algorithm="sha256").hexdigest()
