"""What became of the last survey: calls, questions to groups, answers and second calls, as they would have happened.

Written in bulk, seeded. Executives call ten people a week, so the calls of one wave reach until today: some loops are
closed, some wait for a group, some for the second call.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from cases.models import Cause
from crm.models import Customer, SupportGroup, User
from surveys import plans
from surveys.models import (
    ActionPlan,
    Attempt,
    Call,
    FollowUp,
    GroupAnswer,
    GroupRequest,
    Hashtag,
    Heard,
    Loop,
    Response,
    Theme,
    Told,
)
from surveys.outreach import hours, loops, quoting

DATA = Path(__file__).with_name("demo_outreach.toml")
SEED, DAY, HOUR = 13, timedelta(days=1), timedelta(hours=1)
SLOWEST = 112  # days until the last of a wave is called, ten a week; half of them are within ten days
UNREACHED, UNWILLING, ON_THE_PHONE, PRAISED_ON, LATE, IN_TIME = 0.1, 0.03, 0.3, 0.12, 0.12, 0.9
Outcome, State, Kind, Step = Attempt.Outcome, Call.State, Call.Kind, FollowUp.Step


@cache
def told() -> dict[str, Any]:
    """All words of the demo's calls."""
    return tomllib.loads(DATA.read_text("utf-8"))


def by_day(customer: Customer, at: datetime, now: datetime) -> datetime:
    """Then, or at the next moment at which they may be called; where that is still to come, as few days before."""
    while (found := hours.within(customer, at)) > now:  # at a weekend, or in the evening
        at -= DAY
    return found


@dataclass
class Story:
    """One loop as it went, up to now: the rows it is made of."""

    response: Response
    loop: Loop
    first: Call
    tag: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    request: GroupRequest | None = None
    answer: GroupAnswer | None = None
    second: Call | None = None

    @property
    def is_star(self) -> bool:
        return self.tag == "star"


class Past:
    """All loops of a wave. `owners`: who calls whom, by the kind of caller and, of executives, by country."""

    def __init__(self, owners: Mapping[str, User], tags: Mapping[str, Hashtag], now: datetime) -> None:
        self.owners, self.tags, self.now = owners, tags, now
        self.days = {tag: sorted(Random(f"{tag} {SEED}").sample(range(9, 118), 12)) for tag in told()["answers"]}
        self.answers: dict[tuple[str, int], GroupAnswer] = {}
        self.plans = {tag: self._plan(tag) for tag, row in told()["answers"].items() if "plan" in row}

    def write(self, responses: Sequence[Response], who: Mapping[int, str], star: Response) -> list[Story]:
        """`who`: each response → the kind of caller."""
        themes: dict[int, list[Theme]] = {}
        for theme in Theme.objects.standing().filter(answer__response__in=responses).select_related("answer"):
            themes.setdefault(theme.answer.response_id, []).append(theme)
        stories = [
            Telling(self, each, who[each.pk], themes.get(each.pk, []), is_star=each == star).tell()
            for each in responses
        ]
        self._keep(stories)
        return stories

    def owner(self, to: str, country: str) -> User:
        return self.owners.get(f"{to} {country}") or self.owners[to]

    def answer(self, tag: str, asked_at: datetime, after: timedelta | None = None) -> GroupAnswer | None:
        """What the group says to all of this tag on one of the days on which it answers; None where none has come."""
        days = [day for day in self.days[tag] if self.now - day * DAY > asked_at + 2 * DAY]
        at = asked_at + after if after else (self.now - days[-1] * DAY if days else None)
        if at is None or at > self.now:
            return None
        key = tag, int(at.timestamp())
        if key not in self.answers:
            self.answers[key] = self._answered(tag, at)
        return self.answers[key]

    def _answered(self, tag: str, at: datetime) -> GroupAnswer:
        row, group = told()["answers"][tag], self.group(tag)
        plan = self.plans.get(tag)
        return GroupAnswer(
            group=group, kind=row["kind"], text=row["text"], at=at, by=group.owner or group.members.all()[0], plan=plan,
            change_from=plan.due_on if plan else None,
        )  # fmt: skip

    def has_shipped(self, tag: str, at: datetime) -> bool:
        """Nobody asks for what has changed already."""
        plan = self.plans.get(tag)
        return plan is not None and plan.due_on < at.date()

    def group(self, tag: str) -> SupportGroup:
        return self.tags["trains" if tag == "keep" else tag].group

    def _plan(self, tag: str) -> ActionPlan:
        row, group = told()["answers"][tag], self.group(tag)
        day = (self.now + row["ships"] * DAY).date()
        owner = group.owner or group.members.all()[0]
        cause = Cause.objects.filter(name=row["cause"]).first()
        plan = plans.start(
            title=row["plan"], detail=row["text"], owner=owner, due_on=day, by=owner, group=group, cause=cause
        )
        plans.begin(plan=plan, by=owner)
        return plan

    def _keep(self, stories: Sequence[Story]) -> None:
        Loop.objects.bulk_create([story.loop for story in stories])
        Call.objects.bulk_create([call for story in stories for call in (story.first, story.second) if call])
        FollowUp.objects.bulk_create([row for story in stories for row in _owed(story)])
        Attempt.objects.bulk_create([row for story in stories for row in story.attempts])
        Heard.objects.bulk_create([row for story in stories for row in story.heard])
        GroupAnswer.objects.bulk_create(self.answers.values())
        GroupRequest.objects.bulk_create([story.request for story in stories if story.request])


