"""What came of a call, as it is typed during it, and perhaps hours before it arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as now_
from django.utils.translation import gettext_lazy as _

from crm.widgets import Select
from surveys.forms.outreach.calls import moment_input
from surveys.models import Attempt, Call, Tone, Topic

HEARD = (("", _("Nothing")), (Tone.PRAISE, _("Good")), (Tone.CRITICISM, _("Bad")))
LONGEST = 4000


def written_at(data: Mapping[str, Any]) -> datetime | None:
    """When they called, by the device that wrote it down; None where it does not say so in a way one can read."""
    try:
        at = forms.DateTimeField(required=False).clean(data.get("at", ""))
    except forms.ValidationError:
        return None
    return at if at else None


class RecordForm(forms.Form):
    """One outcome with what was heard. `key` makes that what is sent twice is kept once; `at` is the device's clock.

    When they want to be called again is one of the times that are offered (`pick`), or another, on the reader's clock.
    """

    outcome = forms.ChoiceField(
        label=_("What came of it"), choices=Attempt.Outcome.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose what came of it.")},
    )  # fmt: skip
    note = forms.CharField(
        label=_("Note"), required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Write #billing, and the group that owns it is asked at once."),
    )  # fmt: skip
    pick = forms.DateTimeField(label=_("Call again"), required=False, widget=Select)
    next_at = forms.DateTimeField(label=_("Another time"), required=False, widget=moment_input)
    key = forms.UUIDField(widget=forms.HiddenInput, required=False)
    at = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, call: Call, picks: Sequence[datetime], zone: tzinfo, tags: str) -> None:
        """`picks`: times that are offered; `zone`: that of the customer; `tags`: where hashtags are asked for."""
        super().__init__(data, initial={"key": uuid4()}, auto_id="call-%s")
        self.call = call
        self.fields["note"].widget.attrs |= {"data-hashtags": tags, "dir": "auto"}
        self.fields["pick"].widget.choices = [("", _("No, unless it is due")), *(_offered(at, zone) for at in picks)]  # type: ignore[attr-defined]
        for topic in Topic:
            self.fields[f"heard_{topic}"] = forms.ChoiceField(
                label=topic.label, choices=HEARD, required=False, initial="", widget=forms.RadioSelect
            )

    def clean(self) -> dict[str, Any]:
        """Held against the moment of the call: what arrives late is not refused for that."""
        said = super().clean() or {}
        at = said.get("next_at") or said.get("pick")
        if at and at <= (written_at(self.data) or timezone.now()):
            self.add_error("next_at", _("This moment has passed. Choose one that is still to come."))
        return said

    @property
    def topics(self) -> list[forms.BoundField]:
        return [self[f"heard_{topic}"] for topic in Topic]

    @property
    def facts(self) -> dict[str, Any]:
        """As `calling.record` takes them. A clock that is years behind does not put the call before it was owed."""
        said, at = self.cleaned_data, written_at(self.data)
        heard = [(topic.value, said[f"heard_{topic}"]) for topic in Topic if said[f"heard_{topic}"]]
        facts = {name: said[name] for name in ("outcome", "note", "key")} | {"heard": heard}
        return facts | {
            "next_at": said["next_at"] or said["pick"], "at": max(at, self.call.made_at) if at else None,
        }  # fmt: skip


def _offered(at: datetime, zone: tzinfo) -> tuple[str, str]:
    """On the reader's clock, and on theirs where that is another."""
    here, there = timezone.localtime(at), at.astimezone(zone)
    text = date_format(here, "l, H:i")
    if here.utcoffset() != there.utcoffset():
        text = now_("{at} ({there} there)").format(at=text, there=f"{there:%H:%M}")
    return at.isoformat(), text
