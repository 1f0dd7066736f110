"""A case goes on with its story, so that the customer tells it once.

It stays with who has it until somebody accepts: its promises run on there. Every step holds the lock on the case's row,
as resolving does, so that of two at once the second sees what the first has done, and says it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import commitments, live, told
from cases.assignment import ON_BEING_TAKEN, CannotOwn, NotYours
from cases.handover_ends import end, page, streams, sweep, who_could
from cases.models import Case, HandOver
from cases.models.states import UNRESOLVED
from cases.storytelling import story_so_far
from crm import notices
from crm.errors import Refused
from crm.models import Absence, Notice, Team, User
from crm.models.activity import log

__all__ = ["accept", "end", "give_back", "hand_over", "story_so_far", "sweep", "withdraw"]


class NobodyChosen(Refused):
    sentence = _("Choose one colleague, or one team, who gets this case.")


class ToOneself(Refused):
    sentence = _("You cannot hand a case to yourself. Choose a colleague or a team.")


class HasItAlready(Refused):
    sentence = _("{person} has this case already.")


class HasLeft(Refused):
    sentence = _("{person} no longer works here. Choose somebody else.")


class IsAway(Refused):
    sentence = _("{person} is away until {until}, and {cover} covers. Hand it to {cover}, or to a team.")


class IsAwayUncovered(Refused):
    sentence = _("{person} is away until {until}, and nobody covers. Choose another colleague, or a team.")


class TeamClosed(Refused):
    sentence = _("The team {team} is closed. Choose another team, or a colleague.")


class NobodyInTeam(Refused):
    sentence = _("Nobody else in {team} could accept it. Choose another team, or a colleague.")


class NoStory(Refused):
    sentence = _("Write the story so far: who takes over should not have to ask the customer again.")


class NoNextStep(Refused):
    sentence = _("Say what is to be done next.")


class NothingPromised(Refused):
    sentence = _("Say what was promised until then, or leave out until when.")


class NothingToHandOver(Refused):
    sentence = _("This case is {state}; there is nothing to hand over.")


class NobodyHasIt(Refused):
    sentence = _("Nobody has this case, so there is no story to hand over: take it, or give it to somebody.")


class HandedAlready(Refused):
    sentence = _("This case is being handed to {receiver}, who has not accepted it yet. Withdraw that first.")


class NotForYou(Refused):
    sentence = _("This case was handed to {receiver}, not to you.")


class NotYourHandOver(Refused):
    sentence = _("Only {giver}, who handed it over, or a lead can withdraw it.")


class NoReason(Refused):
    sentence = _("Say why you return it, so that it finds somebody else.")


class DecidedAlready(Refused):
    sentence = _("{who} has {done} this hand-over already.")


class HasEnded(Refused):
    sentence = _("This hand-over has ended: {why}")


@transaction.atomic
def hand_over(
    *,
    case: Case,
    to: User | None = None,
    team: Team | None = None,
    story: str,
    promised: str = "",
    promised_until: datetime | None = None,
    next_step: str,
    by: User,
) -> HandOver:
    """Offer the case, with its story, to a colleague or to whoever of a team accepts first. Its owner keeps it so long.

    One's own case; a lead may hand over any. What was promised becomes a commitment when it is accepted.
    """
    case = _locked(case.pk)
    _check_case(case, by)
    _check_receiver(case, to, team, by)
    words = _words(story, promised, promised_until, next_step)
    given = HandOver.objects.create(case=case, to=to, team=team, by=by, **words)
    log("handed over", case, by=by, detail=str(given.receiver))
    _tell_receivers(given, gettext("%(who)s hands you case #%(case)s. Accept it, or return it."), by)
    told.changed([case.pk])
    live.cases_changed([case.pk], handed=[case.pk], by=by)
    return given


@transaction.atomic
def accept(*, handover: HandOver, by: User) -> HandOver:
    """`by` becomes the owner, the promise stands on the case, and a team's hand-over moves the case to that team."""
    given = _pending(handover)
    _check_receives(given, by)
    moved = {"team": given.team} if given.team and not given.to else {}
    accepted = Case.objects.filter(pk=given.case_id, state__in=UNRESOLVED)
    if not accepted.update(owner=by, state=ON_BEING_TAKEN, hand_overs=F("hand_overs") + 1, **moved):
        raise NothingToHandOver(state=given.case.get_state_display().lower())
    audience = streams([given])
    _decide(given, HandOver.State.ACCEPTED, by)
    if given.promised:
        commitments.take_over(handover=given)
    log("taken over", given.case, by=by, detail=gettext("from %(giver)s") % {"giver": given.by})
    _tell_giver(given, gettext("%(who)s has accepted case #%(case)s."), by)
    _changed(given, audience, by)
    return given


@transaction.atomic
def give_back(*, handover: HandOver, why: str, by: User) -> HandOver:
    """Return it with a reason: the case stays where it was."""
    given = _pending(handover)
    _check_receives(given, by)
    why = why.strip().replace("\x00", "")[:300]
    if not why:
        raise NoReason
    audience = streams([given])
    _decide(given, HandOver.State.RETURNED, by, why)
    log("returned", given.case, by=by, detail=why)
    _tell_giver(given, gettext("%(who)s has returned case #%(case)s, and says why."), by)
    _changed(given, audience, by)
    return given


