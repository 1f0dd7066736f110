"""What is typed and chosen in a case: a reply, a note, an owner, a cause; and for many cases at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases import snooze
from cases.forms.queue import Offered
from cases.likely.suggesting import Suggestion
from cases.likely.weighing import SHOWN
from cases.models import Cause, Outcome, Priority
from crm.models import User
from crm.widgets import Select


class ReplyForm(forms.Form):
    text = forms.CharField(label=_("Reply"), widget=forms.Textarea(attrs={"rows": 4}), required=False, strip=False)
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    answer_to = forms.CharField(label=_("Answer to"), max_length=40, required=False)
    acknowledges = forms.BooleanField(label=_("Only says that we have seen it"), required=False)
    why = forms.CharField(label=_("Send it all the same, because"), max_length=300, required=False)
    in_parts = forms.BooleanField(label=_("Send it as several posts"), required=False)
    numbered = forms.BooleanField(label=_("with numbers"), required=False)


class NoteForm(forms.Form):
    text = forms.CharField(label=_("Note"), widget=forms.Textarea(attrs={"rows": 4}), required=False)


class CauseChoice(forms.ModelChoiceField):
    widget = Select

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Cause.objects.in_use(), **kwargs)


class OwnerChoice(forms.ModelChoiceField):
    widget = Select

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(User.objects.who_answer(), **kwargs)


class OfferingForm(forms.Form):
    """Its `owner` and `cause` are chosen from what the page has asked for already."""

    def __init__(self, data: Any = None, *, offered: Offered | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.offered = offered or Offered()
        for name in {"owner", "cause"} & set(self.fields):
            self.fields[name].choices = partial(self._choices, name)  # type: ignore[attr-defined]

    def _choices(self, name: str) -> list[tuple[Any, Any]]:
        found = self.offered.people if name == "owner" else self.offered.causes
        return [("", self.fields[name].empty_label), *found]  # type: ignore[attr-defined]


class OutcomeChoice(forms.ChoiceField):
    """What came of it; solved where nobody says otherwise, so that it costs no keystroke."""

    widget = Select

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Outcome.choices, initial=Outcome.SOLVED, required=False, **kwargs)

    def clean(self, value: Any) -> str:
        return super().clean(value) or Outcome.SOLVED


class ResolveForm(OfferingForm):
    """`likely` causes stand first among those to choose from; which these were comes back as `shown`."""

    outcome = OutcomeChoice(label=_("Outcome"))
    cause = CauseChoice(label=_("Cause"), empty_label=_("Why did this happen?"))
    shown = forms.CharField(max_length=80, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, likely: Sequence[Suggestion] = (), **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.likely = likely
        self.initial["shown"] = ",".join(str(each.pk) for each in likely)

    def _choices(self, name: str) -> list[tuple[Any, Any]]:
        empty, *found = super()._choices(name)
        if not self.likely:
            return [empty, *found]
        first = [(each.pk, each.name) for each in self.likely]
        others = [choice for choice in found if choice not in first]
        return [empty, (_("Likely here"), first), (_("All others"), others)]

    def clean_shown(self) -> list[int]:
        """Of a form that was tampered with: what can be read of it."""
        parts = [part for part in self.cleaned_data["shown"].split(",") if part.isdecimal() and len(part) < 19]
        return [int(part) for part in parts[:SHOWN]]


class AssignForm(OfferingForm):
    owner = OwnerChoice(label=_("Give to"), empty_label=_("Choose a colleague"))


class BulkForm(OfferingForm):
    ACTIONS = (
        ("take", _("Take")), ("assign", _("Assign")), ("snooze", _("Snooze")), ("priority", _("Set the priority")),
        ("resolve", _("Resolve")), ("link", _("Link together")),
    )  # fmt: skip

    ids = forms.TypedMultipleChoiceField(
        coerce=int,
        widget=forms.MultipleHiddenInput,
        error_messages={"required": _("Choose at least one case first.")},
    )
    action = forms.ChoiceField(choices=ACTIONS)
    owner = OwnerChoice(label=_("Give to"), required=False, empty_label=_("Choose a colleague"))
    outcome = OutcomeChoice(label=_("Outcome"))
    cause = CauseChoice(label=_("Cause"), required=False, empty_label=_("Choose a cause"))
    priority = forms.TypedChoiceField(label=_("Priority"), choices=Priority.choices, coerce=int, required=False)
    when = forms.ChoiceField(label=_("Until"), choices=lambda: snooze_choices(), required=False)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        chosen = [pk for pk in data.getlist("ids") if pk.isdecimal() and len(pk) < 19] if data else []
        self.fields["ids"].choices = [(pk, pk) for pk in chosen]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("action") == "assign" and not cleaned.get("owner"):
            self.add_error("owner", _("Choose whom to give them to."))
        if cleaned.get("action") == "resolve" and not cleaned.get("cause"):
            self.add_error("cause", _("Choose why it happened."))
        if cleaned.get("action") == "priority" and not cleaned.get("priority"):
            self.add_error("priority", _("Choose how urgent they are."))
        if cleaned.get("action") == "snooze":
            cleaned["until"] = snooze.chosen(cleaned.get("when", ""))
            if not cleaned["until"]:
                self.add_error("when", _("Choose until when."))
        return cleaned


def snooze_choices() -> list[tuple[str, str]]:
    return [(choice.key, choice.label) for choice in snooze.choices()]
