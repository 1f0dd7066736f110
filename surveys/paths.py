"""Which questions somebody is asked, and how many are still to come. Pure: a version that came `with_questions()`
answers everything without a query.

Besides `given`, what was answered behind this link, there are two things nobody is asked again (M42): a question
whose `fact` stands on the record, and one that was answered lately (`fresh`, keyed like `given`). Both count where a
condition looks at them. An answer counts as long as its question is on the path: from one that an earlier answer,
changed since, has taken off it, nothing follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from surveys.models import Condition, Question, Version

Facts = Mapping[str, str | Sequence[str]]  # name of a fact (`surveys.facts`) → its value, or its values
Value = int | list[str] | str | bool | None  # what was said to a question; None: it was passed over
Given = Mapping[int, Value]  # question → what was said to it

MOST_TRIED = 4096  # ways told apart before `longest` counts all that may come
NOTHING: Given = {}


def path(version: Version, facts: Facts, given: Given, fresh: Given = NOTHING) -> list[Question]:
    """Those asked, in order, as far as known: a condition on a question without an answer does not hold yet."""
    walk = _Walk(version, facts, given, fresh)
    said: dict[int, Value] = {}
    return [question for question in walk.questions if walk.comes(question, said) and walk.asks(question, said)]


def next_question(version: Version, facts: Facts, given: Given, fresh: Given = NOTHING) -> Question | None:
    return next((one for one in path(version, facts, given, fresh) if one.pk not in given), None)


def longest(version: Version, facts: Facts, given: Given, fresh: Given = NOTHING) -> int:
    """The most questions still to come on any way from here.

    Exact: every answer that conditions can tell apart is tried. Past MOST_TRIED ways, all that may still come.
    """
    return heaviest(version, lambda _question: 1, facts, given, fresh)


def heaviest(
    version: Version, weigh: Callable[[Question], int], facts: Facts, given: Given = NOTHING, fresh: Given = NOTHING
) -> int:
    """As `longest`, where each question counts as much as `weigh` says."""
    walk = _Walk(version, facts, given, fresh, weigh)
    try:
        return walk.most(0, {})
    except _TooMany:
        return walk.may_come()


def progress(version: Version, facts: Facts, given: Given, fresh: Given = NOTHING) -> int:
    """Percent: those answered, of those and the `longest` way from here.

    0 before the first, 100 at the end. It never goes back while answers are added, since each of them takes one
    question at least off the longest way.
    """
    done = sum(question.pk in given for question in path(version, facts, given, fresh))
    still = longest(version, facts, given, fresh)
    return 100 * done // (done + still) if still else 100


def holds(condition: Condition, facts: Facts, given: Given) -> bool:
    """Of a question without an answer nothing holds. Of one passed over, and of a fact we lack, only "none of"."""
    if condition.about_id is None:
        return _meets(condition, facts.get(condition.fact))
    return condition.about_id in given and _meets(condition, given[condition.about_id])


def loops(version: Version) -> list[Question]:
    """Those that wait for themselves or for a later question: they would never be asked."""
    place = {question.pk: question.position for question in version.questions.all()}
    return [one for one in version.questions.all() if any(_waits(one, c, place) for c in one.conditions.all())]


def _waits(question: Question, condition: Condition, place: Mapping[int, int]) -> bool:
    return condition.about_id is not None and place.get(condition.about_id, 0) >= question.position


def _meets(condition: Condition, value: Value | Sequence[str]) -> bool:
    match condition.test:
        case Condition.Test.AT_LEAST:
            return _is_number(value) and value >= condition.values[0]  # type: ignore[operator]
        case Condition.Test.AT_MOST:
            return _is_number(value) and value <= condition.values[0]  # type: ignore[operator]
    among = bool(_each(value) & set(condition.values))
    return among == (condition.test == Condition.Test.ONE_OF)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _each(value: Value | Sequence[str]) -> set[object]:
    if value is None or value == "":
        return set()
    return {value} if isinstance(value, str | int) else set(value)


class _TooMany(Exception):
    """More ways than are worth trying."""


@dataclass
class _Walk:
    """One look at a version. `said` holds what was said, or is tried, to questions before the one at hand."""

    version: Version
    facts: Facts
    given: Given
    fresh: Given
    weigh: Callable[[Question], int] = lambda _question: 1
    questions: list[Question] = field(init=False)
    about: dict[int, list[Condition]] = field(init=False)  # question → conditions that look at its answer
    known: dict[tuple[int, tuple[bool, ...]], int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.questions = list(self.version.questions.all())
        self.about = {}
        for question in self.questions:
            for condition in question.conditions.all():
                if condition.about_id is not None:
                    self.about.setdefault(condition.about_id, []).append(condition)

    def comes(self, question: Question, said: Given) -> bool:
        """Whether it would be asked if nothing was known of its answer."""
        return all(holds(condition, self.facts, said) for condition in question.conditions.all())

    def asks(self, question: Question, said: dict[int, Value]) -> bool:
        """Whether it has a screen. What was said to it joins `said`, whether now, lately, or on the record."""
        if question.pk in self.given:
            said[question.pk] = self.given[question.pk]
            return True
        if question.pk in self.fresh:
            said[question.pk] = self.fresh[question.pk]
            return False
        if on_record := self.facts.get(question.fact) if question.fact else None:
            said[question.pk] = on_record if isinstance(on_record, str) else list(on_record)
            return False
        return True

    def most(self, index: int, said: dict[int, Value]) -> int:
        """What those without an answer weigh that come from the question at `index` on, at most.

        Ways that later conditions cannot tell apart are tried once.
        """
        if index == len(self.questions):
            return 0
        key = (index, self._told_apart(index, said))
        if key not in self.known:
            if len(self.known) >= MOST_TRIED:
                raise _TooMany
            self.known[key] = self._most(index, said)
        return self.known[key]

    def _most(self, index: int, said: dict[int, Value]) -> int:
        question, said = self.questions[index], dict(said)
        if not self.comes(question, said):
            return self.most(index + 1, said)
        if not self.asks(question, said) or question.pk in said:
            return self.most(index + 1, said)
        return self.weigh(question) + max(
            self.most(index + 1, {**said, question.pk: value}) for value in self._answers(question)
        )

    def _told_apart(self, index: int, said: Given) -> tuple[bool, ...]:
        later = (condition for question in self.questions[index:] for condition in question.conditions.all())
        return tuple(holds(condition, self.facts, said) for condition in later)

    def _answers(self, question: Question) -> list[Value]:
        """One of each kind of answer that conditions can tell apart."""
        looking = self.about.get(question.pk, [])
        if not looking:
            return [None]
        tried: dict[tuple[bool, ...], Value] = {}
        for value in _values(question):
            tried.setdefault(tuple(_meets(condition, value) for condition in looking), value)
        if question.several:
            _combine(question, looking, tried)
        return list(tried.values())

    def may_come(self) -> int:
        """All without an answer that no answer given so far has ruled out."""
        said: dict[int, Value] = {}
        came = 0
        for question in self.questions:
            comes = all(self._may_hold(condition, said) for condition in question.conditions.all())
            if comes and self.asks(question, said) and question.pk not in said:
                came += self.weigh(question)
        return came

    def _may_hold(self, condition: Condition, said: Given) -> bool:
        open_still = condition.about_id is not None and condition.about_id not in said
        return open_still or holds(condition, self.facts, said)


def _values(question: Question) -> Iterator[Value]:
    """Answers that may be given to it; of several choices each alone."""
    if not question.required:
        yield None
    match question.kind:
        case Question.Kind.NPS | Question.Kind.SCALE:
            low, high = question.ends
            yield from range(low, high + 1)
        case Question.Kind.CHOICE:
            yield from ([key] for key in question.choices)
        case Question.Kind.CONSENT:
            yield from (True, False)
        case _:
            yield "…"


def _combine(question: Question, looking: Sequence[Condition], tried: dict[tuple[bool, ...], Value]) -> None:
    """Add what several choices together decide otherwise than each alone. Answers of which every condition says the
    same are one, whatever is added to them: so one of each is enough.
    """
    for key in question.choices:
        for value in list(tried.values()):
            more = [*value, key] if isinstance(value, list) else [key]
            tried.setdefault(tuple(_meets(condition, more) for condition in looking), more)
