"""Where one case stands: whose turn it is, and how its clocks have to stand then. Nothing here asks the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from cases.models import Case, Clock
from cases.models.states import NEEDS_US, UNRESOLVED
from cases.promises.terms import Terms

State = Case.State
Kind = Clock.Kind


class Said(NamedTuple):
    at: datetime
    ours: bool
    acknowledges: bool


@dataclass
class Standing:
    """One case with all its clocks; `settle` brings them in line. What was said is in order."""

    pk: int
    state: str
    opened_at: datetime
    waiting_since: datetime
    resolved_at: datetime | None
    said: Sequence[Said]
    clocks: list[Clock]
    terms: Terms
    now: datetime
    # when the clock of this turn had ended before it was taken up again
    stood_still_from: datetime | None = field(default=None, init=False)

    def settle(self) -> None:
        if self.state in (State.ASIDE, State.MERGED):
            for clock in self.clocks:
                if clock.ended_at is None:
                    self.terms.end(clock, self.now, kept=False)
            return
        self._acknowledge()
        self._answer()
        self._resolve()

    # --- what was said

    @property
    def asked(self) -> list[datetime]:
        return [said.at for said in self.said if not said.ours]

    @property
    def spoken(self) -> list[datetime]:
        return [said.at for said in self.said if said.ours]

    @property
    def answers(self) -> list[datetime]:
        return [said.at for said in self.said if said.ours and not said.acknowledges]

    @property
    def turn(self) -> datetime | None:
        """Since when the customer waits for us; None where nothing of theirs is unanswered."""
        ours = self.state in (*NEEDS_US, State.SNOOZED)
        return self.waiting_since if ours and any(at >= self.waiting_since for at in self.asked) else None

    def turns(self) -> list[tuple[datetime, datetime | None]]:
        """From the first thing they said to the answer, again and again; the last may be open."""
        found, since = [], None
        for said in self.said:
            if not said.ours:
                since = since or said.at
            elif since and not said.acknowledges:
                found.append((since, said.at))
                since = None
        return [*found, (since, None)] if since else [*found]

    def of(self, kind: str) -> list[Clock]:
        return sorted((c for c in self.clocks if c.kind == kind), key=lambda c: (c.started_at, c.pk or 0))

    # --- acknowledged: from the opening, and from each return, until we first say anything

    def _acknowledge(self) -> None:
        clock = next(iter(self.of(Kind.ACKNOWLEDGE)[::-1]), None)
        returned = self._returned_at()
        if returned and (clock is None or (clock.ended_at and clock.started_at < returned)):
            clock = self._begin(Kind.ACKNOWLEDGE, returned)
        elif clock is None:
            clock = self._first_acknowledge()
        if clock is None:
            return
        said = next((at for at in self.spoken if at >= clock.started_at), None)
        if clock.ended_at is None:
            self._go_on(clock, said)
        elif said is None and self.turn:
            self._take_up(clock, clock.started_at)

    def _first_acknowledge(self) -> Clock | None:
        """Whoever was spoken to first waits for no sign of life."""
        if not self.asked or any(at < self.asked[0] for at in self.spoken):
            return None
        return self._begin(Kind.ACKNOWLEDGE, self.asked[0])

    def _returned_at(self) -> datetime | None:
        """When the customer came back to what was resolved, where its clocks do not know of it yet."""
        last = next(iter(self.of(Kind.RESOLVE)[::-1]), None)
        if last is None or last.ended_at is None or last.end == Clock.End.DROPPED:
            return None
        return self.turn if self.turn and self.turn >= last.ended_at else None

    def _go_on(self, clock: Clock, said: datetime | None) -> None:
        if said:
            self.terms.end(clock, said, kept=True)
        elif not self.turn:
            self.terms.end(clock, self._over(), kept=False)
        elif len(self.of(clock.kind)) == 1 and self.asked[0] < clock.started_at:
            self._restart(clock, self.asked[0])

    # --- answered: one clock a turn

    def _answer(self) -> None:
        clock = next((c for c in self.of(Kind.ANSWER) if c.ended_at is None), None)
        if clock:
            self._end_turn(clock)
        self._past_turns()
        if self.turn and not any(c.ended_at is None for c in self.of(Kind.ANSWER)):
            self._begin_turn(self.turn)

    def _end_turn(self, clock: Clock) -> None:
        """Over when we answered; until then it runs from what they said first, as the case says it."""
        before = max((c.ended_at for c in self.of(Kind.ANSWER) if c.ended_at), default=clock.started_at)
        answered = next((at for at in self.answers if at >= clock.started_at and at >= before), None)
        if self.turn and (self.turn <= clock.started_at or answered is None or answered > self.turn):
            if self.turn != clock.started_at:
                self._restart(clock, self.turn)
        elif answered:
            self.terms.end(clock, answered, kept=True)
        elif self.state == State.RESOLVED or not any(at >= clock.started_at for at in self.spoken):
            self.terms.end(clock, self._over(), kept=False)

    def _past_turns(self) -> None:
        """Turns that came and went since we last looked, as in an archive. A word of thanks at the end is none."""
        known = self.of(Kind.ANSWER)
        if known and self.state == State.RESOLVED:
            return
        last = max((max(c.started_at, c.ended_at or c.started_at) for c in known), default=None)
        for since, answered in self.turns():
            if answered and (last is None or since > last):
                self.terms.end(self._begin(Kind.ANSWER, since), answered, kept=True)

    def _begin_turn(self, at: datetime) -> None:
        """A turn that had ended (an answer taken back, a resolution undone) goes on as if it had not."""
        again = next((c for c in self.of(Kind.ANSWER) if c.started_at == at), None)
        if again is None:
            self._begin(Kind.ANSWER, at)
        else:
            self.stood_still_from = again.ended_at
            self._take_up(again, at)

    # --- resolved: while it is our turn, until it is; a return goes on with what is left

    def _resolve(self) -> None:
        clock = next(iter(self.of(Kind.RESOLVE)[::-1]), None) or self._first_resolve()
        ended = clock.ended_at
        if ended and self.state in UNRESOLVED:
            clock.ended_at, clock.end = None, ""
        if clock.ended_at:
            return
        if clock.running_since:
            self._stand_still(clock)
        if self._should_run() and clock.running_since is None:
            self.terms.run(clock, self._resume_at(ended))
        if self.state == State.RESOLVED:
            self.terms.end(clock, self._over(), kept=True)

    def _first_resolve(self) -> Clock:
        clock = self.terms.new(self.pk, Kind.RESOLVE, self.opened_at)
        self.clocks.append(clock)
        for since, answered in self.turns():
            if answered or self.state == State.RESOLVED:
                self.terms.run(clock, since)
                self.terms.pause(clock, answered or self._over())
        return clock

    def _should_run(self) -> bool:
        return self.state in NEEDS_US or (self.state == State.SNOOZED and self.turn is not None)

    def _stand_still(self, clock: Clock) -> None:
        """It ran until we answered; the turns that came and went since then count as well."""
        since = clock.running_since or self.now
        answered = next((at for at in self.answers if at > since and (self.turn is None or at <= self.turn)), None)
        if answered is None:
            if self.state == State.WAITING or (self.state == State.SNOOZED and self.turn is None):
                self.terms.pause(clock, max(since, self.waiting_since))
            return
        self.terms.pause(clock, answered)
        for began, ended in self.turns():
            if ended and began > answered:
                self.terms.run(clock, began)
                self.terms.pause(clock, ended)

    def _resume_at(self, ended: datetime | None) -> datetime:
        """From their word on; but no second that has counted already, and none while it was resolved."""
        floors = [self.turn or (self.opened_at if not self.said else self.now), self.stood_still_from, ended]
        if self.turn:
            floors += [at for at in self.answers[-1:] if at >= self.turn]
        elif ended:
            floors = [ended]
        return max(at for at in floors if at)

    # --- what all of them do

    def _over(self) -> datetime:
        """When it ended without an answer."""
        return self.resolved_at or self.now

    def _begin(self, kind: str, at: datetime) -> Clock:
        clock = self.terms.new(self.pk, kind, at)
        self.terms.run(clock, at)
        self.clocks.append(clock)
        return clock

    def _restart(self, clock: Clock, at: datetime) -> None:
        clock.started_at, clock.spent, clock.broken_at, clock.risk_told_at = at, 0, None, None
        self.terms.run(clock, at)

    def _take_up(self, clock: Clock, at: datetime) -> None:
        clock.ended_at, clock.end, clock.spent = None, "", 0
        self.terms.run(clock, at)
