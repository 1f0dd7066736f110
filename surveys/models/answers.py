"""What customers answered, and what is odd about how they did."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
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

    def not_trusted(self) -> ResponseQuerySet:
        """All others."""
        flagged = models.Exists(Flag.objects.filter(response=models.OuterRef("pk")))
        return self.filter(Q(left_out_at__isnull=False) | flagged & Q(let_in_at=None))

    def owed_a_call(self) -> ResponseQuerySet:
        """Finished and scored, of a survey we sent that was not about a case; whether they were called or not."""
        ours = self.finished().scored().filter(left_out_at=None, invitation__case=None)
        return ours.exclude(invitation__wave__imported=True).exclude(invitation__by=Invitation.By.ELSEWHERE)

    def to_follow_up(self) -> ResponseQuerySet:
        """Those for which nothing is written down yet."""
        return self.owed_a_call().filter(follow_ups=None)

    def flagged(self, kind: str = "") -> ResponseQuerySet:
        """For this reason, or for any."""
        flags = Flag.objects.filter(response=models.OuterRef("pk"))
        return self.filter(models.Exists(flags.filter(kind=kind) if kind else flags))

    def with_number(self) -> ResponseQuerySet:
        """With `number` and `most`: what they chose on the first scale, of how many; where no recommendation is asked
        for, as after a case, that is what they say."""
        first = Answer.objects.filter(
            response=models.OuterRef("pk"), question__kind=Question.Kind.SCALE, number__isnull=False
        ).order_by("question__position")
        return self.annotate(
            number=models.Subquery(first.values("number")[:1]), most=models.Subquery(first.values("question__high")[:1])
        )

    def with_row(self) -> ResponseQuerySet:
        """All that a list shows of them. Three queries more."""
        comments = Answer.objects.verbatims().select_related("question").order_by("question__position")
        rows = self.with_number().select_related(
            "invitation__customer", "invitation__wave", "invitation__version__survey"
        )
        return rows.prefetch_related("flags", models.Prefetch("answers", comments, to_attr="comments"))

    def whole(self) -> ResponseQuerySet:
        """All that its page shows. Six queries more."""
        asked = self.with_number().select_related(
            "invitation__customer", "invitation__wave", "invitation__case", "invitation__version__survey",
            "left_out_by", "let_in_by",
        )  # fmt: skip
        answers = Answer.objects.select_related("question__version").order_by("question__position", "pk")
        return asked.prefetch_related(
            "flags", models.Prefetch("answers", answers), "answers__plans__owner", "answers__themes__cause__parent"
        )


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

    @property
    def group_name(self) -> str:
        return str(Group(self.group).label) if self.group else ""


class AnswerQuerySet(models.QuerySet["Answer"]):
    def fresh(self, customer: int, now: datetime) -> AnswerQuerySet:
        """What this customer has told us and what still holds: nobody asks it again (M42)."""
        return self.fresh_of([customer], now)

    def fresh_of(self, customers: Collection[int], now: datetime) -> AnswerQuerySet:
        """The same of many customers, the newest last."""
        age = models.ExpressionWrapper(
            models.F("answered_at") + models.F("question__shelf_days") * models.Value(timedelta(days=1)),
            output_field=models.DateTimeField(),
        )
        held = self.filter(response__invitation__customer__in=customers, question__shelf_days__gt=0)
        return held.alias(until=age).filter(until__gt=now).select_related("question").order_by("answered_at")

    def verbatims(self) -> AnswerQuerySet:
        """What they said in their own words."""
        return self.filter(question__kind=Question.Kind.TEXT).exclude(text="")

    def visible_to(self, user: User) -> AnswerQuerySet:
        """Leads, admins and executives read what customers answered."""
        return self if user.sees_results else self.none()

    def to_theme(self) -> AnswerQuerySet:
        """Comments of finished surveys for which no themes were suggested yet."""
        return self.verbatims().filter(themed_at=None, response__finished_at__isnull=False).order_by("id")

    def said_by(self, customer: int) -> AnswerQuerySet:
        return self.filter(response__invitation__customer=customer)

    def saying(self, words: str) -> AnswerQuerySet:
        """In which each of these words stands, or a part of one does; at most eight are looked for."""
        found = self
        for word in words.split()[:8]:
            found = found.filter(text__icontains=word)
        return found

    def themed(self, **theme: object) -> AnswerQuerySet:
        """With a standing theme of this topic, cause (its own or one under it) or tone, all in one theme."""
        from surveys.models.verbatims import Theme  # stands above this module

        cause = theme.pop("cause", None)
        found = Theme.objects.standing().filter(answer=models.OuterRef("pk"), **theme)
        if cause:  # or one under it, or one that was joined to it
            found = found.filter(Q(cause=cause) | Q(cause__parent=cause) | Q(cause__merged_into=cause))
        return self.filter(models.Exists(found))

    def without_themes(self) -> AnswerQuerySet:
        """That nobody and nothing has given a theme which still stands."""
        from surveys.models.verbatims import Theme

        return self.exclude(models.Exists(Theme.objects.standing().filter(answer=models.OuterRef("pk"))))

    def with_themes_to_decide(self) -> AnswerQuerySet:
        """With a suggestion that nobody has looked at."""
        from surveys.models.verbatims import Theme

        return self.filter(models.Exists(Theme.objects.to_decide().filter(answer=models.OuterRef("pk"))))

    def behind(self, plan: int) -> AnswerQuerySet:
        """Whose customers asked for this plan."""
        return self.filter(asks__plan=plan)

    def in_a_plan(self, yes: bool) -> AnswerQuerySet:
        """Behind some plan, or behind none."""
        from surveys.models.verbatims import PlanAnswer

        behind = models.Exists(PlanAnswer.objects.filter(answer=models.OuterRef("pk")))
        return self.filter(behind if yes else ~behind)

    def in_wave(self, wave: int | None) -> AnswerQuerySet:
        """Given in this wave; None: in the survey after a case."""
        return self.filter(response__invitation__wave=wave)

    def as_comments(self) -> AnswerQuerySet:
        """With all that a list of comments shows: who, when, how, themes and plans. Two queries more."""
        from surveys.models.verbatims import PlanAnswer, Theme

        themes = Theme.objects.standing().select_related("cause").order_by("id")
        asks = PlanAnswer.objects.select_related("plan").order_by("plan_id")
        asked = ("response__invitation__customer", "response__invitation__wave", "question__version__survey")
        return self.select_related(*asked).prefetch_related(
            models.Prefetch("themes", themes, to_attr="standing_themes"), models.Prefetch("asks", asks)
        )  # fmt: skip

    def quotable(self) -> AnswerQuerySet:
        """Whose customer allowed that their words are quoted."""
        return self.filter(response__quotable_at__isnull=False)


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
    themed_at = models.DateTimeField(_("themes suggested"), null=True, blank=True)

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ["response", "question__position"]
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.UniqueConstraint(fields=["response", "question"], name="a_question_has_one_answer"),
        ]
        indexes = [
            models.Index(fields=["-answered_at", "-id"], condition=~Q(text=""), name="comment_newest"),
            models.Index(fields=["id"], condition=Q(themed_at=None) & ~Q(text=""), name="comment_to_theme"),
            GinIndex(OpClass(Upper("text"), name="gin_trgm_ops"), condition=~Q(text=""), name="comment_trigrams"),
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