def _owed(story: Story) -> Iterator[FollowUp]:
    """Thanked and asked in the first call, told in the second."""
    first, second = story.first, story.second
    given_up = first.reason if first.state in (State.CANCELLED, State.WRITTEN) else ""
    for step in Step:
        call = second if second and step == Step.SHARE else first
        done = call.ended_at if call.state == State.DONE and (step != Step.SHARE or call is second) else None
        why = "" if done or call.is_live else given_up or "Nothing was asked of anybody, so there is nothing to tell."
        over = call.ended_at if why and not (step == Step.SHARE and story.loop.state == Loop.State.OPEN) else None
        yield FollowUp(
            response=story.response, step=step, call=call, done_at=done, cancelled_at=over, reason=why if over else ""
        )


class Telling:
    """One of them, from the answer to what they were told."""

    def __init__(self, past: Past, response: Response, to: str, themes: Sequence[Theme], *, is_star: bool) -> None:
        self.past, self.response, self.themes, self.is_star = past, response, themes, is_star
        self.chance = Random(f"{response.invitation.customer.name} {SEED}")
        self.customer = response.invitation.customer
        self.owner = past.owner(to, self.customer.country)
        self.at = response.finished_at or response.started_at
        loop = Loop(customer=self.customer, opened_at=self.at)
        first = Call(
            customer=self.customer, loop=loop, to=to, group=response.group, owner=self.owner, owned_since=self.at,
            made_at=self.at, due_at=self.at + 7 * DAY,
        )  # fmt: skip
        self.story = Story(response, loop, first, "star" if is_star else "")

    def tell(self) -> Story:
        at = self._by_day(self.at + (2 * DAY if self.is_star else (1 + SLOWEST * self.chance.random() ** 4) * DAY))
        if self.chance.random() < IN_TIME:
            self.story.first.due_at = max(self.story.first.due_at, at + DAY)  # who has ten names calls the rest later
        chance = 1.0 if self.is_star else self.chance.random()
        if chance < UNWILLING:
            self._attempt(self.story.first, at, Outcome.NOT_WANTED, "Wants no calls, writes if there is something.")
            self._break_off(State.CANCELLED, at, loops.Step.CALLED, "They want no calls: they said so in one.")
        elif chance < UNREACHED:
            self._attempt(self.story.first, self._before(at, 2), Outcome.NO_ANSWER)
            self._attempt(self.story.first, at, Outcome.MAILBOX)
            self.story.first.tries = 2
            self._break_off(State.WRITTEN, at, loops.Step.CALLED, "Nobody reached them: they were written to.")
        else:
            self._reached(at)
        return self.story

    def _by_day(self, at: datetime) -> datetime:
        """Within their hours, so that nobody was called at night; never in the future."""
        within = hours.within(self.customer, at) + timedelta(minutes=self.chance.randint(5, 400))
        return by_day(self.customer, within, self.past.now)

    def _before(self, at: datetime, days: int) -> datetime:
        """So many days earlier, or in their last hours before that; after they answered all the same."""
        found = by_day(self.customer, at - days * DAY, at - DAY / 2)
        return found if found > self.at else min(hours.within(self.customer, self.at), at)

    def _reached(self, at: datetime) -> None:
        tag = "billing" if self.is_star else self._tag()
        if self.past.has_shipped(tag, at):
            tag = "app"
        note = told()["star"]["note"] if self.is_star else told()["notes"][tag or "quiet"]
        attempt = self._attempt(self.story.first, at, Outcome.REACHED, note)
        self._over(self.story.first, at)
        seen = {theme.topic: theme.tone for theme in self.themes}
        self.story.heard = [Heard(attempt=attempt, topic=topic, tone=tone) for topic, tone in seen.items()]
        if tag:
            self._ask(attempt, tag)
        elif at + DAY < self.past.now:
            self._close(at + DAY)

    def _tag(self) -> str:
        """What they complained of, in the survey or only on the phone; of those who praise, some want it to stay."""
        words = " ".join(theme.answer.text for theme in self.themes if theme.tone == "criticism").lower()
        for word, tag in told()["words"].items():
            if word in words:
                return str(tag)
        if self.chance.random() < ON_THE_PHONE:
            return self.chance.choice(list(self.past.tags))
        praised = any(theme.topic == "product" and theme.tone == "praise" for theme in self.themes)
        return "keep" if praised and self.chance.random() < PRAISED_ON else ""

    def _ask(self, attempt: Attempt, tag: str) -> None:
        hashtag = self.past.tags["trains" if tag == "keep" else tag]
        answer = self.past.answer(tag, attempt.at, 10 * DAY if self.is_star else None)
        due = attempt.at + 14 * DAY
        late = due < (answer.at if answer else self.past.now)
        self.story.answer = answer
        self.story.request = GroupRequest(
            group=hashtag.group, attempt=attempt, loop=self.story.loop, customer=self.customer, hashtag=hashtag,
            quote=quoting.quote(attempt.note, hashtag.tag), asked_at=attempt.at, due_at=due, answer=answer,
            reminded=_reminded(attempt.at, answer.at if answer else self.past.now), escalated_at=due if late else None,
        )  # fmt: skip
        if answer:
            self._tell_them(answer)

    def _tell_them(self, answer: GroupAnswer) -> None:
        due = hours.within(self.customer, answer.at + 14 * DAY)
        self.story.second = call = Call(
            customer=self.customer, loop=self.story.loop, kind=Kind.SECOND, to=self.story.first.to, made_at=answer.at,
            group=self.response.group, owner=self.owner, owned_since=answer.at, due_at=due,
        )  # fmt: skip
        at = self._by_day(due + self.chance.uniform(0, 5) * DAY)
        if self.is_star:
            at = by_day(self.customer, due + HOUR, self.past.now)
        if due + 5 * DAY > self.past.now and not self.is_star:
            return
        if self.chance.random() < LATE and not self.is_star:
            call.tries = 2
            self._attempt(call, self._before(at, 1), Outcome.NO_ANSWER)
            self._attempt(call, at, Outcome.NO_ANSWER)
            self._over(call, at, State.WRITTEN)
        else:
            self._attempt(call, at, Outcome.REACHED, told()["star"]["told"] if self.is_star else "")
            self._over(call, at)
        self._close(at)

    # --- rows

    def _attempt(self, call: Call, at: datetime, outcome: str, note: str = "") -> Attempt:
        attempt = Attempt(call=call, by=self.owner, at=at, kept_at=at, outcome=outcome, note=note)
        self.story.attempts.append(attempt)
        return attempt

    def _over(self, call: Call, at: datetime, state: str = State.DONE, why: str = "") -> None:
        call.state, call.ended_at, call.reason = state, at, why

    def _close(self, at: datetime) -> None:
        self.story.loop.state, self.story.loop.ended_at = Loop.State.CLOSED, at

    def _break_off(self, state: str, at: datetime, step: str, why: str) -> None:
        self._over(self.story.first, at, state, why)
        loop = self.story.loop
        loop.state, loop.ended_at, loop.died_at_step, loop.why = Loop.State.DIED, at, step, why


def _reminded(asked_at: datetime, until: datetime) -> int:
    """How many reminders there were by then: on the seventh day and on the eleventh."""
    return sum(until > asked_at + day * DAY for day in (7, 11))


def shipped(stories: Sequence[Story], plan: ActionPlan, at: datetime) -> None:
    """Who asked for it hears in the second call that it has come; who heard before, at that time."""
    rows = [
        Told(plan=plan, customer=story.loop.customer, how=Told.How.CALL, call=story.second, decided_at=at,
             at=story.second.ended_at)
        for story in stories
        if story.answer and story.answer.plan_id == plan.pk and story.second and story.second.state == State.DONE
    ]  # fmt: skip
    Told.objects.bulk_create({row.customer_id: row for row in rows}.values())
