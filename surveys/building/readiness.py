"""What keeps a version from being sent: finished sentences, each saying what to do."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from crm.templatetags.hark import tongue
from surveys import paths
from surveys.building.questions import answers_to
from surveys.models import Condition, Question, Survey, Version
from surveys.plain import in_short, listed


def ready(version: Version) -> list[str]:
    """What is missing before it can be sent; empty: nothing. The version came `with_questions()`; no query."""
    questions = list(version.questions.all())
    if not questions:
        return [_("There is no question yet. Add the first.")]
    return [*_of_the_whole(version, questions), *(said for one in questions for said in lacks(version, one))]


def lacks(version: Version, question: Question) -> Iterator[str]:
    """What is missing of one question."""
    yield from _words(version, question)
    if question.kind == Question.Kind.CHOICE and len(question.choices) < 2:
        yield _("“%(question)s” needs two choices at least.") % {"question": in_short(question)}
    for condition in question.conditions.all():
        if (about := condition.about) and about.version_id == version.pk:
            yield from _of_a_condition(question, condition, about)


def _of_the_whole(version: Version, questions: list[Question]) -> Iterator[str]:
    if version.survey.kind == Survey.Kind.NPS and not any(one.kind == Question.Kind.NPS for one in questions):
        yield _("A survey that is asked twice a year asks for the recommendation. Add the question from 0 to 10.")
    for question in paths.loops(version):
        yield _("“%(question)s” waits for an answer that comes after it. Move it down.") % {
            "question": in_short(question)
        }
    for code in version.languages:
        if not version.wording.get(code, {}).get("title"):
            yield _("The title is missing in %(language)s.") % {"language": tongue(code)}


def _words(version: Version, question: Question) -> Iterator[str]:
    if missing := [tongue(code) for code in missing_in(version, question)]:
        facts = {"question": in_short(question), "languages": listed(missing, _("and"))}
        yield _("“%(question)s” is not worded in %(languages)s yet.") % facts


def missing_in(version: Version, question: Question) -> list[str]:
    """The languages of the version in which it lacks its text or the words of a choice."""
    return [code for code in version.languages if not _is_worded(question, question.wording.get(code, {}))]


def _is_worded(question: Question, words: dict[str, object]) -> bool:
    labels = words.get("choices")
    named = labels if isinstance(labels, dict) else {}
    return bool(words.get("text")) and all(named.get(key) for key in question.choices)


def _of_a_condition(question: Question, condition: Condition, about: Question) -> Iterator[str]:
    gone = [str(value) for value in condition.values if value not in answers_to(about)]
    if gone:
        yield _("“%(question)s” waits for %(gone)s, which is no answer to “%(about)s” any more.") % {
            "question": in_short(question), "gone": ", ".join(gone), "about": in_short(about),
        }  # fmt: skip
