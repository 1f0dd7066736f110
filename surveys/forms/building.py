"""The forms of surveys: how one begins, what it says in each language, the list of them, and how they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.conf.locale import LANG_INFO
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.templatetags.hark import tongue
from surveys.building.versions import OWN, defaults
from surveys.models import Survey, SurveySettings, Version


def all_languages() -> list[tuple[str, str]]:
    """Those whose names we know: those of two letters, as on a customer's record."""
    return sorted(((code, tongue(code)) for code in LANG_INFO if len(code) == 2), key=lambda pair: pair[1])


class SurveyForm(forms.ModelForm[Survey]):
    """A name and a brand: all that may change once somebody was asked."""

    class Meta:
        model = Survey
        fields = ["name", "brand"]
        error_messages: ClassVar[dict[str, Any]] = {
            "name": {"unique": gettext_lazy("There is a survey of that name already. Call this one otherwise.")}
        }


class StartForm(SurveyForm):
    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Languages"), widget=forms.CheckboxSelectMultiple, initial=["en"],
        help_text=gettext_lazy("In these the first questions are worded already. Others can be added later."),
        error_messages={"required": gettext_lazy("A survey speaks at least one language.")},
    )  # fmt: skip

    class Meta(SurveyForm.Meta):
        fields = ["name", "kind", "brand"]
        widgets = {"kind": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["languages"].choices = [(code, tongue(code)) for code in defaults()]  # type: ignore[attr-defined]


class CopyForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name of the copy"), max_length=80)


class SurveysForm(forms.Form):
    """The filter of the list."""

    q = forms.CharField(label=gettext_lazy("Name"), max_length=80, required=False)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), required=False, choices=[("", gettext_lazy("All")), *Survey.Kind.choices]
    )
    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False,
        choices=(("", gettext_lazy("In use")), ("retired", gettext_lazy("Retired"))),
    )  # fmt: skip

    def narrow(self, surveys: Any) -> Any:
        self.is_valid()
        chosen = self.cleaned_data
        surveys = surveys.retired() if chosen.get("state") else surveys.in_use()
        if kind := chosen.get("kind"):
            surveys = surveys.filter(kind=kind)
        return surveys.called(chosen.get("q") or "")


@dataclass(frozen=True)
class Row:
    """One thing said, in every language: its name, and a field for each."""

    label: str
    cells: list[tuple[str, forms.BoundField]]


class InLanguages(forms.Form):
    """Fields that stand once for each language of a version: `name_code`."""

    version: Version

    def _say(self, name: str, label: str, field: Any, wording: dict[str, Any], most: int, **rest: Any) -> None:
        """`wording` is what is said so far. The first language must be worded where `rest` says `required`."""
        needed = rest.pop("required", False)
        for n, code in enumerate(self.version.languages):
            widget = field(attrs={"lang": code, "dir": "auto", **rest})
            made = forms.CharField(label=label, max_length=most, required=needed and not n, widget=widget)
            made.initial = wording.get(code, {}).get(name, "")
            self.fields[f"{name}_{code}"] = made

    def row(self, name: str) -> Row:
        codes = [code for code in self.version.languages if f"{name}_{code}" in self.fields]
        return Row(str(self.fields[f"{name}_{codes[0]}"].label), [(code, self[f"{name}_{code}"]) for code in codes])

    def said(self, names: Sequence[str], before: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The wording with what was typed; of languages not shown as it was."""
        shown = {
            code: {name: self.cleaned_data.get(f"{name}_{code}", "").strip() for name in names}
            for code in self.version.languages
        }
        return {**before, **{code: {k: v for k, v in words.items() if v} for code, words in shown.items()}}


class WordsForm(InLanguages):
    """What a version says before and after its questions, and in which languages."""

    add = forms.ChoiceField(label=gettext_lazy("Add a language"), required=False)
    without = forms.CharField(required=False, widget=forms.HiddenInput)

    LABELS = {
        "title": gettext_lazy("Title"),
        "intro": gettext_lazy("Before the first question"),
        "thanks": gettext_lazy("After the last one"),
    }

    def __init__(self, *args: Any, version: Version, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.version = version
        spoken = version.languages
        others = [(code, name) for code, name in all_languages() if code not in spoken]
        self.fields["add"].choices = [("", _("None")), *others]  # type: ignore[attr-defined]
        for name in OWN:
            field = forms.TextInput if name == "title" else forms.Textarea
            self._say(name, str(self.LABELS[name]), field, version.wording, 80 if name == "title" else 600)

    @property
    def rows(self) -> list[Row]:
        return [self.row(name) for name in OWN]

    def languages(self) -> list[str]:
        without, more = self.cleaned_data["without"], self.cleaned_data["add"]
        return [code for code in self.version.languages if code != without] + ([more] if more else [])

    def wording(self) -> dict[str, dict[str, Any]]:
        return self.said(OWN, self.version.wording)


class UseForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Why it is sent all the same"), max_length=400, required=False,
        help_text=gettext_lazy("The check of its effort fails. What you write is kept with the survey."),
    )  # fmt: skip


class SurveySettingsForm(forms.ModelForm[SurveySettings]):
    rest_days = forms.IntegerField(
        label=gettext_lazy("Nobody is asked again within"), min_value=0, max_value=180,
        help_text=gettext_lazy("Days, 0 to 180, whichever survey it was."),
    )  # fmt: skip
    least = forms.IntegerField(
        label=gettext_lazy("Figures begin at"), min_value=2, max_value=1000,
        help_text=gettext_lazy("Answers, 2 to 1,000. Of fewer nothing is shown: they would tell who said what."),
    )  # fmt: skip
    valid_days = forms.IntegerField(
        label=gettext_lazy("A link works for"), min_value=1, max_value=365, help_text=gettext_lazy("Days, 1 to 365.")
    )
    case_hours = forms.IntegerField(
        label=gettext_lazy("After a case we ask in"), min_value=0, max_value=336,
        help_text=gettext_lazy("Hours after it was resolved, 0 to 336. A case opened again is not asked about."),
    )  # fmt: skip

    class Meta:
        model = SurveySettings
        fields = ["begins_on", "rest_days", "least", "valid_days", "case_hours"]
        widgets = {"begins_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
