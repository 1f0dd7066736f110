"""What counts as an answer to a question, wherever it comes from."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from surveys.models import Answer, Question
from surveys.paths import Value

LONGEST: int = Answer._meta.get_field("text").max_length or 4000


class NotAnAnswer(Refused):
    """Base of what is wrong with an answer: it stands beside the question, and can be put right there."""

    sentence = _("We did not understand this answer. Please give it again.")


class MustBeAnswered(NotAnAnswer):
    sentence = _("Please answer this one: the rest depends on it.")


class ScoreOutOfRange(NotAnAnswer):
    sentence = _("Please choose a number from {low} to {high}.")


class NotAChoice(NotAnAnswer):
    sentence = _("Please choose one of the answers on this page.")


class OnlyOne(NotAnAnswer):
    sentence = _("Please choose one answer only.")


class TooLong(NotAnAnswer):
    sentence = _("That is {n} characters long. Please shorten it to {most}.")


def checked(question: Question, value: Value) -> Value:
    """The value as it is kept; None, "" or [] where the question was passed over.

    Raises one of the refusals above: finished sentences, to stand beside the question.
    """
    kept = CHECKS[Question.Kind(question.kind)](question, value)
    if question.required and kept in (None, "", []):
        raise MustBeAnswered
    return kept


def _number(question: Question, value: Value) -> Value:
    low, high = question.ends
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ScoreOutOfRange(low=low, high=high)
    return value


def _chosen(question: Question, value: Value) -> Value:
    """In the order of the question, each once."""
    picked = [] if value is None else value
    if not isinstance(picked, list) or not set(picked) <= set(question.choices):
        raise NotAChoice
    kept = [key for key in question.choices if key in picked]
    if len(kept) > 1 and not question.several:
        raise OnlyOne
    return kept


def _text(question: Question, value: Value) -> Value:
    """Lines end as a browser counts them, so that what its `maxlength` lets through fits."""
    if value is not None and not isinstance(value, str):
        raise NotAnAnswer
    text = (value or "").replace("\x00", "").replace("\r\n", "\n").strip()
    if len(text) > LONGEST:
        raise TooLong(n=f"{len(text):,}", most=f"{LONGEST:,}")
    return text


def _agreed(question: Question, value: Value) -> Value:
    if value is not None and not isinstance(value, bool):
        raise NotAnAnswer
    return value


CHECKS = {
    Question.Kind.NPS: _number,
    Question.Kind.SCALE: _number,
    Question.Kind.CHOICE: _chosen,
    Question.Kind.TEXT: _text,
    Question.Kind.CONSENT: _agreed,
}
