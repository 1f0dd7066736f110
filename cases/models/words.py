"""Words before they are sent: templates, drafts, replies that wait for approval, and how alike sent ones are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models import Module

if TYPE_CHECKING:
    from datetime import datetime

    from cases.models.cases import Case
    from crm.models import User


class TemplateQuerySet(models.QuerySet["Template"]):
    def in_use(self) -> TemplateQuerySet:
        return self.filter(retired_at=None)

    def for_case(self, case: Case) -> TemplateQuerySet:
        """Those meant for its channel and its team."""
        everywhere, everybodys = Q(channels=None), Q(team=None)
        meant = self.in_use().filter(everywhere | Q(channels=case.channel_id), everybodys | Q(team=case.team_id))
        return self.filter(pk__in=meant.order_by().values("pk"))

    def saying(self, words: str) -> TemplateQuerySet:
        """With these words in its name, its purpose or one of its texts."""
        if not words.strip():
            return self
        text = TemplateText.objects.filter(template=models.OuterRef("pk"), text__icontains=words.strip())
        named = Q(name__icontains=words.strip()) | Q(purpose__icontains=words.strip())
        return self.filter(named | models.Exists(text))


class Template(models.Model):
    """Words to begin with, in one or more languages, with fields Hark fills in and gaps only a person can."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    purpose = models.CharField(_("when to use it"), max_length=200, blank=True)
    channels = models.ManyToManyField(
        "channels_app.Channel", blank=True, verbose_name=_("channels"), help_text=_("None: for all.")
    )
    team = models.ForeignKey(
        "crm.Team", on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("team"),
        help_text=_("Empty: for all teams."),
    )  # fmt: skip
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("template")
        verbose_name_plural = _("templates")

    def __str__(self) -> str:
        return self.name


class TemplateText(models.Model):
    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(_("language"), max_length=8, default="en")
    text = models.TextField(_("text"), max_length=4000)

    class Meta:
        ordering = ["language"]
        verbose_name = _("text of a template")
        verbose_name_plural = _("texts of templates")
        constraints = [
            models.UniqueConstraint(fields=["template", "language"], name="a_template_has_one_text_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.template} ({self.language})"


class DraftQuerySet(models.QuerySet["Draft"]):
    def of_case(self, case: Case) -> DraftQuerySet:
        """In it, or in a case that was joined to it."""
        return self.filter(Q(case=case.pk) | Q(case__merged_into=case.pk))

    def older_than(self, moment: datetime) -> DraftQuerySet:
        return self.filter(at__lt=moment)


class Draft(models.Model):
    """What somebody has begun to write in a case: it outlives the tab, the browser and the day."""

    class Kind(models.TextChoices):
        REPLY = "reply", _("Reply")
        NOTE = "note", _("Note")

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="drafts")
    user = models.ForeignKey("crm.User", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    text = models.TextField(_("text"), max_length=100_000)
    at = models.DateTimeField(_("kept"), default=timezone.now)

    objects = DraftQuerySet.as_manager()

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [models.UniqueConstraint(fields=["case", "user", "kind"], name="a_person_has_one_draft_per_case")]
        indexes = [models.Index(fields=["user", "-at"], name="draft_of_a_person")]

    def __str__(self) -> str:
        return self.text[:60]


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def waiting(self) -> ApprovalQuerySet:
        return self.filter(state="waiting")

    def by_person(self, user: User) -> ApprovalQuerySet:
        return self.filter(by=user)

    def for_decision(self, user: User) -> ApprovalQuerySet:
        """Those that wait and that this person may decide: not their own, in cases they see, certified for the place.

        One query, since the count of it stands on every page: teams are asked for in it, not by `Case.visible_to`.
        """
        if not user.answers:
            return self.none()
        needed = Module.objects.in_force().filter(Q(place="") | Q(place=models.OuterRef("answer_to__channel__place")))
        waiting = self.waiting().exclude(by=user).filter(~models.Exists(needed.lacked_by(user)))
        if user.leads:
            return waiting
        return waiting.filter(Q(case__team__in=user.memberships.values("team")) | Q(case__owner=user))

    def with_parts(self) -> ApprovalQuerySet:
        """All that one shows, in the same query."""
        return self.select_related(
            "by", "decided_by", "answer_to__channel", "answer_to__identity", "case__customer", "case__channel"
        )

    def with_rivals(self) -> ApprovalQuerySet:
        """Each with `rivals`: how many others wait in the same case."""
        others = Approval.objects.waiting().filter(case=models.OuterRef("case")).exclude(pk=models.OuterRef("pk"))
        counted = others.order_by().annotate(n=models.Func("pk", function="count")).values("n")
        return self.annotate(rivals=models.Subquery(counted, output_field=models.IntegerField()))


class Approval(models.Model):
    """A reply that waits for somebody who may send it: its author is not certified for the network."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for approval")
        SENT = "sent", _("Approved and sent")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="approvals")
    answer_to = models.ForeignKey("channels_app.Message", on_delete=models.CASCADE, related_name="+")
    text = models.TextField(_("text"))
    private = models.BooleanField(_("private"), default=False)
    acknowledges = models.BooleanField(_("only acknowledges"), default=False)
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("written"), default=timezone.now)
    why = models.CharField(_("why it needs approval"), max_length=300)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(_("what to change"), max_length=500, blank=True)
    message = models.OneToOneField(
        "channels_app.Message", on_delete=models.SET_NULL, null=True, blank=True, related_name="approval"
    )

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("reply for approval")
        verbose_name_plural = _("replies for approval")
        constraints = [
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at=None) | ~Q(state="waiting") & Q(decided_at__isnull=False),
                name="a_decided_approval_says_when",
            )
        ]
        indexes = [models.Index(fields=["case", "id"], condition=Q(state="waiting"), name="approval_waiting")]

    def __str__(self) -> str:
        return self.text[:60]


class Wording(models.Model):
    """How a sent reply reads, for finding others like it: the bands of its MinHash signature."""

    message = models.OneToOneField("channels_app.Message", on_delete=models.CASCADE, related_name="wording")
    customer = models.ForeignKey("crm.Customer", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    bands = ArrayField(models.BigIntegerField())

    class Meta:
        verbose_name = _("wording")
        verbose_name_plural = _("wordings")
        indexes = [GinIndex(fields=["bands"], name="wording_alike"), models.Index(fields=["at"], name="wording_age")]

    def __str__(self) -> str:
        return str(self.message_id)


class Override(models.Model):
    """Somebody sent nearly the same words to one more person although they were warned, for this reason."""

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="overrides")
    message = models.ForeignKey("channels_app.Message", on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    likeness = models.FloatField(_("likeness"), help_text=_("0 to 1"))
    people = models.PositiveIntegerField(_("people who got nearly the same"))
    why = models.CharField(_("why"), max_length=300)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("override of the stock-reply guard")
        verbose_name_plural = _("overrides of the stock-reply guard")

    def __str__(self) -> str:
        return self.why
