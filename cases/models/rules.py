"""Routing rules, kept as data: the first whose every condition holds decides team and priority."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models.priority import Priority
from channels_app.models import Sentiment
from crm.models import Tier


class RoutingRuleQuerySet(models.QuerySet["RoutingRule"]):
    def in_force(self) -> RoutingRuleQuerySet:
        return self.filter(switched_off_at=None).select_related("team").prefetch_related("channels")


class RoutingRule(models.Model):
    """An empty condition always holds; a filled one holds when any of its values does."""

    name = models.CharField(_("name"), max_length=80, unique=True, help_text=_("Shown on each case it places."))
    position = models.PositiveIntegerField(
        _("order"), default=100, help_text=_("Lowest first; the first match decides.")
    )
    channels = models.ManyToManyField("channels_app.Channel", blank=True, verbose_name=_("channels"))
    sentiments = ArrayField(
        models.CharField(max_length=8, choices=Sentiment.choices), verbose_name=_("mood"), default=list, blank=True
    )
    tiers = ArrayField(
        models.CharField(max_length=10, choices=Tier.choices), verbose_name=_("customer tier"), default=list, blank=True
    )
    reach_at_least = models.PositiveIntegerField(
        _("reach at least"), null=True, blank=True,
        help_text=_("Followers of their largest public account. Empty: reach decides nothing."),
    )  # fmt: skip
    languages = ArrayField(models.CharField(max_length=8), verbose_name=_("languages"), default=list, blank=True)
    words = ArrayField(models.CharField(max_length=60), verbose_name=_("words"), default=list, blank=True)
    team = models.ForeignKey(
        "crm.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("send to team"),
        help_text=_("Empty: the channel's own team."),
    )  # fmt: skip
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    switched_off_at = models.DateTimeField(_("switched off"), null=True, blank=True)

    objects = RoutingRuleQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("routing rule")
        verbose_name_plural = _("routing rules")

    def __str__(self) -> str:
        return self.name
