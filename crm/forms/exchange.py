"""Forms about other systems: the tokens they come in with, the webhooks they are told by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.importing.people import HARK
from crm.models import ApiToken, Scope, User, Webhook
from crm.webhooks import guard, topics


class TokenForm(forms.ModelForm[ApiToken]):
    scopes = forms.MultipleChoiceField(
        label=_("May"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple,
        help_text=_("Never more than the person it acts for may."),
        error_messages={"required": _("Choose at least one thing it may do.")},
    )  # fmt: skip
    days = forms.TypedChoiceField(
        label=_("Valid for"), coerce=int, initial=365,
        choices=[(30, _("30 days")), (90, _("90 days")), (365, _("a year")), (0, _("until it is revoked"))],
    )  # fmt: skip

    class Meta:
        model = ApiToken
        fields = ["name", "user", "source", "scopes"]
        error_messages = {"name": {"required": _("Give it the name of the system that will use it.")}}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        working = User.objects.filter(is_active=True).order_by("first_name", "username")
        self.fields["user"].queryset = working  # type: ignore[attr-defined]
        self.fields["source"].help_text = _("Whose ids its records have: shop, crm, … Needed to write records.")

    def clean_source(self) -> str:
        source: str = self.cleaned_data["source"].lower()
        if source == HARK:
            raise forms.ValidationError(_("“hark” is Hark itself. Name the other system."))
        return source

    def expires_at(self) -> datetime | None:
        days: int = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None


class WebhookForm(forms.ModelForm[Webhook]):
    events = forms.MultipleChoiceField(
        label=_("Is told when"), choices=topics.choices, widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one event.")},
    )  # fmt: skip

    url = forms.URLField(
        label=_("Address"), max_length=500, assume_scheme="https",
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        error_messages={"required": _("Where shall Hark send it? An address that begins with https://.")},
    )  # fmt: skip

    class Meta:
        model = Webhook
        fields = ["name", "url", "events"]
        error_messages = {"name": {"required": _("Give it the name of the system that listens.")}}

    def clean_url(self) -> str:
        try:
            return guard.check(self.cleaned_data["url"])
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