@transaction.atomic
def withdraw(*, handover: HandOver, by: User) -> HandOver:
    """Take back what nobody has accepted yet: who handed it over, who has the case, or a lead."""
    given = _pending(handover)
    if by.pk not in (given.by_id, given.case.owner_id) and not by.leads:
        raise NotYourHandOver(giver=given.by)
    audience = streams([given])
    _decide(given, HandOver.State.WITHDRAWN, by)
    log("withdrawn", given.case, by=by, detail=gettext("hand-over to %(who)s") % {"who": given.receiver})
    _tell_receivers(given, gettext("%(who)s no longer hands you case #%(case)s."), by)
    _changed(given, audience, by)
    return given


# --- what is checked


def _locked(pk: int) -> Case:
    return Case.objects.locked(pk, "owner", "team")


def _pending(handover: HandOver) -> HandOver:
    """As it is now, with its case held: whoever decides it meanwhile waits for us, and then reads what came of it."""
    _locked(handover.case_id)
    current = HandOver.objects.with_people().select_related("case__owner").get(pk=handover.pk)
    if current.is_pending:
        return current
    if current.decided_by is None:
        raise HasEnded(why=current.why)
    raise DecidedAlready(who=current.decided_by, done=current.get_state_display().lower())


def _check_case(case: Case, by: User) -> None:
    if not case.is_unresolved:
        raise NothingToHandOver(state=case.get_state_display().lower())
    if case.owner_id is None:
        raise NobodyHasIt
    if case.owner_id != by.pk and not by.leads:
        raise NotYours(owner=case.owner)
    if standing := HandOver.objects.pending().filter(case=case).select_related("to", "team").first():
        raise HandedAlready(receiver=standing.receiver)


def _check_receiver(case: Case, to: User | None, team: Team | None, by: User) -> None:
    if (to is None) == (team is None):
        raise NobodyChosen
    if to is not None:
        _check_person(case, to, by)
    elif team is not None and team.closed_at:
        raise TeamClosed(team=team)
    elif team is not None and not who_could(team.pk, by.pk).exclude(user=case.owner_id).exists():
        raise NobodyInTeam(team=team)


def _check_person(case: Case, to: User, by: User) -> None:
    if to.pk == by.pk:
        raise ToOneself
    if to.pk == case.owner_id:
        raise HasItAlready(person=to)
    if not to.is_active:
        raise HasLeft(person=to)
    if not to.answers:
        raise CannotOwn(person=to)
    if away := _absence(to):
        until = date_format(timezone.localtime(away.ends_at), "D j M, H:i")
        raise (
            IsAway(person=to, until=until, cover=away.cover) if away.cover else IsAwayUncovered(person=to, until=until)
        )


def _absence(user: User) -> Absence | None:
    now = timezone.now()
    covering = Absence.objects.filter(user=user, starts_at__lte=now, ends_at__gt=now, ended_at=None)
    return covering.select_related("cover").order_by("-ends_at").first()


def _check_receives(given: HandOver, by: User) -> None:
    theirs = HandOver.objects.waiting_for(by).filter(pk=given.pk).exists()
    if not theirs or by.pk == given.case.owner_id:
        raise NotForYou(receiver=given.receiver)
    if not by.answers or not by.is_active:
        raise CannotOwn(person=by)


def _words(story: str, promised: str, promised_until: datetime | None, next_step: str) -> dict[str, object]:
    story, promised, next_step = (text.strip().replace("\x00", "") for text in (story, promised, next_step))
    if not story:
        raise NoStory
    if not next_step:
        raise NoNextStep
    if promised_until and not promised:
        raise NothingPromised
    return {"story": story[:4000], "promised": promised[:500], "promised_until": promised_until,
            "next_step": next_step[:500]}  # fmt: skip


# --- what is told


def _decide(given: HandOver, state: HandOver.State, by: User, why: str = "") -> None:
    given.state, given.decided_by, given.decided_at, given.why = state, by, timezone.now(), why
    given.save(update_fields=["state", "decided_by", "decided_at", "why"])


def _tell_receivers(given: HandOver, sentence: str, by: User) -> None:
    people = [given.to] if given.to else list(given.team.members.who_answer()) if given.team else []
    _tell(people, given, sentence, by)


def _tell_giver(given: HandOver, sentence: str, by: User) -> None:
    _tell([given.by], given, sentence, by)


def _tell(people: Iterable[User], given: HandOver, sentence: str, by: User) -> None:
    said = sentence % {"who": by, "case": given.case_id}
    notices.tell(people, Notice.Kind.GIVEN, said, url=page(given), about=given, by=by)


def _changed(given: HandOver, audience: list[str], by: User) -> None:
    told.changed([given.case_id])
    live.cases_changed([given.case_id], spoken=[given.case_id], also=audience, by=by)
