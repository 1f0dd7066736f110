"""Live events, numbered per stream without gaps, so that a page that reconnects can ask for what it missed."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class LiveStream(models.Model):
    """A stream's name ("team:3", "case:17") and the number of its newest event."""

    name = models.CharField(max_length=60, primary_key=True)
    newest = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class LiveEvent(models.Model):
    stream = models.CharField(max_length=60)
    number = models.BigIntegerField()
    kind = models.CharField(max_length=30)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "number"], name="a_live_event_has_its_own_number")]
        indexes = [models.Index(fields=["at"], name="live_event_age")]

    def __str__(self) -> str:
        return f"{self.stream} {self.number} {self.kind}"
