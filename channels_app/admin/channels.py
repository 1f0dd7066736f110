"""Channels: where customers speak, and how each of them is."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from channels_app import connecting
from channels_app.admin.received import listed
from channels_app.connecting.kinds import abilities
from channels_app.models import Channel
from channels_app.models.channels import ChannelQuerySet
from channels_app.platforms import registry
from crm.administration import RecordAdmin, ago, since_filter
from crm.models import User


def _on_its_page(platform: str) -> SafeString:
    page = reverse("channels_app:connect_needs", args=[platform])
    said = gettext("An account on this network has to open first:")
    return format_html('{} <a href="{}">{}</a>', said, page, gettext("connect it on its page."))


class ChannelForm(forms.ModelForm[Channel]):
    def clean(self) -> dict[str, Any]:
        """A network has to know us by a handle before it can carry our answers."""
        cleaned = super().clean() or {}
        platform = self.instance.platform or cleaned.get("platform")
        if platform in registry.PLATFORMS:
            can = registry.capabilities(platform)
            if can.connected and not can.is_mail and not self.instance.pk:
                self.add_error("platform", _on_its_page(platform))
                return cleaned
            if can.reply_public and not cleaned.get("our_handle"):
                self.add_error(
                    "our_handle", gettext("Customers write to a handle on this platform. Which one is ours?")
                )
        return cleaned


@admin.register(Channel)
class ChannelAdmin(RecordAdmin[Channel]):
    form = ChannelForm
    list_display = ["name", "listens", "trouble", "received", "sent", "behind", "dead", "platform", "team"]
    received = ago("last_in_at", _("last received"))
    sent = ago("last_out_at", _("last sent"))
    list_filter = ["platform", "team", since_filter("paused_at", _("state"), yes=_("Paused"), no=_("Listening"))]
    search_fields = ["name", "key", "our_handle", "brand"]
    actions = ["pause", "resume"]
    prepopulated_fields = {"key": ["name"]}
    readonly_fields = [
        "abilities", "page", "created_at", "last_in_at", "last_out_at", "trouble", "broken_at", "failing_since",
        "failures", "polled_at", "next_poll_at",
    ]  # fmt: skip
    switches = {
        "paused_at": (_("Paused"), _("Nothing is fetched; what the network kept meanwhile comes in afterwards."))
    }
    add_fieldsets = [
        (None, {"fields": ["name", "brand"]}),
        (_("Where"), {"fields": ["platform", "place", "our_handle", "key"]}),
        (_("Who answers"), {"fields": ["team", "owner"]}),
    ]
    fieldsets = [
        (None, {"fields": ["name", "brand", "paused_at"]}),
        (_("Where"), {"fields": ["platform", "abilities", "place", "our_handle", "key"]}),
        (_("Who answers"), {"fields": ["team", "owner"]}),
        (
            _("How it is"),
            {
                "fields": [
                    "page",
                    "trouble",
                    "broken_at",
                    "failing_since",
                    "failures",
                    "polled_at",
                    "next_poll_at",
                    "last_in_at",
                    "last_out_at",
                    "created_at",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> ChannelQuerySet:
        return Channel.objects.with_health()

    def get_fieldsets(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        """What its identities and cursor hang on cannot be changed afterwards."""
        return [*self.readonly_fields, "platform", "place", "key"] if obj else self.readonly_fields

    def get_prepopulated_fields(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        return {} if obj else self.prepopulated_fields

    @admin.display(description=_("listening"), boolean=True)
    def listens(self, channel: Channel) -> bool:
        return channel.paused_at is None

    @admin.display(description=_("behind"))
    def behind(self, channel: Channel) -> str:
        return gettext("waiting to be read") if channel.waiting else "–"  # type: ignore[attr-defined]

    @admin.display(description=_("dead letters"))
    def dead(self, channel: Channel) -> SafeString | str:
        return listed(channel.dead_letters, channel__id__exact=channel.pk)  # type: ignore[attr-defined]

    @admin.display(description=_("its page"))
    def page(self, channel: Channel) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("channels_app:channel", args=[channel.pk]), channel)

    @admin.display(description=_("what it can do"))
    def abilities(self, channel: Channel) -> str:
        return " ".join(abilities(channel.capabilities))

    @admin.action(description=_("Pause"))
    def pause(self, request: HttpRequest, channels: ChannelQuerySet) -> None:
        paused = [channel for channel in channels.listening() if connecting.pause(channel=channel, by=staff(request))]
        said = ngettext("%(n)s channel is paused.", "%(n)s channels are paused.", len(paused))
        self.message_user(request, said % {"n": len(paused)})

    @admin.action(description=_("Resume"))
    def resume(self, request: HttpRequest, channels: ChannelQuerySet) -> None:
        resumed = [
            channel for channel in channels.exclude(paused_at=None)
            if connecting.resume(channel=channel, by=staff(request))
        ]  # fmt: skip
        said = ngettext("%(n)s channel listens again.", "%(n)s channels listen again.", len(resumed))
        self.message_user(request, said % {"n": len(resumed)})


def staff(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # nobody else gets in
    return request.user
