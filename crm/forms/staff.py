"""One's own profile, and the teams."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.forms.people import LanguagesField
from crm.models import Team, User


class ProfileForm(forms.ModelForm[User]):
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=lambda: [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())],
    )
    languages = LanguagesField()
    shortcuts = forms.BooleanField(label=_("Keyboard shortcuts"), required=False)

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email", "time_zone", "languages"]

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
        fields = ["name", "purpose", "mode", "members"]
        widgets = {"mode": forms.RadioSelect, "members": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["members"].queryset = User.objects.who_answer().order_by("first_name", "username")  # type: ignore[attr-defined]
        self.fields["members"].required = False
        self.fields["closed"].initial = self.instance.closed_at is not None

    def save(self, commit: bool = True) -> Team:
        team = self.instance
        team.closed_at = (team.closed_at or timezone.now()) if self.cleaned_data["closed"] else None
        return super().save(commit)
