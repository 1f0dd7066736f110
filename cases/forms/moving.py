"""Until when a case sleeps; which other case it belongs with; what of it is another matter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases import snooze
from cases.models import Case, CaseLink
from cases.models.asked import CaseQuerySet
from channels_app.models import Message


class SnoozeForm(forms.Form):
    """A natural moment by its key, or one's own in one's own time zone. `until` is what comes of it."""

    when = forms.CharField(required=False, max_length=20)
    own = forms.DateTimeField(
        label=_("Another moment"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("Give a date and a time, as in 2026-12-24 09:00.")},
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        key, own = cleaned.get("when"), cleaned.get("own")
        until: datetime | None = snooze.chosen(key) if key and key != "own" else own
        if until is None and not self.errors:
            self.add_error("own", _("Choose until when. That moment has passed, or none was chosen."))
        cleaned["until"] = until
        return cleaned


class OtherCaseForm(forms.Form):
    """Another case, by its number or chosen from the customer's; of those somebody may see."""

    other = forms.CharField(
        label=_("Case number"), max_length=20, widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        error_messages={"required": _("Choose a case, or give its number.")},
    )  # fmt: skip

    def __init__(self, data: Any = None, *, among: CaseQuerySet, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.among = among

    def clean_other(self) -> Case:
        words = self.cleaned_data["other"].strip().removeprefix("#")
        number = int(words) if words.isdecimal() and words.isascii() and len(words) < 19 else 0
        if found := self.among.filter(pk=number).first():
            return found
        raise forms.ValidationError(_("There is no case #%(words)s that you may see."), params={"words": words[:20]})


class LinkForm(OtherCaseForm):
    kind = forms.ChoiceField(label=_("How"), choices=CaseLink.Kind.choices, initial=CaseLink.Kind.RELATED)


class SplitForm(forms.Form):
    subject = forms.CharField(
        label=_("What the new case is about"), max_length=200, required=False,
        help_text=_("Empty: the first words of what is chosen."),
    )  # fmt: skip
    messages = forms.TypedMultipleChoiceField(
        coerce=int, error_messages={"required": _("Choose the messages that are about something else.")}
    )

    def __init__(self, data: Any = None, *, said: Iterable[Message], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["messages"].choices = [(message.pk, message.pk) for message in said]  # type: ignore[attr-defined]
