"""A copy, an erasure, and how long what is kept."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.models import PrivacyRequest


class CopyForm(forms.Form):
    """On whose request a copy is made."""

    reason = forms.ChoiceField(label=_("On whose request"), choices=PrivacyRequest.Asker.choices)


class EraseForm(forms.Form):
    """The one place where we ask "are you sure", since nothing can bring back what this does."""

    reason = forms.ChoiceField(
        label=_("On whose request"),
        choices=PrivacyRequest.Asker.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say on whose request: it stands on the receipt.")},
    )
    confirmed = forms.CharField(
        label=_("Type their name or number"),
        max_length=250,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
        error_messages={"required": _("Type it to confirm: an erasure cannot be undone.")},
    )


class RetentionForm(forms.Form):
    """One kind of data, how long it is kept, and what is to be done about it."""

    LOOK, ON, OFF = "look", "on", "off"

    name = forms.SlugField(max_length=40)
    days = forms.IntegerField(
        label=_("Days kept"),
        min_value=1,
        max_value=36_500,
        error_messages={
            "required": _("Say for how many days."),
            "invalid": _("Days are a whole number."),
            "min_value": _("A day at least."),
            "max_value": _("A hundred years at most."),
        },
    )
    act = forms.ChoiceField(choices=[(LOOK, ""), (ON, ""), (OFF, "")])
