"""The outbox: a reply is a row before it is a request."""

from __future__ import annotations

import math
import uuid
from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models.guard import nothing_leaves_against_their_will


class State(models.TextChoices):
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Not sent")
    IN_DOUBT = "in_doubt", _("In doubt")


ON_ITS_WAY = (State.QUEUED, State.SENDING, State.IN_DOUBT)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def on_their_way(self) -> DeliveryQuerySet:
        return self.filter(state__in=ON_ITS_WAY)

    def due(self, now: datetime) -> DeliveryQuerySet:
        return self.filter(state=State.QUEUED, not_before__lte=now)

    def abandoned(self, now: datetime) -> DeliveryQuerySet:
        """Claimed by a worker whose lease ran out: nobody knows whether the network got it."""
        return self.filter(state=State.SENDING, lease_until__lt=now)


class Delivery(models.Model):
    """One outgoing message on its way: claimed, sent, confirmed. `key` is the same on every try."""

    State = State

    message = models.OneToOneField("channels_app.Message", on_delete=models.CASCADE, related_name="delivery")
    key = models.UUIDField(_("key"), default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    lease_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outbox")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="sent") ^ models.Q(sent_at__isnull=True), name="a_sent_reply_has_its_time"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="sending") | models.Q(lease_until__isnull=False),
                name="a_reply_being_sent_has_a_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["not_before"],
                condition=models.Q(state__in=["queued", "sending", "in_doubt"]),
                name="outbox_open",
            )
        ]
        triggers = [nothing_leaves_against_their_will()]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.key}"

    def confirm(self, *, external_id: str, at: datetime) -> None:
        """The network has it: under that id, since then."""
        self.message.external_id, self.message.occurred_at = external_id, at
        self.message.save(update_fields=["external_id", "occurred_at"])
        self.state, self.sent_at, self.lease_until, self.reason = State.SENT, at, None, ""
        self.save(update_fields=["state", "sent_at", "lease_until", "reason"])

    def stop(self, state: str, reason: str) -> None:
        """It goes no further by itself, for this reason."""
        self.state, self.lease_until, self.reason = state, None, reason[:500]
        self.save(update_fields=["state", "lease_until", "reason"])

    def doubt(self, reason: str, *, settled_at: datetime) -> None:
        """Perhaps it went out, perhaps not. Before `settled_at` it may still arrive by itself."""
        self.not_before = settled_at
        self.save(update_fields=["not_before"])
        self.stop(State.IN_DOUBT, reason)

    def wait(self, until: datetime, reason: str) -> None:
        """Nothing was sent; try again then."""
        self.state, self.lease_until, self.not_before, self.reason = State.QUEUED, None, until, reason[:500]
        self.save(update_fields=["state", "lease_until", "not_before", "reason"])

    def is_due(self, now: datetime) -> bool:
        return self.state == State.QUEUED and self.not_before <= now

    @property
    def leaves_in(self) -> int:
        """Whole seconds for which nobody may claim it yet, so that it can be taken back at leisure."""
        return max(0, math.ceil((self.not_before - timezone.now()).total_seconds()))

    @property
    def is_held(self) -> bool:
        return self.state == State.QUEUED and not self.attempts and self.leaves_in > 0

    @property
    def can_be_tried_again(self) -> bool:
        return self.state in (State.FAILED, State.IN_DOUBT)
