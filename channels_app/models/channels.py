"""A channel: one account of ours on one network."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from channels_app.platforms import registry

if TYPE_CHECKING:
    from channels_app.platforms.abilities import Access
    from channels_app.platforms.base import Capabilities, Platform
    from crm.models import Customer


PATIENCE = timedelta(minutes=10)  # of failing, until people are told


class ChannelQuerySet(models.QuerySet["Channel"]):
    def listening(self) -> ChannelQuerySet:
        return self.filter(paused_at=None)

    def to_poll(self, now: datetime) -> ChannelQuerySet:
        """Those that have to be asked now, who waits longest first."""
        due = self.listening().filter(broken_at=None, next_poll_at__lte=now, platform__in=registry.polled())
        return due.order_by("next_poll_at")

    def of_ones_own(self) -> ChannelQuerySet:
        """Those that a system of one's own is joined by, and that have not been let go."""
        return self.filter(platform="own_channel", credential__isnull=False).exclude(credential__sealed="")

    def to_check(self, now: datetime) -> ChannelQuerySet:
        """Connected ones that nobody asks, as they call us: whether they still let us in."""
        due = self.listening().filter(broken_at=None, next_poll_at__lte=now, credential__isnull=False)
        return due.exclude(platform__in=registry.polled()).order_by("next_poll_at")

    def in_trouble(self, now: datetime) -> ChannelQuerySet:
        """Those that ought to work and do not: shut, or failing for a while. With who looks after them."""
        found = models.Q(broken_at__isnull=False) | models.Q(failing_since__lt=now - PATIENCE)
        return self.listening().filter(found).select_related("owner").order_by("name")

    def with_health(self) -> ChannelQuerySet:
        """Each with `waiting` (whether payloads are still to be read) and `dead_letters` (how many; 100: or more)."""
        from channels_app.models.raw import RawEvent

        mine = RawEvent.objects.filter(channel=models.OuterRef("pk"))
        dead = RawEvent.objects.dead_letters().filter(channel=models.OuterRef(models.OuterRef("pk")))
        some = dead.order_by().values("pk")[:100]
        counted = (
            RawEvent.objects.filter(pk__in=some).order_by().annotate(n=models.Func("pk", function="count")).values("n")
        )
        return self.select_related("team").annotate(
            waiting=models.Exists(mine.filter(state=RawEvent.State.NEW)),
            dead_letters=models.Subquery(counted, output_field=models.IntegerField()),
        )

    def spoken_by(self, customer: Customer) -> ChannelQuerySet:
        """The channels on which this customer said something."""
        from channels_app.models.messages import Message

        return self.filter(pk__in=Message.objects.of_customer(customer).values("channel"))

    def answering_places(self) -> list[str]:
        """The networks on which something of ours leaves."""
        return sorted(set(self.exclude(platform="by_hand").values_list("place", flat=True)))

    def by_hand(self) -> ChannelQuerySet:
        return self.listening().filter(platform="by_hand")


class Channel(models.Model):
    """Where customers speak, and how we answer there. `place` is whose identities these are: "twitter", "phone"."""

    key = models.SlugField(_("key"), max_length=40, unique=True, help_text=_("Short name used in commands."))
    name = models.CharField(_("name"), max_length=80)
    platform = models.CharField(_("platform"), max_length=20, choices=registry.choices)
    place = models.SlugField(_("network"), max_length=40, help_text=_("Handles are unique within a network."))
    our_handle = models.CharField(_("our handle"), max_length=120, blank=True)
    brand = models.CharField(_("brand"), max_length=80, blank=True)
    team = models.ForeignKey(
        "crm.Team", on_delete=models.PROTECT, related_name="channels", verbose_name=_("team"),
        help_text=_("Gets what no rule sends elsewhere."),
    )  # fmt: skip
    cursor = models.JSONField(_("how far we have read"), default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(_("connected"), default=timezone.now)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    last_in_at = models.DateTimeField(_("last received"), null=True, blank=True, editable=False)
    last_out_at = models.DateTimeField(_("last sent"), null=True, blank=True, editable=False)
    trouble = models.CharField(_("what is wrong"), max_length=300, blank=True, editable=False)
    owner = models.ForeignKey(
        "crm.User", on_delete=models.SET_NULL, null=True, blank=True, related_name="channels_owned",
        verbose_name=_("looked after by"), help_text=_("Is told when something is wrong; else the administrators are."),
    )  # fmt: skip
    polled_at = models.DateTimeField(_("last asked"), null=True, blank=True, editable=False)
    next_poll_at = models.DateTimeField(_("asked next"), default=timezone.now, editable=False)
    failures = models.PositiveSmallIntegerField(_("failed in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    broken_at = models.DateTimeField(
        _("shut since"), null=True, blank=True, editable=False,
        help_text=_("A person has to connect it anew; until then nothing leaves, and what comes by itself comes in."),
    )  # fmt: skip
    alerted_at = models.DateTimeField(_("owner told"), null=True, blank=True, editable=False)
    text_limit = models.PositiveIntegerField(
        _("longest text"), null=True, blank=True, editable=False,
        help_text=_("As its own server says, in what the network counts; empty where every server has the same."),
    )  # fmt: skip
    budget = models.JSONField(_("what may still be asked"), default=dict, blank=True, editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name

    @property
    def brand_slug(self) -> str:
        """The brand as it stands in the address of the page that states its promises."""
        return slugify(self.brand, allow_unicode=True)

    @property
    def capabilities(self) -> Capabilities:
        """What its network lets us do, and how much its own server lets us write."""
        can = registry.capabilities(self.platform)
        return replace(can, text_limit=self.text_limit) if self.text_limit else can

    @property
    def is_in_trouble(self) -> bool:
        """Answers wait: as `ChannelQuerySet.in_trouble`, and where it was disconnected."""
        failing = self.failing_since is not None and self.paused_at is None
        return self.broken_at is not None or (failing and self.failing_since < timezone.now() - PATIENCE)  # type: ignore[operator]

    def connect(self) -> Platform:
        """Raises CannotOpen where its credential was sealed with a key we no longer have."""
        return registry.connect(self.platform, self.access())

    def access(self) -> Access | None:
        """What opens the account; None for a channel that needs nothing, or that nobody has connected yet."""
        if not registry.capabilities(self.platform).connected:
            return None
        from channels_app.models.credentials import Credential

        held = Credential.objects.in_use().select_related("app").filter(channel=self).first()
        return held.access() if held else None
