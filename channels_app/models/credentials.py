"""What opens our accounts on the networks. Secrets lie here sealed (crm/sealing.py) and are never shown again."""

from __future__ import annotations

import json
import uuid
from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.platforms.abilities import Access
from crm import sealing


class App(models.Model):
    """What a network calls us by: one address here and one pair of secrets, for all our accounts that share them.

    Meta and X know an app of ours and call it for many accounts. A channel of one's own has an app for itself.
    """

    class Network(models.TextChoices):
        META = "meta", _("Meta: Facebook, Instagram, WhatsApp")
        X = "x", _("X")
        OWN = "own_channel", _("A channel of your own")

    network = models.CharField(_("network"), max_length=20, choices=Network.choices)
    name = models.CharField(_("name"), max_length=80)
    hook = models.UUIDField(
        _("address"), default=uuid.uuid4, unique=True, editable=False, help_text=_("The end of the webhook’s address.")
    )
    settings = models.JSONField(_("settings"), default=dict, blank=True, help_text=_("What a person may see."))
    sealed = models.TextField(_("secrets"), editable=False)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    made_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("made by"))
    asked_at = models.DateTimeField(_("address checked by the network"), null=True, blank=True)
    called_at = models.DateTimeField(_("last called"), null=True, blank=True)
    refused_at = models.DateTimeField(
        _("last refused"), null=True, blank=True, help_text=_("A call whose signature did not fit.")
    )

    class Meta:
        ordering = ["name"]
        verbose_name = _("app on a network")
        verbose_name_plural = _("apps on networks")

    def __str__(self) -> str:
        return self.name

    @property
    def secrets(self) -> dict[str, str]:
        """Those that hold now. Raises CannotOpen."""
        return still(opened(self.sealed), timezone.now())

    def seal(self, secrets: dict[str, str]) -> None:
        """Not saved."""
        self.sealed = sealing.seal(json.dumps(secrets))

    def access(self) -> Access:
        return Access(self.settings, self.secrets)


class CredentialQuerySet(models.QuerySet["Credential"]):
    def running_out(self, before: datetime) -> CredentialQuerySet:
        return self.filter(expires_at__lt=before, channel__paused_at=None)

    def of_account(self, platform: str, account: str) -> CredentialQuerySet:
        """What opens, or opened, this account of a network, through whatever app."""
        return self.filter(channel__platform=platform, account=account).select_related("channel")

    def in_use(self) -> CredentialQuerySet:
        return self.exclude(sealed="")


class Credential(models.Model):
    """What opens one channel's account. `account` is the network's id of it, by which a webhook names it."""

    channel = models.OneToOneField("channels_app.Channel", on_delete=models.CASCADE, related_name="credential")
    app = models.ForeignKey(App, on_delete=models.PROTECT, null=True, blank=True, related_name="credentials")
    account = models.CharField(_("account"), max_length=255, blank=True)
    settings = models.JSONField(_("settings"), default=dict, blank=True, help_text=_("What a person may see."))
    sealed = models.TextField(_("secrets"), editable=False)
    expires_at = models.DateTimeField(_("runs out"), null=True, blank=True)
    connected_at = models.DateTimeField(_("connected"), default=timezone.now)
    connected_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    renewed_at = models.DateTimeField(_("renewed"), null=True, blank=True)
    told_at = models.DateTimeField(_("owner told that it runs out"), null=True, blank=True)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        constraints = [
            models.UniqueConstraint(
                fields=["app", "account"],
                condition=~models.Q(account=""),
                nulls_distinct=False,
                name="an_account_is_connected_once_per_app",
            )
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=models.Q(expires_at__isnull=False), name="credential_runs_out"
            )
        ]

    def __str__(self) -> str:
        return str(self.channel)

    def access(self) -> Access:
        """With what the app holds for all its accounts. Raises CannotOpen."""
        ours = self.app.access() if self.app else Access()
        return Access(
            {**ours.settings, **self.settings}, {**ours.secrets, **opened(self.sealed)}, self.expires_at
        )  # fmt: skip

    def put(self, access: Access) -> None:
        """Hold `access`, but for what the app holds. Not saved."""
        ours = self.app.access() if self.app else Access()
        own = {name: secret for name, secret in access.secrets.items() if ours.secrets.get(name) != secret}
        self.settings = {name: said for name, said in access.settings.items() if ours.settings.get(name) != said}
        self.sealed, self.expires_at = sealing.seal(json.dumps(own)), access.expires_at


BEFORE, UNTIL = "_before", "_until"  # a secret that was replaced, and how long it is believed beside the new one


def still(secrets: dict[str, str], now: datetime) -> dict[str, str]:
    """Without what was replaced long enough ago."""
    over = {
        name.removesuffix(UNTIL) for name, until in secrets.items()
        if name.endswith(UNTIL) and datetime.fromisoformat(until) <= now
    }  # fmt: skip
    gone = {f"{name}{end}" for name in over for end in (BEFORE, UNTIL)}
    return {name: secret for name, secret in secrets.items() if name not in gone}


def opened(sealed: str) -> dict[str, str]:
    """Raises CannotOpen where it was sealed with a key we no longer have."""
    found = json.loads(sealing.unseal(sealed)) if sealed else {}
    return {str(name): str(secret) for name, secret in found.items()}
