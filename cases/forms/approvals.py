"""The form beside a reply that waits for approval."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.approvals import LONGEST_REASON


class ApproveForm(forms.Form):
    """`seen` is the newest message on screen, `beside` the waiting replies that stood there. Never an error page."""

    text = forms.CharField(label=_("Reply"), strip=False, widget=forms.Textarea(attrs={"rows": 6}))
    reason = forms.CharField(
        label=_("What to change"), max_length=LONGEST_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )
    why = forms.CharField(label=_("Why it has to be the same"), required=False, max_length=300)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    beside = forms.CharField(required=False, widget=forms.HiddenInput)

    def said(self) -> dict[str, Any]:
        """As `approvals.approve` takes it; without a text, as its author wrote it."""
        cleaned = self.cleaned_data
        shown = [int(pk) for pk in cleaned.get("beside", "").split(",") if pk.isdecimal() and len(pk) < 19]
        text = cleaned.get("text", "") if self.add_prefix("text") in self.data else None
        return {"text": text, "seen": cleaned.get("seen"), "beside": shown, "why": cleaned.get("why", "")}
