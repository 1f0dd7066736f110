"""One question as a page shows it, in one language. Pure: what it needs of the standing is there already."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from surveys.models import Invitation, Question, Version
from surveys.paths import Value
from surveys.standing import Standing


@dataclass(frozen=True)
class Option:
    """Something to press. `note` is what an end of a scale means."""

    value: str
    label: str
    chosen: bool
    note: str = ""


@dataclass(frozen=True)
class Screen:
    """`number` of `most` questions; `exact` where no branch can make it fewer. `back` is the question before it.

    `value` is what was said already, or is chosen beforehand.
    """

    question: Question
    language: str
    value: Value
    answered: bool
    number: int
    most: int
    exact: bool
    percent: int
    back: Question | None

    @property
    def text(self) -> str:
        return self.question.text(self.language)

    @property
    def help(self) -> str:
        return str(self.question.says("help", self.language))

    @property
    def ends(self) -> tuple[str, str]:
        """What the smallest and the largest number mean."""
        says = self.question.says
        return str(says("low", self.language)), str(says("high", self.language))

    @property
    def options(self) -> list[Option]:
        """All that can be pressed; nothing where words are asked for."""
        match self.question.kind:
            case Question.Kind.NPS | Question.Kind.SCALE:
                return self._numbers()
            case Question.Kind.CHOICE:
                chosen = self.value if isinstance(self.value, list) else []
                return [Option(key, label, key in chosen) for key, label in self.question.labels(self.language)]
            case Question.Kind.CONSENT:
                yes = Option("yes", _("Yes, please"), self.value is True)
                return [yes, Option("no", _("No, thank you"), self.value is False)]
        return []

    def _numbers(self) -> list[Option]:
        low, high = self.question.ends
        notes = {low: self.ends[0], high: self.ends[1]}
        return [Option(str(n), str(n), n == self.value, notes.get(n, "")) for n in range(low, high + 1)]

    @property
    def is_words(self) -> bool:
        return self.question.kind == Question.Kind.TEXT

    @property
    def at_one_go(self) -> bool:
        """One press answers it and goes on."""
        return not self.is_words and not self.question.several

    @property
    def is_first(self) -> bool:
        return self.back is None


def screen(standing: Standing, question: Question, language: str, *, score: int | None = None) -> Screen:
    """`question` is one of `standing.path`. `score` is chosen beforehand where a recommendation is asked for."""
    done = [one for one in standing.path if one.pk in standing.answers]
    asked = [one for one in standing.path if one.position < question.position]
    still, known = standing.still, len(standing.path) - len(done)
    held = standing.answers.get(question.pk)
    before = score if question.kind == Question.Kind.NPS and score in range(11) else None
    return Screen(
        question, language, held.value if held else before, held is not None, number=len(asked) + 1,
        most=len(done) + still, exact=still == known, percent=standing.percent, back=asked[-1] if asked else None,
    )  # fmt: skip


# --- languages


def language_of(invitation: Invitation, wished: str = "") -> str:
    """In which of the survey's languages they read it: as they wish, as they answered, as on their record (a survey in
    Portuguese serves who speaks that of Brazil), else the first of the survey."""
    has = getattr(invitation, "response", None)
    record = invitation.customer.language
    spoken = (wished, has.language if has else "", record, record.split("-")[0])
    return next((one for one in spoken if one in invitation.version.languages), invitation.version.languages[0])


def tongues(version: Version) -> list[tuple[str, str]]:
    """The languages of a survey with the names their speakers give them; nothing where there is no choice."""
    return [(code, _own_name(code)) for code in version.languages] if len(version.languages) > 1 else []


def _own_name(code: str) -> str:
    try:
        return str(get_language_info(code)["name_local"]).capitalize()
    except KeyError:
        return code


def runs_from(language: str) -> str:
    """`rtl` where it is written from right to left."""
    return "rtl" if language.split("-")[0] in settings.LANGUAGES_BIDI else "ltr"
