"""A channel: one account of ours on one network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from channels_app.platforms import registry

if TYPE_CHECKING:
    from channels_app.platforms.base import Capabilities, Platform
    from crm.models import Customer


class ChannelQuerySet(models.QuerySet["Channel"]):
    def listening(self) -> ChannelQuerySet:
        return self.filter(paused_at=None)

    def polled(self, *, slow: bool = False) -> ChannelQuerySet:
        return self.listening().filter(platform__in=registry.polled(slow=slow))

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
        return registry.capabilities(self.platform)

    def connect(self) -> Platform:
        return registry.connect(self.platform)
