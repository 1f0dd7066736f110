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

from surveys.models.calls import Attempt, Loop
from surveys.models.verbatims import ActionPlan

if TYPE_CHECKING:
    from crm.models import User


class Hashtag(models.Model):
    """`#billing` in a call note asks the group that owns it. Without the sign, in small letters."""

    tag = models.CharField(_("hashtag"), max_length=40)
    group = models.ForeignKey(
        "crm.SupportGroup", on_delete=models.PROTECT, related_name="hashtags", verbose_name=_("support group")
    )
    about = models.CharField(_("for what"), max_length=200, blank=True)
    retired_at = models.DateTimeField(_("no longer in use"), null=True, blank=True)

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


class GroupRequestQuerySet(models.QuerySet["GroupRequest"]):
    def visible_to(self, user: User) -> GroupRequestQuerySet:
        """Leads see all; others what they asked, and what groups are asked that they are of, or answer for."""
        theirs = Q(group__members=user) | Q(group__owner=user) | Q(attempt__by=user)
        return self if user.leads else self.filter(theirs).distinct()

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
