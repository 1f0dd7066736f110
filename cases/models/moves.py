"""Cases beside cases: on further threads, linked, moved in bulk; and what must be ticked off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Concat, NullIf, Trim
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from cases.models.cases import Case
    from cases.models.causes import Cause


class CaseThread(models.Model):
    """A further thread that belongs to the case: the private one of a public case, or the other way round."""

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="threads")
    thread = models.OneToOneField("channels_app.Thread", on_delete=models.PROTECT, related_name="further_case")
    since = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("further thread of a case")
        verbose_name_plural = _("further threads of cases")

    def __str__(self) -> str:
        return f"#{self.case_id} + {self.thread_id}"


class CaseLink(models.Model):
    """Two cases that have to do with each other; `one` is the older."""

    class Kind(models.TextChoices):
        RELATED = "related", _("Related")
        SAME_CAUSE = "same_cause", _("Same cause")
        FOLLOWS = "follows", _("Follows from it")

    one = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("how"), max_length=10, choices=Kind.choices, default=Kind.RELATED)
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("link of cases")
        verbose_name_plural = _("links of cases")
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="two_cases_are_linked_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="a_link_names_the_older_case_first"),
        ]
        indexes = [models.Index(fields=["other"], name="link_of_the_newer_case")]

    def __str__(self) -> str:
        return f"#{self.one_id} – #{self.other_id}"


class Deed(models.Model):
    """Something done to cases that can be undone: how they stood `before`, and what was made of them (`after`)."""

    by = models.ForeignKey("crm.User", on_delete=models.CASCADE, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    action = models.CharField(_("what"), max_length=20)
    before = models.JSONField(default=list)
    after = models.JSONField(default=list)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("deed")
        verbose_name_plural = _("deeds")
        indexes = [models.Index(fields=["at"], name="deed_age")]

    def __str__(self) -> str:
        return self.action


class ChecklistQuerySet(models.QuerySet["ChecklistItem"]):
    def in_use(self) -> ChecklistQuerySet:
        return self.filter(retired_at=None)

    def still_to_do(self, case: Case, cause: Cause) -> ChecklistQuerySet:
        """What is required of `cause` and not ticked in this case."""
        ticked = CheckedItem.objects.filter(case=case).values("item")
        return self.in_use().filter(cause=cause, required=True).exclude(pk__in=ticked)

    def as_in(self, case: Case) -> ChecklistQuerySet:
        """Those in use and those ticked in this case, with `ticked_at` and `ticked_by`, their names."""
        ticks = CheckedItem.objects.filter(case=case, item=models.OuterRef("pk"))
        name = NullIf(Trim(Concat("by__first_name", models.Value(" "), "by__last_name")), models.Value(""))
        who = ticks.annotate(who=Coalesce(name, "by__username"))
        at, by = models.Subquery(ticks.values("at")), models.Subquery(who.values("who"))
        found = self.annotate(ticked_at=at, ticked_by=by)
        return found.filter(Q(retired_at=None) | Q(ticked_at__isnull=False))


class CheckedQuerySet(models.QuerySet["CheckedItem"]):
    def required_of(self, cause: Cause) -> CheckedQuerySet:
        return self.filter(item__cause=cause, item__required=True, item__retired_at=None)


class ChecklistItem(models.Model):
    """Something to be done in every case of a cause. A required one must be ticked before the case is resolved."""

    cause = models.ForeignKey("cases.Cause", on_delete=models.CASCADE, related_name="checklist")
    text = models.CharField(_("what to do"), max_length=200)
    required = models.BooleanField(_("required"), default=False)
    position = models.PositiveSmallIntegerField(_("order"), default=100)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = ChecklistQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("item of a checklist")
        verbose_name_plural = _("items of checklists")

    def __str__(self) -> str:
        return self.text


class CheckedItem(models.Model):
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="checked")
    item = models.ForeignKey(ChecklistItem, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = CheckedQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticked item")
        verbose_name_plural = _("ticked items")
        constraints = [models.UniqueConstraint(fields=["case", "item"], name="an_item_is_ticked_once_per_case")]

    def __str__(self) -> str:
        return str(self.item)
