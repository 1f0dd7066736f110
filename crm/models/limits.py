"""How often something was done lately: PostgreSQL counts, since what Redis counts may be lost."""

from django.db import models
from django.utils import timezone


class Allowance(models.Model):
    """`whom` is a keyed hash of an address, a number or a machine: it can be counted, not read."""

    what = models.CharField(max_length=20)
    whom = models.CharField(max_length=64)
    since = models.DateTimeField(default=timezone.now)
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["what", "whom"], name="an_allowance_is_counted_once")]
        indexes = [models.Index(fields=["since"], name="allowance_by_age")]

    def __str__(self) -> str:
        return f"{self.what}: {self.used}"
