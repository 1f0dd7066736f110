"""Forms about policies, modules and their questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from channels_app import certification
from channels_app.models import Channel, Module, ModuleQuestion, Policy

MOST_CHOICES = 6


class PolicyForm(forms.ModelForm[Policy]):
    """A new version, beginning with the current one. `seen` is the version it began with; 0: none."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Policy
        fields = ["who", "how", "never"]
        widgets = {name: forms.Textarea(attrs={"rows": 5}) for name in ("who", "how", "never")}

    def __init__(self, data: Any = None, *, current: Policy | None) -> None:
        said = {name: getattr(current, name) for name in self.Meta.fields} if current else {}
        super().__init__(data, initial={**said, "seen": current.version if current else 0})


class ModuleForm(forms.ModelForm[Module]):
    place = forms.ChoiceField(label=_("For"), required=False)

    class Meta:
        model = Module
        fields = ["name", "place", "content", "pass_mark", "valid_days", "position"]
        widgets = {"content": forms.Textarea(attrs={"rows": 14})}
        help_texts = {"content": _("Plain text. An empty line begins a paragraph; “- ” at the start, a list.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = sorted({*Channel.objects.answering_places(), self.instance.place} - {""})
        field: Any = self.fields["place"]
        field.choices = [("", _("Everybody: a base module")), *((place, place.capitalize()) for place in places)]
        _between(self.fields["pass_mark"], 1, 100)
        _between(self.fields["valid_days"], 1, 3650)


def _between(field: forms.Field, least: int, most: int) -> None:
    field.validators += [MinValueValidator(least), MaxValueValidator(most)]
    field.widget.attrs |= {"min": least, "max": most}


class QuestionForm(forms.Form):
    """A question, two to six choices, and which of them is right (from 1)."""

    text = forms.CharField(label=_("Question"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    right = forms.TypedChoiceField(
        label=_("Right choice"), coerce=int, choices=[(n, n) for n in range(1, MOST_CHOICES + 1)],
        widget=forms.RadioSelect, error_messages={"required": _("Mark the choice that is right.")},
    )  # fmt: skip
    position = forms.IntegerField(label=_("Order"), min_value=0, max_value=32_767, initial=100)

    def __init__(self, data: Any = None, *, question: ModuleQuestion | None = None) -> None:
        self.question = question
        super().__init__(data, initial=self._initial())
        for n in range(1, MOST_CHOICES + 1):
            self.fields[f"choice_{n}"] = forms.CharField(label=_("Choice"), max_length=300, required=n < 3)

    def _initial(self) -> dict[str, Any]:
        if self.question is None:
            return {"right": 1}
        choices = {f"choice_{n}": choice for n, choice in enumerate(self.question.choices, 1)}
        return {
            **choices,
            "text": self.question.text,
            "right": self.question.right + 1,
            "position": self.question.position,
        }

    def rows(self) -> list[tuple[Any, Any]]:
        """(the mark of the right one, the choice), for the page."""
        return [(mark, self[f"choice_{n}"]) for n, mark in enumerate(self["right"], 1)]

    def clean(self) -> dict[str, Any]:
        """`choices` and `right_place` (from 0), without the empty ones."""
        cleaned = super().clean() or {}
        given = [(n, cleaned.get(f"choice_{n}", "")) for n in range(1, MOST_CHOICES + 1)]
        filled = [(n, text) for n, text in given if text]
        numbers = [n for n, _text in filled]
        if len({text for _n, text in filled}) < len(filled):
            self.add_error("choice_1", _("Two choices say the same."))
        if cleaned.get("right") and cleaned["right"] not in numbers and not self.errors:
            self.add_error("right", _("The choice marked as right is empty."))
        if not self.errors:
            cleaned |= {"choices": [text for _n, text in filled], "right_place": numbers.index(cleaned["right"])}
        return cleaned

    def save(self, module: Module) -> ModuleQuestion:
        said = self.cleaned_data
        question = self.question or ModuleQuestion(module=module)
        question.text, question.choices, question.right = said["text"], said["choices"], said["right_place"]
        question.position = said["position"]
        question.save()
        return question


class TestForm(forms.Form):
    """The questions of a module, their choices in an order that `seed` brings back."""

    __test__ = False  # not one of pytest's
    seed = forms.CharField(widget=forms.HiddenInput, max_length=60)

    def __init__(self, questions: Sequence[ModuleQuestion], data: Any = None) -> None:
        seed = data.get("seed", "")[:60] if data else ""
        super().__init__(data, initial={"seed": certification.new_seed(questions)})
        for each in certification.asked(questions, seed or self.initial["seed"]):
            self.fields[f"q{each.question.pk}"] = forms.TypedChoiceField(
                label=each.question.text, choices=list(enumerate(each.choices)), coerce=int, widget=forms.RadioSelect,
                error_messages={"required": _("Choose an answer."), "invalid_choice": _("Choose an answer.")},
            )  # fmt: skip

    def answers(self) -> dict[int, int]:
        """Question → place of the choice."""
        given = self.cleaned_data.items()
        return {int(name[1:]): place for name, place in given if name != "seed"}
