"""Somebody wants to buy: handed from care to sales, with the post that says so, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models import User


class LeadQuerySet(models.QuerySet["Lead"]):
    def visible_to(self, user: User) -> LeadQuerySet:
        """Leads of teams and admins see all; sales theirs and those of nobody; others what they handed over."""
        if user.leads:
            return self
        mine = Q(owner=user) | Q(handed_by=user)
        return self.filter(mine | Q(owner=None) if user.role == "sales" else mine)

    def open(self) -> LeadQuerySet:
        return self.filter(state__in=Lead.OPEN)

    def ended(self) -> LeadQuerySet:
        return self.exclude(state__in=Lead.OPEN)

    def of_nobody(self) -> LeadQuerySet:
        """Open, and free for whoever sells to take."""
        return self.open().filter(owner=None)

    def with_people(self) -> LeadQuerySet:
        return self.select_related("customer", "account", "owner", "handed_by", "message")


class Lead(models.Model):
    class State(models.TextChoices):
        NEW = "new", _("New")
        TALKING = "talking", _("Being talked about")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")
        RETURNED = "returned", _("Returned to care")

    OPEN = (State.NEW, State.TALKING)

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="leads")
    message = models.ForeignKey(
        "channels_app.Message", on_delete=models.SET_NULL, related_name="+", null=True, verbose_name=_("post")
    )
    customer = models.ForeignKey("crm.Customer", on_delete=models.CASCADE, related_name="leads")
    account = models.ForeignKey("crm.Account", on_delete=models.SET_NULL, related_name="leads", null=True, blank=True)
    what = models.CharField(_("what they want"), max_length=300)
    owner = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, related_name="leads_owned", null=True, blank=True, verbose_name=_("owner")
    )
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.NEW)
    outcome = models.CharField(_("what became of it"), max_length=500, blank=True)
    handed_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("handed by"))
    handed_at = models.DateTimeField(_("handed over"), default=timezone.now)
    due_at = models.DateTimeField(_("due"), help_text=_("By then somebody has spoken to them."))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = LeadQuerySet.as_manager()

    class Meta:
        ordering = ["-handed_at", "-id"]
        verbose_name = _("sales lead")
        verbose_name_plural = _("sales leads")
        indexes = [
            models.Index(fields=["owner", "due_at", "id"], condition=Q(ended_at=None), name="lead_of_an_owner"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["case"], condition=Q(ended_at=None), name="a_case_has_one_open_lead"),
            models.CheckConstraint(
                condition=Q(state__in=["new", "talking"], ended_at=None)
                | Q(state__in=["won", "lost", "returned"], ended_at__isnull=False) & ~Q(outcome=""),
                name="a_lead_that_ended_says_what_became_of_it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.what}"

    def get_absolute_url(self) -> str:
        return reverse("cases:lead", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    @property
    def is_overdue(self) -> bool:
        """Nobody has said that they speak to them, and by now somebody should have."""
        return self.state == self.State.NEW and self.due_at < timezone.now()
