"""What the law gives a person: a copy of what we hold, and to be forgotten; and how long we keep what."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class PrivacyRequestQuerySet(models.QuerySet["PrivacyRequest"]):
    def under_way(self) -> PrivacyRequestQuerySet:
        return self.filter(state__in=UNDER_WAY)


class PrivacyRequest(models.Model):
    """An export or an erasure on its way: a job with progress and, at its end, a file or a receipt."""

    class Kind(models.TextChoices):
        EXPORT = "export", _("Copy of all we hold")
        ERASURE = "erasure", _("Erasure")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    class Asker(models.TextChoices):
        """On whose request. A choice and not words of our own: what stays after an erasure names nobody."""

        PERSON = "person", _("They asked for it themselves")
        PROXY = "proxy", _("Somebody who may act for them asked")
        AUTHORITY = "authority", _("A court or an authority ordered it")
        OURS = "ours", _("We decided it ourselves")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    customer = models.ForeignKey(
        "crm.Customer", on_delete=models.PROTECT, related_name="privacy_requests", verbose_name=_("customer")
    )
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    step = models.CharField(_("at work on"), max_length=80, blank=True)
    steps_done = models.PositiveSmallIntegerField(default=0)
    steps = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(_("why"), max_length=10, choices=Asker.choices, default=Asker.PERSON)
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    file = models.FileField(_("file"), upload_to="exports/", blank=True)
    file_until = models.DateTimeField(_("file kept until"), null=True, blank=True)
    receipt = models.JSONField(
        _("receipt"), default=dict, help_text=_("What was done: counts per kind, nobody's name.")
    )
    trouble = models.CharField(_("what is wrong"), max_length=300, blank=True)

    objects = PrivacyRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("privacy request")
        verbose_name_plural = _("privacy requests")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind"], condition=models.Q(state__in=["waiting", "running"]),
                name="a_privacy_request_is_under_way_once",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.customer_id}"

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY

    @property
    def is_kept(self) -> bool:
        """Whether there is a file to fetch."""
        return bool(self.file) and self.file_until is not None and self.file_until > timezone.now()

    def begin(self, steps: int) -> None:
        self.state, self.trouble, self.steps, self.steps_done = self.State.RUNNING, "", steps, 0
        self.save(update_fields=["state", "trouble", "steps", "steps_done"])

    def go_to(self, step: str, done: int) -> None:
        self.step, self.steps_done = step, done
        self.save(update_fields=["step", "steps_done"])

    def finish(self) -> None:
        self.state, self.step, self.steps_done = self.State.DONE, "", self.steps
        self.finished_at = timezone.now()
        self.save()


class RetentionRule(models.Model):
    """How long one kind of data is kept. Off until somebody turns it on, after a dry run."""

    kind = models.SlugField(_("kind of data"), max_length=40, unique=True)
    days = models.PositiveIntegerField(_("days kept"))
    enabled_at = models.DateTimeField(_("on since"), null=True, blank=True)
    enabled_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("turned on by")
    )

    class Meta:
        ordering = ["kind"]
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention rules")
        constraints = [
            models.CheckConstraint(condition=models.Q(days__gte=1), name="what_is_kept_is_kept_a_day_at_least"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.days}"


class RetentionRun(models.Model):
    """What one run of the rules removed, or would have."""

    at = models.DateTimeField(_("at"), default=timezone.now)
    dry = models.BooleanField(_("only looked"))
    by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    removed = models.JSONField(_("removed"), default=dict, help_text=_("Kind of data → count."))

    class Meta:
        verbose_name = _("run of the retention rules")
        verbose_name_plural = _("runs of the retention rules")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


UNDER_WAY = (PrivacyRequest.State.WAITING, PrivacyRequest.State.RUNNING)
