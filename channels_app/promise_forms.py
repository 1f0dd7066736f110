"""What a channel promises, as a form: its hours, three promises in minutes, and what we do there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from channels_app.models import ChannelPromise
from crm import hours
from crm.models import Calendar

KINDS = ("acknowledge", "answer", "resolve")
LONGEST = 90 * 24 * 60


def duration(minutes: int) -> str:
    """ "4 hours", "1 hour 30 minutes": hours of the channel, which are not split into days."""
    whole, rest = divmod(minutes, 60)
    said = [ngettext("%d hour", "%d hours", whole) % whole] if whole else []
    return " ".join([*said, ngettext("%d minute", "%d minutes", rest) % rest] if rest or not whole else said)


class PromiseForm(forms.ModelForm[ChannelPromise]):
    published = forms.BooleanField(
        label=_("Published"), required=False, help_text=_("It stands on the public page of the channel’s brand.")
    )

    class Meta:
        model = ChannelPromise
        fields = [
            "calendar", *(f"{kind}_{part}" for kind in KINDS for part in ("minutes", "warn")), "what_we_do",
            "what_we_do_not",
        ]  # fmt: skip

    def __init__(self, data: Any = None, *, instance: ChannelPromise) -> None:
        super().__init__(data, instance=instance)
        self.fields["calendar"].empty_label = _("Day and night")  # type: ignore[attr-defined]
        self.fields["published"].initial = instance.published_at is not None
        for name in (f"{kind}_{part}" for kind in KINDS for part in ("minutes", "warn")):
            now = format_lazy(_("minutes · now {duration}"), duration=duration(getattr(instance, name)))
            self.fields[name] = forms.IntegerField(
                label=self.fields[name].label, min_value=1, max_value=LONGEST, help_text=now
            )
        self.order_fields([*self.Meta.fields, "published"])

    @property
    def pairs(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"{kind}_minutes"], self[f"{kind}_warn"]) for kind in KINDS]

    def clean_calendar(self) -> Calendar | None:
        calendar: Calendar | None = self.cleaned_data["calendar"]
        try:
            hours.next_open(calendar, timezone.now())
        except hours.NeverOpen as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return calendar

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or self.cleaned_data
        for kind in KINDS:
            last, warn = facts.get(f"{kind}_minutes"), facts.get(f"{kind}_warn")
            if last and warn and warn >= last:
                self.add_error(
                    f"{kind}_warn", _("It is at risk before its end, not from its start: write fewer minutes.")
                )
        if facts.get("published") and not self.instance.channel.brand_slug:
            self.add_error(
                "published", _("The page is that of a brand, and this channel has none. An administrator gives it one.")
            )
        return facts
