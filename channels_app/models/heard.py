"""What networks tell beside messages: what became of ours, who likes what, and what a search finds."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Receipt(models.Model):
    """What became of a message of ours, told before we knew its id; it waits until we do."""

    channel = models.ForeignKey("channels_app.Channel", on_delete=models.CASCADE, related_name="receipts")
    external_id = models.CharField(max_length=255, blank=True)
    state = models.CharField(_("state"), max_length=9)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("at"))
    stored_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("receipt that waits")
        verbose_name_plural = _("receipts that wait")
        constraints = [
            models.UniqueConstraint(fields=["channel", "external_id", "state"], name="a_receipt_waits_once"),
            models.CheckConstraint(condition=~models.Q(external_id=""), name="a_receipt_names_its_message"),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {self.state}"


class Reaction(models.Model):
    """Somebody likes a message, or puts another sign to it. `who` is their key on the network."""

    message = models.ForeignKey("channels_app.Message", on_delete=models.CASCADE, related_name="reactions")
    who = models.CharField(_("who"), max_length=255)
    emoji = models.CharField(_("sign"), max_length=40, blank=True)
    at = models.DateTimeField(_("at"))
    undone_at = models.DateTimeField(_("taken back"), null=True, blank=True)

    class Meta:
        verbose_name = _("reaction")
        verbose_name_plural = _("reactions")
        constraints = [
            models.UniqueConstraint(fields=["message", "who", "emoji"], name="a_reaction_stands_once_per_person")
        ]

    def __str__(self) -> str:
        return self.emoji or "♥"


class SearchQuerySet(models.QuerySet["Search"]):
    def running(self) -> SearchQuerySet:
        return self.filter(paused_at=None, channel__paused_at=None, channel__broken_at=None)


class Search(models.Model):
    """Words we listen for on a network, through one of our channels there."""

    channel = models.ForeignKey("channels_app.Channel", on_delete=models.CASCADE, related_name="searches")
    name = models.CharField(_("name"), max_length=80)
    words = models.CharField(_("words"), max_length=200, help_text=_("As the network’s own search takes them."))
    made_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("made by"))
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    joins_queue = models.BooleanField(
        _("straight into the queue"), default=False,
        help_text=_("Else a person looks at each hit and takes into the queue what needs an answer."),
    )  # fmt: skip
    cursor = models.JSONField(default=dict, blank=True, editable=False)
    next_at = models.DateTimeField(_("asked next"), default=timezone.now, editable=False)
    asked_at = models.DateTimeField(_("asked last"), null=True, blank=True, editable=False)
    trouble = models.CharField(_("what is wrong"), max_length=300, blank=True, editable=False)

    objects = SearchQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("saved search")
        verbose_name_plural = _("saved searches")
        constraints = [
            models.UniqueConstraint(fields=["channel", "words"], name="a_search_stands_once_per_channel"),
            models.CheckConstraint(condition=~models.Q(words=""), name="a_search_has_words"),
        ]

    def __str__(self) -> str:
        return self.name


class LookQuerySet(models.QuerySet["Look"]):
    def upwards(self) -> LookQuerySet:
        """Those above which something is still to be fetched, who waits longest first."""
        return self.filter(above_since__isnull=False).order_by("above_since", "pk")


class Look(models.Model):
    """That a message was read again on its network, and that what it answers is still to be fetched."""

    message = models.OneToOneField(
        "channels_app.Message", on_delete=models.CASCADE, primary_key=True, related_name="look"
    )
    above_since = models.DateTimeField(_("what it answers is to be fetched since"), null=True, blank=True)
    looked_at = models.DateTimeField(_("read again"), null=True, blank=True)

    objects = LookQuerySet.as_manager()

    class Meta:
        verbose_name = _("second look")
        verbose_name_plural = _("second looks")
        indexes = [
            models.Index(fields=["above_since"], condition=models.Q(above_since__isnull=False), name="look_upwards")
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
