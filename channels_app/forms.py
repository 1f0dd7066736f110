"""A contact that somebody writes down: phone, letter, chat, visit; and the filter of a timeline."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from channels_app.models import Channel
from channels_app.timeline import Wanted
from crm import addresses
from crm.models import Customer, Identity


class ContactForm(forms.Form):
    """What the customer said, where, and how to recognise them next time."""

    channel = forms.ModelChoiceField(Channel.objects.none(), label=_("How"), empty_label=None)
    name = forms.CharField(label=_("Who"), max_length=200, help_text=_("The name they gave."))
    identity_kind = forms.ChoiceField(
        label=_("Known by"), choices=[c for c in Identity.Kind.choices if c[0] != Identity.Kind.HANDLE], initial="phone"
    )
    identity_value = forms.CharField(
        label=_("Phone, e-mail or customer number"),
        max_length=255,
        help_text=_("What links this contact to the customer."),
    )
    said_at = forms.DateTimeField(
        label=_("When"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    text = forms.CharField(label=_("What they said"), widget=forms.Textarea(attrs={"rows": 6}), max_length=20_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["channel"].queryset = Channel.objects.by_hand()  # type: ignore[attr-defined]
        self.fields["said_at"].initial = timezone.localtime

    def clean_said_at(self) -> datetime:
        at: datetime = self.cleaned_data["said_at"]
        if at > timezone.now() + timedelta(minutes=5):
            raise forms.ValidationError(_("This time is still to come. When was it said?"))
        if at.year < 1990:
            raise forms.ValidationError(_("This is too long ago to be right."))
        return at

    def clean(self) -> dict[str, Any]:
        """An address in its one form; a customer number as its system writes it, where just one system has it."""
        cleaned = super().clean() or {}
        value, kind = cleaned.get("identity_value", ""), cleaned.get("identity_kind", "")
        if not value or not kind:
            return cleaned
        try:
            cleaned["identity_value"] = addresses.written(kind, value).handle
        except addresses.NotAnAddress as refusal:
            self.add_error("identity_value", str(refusal))
        if kind == Identity.Kind.EXTERNAL and len(known := Identity.objects.numbered(value)) == 1:
            cleaned |= {"identity_value": known[0].value, "identity_place": known[0].place}
        return cleaned

    def fields_of_event(self) -> dict[str, object]:
        """As `platforms.by_hand` reads it."""
        said = self.cleaned_data
        return {
            "id": str(uuid.uuid4()), "at": said["said_at"].isoformat(), "name": said["name"], "text": said["text"],
            "kind_of_identity": said["identity_kind"], "identity": said["identity_value"],
            "place_of_identity": said.get("identity_place", ""),
        }  # fmt: skip


class TimelineForm(forms.Form):
    """The filter of a customer's timeline. What cannot be read is left out, never an error page."""

    EVERYTHING, SAID, HAPPENED = "", "said", "happened"
    PERIODS = (("", _("Any time")), *((str(n), format_lazy(_("Last {n} days"), n=n)) for n in (7, 30, 90, 365)))

    q = forms.CharField(label=_("Words"), max_length=200, required=False)
    show = forms.ChoiceField(
        label=_("Show"), required=False,
        choices=((EVERYTHING, _("Everything")), (SAID, _("What was said")), (HAPPENED, _("What happened"))),
    )  # fmt: skip
    channel = forms.TypedChoiceField(label=_("Channel"), coerce=int, empty_value=None, required=False)
    direction = forms.ChoiceField(
        label=_("From"), choices=(("", _("Both")), ("in", _("The customer")), ("out", _("Us"))), required=False
    )
    private = forms.ChoiceField(
        label=_("Where"), required=False,
        choices=(("", _("Anywhere")), ("no", _("In public")), ("yes", _("In private"))),
    )  # fmt: skip
    period = forms.ChoiceField(label=_("When"), choices=PERIODS, required=False)

    def __init__(self, data: Any, *, customer: Customer) -> None:
        super().__init__(data)
        spoken = Channel.objects.spoken_by(customer).values_list("pk", "name")
        self.fields["channel"].choices = lambda: [("", _("All")), *spoken]  # type: ignore[attr-defined]

    def wanted(self) -> Wanted:
        self.is_valid()
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        days, show = chosen.get("period"), chosen.get("show")
        return Wanted(
            channel=chosen.get("channel"), direction=chosen.get("direction", ""), words=chosen.get("q", ""),
            private={"yes": True, "no": False}.get(chosen.get("private", "")),
            since=timezone.now() - timedelta(days=int(days)) if days else None,
            messages=show != self.HAPPENED, events=show != self.SAID,
        )  # fmt: skip
