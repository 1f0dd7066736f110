"""Support groups: who is in them, when they are there, and how soon they answer."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models import SupportGroup, User

LONGEST = 60 * 24 * 60  # minutes: sixty days of hours


class SupportGroupForm(forms.ModelForm[SupportGroup]):
    closed = forms.BooleanField(
        label=_("Closed"),
        required=False,
        help_text=_("No longer asked; what it was asked before can still be answered."),
    )

    class Meta:
        model = SupportGroup
        fields = ["name", "purpose", "calendar", "answer_minutes", "owner", "members"]
        widgets = {"members": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True).order_by("first_name", "username")
        self.fields["members"].queryset = people  # type: ignore[attr-defined]
        self.fields["members"].required = False
        self.fields["owner"].queryset = people  # type: ignore[attr-defined]
        self.fields["owner"].empty_label = _("Nobody in particular")  # type: ignore[attr-defined]
        self.fields["owner"].help_text = _("Hears of what is not answered in time, and may change its hashtags.")
        self.fields["calendar"].empty_label = _("Day and night, all year")  # type: ignore[attr-defined]
        self.fields["answer_minutes"].label = _("Answers within (minutes of its hours)")
        self.fields["answer_minutes"].help_text = _("480 are eight hours.")
        self.fields["closed"].initial = self.instance.closed_at is not None

    def clean_answer_minutes(self) -> int:
        minutes: int = self.cleaned_data["answer_minutes"]
        if not 1 <= minutes <= LONGEST:
            raise forms.ValidationError(_("Between one minute and sixty days."))
        return minutes

    def save(self, commit: bool = True) -> SupportGroup:
        group = self.instance
        group.closed_at = (group.closed_at or timezone.now()) if self.cleaned_data["closed"] else None
        return super().save(commit)
