"""Loops: from what a customer answered to what they were told of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import Stakeholder, SupportGroup

if TYPE_CHECKING:
    from crm.models import Account, Customer, User


class LoopQuerySet(models.QuerySet["Loop"]):
    def visible_to(self, user: User) -> LoopQuerySet:
        """Who reads results sees all; others those they call in, or called in, and those their groups are asked in."""
        if user.sees_results:
            return self
        called = Q(calls__owner=user) | Q(calls__attempts__by=user)
        asked = Q(requests__group__in=SupportGroup.objects.answered_by(user).values("pk"))
        theirs = [Loop.objects.filter(way).order_by().values("pk") for way in (called, asked)]
        return self.filter(Q(pk__in=theirs[0]) | Q(pk__in=theirs[1]))

    def open(self) -> LoopQuerySet:
        return self.filter(ended_at=None)

    def standing_at(self, step: str) -> LoopQuerySet:
        """Open ones that wait for this step, and those that broke off before it."""
        waits = {
            "called": Q(calls__kind="first", calls__ended_at=None),
            "given": Q(requests__isnull=False, requests__answer=None, requests__withdrawn_at=None),
            "told": Q(calls__kind="second", calls__ended_at=None),
        }.get(step, Q(pk=None))
        waiting = Loop.objects.open().filter(waits).order_by().values("pk")
        return self.filter(Q(pk__in=waiting) | Q(state=Loop.State.DIED, died_at_step=step))

    def opened_since(self, since: datetime) -> LoopQuerySet:
        return self.filter(opened_at__gte=since)

    def of_customers(self, customers: models.QuerySet[Customer]) -> LoopQuerySet:
        return self.filter(customer__in=customers.order_by().values("pk"))

    def of_account(self, account: Account) -> LoopQuerySet:
        """Of everybody who is something to it today."""
        return self.filter(customer__in=Stakeholder.objects.of_account(account).present().values("customer"))

    def with_what_was_asked(self) -> LoopQuerySet:
        """With `asked`: their requests with what came of each, oldest first."""
        requests = apps.get_model("surveys", "GroupRequest").objects.filter(withdrawn_at=None)
        asked = requests.select_related("group", "answer__plan").order_by("asked_at", "pk")
        return self.select_related("customer").prefetch_related(models.Prefetch("requests", asked, to_attr="asked"))


class Loop(models.Model):
    """From what one customer answered to what they were told of it. Its steps are the rows that hang on it.

    It is closed once they were told what changed, or what will not and why; it dies where that cannot come about.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")
        DIED = "died", _("Broken off")

    customer = models.ForeignKey("crm.Customer", on_delete=models.CASCADE, related_name="loops")
    state = models.CharField(_("state"), max_length=6, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    died_at_step = models.CharField(_("broke off at"), max_length=12, blank=True)
    why = models.CharField(_("why"), max_length=300, blank=True)

    objects = LoopQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        verbose_name = _("loop")
        verbose_name_plural = _("loops")
        indexes = [
            models.Index(fields=["state", "-opened_at", "-id"], name="loop_by_state"),
            models.Index(fields=["-opened_at", "-id"], name="loop_newest_first"),
            models.Index(fields=["customer", "-opened_at"], name="loop_of_a_customer"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", ended_at=None) | ~Q(state="open") & Q(ended_at__isnull=False),
                name="a_loop_that_ended_says_when",
            ),
            models.CheckConstraint(
                condition=Q(state="died") & ~Q(why="") & ~Q(died_at_step="")
                | ~Q(state="died") & Q(why="", died_at_step=""),
                name="a_loop_that_broke_off_says_where_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}, {self.opened_at:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return reverse("surveys:loop", args=[self.pk])
