"""Two records that became one, or a handle that went from one to the other: each single thing that moved is kept, so
that it can be undone exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models.customers import Customer
    from crm.models.identities import IdentityLink


class MergeQuerySet(models.QuerySet["Merge"]):
    def in_force(self) -> MergeQuerySet:
        return self.filter(undone_at=None)

    def whole(self) -> MergeQuerySet:
        """Of two records, not of one identity alone."""
        return self.filter(identity=None)

    def concerning(self, customer: Customer) -> MergeQuerySet:
        return self.filter(models.Q(survivor=customer) | models.Q(absorbed=customer))


class Merge(models.Model):
    """What went from one record to another: all of it (`absorbed` then leads to `survivor`), or one identity alone.

    An identity that was taken from a record goes from `absorbed`, which goes on, to `survivor`.
    """

    survivor = models.ForeignKey(
        "crm.Customer", on_delete=models.PROTECT, related_name="merges", verbose_name=_("survivor")
    )
    absorbed = models.ForeignKey(
        "crm.Customer", on_delete=models.PROTECT, related_name="merged_by", verbose_name=_("absorbed")
    )
    identity = models.ForeignKey(
        "crm.Identity", on_delete=models.CASCADE, null=True, blank=True, related_name="+",
        verbose_name=_("identity"), help_text=_("Only this went over; empty where all did."),
    )  # fmt: skip
    reason = models.CharField(_("why"), max_length=500, blank=True)
    by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"), default=timezone.now)
    undone_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("undone by")
    )
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    marks = models.JSONField(
        default=dict, help_text=_("Kind of record → the newest of all at that time: what is newer came later.")
    )
    stayed = models.JSONField(
        _("what stayed"), default=list, help_text=_("At the undoing: sentences of what came later.")
    )

    objects = MergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(survivor=models.F("absorbed")), name="a_merge_joins_two_records"
            ),
            models.UniqueConstraint(
                fields=["absorbed"], condition=models.Q(undone_at=None, identity=None),
                name="a_record_is_absorbed_once_at_a_time",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.absorbed_id} → {self.survivor_id}"

    def links(self) -> models.QuerySet[IdentityLink]:
        """Of an identity that went over: what links it to both records."""
        assert self.identity is not None
        return self.identity.links.filter(customer__in=(self.survivor_id, self.absorbed_id))

    @property
    def is_whole(self) -> bool:
        return self.identity_id is None


class Move(models.Model):
    """One value of one row that a merge changed. `was` and `became` are the column's values as JSON.

    A row that the merge made stands with its whole content in `became`, in the column of its key. Consent, which is a
    row or none, stands as a value of its customer, in a column named "consent:" and the purpose.
    """

    merge = models.ForeignKey(Merge, on_delete=models.CASCADE, related_name="moves")
    kind = models.CharField(_("kind of record"), max_length=60, help_text=_("Its model, as in crm.identitylink."))
    row = models.BigIntegerField(_("record"))
    column = models.CharField(_("column"), max_length=60)
    was = models.JSONField(null=True)
    became = models.JSONField(null=True)

    class Meta:
        verbose_name = _("move")
        verbose_name_plural = _("moves")
        constraints = [
            models.UniqueConstraint(fields=["merge", "kind", "row", "column"], name="a_merge_moves_a_value_once"),
        ]
        indexes = [models.Index(fields=["kind", "row", "column"], name="moves_of_a_record")]

    def __str__(self) -> str:
        return f"{self.kind} {self.row} {self.column}"
