"""A survey walked through though nobody is asked: answers and facts travel in the address, and nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from surveys import paths
from surveys.building.questions import answers_to
from surveys.checking import checked
from surveys.facts import FACTS
from surveys.forms import answering
from surveys.models import Question, Version
from surveys.paths import Value
from surveys.screens import Screen

PASSED = "pass"  # how it stands in an address that a question was passed over


@dataclass(frozen=True)
class Walk:
    """How far somebody came: what they said, what is known of them, and the question at hand; None at the end."""

    version: Version
    language: str
    facts: dict[str, str]
    given: dict[int, Value]
    at: Question | None

    @property
    def path(self) -> list[Question]:
        return paths.path(self.version, self.facts, self.given)

    @property
    def percent(self) -> int:
        return paths.progress(self.version, self.facts, self.given)

    @property
    def screen(self) -> Screen | None:
        """As the page of those who are asked shows it."""
        if self.at is None:
            return None
        line, still = self.path, paths.longest(self.version, self.facts, self.given)
        done = sum(question.pk in self.given for question in line)
        before = [question for question in line if question.position < self.at.position]
        return Screen(
            self.at, self.language, self.given.get(self.at.pk), self.at.pk in self.given, number=len(before) + 1,
            most=done + still, exact=still == len(line) - done, percent=self.percent,
            back=before[-1] if before else None,
        )  # fmt: skip

    def carried(self) -> list[tuple[str, str]]:
        """What the next address must say, so that it leads on from here."""
        said = [(f"q{pk}", each) for pk, value in self.given.items() for each in _written(value)]
        return [("lang", self.language), *((f"fact_{name}", value) for name, value in self.facts.items()), *said]


def walk(version: Version, query: QueryDict) -> Walk:
    """Where this address stands. What cannot be read in it counts as not said. `q17` is what was said to question 17,
    `fact_country` what is known, `lang` the language, `at` the question to look at again.
    """
    language = query.get("lang", "")
    facts = {name: str(query[f"fact_{name}"]) for name in FACTS if query.get(f"fact_{name}")}
    given = {q.pk: value for q in version.questions.all() if (value := _read(q, query.getlist(f"q{q.pk}"))) != []}
    spoken = language if language in version.languages else version.languages[0]
    return _stood(Walk(version, spoken, facts, given, None), query.get("at", ""))


def _stood(walked: Walk, at: str) -> Walk:
    following = next((question for question in walked.path if question.pk not in walked.given), None)
    back = next((question for question in walked.path if str(question.pk) == at), following)
    return Walk(walked.version, walked.language, walked.facts, walked.given, back)


def answered(walked: Walk, query: QueryDict) -> Walk:
    """One step on from it. Raises NotAnAnswer, as for who is really asked."""
    question = walked.at
    if question is None:
        return walked
    value = checked(question, answering.given(question, query))
    given = {**walked.given, question.pk: None if value in ("", []) else value}
    return _stood(Walk(walked.version, walked.language, walked.facts, given, None), "")


def _read(question: Question, said: list[str]) -> Any:
    """[]: nothing was said."""
    if not said:
        return []
    if said == [PASSED]:
        return None
    if question.kind == Question.Kind.TEXT:
        return said[0]
    possible = {str(value): value for value in answers_to(question)}
    values = [possible[each] for each in said if each in possible]
    return values if question.kind == Question.Kind.CHOICE else (values or [[]])[0]


def _written(value: Value) -> list[str]:
    if value is None:
        return [PASSED]
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
