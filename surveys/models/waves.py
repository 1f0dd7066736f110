"""When customers are asked: a wave, and one invitation for each of them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from surveys.models.surveys import Version

if TYPE_CHECKING:
    from crm.models import User

YEAR = 365  # days in which everybody who can be reached is asked


class WaveQuerySet(models.QuerySet["Wave"]):
    def visible_to(self, user: User) -> WaveQuerySet:
        """Leads and admins run waves; executives see them and their results."""
        return self if user.sees_results else self.none()

    def running(self) -> WaveQuerySet:
        return self.filter(state=Wave.State.RUNNING)

    def to_plan(self) -> WaveQuerySet:
        """Started, and not all of their invitations are written yet."""
        return self.filter(state__in=Wave.OPEN, planned_at=None, imported=False)

    def to_close(self, now: datetime) -> WaveQuerySet:
        """Whose time is over."""
        return self.filter(state__in=Wave.OPEN, closes_at__lte=now)

    def asked(self) -> WaveQuerySet:
        """Those in which somebody was asked, the newest first: what figures are drawn of."""
        return self.filter(state__in=[*Wave.OPEN, Wave.State.CLOSED], planned_at__isnull=False).order_by("-opens_at")


class Wave(models.Model):
    """One round of a survey. `audience` is the querystring of the list of customers (`crm.forms`).

    `share` is the percentage asked of those who need not be asked yet; who would otherwise go a year unasked until
    `next_on` is asked whatever it says (`surveys.sampling`).
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        CLOSED = "closed", _("Closed")

    OPEN = (State.RUNNING, State.PAUSED)

    name = models.CharField(_("name"), max_length=80, unique=True)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="waves", verbose_name=_("survey"))
    audience = models.CharField(_("audience"), max_length=2000, blank=True)
    seed = models.CharField(_("seed"), max_length=32, help_text=_("The same seed draws the same people."))
    share = models.PositiveSmallIntegerField(_("share"), default=50, help_text=_("Percent of who need not be asked."))
    rest_days = models.PositiveSmallIntegerField(_("rest"), default=90, help_text=_("Days between two surveys."))
    opens_at = models.DateTimeField(_("opens"))
    closes_at = models.DateTimeField(_("closes"))
    next_on = models.DateField(_("next wave"))
    per_hour = models.PositiveIntegerField(_("invitations an hour"), default=0, help_text=_("0: as fast as they go."))
    remind_days = models.PositiveSmallIntegerField(_("remind after"), default=5, help_text=_("Days; 0: never."))
    reminders = models.PositiveSmallIntegerField(_("reminders"), default=1)
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.DRAFT)
    effort_reason = models.CharField(_("why it is sent all the same"), max_length=500, blank=True)
    strata = models.JSONField(_("strata"), default=dict)  # name → {"there": N, "due": n asked surely, "drawn": n}
    left_out = models.JSONField(_("left out"), default=dict)  # reason → how many
    imported = models.BooleanField(_("asked elsewhere"), default=False)
    made_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    planned_at = models.DateTimeField(_("planned"), null=True, blank=True)
    planned_to = models.BigIntegerField(default=0, help_text=_("The customer to whom planning has come."))
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects = WaveQuerySet.as_manager()

    class Meta:
        ordering = ["-opens_at", "-id"]
        verbose_name = _("wave")
        verbose_name_plural = _("waves")
        indexes = [models.Index(fields=["state", "closes_at"], name="wave_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_at__gt=models.F("opens_at")), name="a_wave_closes_after_it_opens"
            ),
            models.CheckConstraint(condition=Q(share__lte=100), name="a_wave_asks_a_share"),
            models.CheckConstraint(condition=Q(reminders__lte=3), name="a_wave_reminds_three_times_at_most"),
            models.CheckConstraint(
                condition=Q(state="draft", planned_at=None) | ~Q(state="draft"), name="a_draft_of_a_wave_has_no_plan"
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False) | ~Q(state="closed") & Q(closed_at=None),
                name="a_closed_wave_says_when",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("surveys:wave", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def visible_to(self, user: User) -> InvitationQuerySet:
        return self if user.leads else self.none()

    def open(self) -> InvitationQuerySet:
        """Not answered, not ended: an answer to it would count, or it has yet to leave."""
        return self.filter(state__in=Invitation.OPEN)

    def to_send(self, now: datetime) -> InvitationQuerySet:
        """Due, of what is not held up by its wave. In the order in which they are due."""
        runs = Q(wave=None) | Q(wave__state=Wave.State.RUNNING, wave__planned_at__isnull=False)
        return self.filter(runs, state=Invitation.State.PLANNED, due_at__lte=now).order_by("due_at", "id")

    def asking(self) -> InvitationQuerySet:
        """Those that reached somebody, or may have: not what came back, but what was on its way when it ended."""
        on_its_way = [Invitation.State.SENDING, Invitation.State.DOUBT, Invitation.State.EXPIRED]
        may_have = Q(sent_at__isnull=False) | Q(claimed_at__isnull=False, state__in=on_its_way)
        return self.filter(may_have).exclude(state=Invitation.State.BOUNCED)

    def to_remind(self, now: datetime) -> InvitationQuerySet:
        """Asked by mail as long ago as their wave says, and not yet as often; in order of age."""
        last = Greatest("sent_at", "reminded_at")
        pause = models.ExpressionWrapper(
            models.F("wave__remind_days") * models.Value(timedelta(days=1)), output_field=models.DurationField()
        )
        asked = self.filter(
            state=Invitation.State.SENT, by=Invitation.By.EMAIL, expires_at__gt=now, wave__state=Wave.State.RUNNING,
            wave__closes_at__gt=now, wave__remind_days__gt=0, wave__reminders__gt=models.F("reminded"),
        )  # fmt: skip
        return asked.alias(again_at=last + pause).filter(again_at__lte=now).order_by("sent_at", "id")

    def abandoned(self, before: datetime) -> InvitationQuerySet:
        """Claimed before then by a sender that has not said what became of it."""
        return self.filter(state=Invitation.State.SENDING, claimed_at__lt=before)

    def left(self) -> InvitationQuerySet:
        """Who was asked for certain, or may have been."""
        return self.filter(sent_at__isnull=False)

    def to_expire(self, now: datetime) -> InvitationQuerySet:
        return self.open().filter(expires_at__lte=now)


class Invitation(models.Model):
    """One customer asked once. Its link is made from `number` (`surveys.links`), and stands nowhere.

    PLANNED → SENDING (claimed) → SENT → ANSWERED. DOUBT: it may have left when its sender died; a person decides.
    BOUNCED, EXPIRED and CANCELLED (with `reason`) are ends without an answer.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        SENDING = "sending", _("Being sent")
        DOUBT = "doubt", _("In doubt")
        SENT = "sent", _("Sent")
        ANSWERED = "answered", _("Finished")
        BOUNCED = "bounced", _("Came back")
        EXPIRED = "expired", _("Expired")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN = (State.PLANNED, State.SENDING, State.DOUBT, State.SENT)

    class By(models.TextChoices):
        EMAIL = "email", _("E-mail")
        PRIVATE = "private", _("Private message")
        ELSEWHERE = "elsewhere", _("Asked elsewhere")

    number = models.UUIDField(_("number"), default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey("crm.Customer", on_delete=models.CASCADE, related_name="invitations")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="invitations")
    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="invitations", null=True, blank=True)
    case = models.OneToOneField(
        "cases.Case", on_delete=models.CASCADE, related_name="invitation", null=True, blank=True
    )
    by = models.CharField(_("by"), max_length=9, choices=By.choices, default=By.EMAIL)
    identity = models.ForeignKey(
        "crm.Identity", on_delete=models.SET_NULL, related_name="+", null=True, blank=True, verbose_name=_("address")
    )
    message = models.OneToOneField(
        "channels_app.Message", on_delete=models.SET_NULL, related_name="invitation", null=True, blank=True
    )
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.PLANNED)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    stratum = models.CharField(_("stratum"), max_length=120, blank=True)
    weight = models.FloatField(_("weight"), default=1.0, help_text=_("One over the chance of being drawn."))
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"))
    reminded = models.PositiveSmallIntegerField(_("reminders sent"), default=0)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True)
    came_back = models.PositiveSmallIntegerField(
        _("came back for now"), default=0, help_text=_("A bit for each of its mails; the invitation is 1.")
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state="planned"), name="invitation_to_send"),
            models.Index(fields=["wave", "state", "id"], name="invitation_of_a_wave"),
            models.Index(fields=["customer", "-sent_at"], name="invitation_of_a_customer"),
            models.Index(
                fields=["expires_at"], condition=Q(state__in=["planned", "sending", "doubt", "sent"]),
                name="invitation_to_expire",
            ),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(fields=["wave", "customer"], name="a_wave_asks_a_customer_once"),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(state__in=["planned", "sending", "doubt", "sent"]),
                name="a_customer_is_asked_one_survey_at_a_time",
            ),
            models.CheckConstraint(condition=Q(weight__gte=1), name="an_invitation_stands_for_one_or_more"),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "sending", "doubt", "sent"], ended_at=None)
                | Q(state__in=["answered", "bounced", "expired", "cancelled"], ended_at__isnull=False),
                name="an_invitation_that_ended_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sent", "answered"]) | Q(sent_at__isnull=False),
                name="an_invitation_that_was_sent_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["cancelled", "bounced"]) | ~Q(reason=""),
                name="an_invitation_that_failed_says_why",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.customer} · {self.version}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN
