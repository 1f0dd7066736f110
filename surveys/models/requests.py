"""What support groups are asked in call notes, by their hashtags, and what they answer within two weeks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.work import SupportGroup
from surveys.models.calls import Attempt, Call
from surveys.models.loops import Loop
from surveys.models.verbatims import ActionPlan

if TYPE_CHECKING:
    from crm.models import User


class HashtagQuerySet(models.QuerySet["Hashtag"]):
    def kept_by(self, user: User) -> HashtagQuerySet:
        """Those this person may give and retire: leads all, others those of groups they answer for."""
        return self if user.leads else self.filter(group__owner=user)

    def with_requests(self) -> HashtagQuerySet:
        """Each with `asked` and `waiting`: how many requests it has made, and how many of them have no answer yet."""
        waits = Q(requests__answer=None, requests__withdrawn_at=None, requests__isnull=False)
        counted = self.annotate(asked=models.Count("requests"), waiting=models.Count("requests", filter=waits))
        return counted.select_related("group__owner")


class Hashtag(models.Model):
    """`#billing` in a call note asks the group that owns it. Without the sign, in small letters."""

    tag = models.CharField(_("hashtag"), max_length=40)
    group = models.ForeignKey(
        "crm.SupportGroup", on_delete=models.PROTECT, related_name="hashtags", verbose_name=_("support group")
    )
    about = models.CharField(_("for what"), max_length=200, blank=True)
    retired_at = models.DateTimeField(_("no longer in use"), null=True, blank=True)

    objects = HashtagQuerySet.as_manager()

    class Meta:
        ordering = ["tag"]
        verbose_name = _("hashtag")
        verbose_name_plural = _("hashtags")
        constraints = [
            models.UniqueConstraint(fields=["tag"], name="a_hashtag_belongs_to_one_group"),
            models.CheckConstraint(condition=Q(tag=Lower("tag")), name="a_hashtag_is_in_small_letters"),
        ]

    def __str__(self) -> str:
        return f"#{self.tag}"


class GroupAnswer(models.Model):
    """What a group says to one request, or to many at once. A change becomes a plan, which gathers who asked for it."""

    class Kind(models.TextChoices):
        CHANGE = "change", _("We change this")
        NO = "no", _("No, because …")
        KEEP = "keep", _("We keep it as it is: they like it")

    group = models.ForeignKey("crm.SupportGroup", on_delete=models.PROTECT, related_name="answers")
    kind = models.CharField(_("answer"), max_length=6, choices=Kind.choices)
    text = models.TextField(_("in words for the customer"), max_length=2000)
    change_from = models.DateField(_("from"), null=True, blank=True)
    plan = models.ForeignKey(ActionPlan, on_delete=models.PROTECT, related_name="group_answers", null=True, blank=True)
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("answer of a group")
        verbose_name_plural = _("answers of groups")
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="an_answer_of_a_group_says_something"),
            models.CheckConstraint(
                condition=Q(kind="change", change_from__isnull=False, plan__isnull=False)
                | ~Q(kind="change") & Q(change_from=None),
                name="a_change_says_from_when_and_who_asked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group}: {self.get_kind_display()}"


def _of_groups_of(user: User) -> Q:
    return Q(group__in=SupportGroup.objects.answered_by(user).values("pk"))


def _of_caller(user: User) -> Q:
    calls = Call.objects.live().filter(owner=user)
    return Q(attempt__by=user) | Q(loop__in=calls.values("loop"))


class GroupRequestQuerySet(models.QuerySet["GroupRequest"]):
    def visible_to(self, user: User) -> GroupRequestQuerySet:
        """Leads see all; others what groups they are of, or answer for, are asked, and what is theirs as callers."""
        return self if user.leads else self.filter(_of_groups_of(user) | _of_caller(user))

    def of_groups_of(self, user: User) -> GroupRequestQuerySet:
        return self.filter(_of_groups_of(user))

    def of_caller(self, user: User) -> GroupRequestQuerySet:
        """What they asked, and what was asked in loops in which the customer is theirs to call now."""
        return self.filter(_of_caller(user))

    def with_people(self) -> GroupRequestQuerySet:
        """With all whom a line about it names, and the hours of its group."""
        return self.select_related(
            "group__calendar", "attempt__by", "customer", "hashtag", "answer__by", "asked_back_by", "loop"
        )  # fmt: skip

    def asking_back(self) -> GroupRequestQuerySet:
        """Those of which the clock stands still."""
        return self.waiting().exclude(asked_back_at=None)

    def answered(self) -> GroupRequestQuerySet:
        return self.exclude(answer=None)

    def withdrawn(self) -> GroupRequestQuerySet:
        return self.exclude(withdrawn_at=None)

    def counted(self, now: datetime) -> dict[str, int]:
        """How many of those that wait are late, and of how many the clock stands. One query."""
        late = Q(asked_back_at=None, due_at__lt=now)
        return self.waiting().aggregate(
            waiting=models.Count("pk"), overdue=models.Count("pk", filter=late),
            asked_back=models.Count("pk", filter=Q(asked_back_at__isnull=False)),
        )  # fmt: skip

    def waiting(self) -> GroupRequestQuerySet:
        """For the group, or for an answer to what it asked back."""
        return self.filter(answer=None, withdrawn_at=None)

    def overdue(self, now: datetime) -> GroupRequestQuerySet:
        return self.waiting().filter(asked_back_at=None, due_at__lt=now)


class GroupRequest(models.Model):
    """One hashtag of one call note. While the group asks back its clock stands still (`due_at` moves on by as long)."""

    group = models.ForeignKey("crm.SupportGroup", on_delete=models.PROTECT, related_name="requests")
    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="requests")
    loop = models.ForeignKey(Loop, on_delete=models.CASCADE, related_name="requests")
    customer = models.ForeignKey("crm.Customer", on_delete=models.CASCADE, related_name="+")
    hashtag = models.ForeignKey(Hashtag, on_delete=models.PROTECT, related_name="requests")
    quote = models.CharField(_("what they said"), max_length=1000)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    due_at = models.DateTimeField(_("due"))
    reminded = models.PositiveSmallIntegerField(_("reminders"), default=0)
    escalated_at = models.DateTimeField(_("escalated"), null=True, blank=True)
    asked_back = models.CharField(_("asked back"), max_length=1000, blank=True)
    asked_back_at = models.DateTimeField(_("asked back at"), null=True, blank=True)
    asked_back_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    told_back = models.CharField(_("told back"), max_length=1000, blank=True)
    answer = models.ForeignKey(
        GroupAnswer, on_delete=models.PROTECT, related_name="requests", null=True, blank=True, verbose_name=_("answer")
    )
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)

    objects = GroupRequestQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "id"]
        verbose_name = _("request to a group")
        verbose_name_plural = _("requests to groups")
        indexes = [
            models.Index(
                fields=["group", "due_at", "id"], condition=Q(answer=None, withdrawn_at=None), name="request_to_answer"
            ),
            models.Index(fields=["due_at"], condition=Q(answer=None, withdrawn_at=None), name="request_on_the_clock"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["attempt", "hashtag"], name="a_call_note_asks_a_group_once_by_a_hashtag"),
            models.CheckConstraint(
                condition=Q(asked_back="", asked_back_at=None, asked_back_by=None)
                | ~Q(asked_back="") & Q(asked_back_by__isnull=False),
                name="a_question_back_is_somebodys",
            ),
            models.CheckConstraint(
                condition=Q(answer=None) | Q(withdrawn_at=None), name="a_request_is_answered_or_withdrawn"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hashtag}: {self.customer}"

    def get_absolute_url(self) -> str:
        return reverse("surveys:request", args=[self.pk])

    @property
    def waits(self) -> bool:
        return self.answer_id is None and self.withdrawn_at is None

    @property
    def state(self) -> str:
        """As a list taken away names it."""
        if self.waits:
            return "asked back" if self.asked_back_at else "waiting"
        return "answered" if self.answer_id else "withdrawn"


class ToldQuerySet(models.QuerySet["Told"]):
    def waiting(self) -> ToldQuerySet:
        """Still to be told: in their next second call, or in writing."""
        return self.filter(at=None).exclude(how=Told.How.NOT)

    def by_call(self) -> ToldQuerySet:
        return self.waiting().filter(how=Told.How.CALL)

    def to_write(self) -> ToldQuerySet:
        return self.waiting().filter(how=Told.How.WRITTEN)


class Told(models.Model):
    """One customer who asked for an improvement, and how they are told that it has come: once.

    `at` is when they were. Who cannot be told stays here with the reason, and so does a mail of which nobody knows
    whether it left. `call` is the one in which they heard it.
    """

    class How(models.TextChoices):
        CALL = "call", _("In a call")
        WRITTEN = "written", _("In writing")
        NOT = "not", _("Not told")

    plan = models.ForeignKey(ActionPlan, on_delete=models.CASCADE, related_name="told")
    customer = models.ForeignKey("crm.Customer", on_delete=models.CASCADE, related_name="+")
    how = models.CharField(_("how"), max_length=7, choices=How.choices)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="told_in", null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), default=timezone.now)
    at = models.DateTimeField(_("told"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = ToldQuerySet.as_manager()

    class Meta:
        ordering = ["plan", "id"]
        verbose_name = _("who is told of an improvement")
        verbose_name_plural = _("who is told of improvements")
        indexes = [models.Index(fields=["customer"], condition=Q(at=None, how="call"), name="told_in_the_next_call")]
        constraints = [
            models.UniqueConstraint(fields=["plan", "customer"], name="a_customer_is_told_of_an_improvement_once"),
            models.CheckConstraint(
                condition=~Q(how="not") | Q(at=None) & ~Q(reason=""), name="who_is_not_told_has_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(call=None) | Q(how="call", at__isnull=False), name="what_was_told_in_a_call_was_told"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan}: {self.customer}"
