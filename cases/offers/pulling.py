"""The next case for somebody who asks for one: the first in their queue that fits them, taken as it is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Case as BooleanCase
from django.db.models import Exists, OuterRef, Q, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases import assignment
from cases.models import Case, Offer
from cases.models.asked import CaseQuerySet
from cases.offers.deciding import accept
from cases.offers.fitting import Answerer, Need, fit
from cases.offers.reasons import Reason, because
from cases.offers.roster import facts_about, needs_of, who_could
from channels_app.models import Module
from crm.errors import Refused
from crm.models import User

KEY = ("rank", "turn_at", "id")
COUNTED = 200  # cases at the top of the queue that the refusal tells about


class NothingWaits(Refused):
    sentence = gettext_lazy("Nothing waits for you. {why}")


@dataclass(frozen=True)
class Next:
    """A case somebody has now, and why it was the one."""

    case: Case
    why: Sequence[Reason]

    @property
    def sentence(self) -> str:
        return because(self.why)


def next_for(user: User) -> Case | None:
    """What "Next case" would take now; nothing is taken."""
    me, others = _me_among(user)
    if me is None or not me.has_room:
        return None
    return next((first for cases in _in_turn(me, others) if (first := cases.first())), None)


@transaction.atomic
def take_next(*, by: User) -> Next:
    """What is offered to `by`, else the first case that fits. Two who ask at once never get the same: what one of them
    has locked, the other passes over. Raises NothingWaits.
    """
    if mine := _accepted(by):
        return mine
    me, others = _me_among(by)
    if me is None:
        raise NothingWaits(why=_("You are in no team: ask a lead to add you to one."))
    if not me.has_room:
        raise NothingWaits(why=_("You have %(load)d of %(cap)d cases.") % {"load": me.load, "cap": me.cap})
    for cases in _in_turn(me, others):
        found = cases.select_related("channel").select_for_update(of=("self",), skip_locked=True).first()
        if found:
            need = needs_of([found])[0]
            return Next(assignment.take(case=found, by=by), fit(need, _knowing(me, need)).why)
    raise NothingWaits(why=_why_not(me, others))


def _accepted(by: User) -> Next | None:
    """What was offered to `by` first, unless a colleague was quicker by a blink."""
    standing = Offer.objects.standing().filter(user=by).select_related("case").order_by("pk").first()
    try:
        return Next(accept(offer=standing, by=by), standing.reasons) if standing else None
    except Refused:
        return None


def _me_among(user: User) -> tuple[Answerer | None, list[Answerer]]:
    people = who_could(user.team_ids)
    me = next((one for one in people if one.user.pk == user.pk), None)
    return me, [one for one in people if one is not me]


def _in_turn(me: Answerer, others: Sequence[Answerer]) -> Sequence[CaseQuerySet]:
    """First where I may send what I write, then where I may only draft."""
    lacked = set(Module.objects.in_force().lacked_by(me.user).values_list("place", flat=True))
    fitting = _fitting(me, others).order_by(*KEY)
    if not lacked:
        return [fitting]
    return [fitting] if "" in lacked else [fitting.exclude(channel__place__in=lacked), fitting]


def _new(me: Answerer) -> CaseQuerySet:
    return Case.objects.filter(state=Case.State.NEW, team__in=me.teams).under_one_head()


def _fitting(me: Answerer, others: Sequence[Answerer]) -> CaseQuerySet:
    """New, offered to nobody, asking for no skill I lack, in a language I speak or nobody who is free does."""
    return _new(me).exclude(_is_offered()).exclude(_needs_more(me)).exclude(_is_for_others(me, others))


def _is_offered() -> Exists:
    return Exists(Offer.objects.standing().filter(case=OuterRef("pk")))


def _needs_more(me: Answerer) -> Exists:
    asked = Case.skills.through.objects.filter(case=OuterRef("pk"), skill__retired_at=None)
    return Exists(asked.exclude(skill__in=me.skills))


def _is_for_others(me: Answerer, others: Sequence[Answerer]) -> Q:
    """In a language that a colleague of that team speaks, who is here and has room, and I do not."""
    theirs = Q(pk=0)
    for team in me.teams:
        there = [one for one in others if team in one.teams and one.is_here and one.has_room]
        spoken = frozenset[str]().union(*(one.languages for one in there)) - me.languages
        theirs |= Q(team=team, language__in=sorted(spoken))
    return theirs


def _knowing(me: Answerer, need: Need) -> Answerer:
    uncertified, met = facts_about([me.user.pk], [need])
    return replace(me, uncertified=uncertified[me.user.pk], met=met[me.user.pk])


def _why_not(me: Answerer, others: Sequence[Answerer]) -> str:
    """What the new cases of my teams wait for, counted at the top of the queue."""
    foreign = BooleanCase(When(_is_for_others(me, others), then=True), default=False)
    top = _new(me).order_by(*KEY).annotate(offered=_is_offered(), skilled=_needs_more(me), foreign=foreign)
    cases = list(top.values("offered", "skilled", "foreign")[:COUNTED])
    if not cases:
        return _("No new case is in the queue of your teams.")
    kinds = Counter(next((kind for kind, applies in case.items() if applies), "taken") for case in cases)
    said = {
        "offered": ngettext("%d is offered to a colleague.", "%d are offered to colleagues.", kinds["offered"]),
        "skilled": ngettext("%d needs a skill you do not have.", "%d need skills you do not have.", kinds["skilled"]),
        "foreign": ngettext(
            "%d is in a language that a colleague speaks who is here.",
            "%d are in languages that colleagues speak who are here.", kinds["foreign"],
        ),
        "taken": ngettext("%d is being taken just now.", "%d are being taken just now.", kinds["taken"]),
    }  # fmt: skip
    whole = ngettext("%d new case is not for you:", "%d new cases are not for you:", len(cases)) % len(cases)
    return " ".join([whole, *(text % kinds[kind] for kind, text in said.items() if kinds[kind])])
