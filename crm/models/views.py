"""Saved views: a name for a filter of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models.staff import User


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def visible_to(self, user: User) -> SavedViewQuerySet:
        """One's own, and what is shared with everyone."""
        return self.filter(models.Q(owner=user) | models.Q(shared_at__isnull=False))

    def of(self, page: str) -> SavedViewQuerySet:
        return self.filter(page=page)


class SavedView(models.Model):
    """`page` is the list whose filter it names; the query is that page's querystring."""

    class Page(models.TextChoices):
        QUEUE = "queue", _("Queue")
        CUSTOMERS = "customers", _("Customers")

    page = models.CharField(_("list"), max_length=10, choices=Page.choices, default=Page.QUEUE)
    name = models.CharField(_("name"), max_length=60)
    owner = models.ForeignKey("crm.User", on_delete=models.CASCADE, related_name="saved_views", verbose_name=_("owner"))
    query = models.CharField(_("filter"), max_length=1000, blank=True)
    shared_at = models.DateTimeField(_("shared with everyone"), null=True, blank=True)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [
            models.UniqueConstraint(fields=["owner", "page", "name"], name="a_person_names_a_view_of_a_list_once")
        ]

    def __str__(self) -> str:
        return self.name
