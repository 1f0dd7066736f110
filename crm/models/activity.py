"""What was done, by whom, to what: the log every app writes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models.staff import User


class ActivityQuerySet(models.QuerySet["Activity"]):
    def about(self, thing: models.Model) -> ActivityQuerySet:
        return self.filter(subject_kind=thing._meta.label_lower, subject_id=thing.pk).select_related("by")


class Activity(models.Model):
    """One line of the log. `by` empty means Hark itself; `sentence` is English and finished when it is written."""

    at = models.DateTimeField(_("at"), default=timezone.now)
    by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    verb = models.CharField(_("what"), max_length=40)
    subject_kind = models.CharField(_("kind of record"), max_length=60)
    subject_id = models.BigIntegerField(_("record"))
    detail = models.CharField(_("detail"), max_length=500, blank=True)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activity log")
        indexes = [models.Index(fields=["subject_kind", "subject_id", "id"], name="activity_of_a_record")]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_kind} {self.subject_id}"


def log(verb: str, thing: models.Model, *, by: User | None, detail: str = "") -> Activity:
    """Write one line: `log("taken", case, by=user)`. Verbs are past participles; `by=None` is Hark itself."""
    return Activity.objects.create(
        verb=verb, subject_kind=thing._meta.label_lower, subject_id=thing.pk, by=by, detail=detail[:500]
    )
