"""Why cases happen: a short tree, chosen from when a case is resolved."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from cases.models.moves import ChecklistItem


class CauseQuerySet(models.QuerySet["Cause"]):
    def in_use(self) -> CauseQuerySet:
        return self.filter(retired_at=None)

    def with_counts(self) -> CauseQuerySet:
        """With `resolved`: how many cases were resolved with it; and `steps`, the length of its checklist."""
        steps = ChecklistItem.objects.in_use().filter(cause=models.OuterRef("pk")).order_by().values("cause")
        return self.annotate(
            resolved=models.Count("cases", filter=models.Q(cases__resolved_at__isnull=False)),
            steps=Coalesce(models.Subquery(steps.annotate(n=models.Count("pk")).values("n")), 0),
        )

    def above(self, cause: Cause) -> CauseQuerySet:
        """Under which `cause` may stand: the tree has two levels. A retired one only where it stands there already."""
        if cause.pk and cause.children.exists():
            return self.none()
        usable = models.Q(retired_at=None) | models.Q(pk=cause.parent_id)
        return self.filter(usable, parent=None).exclude(pk=cause.pk)


class Cause(models.Model):
    name = models.CharField(_("name"), max_length=80)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("under")
    )
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged", verbose_name=_("joined to")
    )

    objects = CauseQuerySet.as_manager()

    class Meta:
        ordering = ["parent__name", "name"]
        verbose_name = _("cause")
        verbose_name_plural = _("causes")
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "name"], nulls_distinct=False, name="a_cause_has_one_name_among_its_siblings"
            ),
            models.CheckConstraint(
                condition=models.Q(merged_into=None) | models.Q(retired_at__isnull=False),
                name="a_joined_cause_is_not_used_any_more",
            ),
            models.CheckConstraint(condition=~models.Q(parent=models.F("id")), name="a_cause_is_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return f"{self.parent.name} › {self.name}" if self.parent else self.name
