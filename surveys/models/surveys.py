"""What is asked: a survey, its versions, their questions, and on what each question depends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import Purpose

if TYPE_CHECKING:
    from crm.models import User

KEY = RegexValidator(r"^[a-z][a-z0-9_]{0,39}$", _("Small letters, digits and _, beginning with a letter."))


class Topic(models.TextChoices):
    """What a customer judges us by: the four of M45."""

    PRODUCT = "product", _("Product")
    PRICE = "price", _("Price")
    RELATIONSHIP = "relationship", _("Account relationship")
    SUPPORT = "support", _("Support")


class SurveyQuerySet(models.QuerySet["Survey"]):
    def in_use(self) -> SurveyQuerySet:
        return self.filter(retired_at=None)

    def retired(self) -> SurveyQuerySet:
        return self.exclude(retired_at=None)

    def called(self, words: str) -> SurveyQuerySet:
        return self.filter(name__icontains=words) if words else self

    def with_newest(self) -> SurveyQuerySet:
        """With what the newest version says of itself: `newest` (its number), `newest_sent_at`, `languages`, and how
        many `questions` it has."""
        newest = Version.objects.filter(survey=models.OuterRef("pk")).order_by("-number")
        questions = newest.annotate(n=models.Count("questions"))
        return self.annotate(
            newest=models.Subquery(newest.values("number")[:1]),
            newest_sent_at=models.Subquery(newest.values("sent_at")[:1]),
            languages=models.Subquery(newest.values("languages")[:1]),
            questions=models.Subquery(questions.values("n")[:1]),
        )

    def visible_to(self, user: User) -> SurveyQuerySet:
        """Leads and admins make and see surveys."""
        return self if user.leads else self.none()


class Survey(models.Model):
    class Kind(models.TextChoices):
        NPS = "nps", _("Twice a year")
        CASE = "case", _("After a case")
        PULSE = "pulse", _("Pulse")

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices, default=Kind.NPS)
    brand = models.CharField(
        _("brand"), max_length=60, blank=True, help_text=_("In whose name it is asked, as on its channels.")
    )
    made_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = SurveyQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        constraints = [
            # one survey asks after cases, so that a resolved case is asked about once
            models.UniqueConstraint(
                fields=["kind"], condition=Q(kind="case", retired_at=None), name="one_survey_asks_after_cases"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("surveys:survey", args=[self.pk])


class VersionQuerySet(models.QuerySet["Version"]):
    def drafts(self) -> VersionQuerySet:
        return self.filter(sent_at=None)

    def sent(self) -> VersionQuerySet:
        return self.filter(sent_at__isnull=False)

    def with_questions(self) -> VersionQuerySet:
        """All that paths and pages read of it. Three queries more."""
        questions = Question.objects.prefetch_related("conditions__about")
        return self.select_related("survey").prefetch_related(models.Prefetch("questions", questions))


class Version(models.Model):
    """What was asked at one time. Never changes once somebody was asked: a trigger holds it (`FROZEN`).

    `wording` per language: {"en": {"title": …, "intro": …, "thanks": …}}. The first language is asked where a customer
    has none of them.
    """

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="versions", verbose_name=_("survey"))
    number = models.PositiveSmallIntegerField(_("number"), default=1)
    languages = ArrayField(models.CharField(max_length=8), default=list, size=20, verbose_name=_("languages"))
    wording = models.JSONField(_("wording"), default=dict)
    made_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    sent_at = models.DateTimeField(_("first sent"), null=True, blank=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["survey", "-number"]
        verbose_name = _("version of a survey")
        verbose_name_plural = _("versions of surveys")
        constraints = [
            models.UniqueConstraint(fields=["survey", "number"], name="a_survey_numbers_its_versions"),
            models.UniqueConstraint(
                fields=["survey"], condition=Q(sent_at=None), name="a_survey_has_one_version_in_the_making"
            ),
            models.CheckConstraint(condition=Q(languages__len__gte=1), name="a_version_speaks_a_language"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="a_version_that_was_sent_never_changes", when=pgtrigger.Before, operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__sent_at__isnull=False),
                func="""
                IF (OLD.survey_id, OLD.number, OLD.languages, OLD.wording, OLD.sent_at)
                   IS DISTINCT FROM (NEW.survey_id, NEW.number, NEW.languages, NEW.wording, NEW.sent_at) THEN
                    RAISE EXCEPTION USING ERRCODE = 'check_violation',
                        CONSTRAINT = 'a_version_that_was_sent_never_changes',
                        MESSAGE = 'A version that was sent never changes.';
                END IF;
                RETURN NEW;
                """,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.survey} {self.number}"

    def get_absolute_url(self) -> str:
        return reverse("surveys:version", args=[self.survey_id, self.number])

    @property
    def is_draft(self) -> bool:
        return self.sent_at is None

    def says(self, name: str, language: str = "") -> str:
        """One of its own sentences, in that language, else in its first."""
        return _worded(self.wording, name, language, self.languages)


def _worded(wording: dict[str, Any], name: str, language: str, languages: list[str]) -> Any:
    for each in (language, *languages):
        if found := wording.get(each, {}).get(name):
            return found
    return ""


# Questions and conditions of a version that was sent stand as they are.
FROZEN = """
    SELECT version.sent_at IS NOT NULL INTO frozen FROM surveys_version AS version WHERE version.id = {version};
    IF frozen THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'a_version_that_was_sent_never_changes',
            MESSAGE = 'A version that was sent never changes.';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
