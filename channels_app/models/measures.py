"""What is done about a malicious message or its author. Each can be lifted; nothing is dropped."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class MeasureQuerySet(models.QuerySet["Measure"]):
    def in_force(self) -> MeasureQuerySet:
        return self.filter(state=Measure.State.IN_FORCE)

    def standing(self) -> MeasureQuerySet:
        """In force, or waiting to be."""
        return self.filter(state__in=[Measure.State.PROPOSED, Measure.State.IN_FORCE])

    def against_somebody(self) -> MeasureQuerySet:
        """What is done about malicious messages; not what we do with posts besides."""
        return self.exclude(kind__in=[Measure.Kind.LIKE, Measure.Kind.DELETE])

    def waiting(self) -> MeasureQuerySet:
        return self.filter(state=Measure.State.PROPOSED)

    def decided(self) -> MeasureQuerySet:
        return self.exclude(state=Measure.State.PROPOSED)

    def to_tell(self) -> MeasureQuerySet:
        """Of which the network is still to be told."""
        return self.filter(to_tell_since__isnull=False)


class Measure(models.Model):
    """A mute, block or report is about an author on a channel; hiding is about one message.

    A block or report waits for a second person; muting and hiding hold at once and can be seconded later.
    """

    class Kind(models.TextChoices):
        MUTE = "mute", _("Mute the author")
        HIDE = "hide", _("Hide the message")
        BLOCK = "block", _("Block the author")
        REPORT = "report", _("Report to the network")
        LIKE = "like", _("Like the message")
        DELETE = "delete", _("Delete our message")

    class Reason(models.TextChoices):
        SPAM = "spam", _("Spam or advertising")
        ABUSE = "abuse", _("Abuse or hate")
        THREAT = "threat", _("Threat of violence")
        FRAUD = "fraud", _("Fraud or a false name")
        PRIVATE = "private", _("Private data of somebody")
        OTHER = "other", _("Something else")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Waits for a second person")
        IN_FORCE = "in_force", _("In force")
        REFUSED = "refused", _("Refused by the second person")
        LIFTED = "lifted", _("Lifted")

    kind = models.CharField(_("what"), max_length=6, choices=Kind.choices)
    channel = models.ForeignKey("channels_app.Channel", on_delete=models.PROTECT, related_name="measures")
    identity = models.ForeignKey(
        "crm.Identity", on_delete=models.PROTECT, null=True, blank=True, related_name="measures",
        help_text=_("The author; of a message of ours, to whom it was."),
    )  # fmt: skip
    message = models.ForeignKey("channels_app.Message", on_delete=models.CASCADE, related_name="measures")
    reason = models.CharField(_("why"), max_length=8, choices=Reason.choices, blank=True)
    detail = models.CharField(_("more"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices)
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    seconded_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    seconded_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_why = models.CharField(max_length=300, blank=True)
    to_tell_since = models.DateTimeField(
        _("the network is to be told since"), null=True, blank=True,
        help_text=_("That it is in force; or, once it is lifted, that it is over."),
    )  # fmt: skip
    told_at = models.DateTimeField(_("done on the network"), null=True, blank=True)
    trouble = models.CharField(_("what the network said"), max_length=300, blank=True)

    objects = MeasureQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("measure")
        verbose_name_plural = _("measures")
        constraints = [
            models.CheckConstraint(
                condition=Q(seconded_by=None) | ~Q(seconded_by=F("by")),
                name="the_second_pair_of_eyes_is_somebody_elses",
            ),
            models.CheckConstraint(
                condition=Q(state="lifted", lifted_at__isnull=False, lifted_by__isnull=False)
                | ~Q(state="lifted") & Q(lifted_at=None, lifted_by=None),
                name="a_lifted_measure_says_when_and_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["like", "delete"]) | ~Q(reason="") & Q(identity__isnull=False),
                name="a_measure_against_somebody_says_whom_and_why",
            ),
            models.UniqueConstraint(
                fields=["kind", "message"], condition=Q(state__in=["proposed", "in_force"]),
                name="a_measure_is_taken_once_per_message",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["channel", "identity"], condition=Q(state="in_force"), name="measure_against_an_author"
            ),
            models.Index(fields=["id"], condition=Q(to_tell_since__isnull=False), name="measure_to_tell"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.identity_id}"

    @property
    def is_against_somebody(self) -> bool:
        return self.kind not in (self.Kind.LIKE, self.Kind.DELETE)

    @property
    def hides(self) -> bool:
        return self.kind == self.Kind.HIDE and self.state == self.State.IN_FORCE

    @property
    def waits(self) -> bool:
        return self.state == self.State.PROPOSED
