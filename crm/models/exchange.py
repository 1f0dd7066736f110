"""Other systems: the tokens they come in with, and the webhooks they are told by."""

from __future__ import annotations

import json
import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """What a token may do: read or write one kind of record."""

    CUSTOMERS_READ = "customers:read", _("Read customers and their identities")
    CUSTOMERS_WRITE = "customers:write", _("Write customers and their identities")
    ACCOUNTS_READ = "accounts:read", _("Read accounts and stakeholders")
    ACCOUNTS_WRITE = "accounts:write", _("Write accounts and stakeholders")
    ORDERS_READ = "orders:read", _("Read orders and products owned")
    ORDERS_WRITE = "orders:write", _("Write orders and products owned")
    CONSENTS_READ = "consents:read", _("Read consents")
    CONSENTS_WRITE = "consents:write", _("Write consents")
    CASES_READ = "cases:read", _("Read cases")
    MESSAGES_READ = "messages:read", _("Read messages")
    RESULTS_READ = "results:read", _("Read figures of surveys")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self, now: datetime) -> ApiTokenQuerySet:
        """Those that open something now: neither revoked nor expired, for somebody who still works here."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=now)
        return self.filter(unexpired, revoked_at=None, user__is_active=True)


class ApiToken(models.Model):
    """A key another system signs in with. It acts for `user`, within that person's role and its own scopes."""

    name = models.CharField(_("name"), max_length=80, help_text=_("Which system uses it."))
    user = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, related_name="api_tokens", verbose_name=_("acts for")
    )
    prefix = models.CharField(_("begins with"), max_length=12, unique=True)
    token_hash = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices), verbose_name=_("scopes"))
    source = models.SlugField(_("other system"), max_length=40, blank=True, help_text=_("Whose outside ids it uses."))
    created_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("made by"))
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    expires_at = models.DateTimeField(_("valid until"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [
            models.CheckConstraint(condition=models.Q(scopes__len__gt=0), name="a_token_may_do_something"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def opens(self) -> bool:
        """Whether it lets anybody in now; as `ApiTokenQuerySet.valid`."""
        return self.revoked_at is None and not self.has_expired and self.user.is_active

    @property
    def says(self) -> list[str]:
        """What it may do, in words."""
        return [str(Scope(scope).label) for scope in self.scopes]


class IdempotencyKey(models.Model):
    """A request with a key that was answered: the same key again gets the same answer, and nothing is done twice."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="keys")
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64, help_text=_("Of method, path and body."))
    status = models.PositiveSmallIntegerField(null=True, help_text=_("Empty while it is being worked on."))
    body = models.JSONField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="an_idempotency_key_stands_once_a_token")]
        indexes = [models.Index(fields=["at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return self.key


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def listening(self) -> WebhookQuerySet:
        return self.filter(disabled_at=None)

    def told_of(self, event: str) -> WebhookQuerySet:
        return self.listening().filter(events__contains=[event])

    def with_health(self) -> WebhookQuerySet:
        """Each with `waiting` (events not settled; 1000: or more) and `last_sent_at`."""
        unsettled = WebhookEvent.objects.unsettled().filter(webhook=models.OuterRef(models.OuterRef("pk")))
        counted = WebhookEvent.objects.filter(pk__in=unsettled.order_by().values("pk")[:1000]).order_by()
        mine = WebhookEvent.objects.filter(webhook=models.OuterRef("pk"))
        sent = mine.in_state(WebhookEvent.State.SENT).order_by("-id").values("sent_at")
        return self.annotate(
            waiting=models.Subquery(
                counted.annotate(n=models.Func("pk", function="count")).values("n"), output_field=models.IntegerField()
            ),
            last_sent_at=models.Subquery(sent[:1]),
        )

    def kept_waiting(self, now: datetime) -> models.QuerySet[Webhook, datetime]:
        """Since when each that is on and well has had an event due, the longest first: our workers keep it waiting."""
        due = WebhookEvent.objects.due(now).filter(webhook=models.OuterRef("pk")).order_by("not_before", "id")
        well = self.listening().filter(failing_since=None)
        waiting = well.annotate(due_since=models.Subquery(due.values("not_before")[:1])).exclude(due_since=None)
        return waiting.order_by("due_since").values_list("due_since", flat=True)

    def to_send_to(self, now: datetime) -> WebhookQuerySet:
        """Those for which an event is due, less those that fail and are left alone for a while."""
        rested = models.Q(resume_at=None) | models.Q(resume_at__lte=now)
        due = WebhookEvent.objects.due(now).filter(webhook=models.OuterRef("pk"))
        return self.listening().filter(rested, models.Exists(due))


class Webhook(models.Model):
    """An address of another system that is told what happens here, signed as in Standard Webhooks."""

    url = models.URLField(_("address"), max_length=500)
    name = models.CharField(_("name"), max_length=80)
    events = ArrayField(models.CharField(max_length=40), verbose_name=_("told of"))
    secret = models.TextField(_("secret"), editable=False, help_text=_("Sealed; shown once, when it is made."))
    created_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("made by"))
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    disabled_at = models.DateTimeField(_("off since"), null=True, blank=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    resume_at = models.DateTimeField(
        _("tried again at"), null=True, blank=True, editable=False, help_text=_("While it fails, one event at a time.")
    )
    trouble = models.CharField(_("what is wrong"), max_length=300, blank=True, editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = [
            models.CheckConstraint(condition=models.Q(events__len__gt=0), name="a_webhook_is_told_of_something"),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    def due(self, now: datetime) -> WebhookEventQuerySet:
        return self.filter(state=WebhookEvent.State.WAITING, not_before__lte=now)

    def abandoned(self, now: datetime) -> WebhookEventQuerySet:
        """Claimed by a worker whose lease ran out: it may have arrived. It is sent again, under the same id."""
        return self.filter(state=WebhookEvent.State.SENDING, lease_until__lt=now)

    def in_state(self, state: str) -> WebhookEventQuerySet:
        return self.filter(state=state)

    def unsettled(self) -> WebhookEventQuerySet:
        return self.filter(state__in=[WebhookEvent.State.WAITING, WebhookEvent.State.SENDING])

    def settled(self) -> WebhookEventQuerySet:
        return self.filter(state__in=[WebhookEvent.State.SENT, WebhookEvent.State.GIVEN_UP])


class WebhookEvent(models.Model):
    """Something that happened, for one webhook: a row before it is a request."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("On its way")
        SENT = "sent", _("Sent")
        GIVEN_UP = "given_up", _("Given up")

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="sent")
    key = models.UUIDField(_("id"), default=uuid.uuid4, help_text=_("webhook-id: the same at every attempt."))
    type = models.CharField(_("event"), max_length=40)
    data = models.JSONField(_("what it says"))
    about = models.BigIntegerField(
        _("customer"), null=True, help_text=_("Whose data it says: at their erasure it says nothing any more.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("happened"), default=timezone.now)
    not_before = models.DateTimeField(_("next attempt"), default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    status = models.PositiveSmallIntegerField(_("last answer"), null=True, blank=True)
    trouble = models.CharField(_("what is wrong"), max_length=300, blank=True)

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event for a webhook")
        verbose_name_plural = _("events for webhooks")
        constraints = [
            models.UniqueConstraint(fields=["webhook", "key"], name="an_event_is_told_a_webhook_once"),
            models.CheckConstraint(
                condition=~models.Q(state="sending") | models.Q(lease_until__isnull=False),
                name="an_event_being_sent_has_a_lease",
            ),
            models.CheckConstraint(
                condition=models.Q(state="sent") ^ models.Q(sent_at__isnull=True), name="a_sent_event_has_its_time"
            ),
        ]
        indexes = [
            models.Index(
                fields=["webhook", "not_before", "id"], condition=models.Q(state__in=["waiting", "sending"]),
                name="webhook_event_due",
            ),
            models.Index(fields=["webhook", "-id"], name="webhook_event_log"),
            models.Index(fields=["about"], condition=models.Q(about__isnull=False), name="webhook_event_about"),
            models.Index(fields=["created_at"], name="webhook_event_age"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.type} {self.key}"

    @property
    def written(self) -> str:
        """What it says, for people."""
        return json.dumps(self.data, indent=2, ensure_ascii=False)

    def claim(self, *, until: datetime) -> None:
        self.state, self.lease_until, self.attempts = self.State.SENDING, until, self.attempts + 1
        self.save(update_fields=["state", "lease_until", "attempts"])

    def confirm(self, *, at: datetime, status: int | None) -> None:
        """The other side has it."""
        self.sent_at = at
        self._settle(self.State.SENT, status, "")

    def wait(self, *, until: datetime, why: str, status: int | None) -> None:
        """It did not arrive; try again then."""
        self.not_before = until
        self._settle(self.State.WAITING, status, why)

    def give_up(self, why: str, *, status: int | None) -> None:
        self._settle(self.State.GIVEN_UP, status, why)

    def again(self, *, at: datetime) -> None:
        """From the start: as if it had never been tried, under the same id."""
        self.attempts, self.sent_at, self.not_before = 0, None, at
        self._settle(self.State.WAITING, None, "")

    def _settle(self, state: str, status: int | None, trouble: str) -> None:
        self.state, self.lease_until, self.status, self.trouble = state, None, status, trouble[:300]
        self.save()
