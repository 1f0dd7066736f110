"""Asking somebody who they are: a private link, used once."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

VALID_FOR = timedelta(days=3)
MOST_CODES = 3
MOST_TRIES = 5  # wrong codes before another has to be asked for


def _in_three_days() -> datetime:
    return timezone.now() + VALID_FOR


class IdentityRequestQuerySet(models.QuerySet["IdentityRequest"]):
    def unanswered(self) -> IdentityRequestQuerySet:
        return self.filter(state__in=[IdentityRequest.State.SENT, IdentityRequest.State.CLAIMED])

    def open(self, now: datetime) -> IdentityRequestQuerySet:
        return self.unanswered().filter(expires_at__gt=now)

    def wanting_a_code(self, now: datetime) -> IdentityRequestQuerySet:
        """Somebody said who they are, and no code went out yet, nor a reason why not."""
        return self.open(now).filter(code_wanted_at__isnull=False, code_expires_at__gt=now)

    def of(self, identities: models.QuerySet[models.Model] | list[int]) -> IdentityRequestQuerySet:
        return self.filter(identity__in=identities).select_related("asked_by", "identity").order_by("-asked_at", "-id")


class IdentityRequest(models.Model):
    """A link we gave to one identity, and how far its answer has come.

    Neither the link nor a code can be read from the row: the link is `number` with a signature that only the SECRET_KEY
    makes, the code is kept as a keyed hash.
    """

    class State(models.TextChoices):
        SENT = "sent", _("Asked")
        CLAIMED = "claimed", _("Says who they are")
        ANSWERED = "answered", _("Answered")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    number = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    identity = models.ForeignKey(
        "crm.Identity", on_delete=models.CASCADE, related_name="requests", verbose_name=_("who was asked")
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.SENT)
    asked_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by"))
    asked_as = models.CharField(_("in whose name"), max_length=120, help_text=_("What the customer knows us by."))
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    expires_at = models.DateTimeField(_("valid until"), default=_in_three_days)
    claimed = models.CharField(
        _("as they wrote it"), max_length=255, blank=True, help_text=_("Kept until it is answered or runs out.")
    )
    claim = models.ForeignKey(
        "crm.Identity", on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("what they claim"), help_text=_("The address the code went to."),
    )  # fmt: skip
    codes = models.PositiveSmallIntegerField(_("codes asked for"), default=0)
    code_wanted_at = models.DateTimeField(null=True, blank=True, help_text=_("Asked for, and not dealt with yet."))
    code_hash = models.CharField(max_length=64, blank=True)
    code_expires_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(_("wrong codes"), default=0)
    trouble = models.CharField(_("why no code went out"), max_length=300, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    objects = IdentityRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request to identify")
        verbose_name_plural = _("requests to identify")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="answered", answered_at__isnull=False)
                | (~models.Q(state="answered") & models.Q(answered_at=None)),
                name="an_answered_request_says_when",
            ),
            models.CheckConstraint(
                condition=models.Q(codes__lte=MOST_CODES, tries__lte=MOST_TRIES), name="codes_and_tries_are_counted"
            ),
            models.UniqueConstraint(
                fields=["identity"], condition=models.Q(state__in=["sent", "claimed"]),
                name="an_identity_is_asked_once_at_a_time",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["identity", "-asked_at"], name="request_of_an_identity"),
            models.Index(
                fields=["code_wanted_at"], condition=models.Q(code_wanted_at__isnull=False), name="code_to_send"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.identity} · {self.get_state_display()}"

    @property
    def is_expired(self) -> bool:
        return self.is_unanswered and self.expires_at <= timezone.now()

    @property
    def is_unanswered(self) -> bool:
        return self.state in (self.State.SENT, self.State.CLAIMED)

    @property
    def is_open(self) -> bool:
        return self.is_unanswered and self.expires_at > timezone.now()
