"""What customers answered, and what is odd about how they did."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from surveys.models.surveys import Question
from surveys.models.waves import Invitation

if TYPE_CHECKING:
    from crm.models import User

PROMOTER, DETRACTOR = 9, 6  # from 9 on, and up to 6: Reichheld, Harvard Business Review, December 2003


class Group(models.TextChoices):
    PROMOTER = "promoter", _("Promoter")
    PASSIVE = "passive", _("Passive")
    DETRACTOR = "detractor", _("Detractor")


class ResponseQuerySet(models.QuerySet["Response"]):
    def visible_to(self, user: User) -> ResponseQuerySet:
        """Leads, admins and executives read what customers answered."""
        return self if user.sees_results else self.none()

    def scored(self) -> ResponseQuerySet:
        """With a recommendation from 0 to 10."""
        return self.filter(score__isnull=False)

    def finished(self) -> ResponseQuerySet:
        return self.filter(finished_at__isnull=False)

    def trusted(self) -> ResponseQuerySet:
        """Without those a person left out, and those flagged that nobody let in."""
        flagged = models.Exists(Flag.objects.filter(response=models.OuterRef("pk")))
        return self.filter(Q(let_in_at__isnull=False) | ~flagged, left_out_at=None)

    def flagged(self) -> ResponseQuerySet:
        return self.filter(models.Exists(Flag.objects.filter(response=models.OuterRef("pk"))))


class Response(models.Model):
    """All answers behind one link. `score` and `group` follow the answer to the recommendation."""

    invitation = models.OneToOneField(Invitation, on_delete=models.CASCADE, related_name="response")
    language = models.CharField(_("language"), max_length=8, blank=True)
    device = models.CharField(_("device"), max_length=64, blank=True, help_text=_("A keyed hash; it leads to nobody."))
    score = models.PositiveSmallIntegerField(_("score"), null=True, blank=True)
    group = models.GeneratedField(
        expression=models.Case(
            models.When(score__gte=PROMOTER, then=models.Value("promoter")),
            models.When(score__lte=DETRACTOR, then=models.Value("detractor")),
            models.When(score__isnull=False, then=models.Value("passive")),
            default=models.Value(""),
        ),
        output_field=models.CharField(max_length=9), db_persist=True,
    )  # fmt: skip
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    quotable_at = models.DateTimeField(_("may be quoted"), null=True, blank=True)
    left_out_at = models.DateTimeField(_("left out"), null=True, blank=True)
    left_out_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    let_in_at = models.DateTimeField(_("let in"), null=True, blank=True)
    let_in_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)

    objects = ResponseQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = _("response")
        verbose_name_plural = _("responses")
        indexes = [
            models.Index(fields=["-finished_at", "-id"], name="response_newest"),
            models.Index(fields=["device"], condition=~Q(device=""), name="response_of_a_device"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(score=None) | Q(score__lte=10), name="a_score_is_from_0_to_10"),
            models.CheckConstraint(
                condition=Q(left_out_at=None, left_out_by=None)
                | Q(left_out_at__isnull=False, left_out_by__isnull=False),
                name="a_response_is_left_out_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(let_in_at=None, let_in_by=None) | Q(let_in_at__isnull=False, let_in_by__isnull=False),
                name="a_response_is_let_in_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(left_out_at=None) | Q(let_in_at=None), name="a_response_is_left_out_or_let_in"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invitation}: {'–' if self.score is None else self.score}"

    def get_absolute_url(self) -> str:
        return reverse("surveys:response", args=[self.pk])


class AnswerQuerySet(models.QuerySet["Answer"]):
    def fresh(self, customer: int, now: datetime) -> AnswerQuerySet:
        """What this customer has told us and what still holds: nobody asks it again (M42)."""
        age = models.ExpressionWrapper(
            models.F("answered_at") + models.F("question__shelf_days") * models.Value(timedelta(days=1)),
            output_field=models.DateTimeField(),
        )
        held = self.filter(response__invitation__customer=customer, question__shelf_days__gt=0)
        return held.alias(until=age).filter(until__gt=now).select_related("question").order_by("answered_at")

    def verbatims(self) -> AnswerQuerySet:
        """What they said in their own words."""
        return self.filter(question__kind=Question.Kind.TEXT).exclude(text="")


class Answer(models.Model):
    """One answer: `number` to a recommendation or a scale, `chosen` to a choice, `text`, or `agreed` to a permission.

    `seconds`: from when the question was shown to when it was answered, as far as the server saw it.
    """

    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="answers")
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="answers")
    number = models.SmallIntegerField(_("number"), null=True, blank=True)
    chosen = models.JSONField(_("chosen"), default=list, blank=True)
    text = models.TextField(_("text"), max_length=4000, blank=True)
    agreed = models.BooleanField(_("agreed"), null=True, blank=True)
    seconds = models.FloatField(_("seconds"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), default=timezone.now)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ["response", "question__position"]
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.UniqueConstraint(fields=["response", "question"], name="a_question_has_one_answer"),
        ]

    def __str__(self) -> str:
        return f"{self.question}: {self.said}"

    @property
    def said(self) -> str:
        """As a person reads it, in the first language of its survey."""
        kind = self.question.kind
        if kind == Question.Kind.CHOICE:
            words = dict(self.question.labels())
            return ", ".join(words.get(key, key) for key in self.chosen)
        if kind == Question.Kind.CONSENT:
            return "" if self.agreed is None else str(_("Yes") if self.agreed else _("No"))
        return self.text if kind == Question.Kind.TEXT else str(self.number if self.number is not None else "")

    @property
    def value(self) -> int | list[str] | str | bool | None:
        """What conditions look at."""
        match self.question.kind:
            case Question.Kind.CHOICE:
                return self.chosen
            case Question.Kind.TEXT:
                return self.text
            case Question.Kind.CONSENT:
                return self.agreed
        return self.number


class Flag(models.Model):
    """Why an answer may not be meant: tired, in a hurry, or somebody else's. `why` is the finished sentence."""

    class Kind(models.TextChoices):
        STRAIGHT = "straight", _("The same everywhere")
        FAST = "fast", _("Too fast")
        LATE = "late", _("Left near the end")
        DEVICE = "device", _("Same device")

    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="flags")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    why = models.CharField(_("why"), max_length=300)
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        ordering = ["response", "kind"]
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        constraints = [
            models.UniqueConstraint(fields=["response", "kind"], name="a_response_is_flagged_once_for_a_reason")
        ]

    def __str__(self) -> str:
        return self.why
