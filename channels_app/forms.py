"""A contact that somebody writes down: phone, letter, chat, visit."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models import Channel
from crm.models import Identity


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
        cleaned = super().clean() or {}
        value, kind = cleaned.get("identity_value", "").strip(), cleaned.get("identity_kind")
        if value and kind == Identity.Kind.EMAIL and ("@" not in value or " " in value):
            self.add_error("identity_value", _("This is not an e-mail address."))
        if value and kind == Identity.Kind.PHONE:
            digits = "".join(c for c in value if c.isdigit())
            if len(digits) < 5:
                self.add_error("identity_value", _("A phone number has at least five digits."))
            cleaned["identity_value"] = ("+" if value.startswith("+") else "") + digits
        return cleaned

    def fields_of_event(self) -> dict[str, object]:
        """As `platforms.by_hand` reads it."""
        said = self.cleaned_data
        return {
            "id": str(uuid.uuid4()), "at": said["said_at"].isoformat(), "name": said["name"], "text": said["text"],
            "kind_of_identity": said["identity_kind"], "identity": said["identity_value"],
        }  # fmt: skip