"""


def _frozen(name: str, operation: Any, version: str) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name, when=pgtrigger.Before, operation=operation, declare=[("frozen", "boolean")],
        func=FROZEN.format(version=version),
    )  # fmt: skip


class Question(models.Model):
    """One screen. `key` names what is asked, whatever the words: an answer given under it holds for `shelf_days` (0: it
    is asked each time), in whatever survey it was given.

    `wording` per language: {"text": …, "help": …, "low": …, "high": …, "choices": {key: label}}; `choices` are the keys
    of a choice in order. `fact` names what of the record it asks (`surveys.facts`), `topic` what its text is about.
    """

    class Kind(models.TextChoices):
        NPS = "nps", _("0 to 10")
        CHOICE = "choice", _("Choice")
        SCALE = "scale", _("Scale")
        TEXT = "text", _("Own words")
        CONSENT = "consent", _("Permission")

    class Permission(models.TextChoices):
        CALL = Purpose.CALL.value, Purpose.CALL.label
        MARKETING = Purpose.MARKETING.value, Purpose.MARKETING.label
        SURVEY = Purpose.SURVEY.value, Purpose.SURVEY.label
        QUOTE = "quote", _("Being quoted")

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="questions")
    position = models.PositiveSmallIntegerField(_("position"))
    key = models.CharField(_("name"), max_length=40, validators=[KEY])
    kind = models.CharField(_("kind"), max_length=7, choices=Kind.choices)
    required = models.BooleanField(_("must be answered"), default=False)
    several = models.BooleanField(_("several may be chosen"), default=False)
    choices = models.JSONField(_("choices"), default=list, blank=True)
    low = models.SmallIntegerField(_("from"), default=1)
    high = models.SmallIntegerField(_("to"), default=5)
    permission = models.CharField(_("permission for"), max_length=10, choices=Permission.choices, blank=True)
    topic = models.CharField(_("topic"), max_length=12, choices=Topic.choices, blank=True)
    fact = models.CharField(_("fact of the record"), max_length=40, blank=True)
    shelf_days = models.PositiveSmallIntegerField(_("an answer holds for"), default=0, help_text=_("Days."))
    wording = models.JSONField(_("wording"), default=dict)

    class Meta:
        ordering = ["version", "position"]
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            models.UniqueConstraint(
                fields=["version", "position"],
                deferrable=models.Deferrable.DEFERRED,
                name="questions_of_a_version_stand_in_line",
            ),
            models.UniqueConstraint(fields=["version", "key"], name="a_version_asks_a_thing_once"),
            models.UniqueConstraint(
                fields=["version"], condition=Q(kind="nps"), name="a_version_asks_for_one_recommendation"
            ),
            models.CheckConstraint(
                condition=Q(kind="consent") & ~Q(permission="") | ~Q(kind="consent") & Q(permission=""),
                name="a_question_for_consent_says_for_what",
            ),
            models.CheckConstraint(
                condition=~Q(kind="scale") | Q(low__gte=-10, low__lt=F("high"), high__lte=10),
                name="a_scale_has_two_ends",
            ),
            models.CheckConstraint(condition=Q(kind="choice") | Q(several=False), name="only_choices_are_several"),
        ]
        triggers = [
            _frozen(
                "questions_of_a_sent_version_stay", pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                "CASE WHEN TG_OP = 'INSERT' THEN NEW.version_id ELSE OLD.version_id END",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.text() or self.key

    def says(self, name: str, language: str = "") -> Any:
        return _worded(self.wording, name, language, self.version.languages)

    def text(self, language: str = "") -> str:
        return str(self.says("text", language))

    def labels(self, language: str = "") -> list[tuple[str, str]]:
        """The choices with their words, in order."""
        words = self.says("choices", language) or {}
        return [(key, words.get(key) or key) for key in self.choices]

    @property
    def ends(self) -> tuple[int, int]:
        """The smallest and the largest number that is an answer."""
        return (0, 10) if self.kind == self.Kind.NPS else (self.low, self.high)


class Condition(models.Model):
    """A question is asked when all of its conditions hold: of an earlier answer, or of a fact we know."""

    class Test(models.TextChoices):
        AT_LEAST = "at_least", _("at least")
        AT_MOST = "at_most", _("at most")
        ONE_OF = "one_of", _("one of")
        NONE_OF = "none_of", _("none of")

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="conditions")
    about = models.ForeignKey(
        Question, on_delete=models.CASCADE, related_name="leads_to", null=True, blank=True, verbose_name=_("answer to")
    )
    fact = models.CharField(_("fact of the record"), max_length=40, blank=True)
    test = models.CharField(_("is"), max_length=8, choices=Test.choices)
    values = models.JSONField(_("what"), default=list)

    class Meta:
        ordering = ["question", "id"]
        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        constraints = [
            models.CheckConstraint(
                condition=Q(about=None) & ~Q(fact="") | Q(about__isnull=False, fact=""),
                name="a_condition_is_about_an_answer_or_a_fact",
            ),
            models.CheckConstraint(condition=~Q(about=F("question")), name="a_question_does_not_wait_for_itself"),
        ]
        triggers = [
            _frozen(
                "conditions_of_a_sent_version_stay", pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                "(SELECT version_id FROM surveys_question WHERE id ="
                " CASE WHEN TG_OP = 'INSERT' THEN NEW.question_id ELSE OLD.question_id END)",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.about or self.fact} {self.get_test_display()} {', '.join(map(str, self.values))}"
