"""Conditions in plain words: "Asked when the recommendation is at most 6"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from surveys.facts import FACTS
from surveys.models import Condition, Question

SHORT = 48  # characters of a question or a choice that is named in a sentence


class Speaker:
    """Says conditions of one version. Asks for the words of a fact once, however many conditions look at it."""

    def __init__(self) -> None:
        self._words: dict[str, dict[str, str]] = {}

    def when(self, question: Question) -> str:
        """The sentence beside a question."""
        said = [self.says(condition) for condition in question.conditions.all()]
        if not said:
            return _("Asked of everybody")
        return _("Asked when %(conditions)s") % {"conditions": _(", and ").join(said)}

    def says(self, condition: Condition) -> str:
        """One condition: "the recommendation is at most 6"."""
        return _("%(about)s %(test)s") % {"about": self._about(condition), "test": self._test(condition)}

    def _about(self, condition: Condition) -> str:
        if condition.about is not None:
            return named(condition.about)
        fact = FACTS.get(condition.fact)
        return _("their %(fact)s") % {"fact": fact.label} if fact else condition.fact

    def _test(self, condition: Condition) -> str:
        values = self.values(condition)
        match condition.test:
            case Condition.Test.AT_LEAST:
                return _("is at least %(value)s") % {"value": values[0]}
            case Condition.Test.AT_MOST:
                return _("is at most %(value)s") % {"value": values[0]}
            case Condition.Test.ONE_OF:
                return _("is %(values)s") % {"values": listed(values, _("or"))}
        return _("is not %(values)s") % {"values": listed(values, _("or"))}

    def values(self, condition: Condition) -> list[str]:
        if (about := condition.about) is None:
            words = self._of_fact(condition.fact)
            return [words.get(str(value), str(value)) for value in condition.values]
        return [answer_in_words(about, value) for value in condition.values]

    def _of_fact(self, name: str) -> dict[str, str]:
        if name not in self._words:
            fact = FACTS.get(name)
            self._words[name] = {key: str(label) for key, label in fact.choices()} if fact else {}
        return self._words[name]


def named(question: Question) -> str:
    """What a condition calls a question."""
    if question.kind == Question.Kind.NPS:
        return _("the recommendation")
    return _("“%(question)s”") % {"question": in_short(question)}


def in_short(thing: object) -> str:
    """So much of its words as tells it from others."""
    return Truncator(str(thing)).chars(SHORT)


def answer_in_words(question: Question, value: Any) -> str:
    if question.kind == Question.Kind.CHOICE:
        return _("“%(choice)s”") % {"choice": in_short(dict(question.labels()).get(value, value))}
    if question.kind == Question.Kind.CONSENT:
        return _("yes") if value else _("no")
    return str(value)


def listed(words: Sequence[str], joined: str) -> str:
    """a, b or c"""
    return f" {joined} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
