"""What came over the wire, untouched, until it has become messages."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

EMPTIED = "Erased on request: nothing of it is kept."


class RawEventQuerySet(models.QuerySet["RawEvent"]):
    def pending(self) -> RawEventQuerySet:
        return self.filter(state=RawEvent.State.NEW)

    def dead_letters(self) -> RawEventQuerySet:
        return self.filter(state=RawEvent.State.REJECTED)


class RawEvent(models.Model):
    """One payload as received, kept as bytes so that NUL and broken encodings survive to be looked at."""

    class State(models.TextChoices):
        NEW = "new", _("Waiting")
        STORED = "stored", _("Stored")
        DUPLICATE = "duplicate", _("Known already")
        REJECTED = "rejected", _("Cannot be read")

    channel = models.ForeignKey("channels_app.Channel", on_delete=models.PROTECT, related_name="raw_events")
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    origin = models.CharField(_("origin"), max_length=300, blank=True)
    overheard = models.BooleanField(
        _("we asked for it"), default=False, help_text=_("Nobody brought it to us: we searched, or looked again.")
    )
    found_by = models.ForeignKey(
        "channels_app.Search", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("found by"),
    )  # fmt: skip
    body = models.BinaryField(_("as received"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.NEW)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    load = models.ForeignKey(
        "channels_app.FileLoad",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="raw_events",
        db_index=False,
    )

    objects = RawEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("received payload")
        verbose_name_plural = _("received payloads")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="rejected") | ~models.Q(reason=""), name="a_rejected_payload_says_why"
            )
        ]
        indexes = [
            models.Index(fields=["channel", "id"], condition=models.Q(state="new"), name="raw_pending"),
            models.Index(fields=["-id"], condition=models.Q(state="rejected"), name="raw_dead_letters"),
            models.Index(fields=["load", "state"], condition=models.Q(load__isnull=False), name="raw_of_a_file"),
        ]

    def __str__(self) -> str:
        return self.origin or f"#{self.pk}"

    def empty(self) -> None:
        """Nothing of what came is kept but that it came. Not saved."""
        self.body, self.origin, self.reason = b"", "", EMPTIED

    @property
    def readable(self) -> str:
        """The body as text for a person; what is not UTF-8 shows as \\xNN."""
        return bytes(self.body).decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


class DeadLetter(RawEvent):
    """A received payload as the admin's list of dead letters shows it."""

    class Meta:
        proxy = True
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")


class FileLoad(models.Model):
    """One pass through a file. `rows` are kept so far: its cursor, moved in the same transaction as they.

    It is finished when they are worked off.
    """

    channel = models.ForeignKey("channels_app.Channel", on_delete=models.PROTECT, related_name="file_loads")
    fingerprint = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    rows = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("file loaded")
        verbose_name_plural = _("files loaded")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "fingerprint"],
                condition=models.Q(finished_at=None),
                name="a_file_has_one_pass_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def tally(self) -> dict[str, int]:
        """Rows of this pass by state."""
        counted = self.raw_events.order_by().values_list("state").annotate(n=models.Count("pk"))
        return {str(state): 0 for state in RawEvent.State.values} | dict(counted)
