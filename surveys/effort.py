"""What a survey costs those who answer it, before anybody is asked: how long it takes, how far one has come after three
questions, and what it asks though we know it (M42). What fails here is sent only with a reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.models import Customer
from surveys import paths, reading_time
from surveys.facts import FACTS
from surveys.models import Answer, Question, Version
from surveys.plain import named

FAILS_UNDER, WARNS_UNDER = 20, 30  # percent of the bar after three questions
THIRD = 3
MINUTES = 3.0  # longer than this, and fewer come to the end
WORDS = 40  # of one question, before one has to read it twice
MOST_KNOWN = 50  # percent of customers of whom an answer is known, from which on asking the rest is not worth a screen
MOST_FACTS = 256  # combinations of facts that are tried

TURN = 2.0  # a page comes, and one finds the beginning
ANSWER = {
    Question.Kind.NPS: 5.0,
    Question.Kind.SCALE: 4.0,
    Question.Kind.CHOICE: 2.0,
    Question.Kind.TEXT: 25.0,
    Question.Kind.CONSENT: 4.0,
}
EACH_CHOICE, EACH_OF_SEVERAL = 0.5, 1.5


@dataclass(frozen=True)
class Finding:
    """What is amiss, as a finished sentence, and what to change. `fails`: sent all the same only with a reason."""

    kind: str  # bar, known, fresh, long, wordy, forced
    sentence: str
    what_to_do: str
    question: Question | None = None
    fails: bool = False


@dataclass(frozen=True)
class Effort:
    """`minutes` and `longest` (screens) of the way that costs most; `after_third`: percent of the bar on it."""

    minutes: float
    longest: int
    after_third: int
    findings: list[Finding] = field(default_factory=list)

    @property
    def failed(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.fails]

    @property
    def seconds(self) -> int:
        return round(self.minutes * 60)

    @property
    def time(self) -> str:
        """In words, no more exactly than an estimate can be: "45 seconds", "2 minutes"."""
        if self.seconds < 90:
            return _("%(n)s seconds") % {"n": -5 * (-self.seconds // 5)}
        return _("%(n)s minutes") % {"n": round(self.minutes)}


def check(version: Version, audience_size: int | None = None) -> Effort:
    """Of a version that came `with_questions()`. At most four queries, and one for each fact that is asked.

    Shares are of all customers we know; `audience_size` says how many people of the audience that would be.
    """
    longest = _dearest(version, lambda _question: 1)
    minutes = _dearest(version, lambda question: round(1000 * seconds(question))) / 60_000
    after_third = 100 * THIRD // longest if longest > THIRD else 100
    questions = list(version.questions.all())
    found = [*_bar(longest, after_third), *_known(questions, audience_size), *_plain(questions, minutes)]
    return Effort(minutes, longest, after_third, sorted(found, key=lambda finding: not finding.fails))


def seconds(question: Question) -> float:
    """An estimate, in its first language: two seconds for the page, the time to read it (`surveys.reading_time`), and
    for the answer what ANSWER says of its kind: rules of thumb of ours, with a sentence or two in own words.
    """
    choosing = len(question.choices) * (EACH_OF_SEVERAL if question.several else EACH_CHOICE)
    return TURN + reading_time.seconds(question) + ANSWER[Question.Kind(question.kind)] + choosing


def _dearest(version: Version, weigh: Any) -> int:
    """The heaviest way of anybody, whatever the record says of them."""
    return max(paths.heaviest(version, weigh, facts) for facts in _people(version))


def _people(version: Version) -> Iterator[paths.Facts]:
    """One of each kind of customer that the conditions can tell apart; past MOST_FACTS, as far as that."""
    looked_at: dict[str, dict[str, None]] = {}
    for question in version.questions.all():
        for condition in question.conditions.all():
            if condition.fact:
                looked_at.setdefault(condition.fact, {}).update(dict.fromkeys(map(str, condition.values)))
    kinds = [[(name, value) for value in ("", *values)] for name, values in looked_at.items()]
    for chosen, _n in zip(product(*kinds), range(MOST_FACTS), strict=False):
        yield {name: value for name, value in chosen if value}


def _bar(longest: int, after_third: int) -> Iterator[Finding]:
    if after_third >= WARNS_UNDER:
        return
    fails = after_third < FAILS_UNDER
    most = 100 * THIRD // (FAILS_UNDER if fails else WARNS_UNDER)
    said = _("After question 3 the bar stands at %(percent)s %%. Who sees that little behind them gives up.")
    do = ngettext(
        "Take out %(n)s question, or ask it only of some.", "Take out %(n)s questions, or ask them only of some.",
        longest - most,
    )  # fmt: skip
    yield Finding("bar", said % {"percent": after_third}, do % {"n": longest - most}, fails=fails)


def _plain(questions: Sequence[Question], minutes: float) -> Iterator[Finding]:
    """What no query is needed for."""
    if minutes > MINUTES:
        said = _("It takes about %(minutes)s minutes. Over three, fewer come to the end.") % {"minutes": round(minutes)}
        yield Finding("long", said, _("Take out what nobody acts on."))
    for question in questions:
        if (words := len(question.text().split())) > WORDS:
            said = _("%(question)s has %(n)s words.") % {"question": _called(question), "n": words}
            yield Finding("wordy", said, _("Say it in %(most)s at most.") % {"most": WORDS}, question)
        if question.required and question.kind == Question.Kind.TEXT:
            said = _("%(question)s must be answered in own words.") % {"question": _called(question)}
            yield Finding("forced", said, _("Let it be passed over: who has nothing to say leaves here."), question)


def _known(questions: Sequence[Question], audience_size: int | None) -> Iterator[Finding]:
    """What stands on the record, and what was answered lately. Only where a question is about such a thing."""
    by_fact = {
        question: question.fact if question.fact in FACTS else question.key
        for question in questions
        if _fact_of(question)
    }
    on_record = _on_record(set(by_fact.values()))
    lately = _answered_lately([question for question in questions if question.shelf_days])
    everybody = Customer.objects.standing().count() if on_record or lately else 0
    for question, name in by_fact.items():
        if share := _percent(on_record[name], everybody):
            yield _on_the_record(question, name, share, _people_of(share, audience_size))
    for question, people in lately.items():
        if share := _percent(people, everybody):
            yield _told_already(question, share, _people_of(share, audience_size))


def _fact_of(question: Question) -> bool:
    """A question of the record: it says so, or is named like a fact."""
    return question.fact in FACTS or question.key in FACTS


def _on_record(names: set[str]) -> Mapping[str, int]:
    """Of how many customers each of these facts is known."""
    if not names:
        return {}
    count = {name: Count("pk", filter=FACTS[name].on_record()) for name in names}
    return Customer.objects.standing().aggregate(**count)


def _answered_lately(questions: Sequence[Question]) -> dict[Question, int]:
    """How many customers answered each of these within its shelf life, in whatever survey it was."""
    if not questions:
        return {}
    now, who = timezone.now(), "response__invitation__customer"
    within = {
        f"q{question.pk}": Count(
            who, distinct=True, filter=_within(question, now - timedelta(days=question.shelf_days))
        )
        for question in questions
    }
    found = Answer.objects.filter(question__key__in=[question.key for question in questions]).aggregate(**within)
    return {question: found[f"q{question.pk}"] for question in questions}


def _within(question: Question, since: Any) -> Q:
    return Q(question__key=question.key, answered_at__gt=since)


def _on_the_record(question: Question, name: str, share: int, people: str) -> Finding:
    facts = {"question": _called(question), "share": share, "people": people, "fact": FACTS[name].label}
    if not question.fact:
        said = _("%(question)s asks for what stands on the record of %(share)s %%%(people)s: %(fact)s.") % facts
        do = _("Take it out; or say in the question that it asks for this fact, and only those are asked who lack it.")
        return Finding("known", said, do, question, fails=True)
    said = _("%(question)s: %(fact)s stands on the record of %(share)s %%%(people)s. They are not asked.") % facts
    return Finding("known", said, _worth_it(share), question, fails=share >= MOST_KNOWN)


def _told_already(question: Question, share: int, people: str) -> Finding:
    facts = {"question": _called(question), "share": share, "people": people, "days": question.shelf_days}
    said = _("%(question)s was answered by %(share)s %%%(people)s in the last %(days)s days. They are not asked again.")
    return Finding("fresh", said % facts, _worth_it(share), question, fails=share >= MOST_KNOWN)


def _worth_it(share: int) -> str:
    if share >= MOST_KNOWN:
        return _("Take it out: most would not see it, and what they told us still holds.")
    return _("It may stay: the others are asked. Without it, everybody is done sooner.")


def _called(question: Question) -> str:
    return named(question)[:1].upper() + named(question)[1:]


def _percent(part: int, whole: int) -> int:
    """Rounded; never 0 of somebody."""
    return max(1, round(100 * part / whole)) if part and whole else 0


def _people_of(share: int, audience_size: int | None) -> str:
    """(about 8,300 people)"""
    if not audience_size:
        return ""
    return _(" (about %(n)s people)") % {"n": f"{audience_size * share // 100:,}"}
