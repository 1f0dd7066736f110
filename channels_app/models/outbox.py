"""The outbox: a reply is a row before it is a request."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import models
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models.guard import nothing_leaves_against_their_will


class State(models.TextChoices):
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Not sent")
    IN_DOUBT = "in_doubt", _("In doubt")


class Told(models.TextChoices):
    """What the network says became of it, in the order in which it may."""

    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    READ = "read", _("Read")
    FAILED = "failed", _("Not delivered")


# The parts of a reply that is too long for one post: each names the one it goes after, and was written after it.
AFTER = """
    WITH RECURSIVE line AS (
        SELECT id FROM channels_app_delivery WHERE after_id = ANY(%s)
         UNION
        SELECT part.id FROM channels_app_delivery AS part JOIN line ON part.after_id = line.id
    ) SELECT id FROM line"""
LINE = """
    WITH RECURSIVE line AS (
        SELECT id, after_id FROM channels_app_delivery WHERE id = %s
         UNION
        SELECT part.id, part.after_id
          FROM channels_app_delivery AS part JOIN line ON part.after_id = line.id OR part.id = line.after_id
    ) SELECT id FROM line"""
ON_ITS_WAY = (State.QUEUED, State.SENDING, State.IN_DOUBT)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def on_their_way(self) -> DeliveryQuerySet:
        return self.filter(state__in=ON_ITS_WAY)

    def due(self, now: datetime) -> DeliveryQuerySet:
        return self.filter(state=State.QUEUED, not_before__lte=now)

    def free(self) -> DeliveryQuerySet:
        """Those whose channel can be spoken through, and before which no other part is to go.

        Not for a conditional UPDATE: what is joined is not looked at again where that has to wait.
        """
        first = models.Q(after=None) | models.Q(after__state=State.SENT)
        return self.filter(first, message__channel__broken_at=None)

    def abandoned(self, now: datetime) -> DeliveryQuerySet:
        """Claimed by a worker whose lease ran out: nobody knows whether the network got it."""
        return self.filter(state=State.SENDING, lease_until__lt=now)

    def going_after(self, pks: Sequence[int]) -> DeliveryQuerySet:
        """All parts after these, in their order."""
        return self.filter(pk__in=RawSQL(AFTER, [list(pks)])).order_by("pk")  # noqa: S611 - a constant of ours

    def of_one_reply(self, pk: int) -> DeliveryQuerySet:
        """This and the parts before and after it, in their order."""
        line = RawSQL(LINE, [pk])  # noqa: S611 - a constant of ours
        return self.filter(pk__in=line).order_by("pk")


class Delivery(models.Model):
    """One outgoing message on its way: claimed, sent, confirmed. `key` is the same on every try."""

    State, Told = State, Told

    message = models.OneToOneField("channels_app.Message", on_delete=models.CASCADE, related_name="delivery")
    after = models.OneToOneField(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="next", verbose_name=_("goes after"),
        help_text=_("The part before it, which it answers."),
    )  # fmt: skip
    key = models.UUIDField(_("key"), default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    not_before = models.DateTimeField(_("not before"), default=timezone.now)
    lease_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    told = models.CharField(_("receipt"), max_length=9, choices=Told.choices, blank=True)
    told_at = models.DateTimeField(_("receipt of"), null=True, blank=True)

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
        self.count_as_sent(at=at)

    def count_as_sent(self, *, at: datetime) -> None:
        """The network has it, under whatever id."""
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

    def put_back(self, reason: str) -> None:
        """As if it had not been tried: the channel is shut, and that is not its fault."""
        self.attempts = max(0, self.attempts - 1)
        self.save(update_fields=["attempts"])
        self.wait(timezone.now(), reason)

    def is_due(self, now: datetime) -> bool:
        return self.state == State.QUEUED and self.not_before <= now

    @property
    def is_free(self) -> bool:
        """Nothing is to go before it, and its channel can be spoken through."""
        return self.message.channel.broken_at is None and (self.after is None or self.after.state == State.SENT)

    @property
    def waits_for_a_part(self) -> bool:
        """The part before it is not there yet."""
        return self.state == State.QUEUED and self.after is not None and self.after.state != State.SENT

    @property
    def leaves_in(self) -> int:
        """Whole seconds for which nobody may claim it yet, so that it can be taken back at leisure."""
        return max(0, math.ceil((self.not_before - timezone.now()).total_seconds()))

    @property
    def is_held(self) -> bool:
        return self.state == State.QUEUED and not self.attempts and self.leaves_in > 0

    @property
    def waits_for_a_person(self) -> bool:
        """In doubt, and its network cannot be asked."""
        return self.state == State.IN_DOUBT and not self.message.channel.capabilities.can_tell

    @property
    def can_be_tried_again(self) -> bool:
        return self.state in (State.FAILED, State.IN_DOUBT) and not self.waits_for_a_person
