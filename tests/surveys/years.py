"""Years of surveys on the real database: waves, surveys after cases, consents and addresses that come and go.

Time is simulated by the rows themselves: it begins now and lies ahead, so that no clock is turned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone
from hypothesis import assume
from hypothesis import strategies as st

from crm.models import Consent, Customer, Identity
from surveys import planning, reaching, sampling, waves
from surveys.models import Invitation, SurveySettings, Version, Wave
from tests import factories

DAY = timedelta(days=1)
ZONES = ("UTC", "America/New_York", "Europe/Madrid", "Pacific/Auckland", "Asia/Kolkata")


@dataclass(frozen=True)
class Somebody:
    country: str
    tier: str
    account: bool
    came: int  # days after the beginning; below 0: before it


@dataclass(frozen=True)
class Round:
    """One wave: how many days until the next, for how long it is open, and how it draws."""

    gap: int
    length: int
    rest: int
    share: int
    hour: int


@dataclass(frozen=True)
class Happening:
    """On that day of the simulation, at that hour, to the nth customer."""

    day: int
    hour: int
    who: int
    what: str


@dataclass(frozen=True)
class Years:
    zone: str
    rest: int
    per_hour: int
    people: Sequence[Somebody]
    rounds: Sequence[Round]
    happenings: Sequence[Happening]


WHAT = (
    "refuses", "agrees", "loses address", "gets address", "mail comes back", "is asked after a case", "is nearly asked",
)  # fmt: skip


@st.composite
def years(draw: st.DrawFn) -> Years:
    """Two to six waves. Each is at most so far from the next as the rest allows: others are refused."""
    house_rest = draw(st.integers(0, 120))
    per_hour = draw(st.sampled_from([0, 0, 1, 2]))
    somebody = st.builds(
        Somebody, country=st.sampled_from(["GB", "DE", ""]), tier=st.sampled_from(["standard", "key"]),
        account=st.booleans(), came=st.integers(-500, 500),
    )  # fmt: skip
    people = draw(st.lists(somebody, min_size=2, max_size=9))
    rounds, total = [], 0
    for _ in range(draw(st.integers(2, 6))):
        rest = draw(st.integers(house_rest, 180))
        gap = draw(st.integers(21, 364 - rest - (3 if per_hour else 0)))
        rounds.append(
            Round(
                gap, draw(st.integers(2, 20)), rest, draw(st.sampled_from([1, 30, 50, 100])), draw(st.integers(0, 23))
            )
        )
        total += gap
    happening = st.builds(
        Happening, day=st.integers(0, total), hour=st.integers(0, 23), who=st.integers(0, len(people) - 1),
        what=st.sampled_from(WHAT),
    )  # fmt: skip
    return Years(
        draw(st.sampled_from(ZONES)), house_rest, per_hour, people, rounds, draw(st.lists(happening, max_size=25))
    )


@dataclass
class Told:
    """What came of it: `asks` are (when, the rest that held for it) by customer; `reached` from when until when."""

    asks: dict[int, list[tuple[datetime, int]]] = field(default_factory=lambda: defaultdict(list))
    reached: dict[int, list[tuple[datetime, datetime]]] = field(default_factory=lambda: defaultdict(list))


class Simulation:
    """Goes through the years in order; checks each draw against people counted one by one."""

    def __init__(self, plan: Years, version: Version, by: object) -> None:
        self.plan, self.version, self.by = plan, version, by
        self.begin = timezone.now().astimezone(reaching.house()) + DAY
        SurveySettings.objects.update_or_create(
            pk=1, defaults={"rest_days": plan.rest, "begins_on": self.begin.date(), "least": 2}
        )
        self.people = [self._born(each) for each in plan.people]
        self.refused: set[int] = set()
        self.lost: set[int] = set()
        self.dead: set[int] = set()  # whose mailbox is gone, and we do not know it yet
        self.since = {person.pk: max(self.begin, person.created_at) for person in self.people}
        self.told, self.nearly = Told(), dict[int, datetime]()
        self.opened: list[datetime] = []

    def at(self, day: int, hour: int) -> datetime:
        """That hour of the wall clock in the house."""
        local = datetime.combine(self.begin.date() + day * DAY, time(hour, 30), reaching.house())
        return local.astimezone(timezone.get_default_timezone())

    def _born(self, each: Somebody) -> Customer:
        person = factories.CustomerFactory(
            country=each.country, tier=each.tier, created_at=self.begin + each.came * DAY, name="Somebody"
        )
        factories.IdentityFactory(kind="email", place="", customer=person, value=f"{person.pk}@mail.example")
        if each.account:
            factories.StakeholderFactory(customer=person)
        return person

    # --- the clock

    def run(self) -> Told:
        for moment, _order, do in sorted(self._agenda(), key=lambda each: each[:2]):
            self._pass_until(moment)
            do(moment)
        for person in self.people:
            if self.opened and person.pk not in self.refused | self.lost:
                self._ends(person.pk, self.opened[-1])
        return self.told

    def _agenda(self) -> Iterator[tuple]:
        day = 1
        for number, each in enumerate(self.plan.rounds):
            opens = self.at(day, each.hour)
            yield (opens, 1, lambda at, number=number, day=day: self._open(at, number, day))
            day += each.gap
        for each in self.plan.happenings:
            yield (self.at(each.day, each.hour), 0, lambda at, each=each: self._happen(at, each))

    def _pass_until(self, moment: datetime) -> None:
        """What Hark does by itself: what is due leaves, what is over ends, who can be asked again is."""
        for wave in list(Wave.objects.running()):
            self._send(min(moment, wave.closes_at))
            if wave.closes_at <= moment:
                waves.close(wave=wave, by=None)
        self._send(moment)
        for pk, at in list(self.nearly.items()):
            if at <= moment:
                Invitation.objects.filter(pk=pk).update(state="cancelled", reason="Back again", ended_at=at)
                del self.nearly[pk]
                self._catch_up(at)

    def _catch_up(self, at: datetime) -> None:
        planning.catch_up(at)
        self._send(at)

    def _send(self, until: datetime) -> None:
        due = Invitation.objects.filter(wave__isnull=False, state="planned", due_at__lte=until).order_by("due_at", "id")
        for invitation in due.select_related("wave"):
            who = invitation.customer_id
            if who in self.refused | self.lost:
                Invitation.objects.filter(pk=invitation.pk).update(
                    state="cancelled", reason="Not any more", ended_at=invitation.due_at
                )
                continue
            self._leaves(invitation, invitation.due_at, invitation.wave.rest_days)

    def _leaves(self, invitation: Invitation, at: datetime, rest: int) -> None:
        if invitation.customer_id in self.dead:
            self._comes_back(invitation, at)
            return
        self.told.asks[invitation.customer_id].append((at, rest))
        Invitation.objects.filter(pk=invitation.pk).update(state="answered", sent_at=at, ended_at=at)

    def _comes_back(self, invitation: Invitation, at: datetime) -> None:
        """As `returns.bounce` at that time. It asked nobody: not for the rest, and not for the year."""
        self.dead.discard(invitation.customer_id)
        Invitation.objects.filter(pk=invitation.pk).update(
            state="bounced", sent_at=at, ended_at=at, reason="No such mailbox"
        )
        Identity.objects.filter(value=f"{invitation.customer_id}@mail.example").update(unreachable_at=at)
        self._now(invitation.customer_id, at, self.lost, True)

    # --- what happens

    def _open(self, at: datetime, number: int, day: int) -> None:
        each = self.plan.rounds[number]
        wave = waves.draft(
            by=self.by, name=f"Wave {number}", version=self.version, share=each.share, rest_days=each.rest,
            opens_at=at, closes_at=at + each.length * DAY, next_on=self.begin.date() + (day + each.gap) * DAY,
            per_hour=self.plan.per_hour, seed=f"seed {number}",
        )  # fmt: skip
        expected = self._may_be_asked(wave)
        assert_same_draw(wave)
        if not any(expected.values()):  # all of them rest: there is no such wave
            assume(not self.nearly)
            assert_refused(wave, self.by)
            return
        wave = waves.start(wave=wave, by=self.by)
        planning.plan(wave.pk)
        self.opened.append(at)
        assert_weights(wave, expected)

    def _may_be_asked(self, wave: Wave) -> dict[str, set[int]]:
        """Told from the rows, one person at a time."""
        found: dict[str, set[int]] = defaultdict(set)
        for person, about in zip(self.people, self.plan.people, strict=True):
            theirs = list(Invitation.objects.filter(customer=person))
            asked = [i.sent_at for i in theirs if i.sent_at and i.state != "bounced"]
            rests = any(at > wave.opens_at - wave.rest_days * DAY for at in asked)
            if person.pk in self.refused | self.lost or rests or any(i.is_open for i in theirs):
                continue
            found[f"{about.country}|{about.tier}|{'account' if about.account else ''}"].add(person.pk)
        return found

    def _happen(self, at: datetime, each: Happening) -> None:
        person = self.people[each.who]
        match each.what:
            case "refuses" | "agrees":
                state = {"refuses": "refused", "agrees": "given"}[each.what]
                Consent.objects.update_or_create(customer=person, purpose="survey", defaults={"state": state})
                self._now(person.pk, at, self.refused, each.what == "refuses")
            case "loses address" | "gets address":
                gone = at if each.what == "loses address" else None
                Identity.objects.filter(value=f"{person.pk}@mail.example").update(unreachable_at=gone)
                self.dead.discard(person.pk)
                self._now(person.pk, at, self.lost, gone is not None)
            case "mail comes back":
                self.dead.add(person.pk)
            case what:
                self._ask_after_a_case(person, at, nearly=what == "is nearly asked")
        self._catch_up(at)

    def _now(self, pk: int, at: datetime, among: set[int], is_in: bool) -> None:
        was_reached = not {pk} & (self.refused | self.lost)
        among.add(pk) if is_in else among.discard(pk)
        is_reached = not {pk} & (self.refused | self.lost)
        if was_reached and not is_reached:
            self._ends(pk, at)
        elif is_reached and not was_reached:
            self.since[pk] = max(at, self.since[pk])

    def _ends(self, pk: int, at: datetime) -> None:
        if self.since[pk] < at:
            self.told.reached[pk].append((self.since[pk], at))

    def _ask_after_a_case(self, person: Customer, at: datetime, *, nearly: bool) -> None:
        """By the rules every survey obeys; one nearly asked is taken back a day later, as its case is back."""
        rest = self.plan.rest
        if person.created_at > at or not reaching.may_be_asked(
            Customer.objects.filter(pk=person.pk), at=at, rest_days=rest
        ):
            return
        made = Invitation.objects.create(
            customer=person, version=self.version, due_at=at + DAY, expires_at=at + 30 * DAY
        )
        if nearly:
            self.nearly[made.pk] = at + DAY
        else:
            self._leaves(made, at, rest)


def assert_same_draw(wave: Wave) -> None:
    """The same seed draws the same people, in pieces of whatever size; another seed may not."""
    once = sampling.draw(wave)
    assert sampling.draw(wave) == once
    assert once.asked == sum(each.asked for each in sampling.listed(once.strata))


def assert_refused(wave: Wave, by: object) -> None:
    with pytest.raises(waves.NobodyToAsk):
        waves.start(wave=wave, by=by)


def assert_weights(wave: Wave, expected: dict[str, set[int]]) -> None:
    """The weights of each stratum add up to those of it who might be asked; nobody else is."""
    weights: dict[str, float] = defaultdict(float)
    for stratum, customer, weight in wave.invitations.values_list("stratum", "customer", "weight"):
        assert customer in expected[stratum]
        weights[stratum] += weight
    there = {name: len(who) for name, who in expected.items() if who}
    assert {name: round(weight, 6) for name, weight in weights.items()} == there
