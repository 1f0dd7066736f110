"""What customers said in their own words: what it is about, and what is done about it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.work import SupportGroup
from surveys.models.answers import Answer
from surveys.models.surveys import Topic

if TYPE_CHECKING:
    from crm.models import User


UNDO = timedelta(minutes=1)  # in which an improvement that has come can be taken back before anybody is told


class Tone(models.TextChoices):
    PRAISE = "praise", _("Praise")
    CRITICISM = "criticism", _("Criticism")
    NEUTRAL = "neutral", _("Neither")


class ThemeQuerySet(models.QuerySet["Theme"]):
    def standing(self) -> ThemeQuerySet:
        """Suggested or confirmed; not those a person took away."""
        return self.filter(dropped_at=None)

    def to_decide(self) -> ThemeQuerySet:
        """Suggested, and nobody has looked at it."""
        return self.standing().filter(decided_at=None)


class Theme(models.Model):
    """What a comment is about: one of the four topics or a cause, and how. Hark suggests, a person corrects.

    A suggestion that a person dropped stays, so that nobody suggests it again.
    """

    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="themes")
    topic = models.CharField(_("topic"), max_length=12, choices=Topic.choices, blank=True)
    cause = models.ForeignKey(
        "cases.Cause", on_delete=models.PROTECT, related_name="themes", null=True, blank=True, verbose_name=_("cause")
    )
    tone = models.CharField(_("tone"), max_length=9, choices=Tone.choices)
    words = models.CharField(_("because of"), max_length=200, blank=True, help_text=_("What in the comment says so."))
    suggested = models.BooleanField(_("suggested by Hark"), default=False)
    decided_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    dropped_at = models.DateTimeField(_("taken away"), null=True, blank=True)

    objects = ThemeQuerySet.as_manager()

    class Meta:
        ordering = ["answer", "id"]
        verbose_name = _("theme")
        verbose_name_plural = _("themes")
        constraints = [
            models.UniqueConstraint(
                fields=["answer", "topic"], condition=~Q(topic=""), name="a_comment_has_a_topic_once"
            ),
            models.UniqueConstraint(
                fields=["answer", "cause"], condition=Q(cause__isnull=False), name="a_comment_has_a_cause_once"
            ),
            models.CheckConstraint(
                condition=Q(cause=None) & ~Q(topic="") | Q(cause__isnull=False, topic=""),
                name="a_theme_is_a_topic_or_a_cause",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None, decided_at=None) | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="a_theme_is_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(suggested=True) | Q(decided_at__isnull=False), name="a_theme_comes_from_somebody"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cause or self.get_topic_display()} ({self.get_tone_display()})"


class ActionPlanQuerySet(models.QuerySet["ActionPlan"]):
    def visible_to(self, user: User) -> ActionPlanQuerySet:
        """Leads see all; others those they own, and improvements of their groups; executives all of these."""
        theirs = Q(owner=user) | Q(group__in=SupportGroup.objects.answered_by(user).values("pk"))
        theirs |= Q(group__isnull=False) if user.sees_results else Q()
        return self if user.leads else self.filter(theirs)

    def movable_by(self, user: User) -> ActionPlanQuerySet:
        """Leads move all; others those they own, or for whose group they answer."""
        return self if user.leads else self.filter(Q(owner=user) | Q(group__owner=user))

    def improvements(self) -> ActionPlanQuerySet:
        """What groups change for who asked them."""
        return self.filter(group__isnull=False)

    def to_tell(self, now: datetime) -> ActionPlanQuerySet:
        """Improvements that have come, longer ago than it takes to take that back, of which somebody waits to hear."""
        held = now - UNDO
        return self.improvements().filter(state=ActionPlan.State.DONE, told_at=None, ended_at__lte=held)

    def open(self) -> ActionPlanQuerySet:
        return self.filter(state__in=ActionPlan.OPEN)

    def overdue(self, today: date) -> ActionPlanQuerySet:
        return self.open().filter(due_on__lt=today)

    def asked_by(self, customer: int) -> ActionPlanQuerySet:
        """For which this customer asked, in a comment or on the phone, each once."""
        from surveys.models.requests import GroupRequest  # stands above this module

        behind = PlanAnswer.objects.filter(plan=models.OuterRef("pk"), answer__response__invitation__customer=customer)
        called = GroupRequest.objects.filter(answer__plan=models.OuterRef("pk"), customer=customer)
        return self.filter(models.Exists(behind) | models.Exists(called))

    def with_counts(self) -> ActionPlanQuerySet:
        """With `asked`: how many customers asked for it, in comments or on the phone; who did both counts once."""
        from surveys.models.requests import GroupRequest  # stands above this module

        behind = PlanAnswer.objects.filter(plan=models.OuterRef("pk")).order_by()
        wrote = PlanAnswer.objects.filter(
            plan=models.OuterRef("answer__plan"), answer__response__invitation__customer=models.OuterRef("customer")
        )
        asked = GroupRequest.objects.filter(~models.Exists(wrote), answer__plan=models.OuterRef("pk")).order_by()
        return self.annotate(
            asked=_counted(behind, "plan", "answer__response__invitation__customer")
            + _counted(asked, "answer__plan", "customer")
        )

    def with_told(self) -> ActionPlanQuerySet:
        """With `told_n`: how many of those were told that it has come."""
        from surveys.models.requests import Told  # stands above this module

        return self.annotate(
            told_n=_counted(Told.objects.filter(plan=models.OuterRef("pk"), at__isnull=False), "plan", "customer")
        )


def _counted(rows: models.QuerySet[Any], plan: str, customer: str) -> models.Func:
    """How many customers stand in these rows of the plan that is asked for."""
    n = rows.order_by().values(plan).annotate(n=models.Count(customer, distinct=True)).values("n")
    return Coalesce(models.Subquery(n), 0)


class ActionPlan(models.Model):
    """What we do about it: an owner, a date, a state, and the comments of the customers who asked for it."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        DOING = "doing", _("Under way")
        DONE = "done", _("Done")
        DROPPED = "dropped", _("Dropped")

    OPEN = (State.OPEN, State.DOING)

    title = models.CharField(_("what we do"), max_length=120)
    detail = models.TextField(_("how"), max_length=4000, blank=True)
    topic = models.CharField(_("topic"), max_length=12, choices=Topic.choices, blank=True)
    cause = models.ForeignKey(
        "cases.Cause", on_delete=models.PROTECT, related_name="plans", null=True, blank=True, verbose_name=_("cause")
    )
    group = models.ForeignKey(
        "crm.SupportGroup", on_delete=models.PROTECT, related_name="plans", null=True, blank=True,
        verbose_name=_("support group"),
    )  # fmt: skip
    owner = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="plans", verbose_name=_("owner"))
    due_on = models.DateField(_("due"))
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.OPEN)
    outcome = models.TextField(
        _("what changed"), max_length=2000, blank=True, help_text=_("Customers who asked for it read this.")
    )
    made_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    shipped_on = models.DateField(_("changed on"), null=True, blank=True)
    told_at = models.DateTimeField(_("told"), null=True, blank=True, help_text=_("All who asked for it."))
    answers = models.ManyToManyField(Answer, through="PlanAnswer", related_name="plans")

    objects = ActionPlanQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "id"]
        verbose_name = _("action plan")
        verbose_name_plural = _("action plans")
        indexes = [models.Index(fields=["state", "due_on", "id"], name="plan_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "doing"], ended_at=None)
                | Q(state__in=["done", "dropped"], ended_at__isnull=False),
                name="a_plan_that_ended_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "dropped"]) | ~Q(outcome=""), name="a_plan_that_ended_says_what_changed"
            ),
            models.CheckConstraint(
                condition=Q(state="done") | Q(shipped_on=None, told_at=None), name="only_what_is_done_has_shipped"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("surveys:plan", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class PlanAnswer(models.Model):
    """One customer who asked for it, in their own words."""

    plan = models.ForeignKey(ActionPlan, on_delete=models.CASCADE, related_name="asked_by")
    answer = models.ForeignKey(Answer, on_delete=models.CASCADE, related_name="asks")
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        ordering = ["plan", "id"]
        verbose_name = _("comment behind a plan")
        verbose_name_plural = _("comments behind plans")
        constraints = [models.UniqueConstraint(fields=["plan", "answer"], name="a_comment_asks_for_a_plan_once")]

    def __str__(self) -> str:
        return f"{self.plan}: {self.answer}"
