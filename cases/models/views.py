"""Saved views: a name for a filter of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models import User


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User) -> SavedViewQuerySet:
        """One's own, and what is shared with everyone."""
        return self.filter(models.Q(owner=user) | models.Q(shared_at__isnull=False))


class SavedView(models.Model):
    name = models.CharField(_("name"), max_length=60)
    owner = models.ForeignKey("crm.User", on_delete=models.CASCADE, related_name="saved_views", verbose_name=_("owner"))
    query = models.CharField(_("filter"), max_length=1000, blank=True)
    shared_at = models.DateTimeField(_("shared with everyone"), null=True, blank=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="a_person_names_a_view_once")]

    def __str__(self) -> str:
        return self.name
