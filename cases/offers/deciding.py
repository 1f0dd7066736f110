"""An offer to one person: made by a lead, accepted or declined. Each is one conditional UPDATE of the offer."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import assignment
from cases.models import Case, DeskSettings, Offer
from cases.offers import telling
from cases.offers.fitting import fit
from cases.offers.roster import needs_of, who_could
from crm import handoff
from crm.errors import Refused
from crm.models import User

OFFER_CASES = "cases.jobs.offer_cases"


class OfferIsOver(Refused):
    sentence = _("This offer is over: {state}.")


class OfferedAlready(Refused):
    sentence = _("This case is offered to {person} just now. Wait for the answer, or give it to somebody.")


class NothingToOffer(Refused):
    sentence = _("This case is {state}; only what nobody has taken can be offered.")


class NotOfTheTeam(Refused):
    sentence = _("{person} does not answer for the team {team}, so cannot be offered this case.")


@transaction.atomic
def offer(*, case: Case, to: User, by: User) -> Offer:
    """Offer it to one colleague, whoever fits best. Raises NothingToOffer, NotOfTheTeam, OfferedAlready."""
    current = Case.objects.locked(case.pk, "channel", "team")
    if current.state != Case.State.NEW:
        raise NothingToOffer(state=current.get_state_display().lower())
    need = needs_of([current])[0]
    person = next((one for one in who_could([current.team_id], [need]) if one.user.pk == to.pk), None)
    if person is None:
        raise NotOfTheTeam(person=to, team=current.team)
    Offer.objects.filter(case=current).to_lapse(timezone.now()).update(
        state=Offer.State.LAPSED, decided_at=timezone.now()
    )
    made = Offer(case=current, user=to, reasons=fit(need, person).why, until=lapses_at())
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError:
        standing = Offer.objects.select_related("user").get(case=current, state=Offer.State.OFFERED)
        raise OfferedAlready(person=standing.user) from None
    telling.offered([made], by=by)
    return made


def lapses_at() -> datetime:
    return timezone.now() + timedelta(minutes=DeskSettings.current().offer_minutes)


@transaction.atomic
def accept(*, offer: Offer, by: User) -> Case:
    """Take the case. Raises OfferIsOver, or AlreadyTaken when somebody was quicker: then nothing is written."""
    _decide(offer, by, Offer.State.ACCEPTED)
    case = assignment.take(case=offer.case, by=by)
    telling.changed([offer], by=by)
    return case


@transaction.atomic
def decline(*, offer: Offer, by: User) -> Offer:
    """Not for me: it goes to the next, and never to `by` again."""
    _decide(offer, by, Offer.State.DECLINED)
    telling.log("declined", {offer.case_id: ""}, by=by)
    telling.changed([offer], by=by)
    handoff.nudge(OFFER_CASES)
    return offer


def _decide(offer: Offer, by: User, state: Offer.State) -> None:
    standing = Offer.objects.filter(pk=offer.pk, user=by, state=Offer.State.OFFERED)
    won = standing.update(state=state, decided_at=timezone.now())
    offer.refresh_from_db()
    if not won:
        raise OfferIsOver(state=offer.get_state_display().lower())
