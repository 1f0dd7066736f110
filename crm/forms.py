"""Forms about customers, colleagues and teams."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import Customer, Team, Tier, User
from crm.models.customers import CustomerQuerySet


class CustomersForm(forms.Form):
    """The filter of the customer list."""

    q = forms.CharField(label=_("Name or handle"), max_length=200, required=False)
    tier = forms.ChoiceField(label=_("Tier"), choices=(("", _("Any")), *Tier.choices), required=False)

    def narrow(self, customers: CustomerQuerySet) -> CustomerQuerySet:
        self.is_valid()
        if words := self.cleaned_data.get("q"):
            customers = customers.called(words.lstrip("@"))
        tier = self.cleaned_data.get("tier")
        return customers.filter(tier=tier) if tier else customers


class CustomerForm(forms.ModelForm[Customer]):
    class Meta:
        model = Customer
        fields = ["name", "tier", "language", "country", "city", "time_zone", "about"]

    def clean_country(self) -> str:
        code: str = self.cleaned_data["country"].upper()
        if code and (len(code) != 2 or not code.isalpha()):
            raise forms.ValidationError(_("A country is two letters: GB, DE, US."))
        return code

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        if name and name not in zoneinfo.available_timezones():
            raise forms.ValidationError(_("%(name)s is not a time zone; Europe/Madrid is one."), params={"name": name})
        return name


class ProfileForm(forms.ModelForm[User]):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=lambda: [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())],
    )
    shortcuts = forms.BooleanField(label=_("Keyboard shortcuts"), required=False)

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shortcuts"].initial = self.instance.shortcuts_off_at is None

    def save(self, commit: bool = True) -> User:
        user = self.instance
        user.shortcuts_off_at = None if self.cleaned_data["shortcuts"] else user.shortcuts_off_at or timezone.now()
        return super().save(commit)


class TeamForm(forms.ModelForm[Team]):
    closed = forms.BooleanField(
        label=_("Closed"), required=False, help_text=_("Keeps its cases; no longer offered for new ones.")
    )

    class Meta:
        model = Team
        fields = ["name", "purpose", "members"]
        widgets = {"members": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["members"].queryset = User.objects.who_answer().order_by("first_name", "username")  # type: ignore[attr-defined]
        self.fields["members"].required = False
        self.fields["closed"].initial = self.instance.closed_at is not None

    def save(self, commit: bool = True) -> Team:
        team = self.instance
        team.closed_at = (team.closed_at or timezone.now()) if self.cleaned_data["closed"] else None
        return super().save(commit)
