"""What leads fill in to ask a question, and to say of whom it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.templatetags.hark import tongue
from surveys.building.questions import NUMBERS, answers_to, key_of
from surveys.facts import FACTS
from surveys.forms.building import InLanguages, Row
from surveys.models import Condition, Question, Topic, Version
from surveys.plain import answer_in_words, named

MOST_CHOICES = 40


class QuestionForm(InLanguages):
    """One question of a kind, its languages side by side. What few need stands under `rare`."""

    required = forms.BooleanField(label=gettext_lazy("Must be answered"), required=False)
    several = forms.BooleanField(label=gettext_lazy("Several may be chosen"), required=False)
    low = forms.IntegerField(label=gettext_lazy("From"), min_value=-10, max_value=9, initial=1)
    high = forms.IntegerField(label=gettext_lazy("To"), min_value=-9, max_value=10, initial=5)
    permission = forms.ChoiceField(label=gettext_lazy("Permission for"), choices=Question.Permission.choices)
    topic = forms.ChoiceField(
        label=gettext_lazy("What it is about"), required=False,
        choices=[("", gettext_lazy("Nothing in particular")), *Topic.choices],
    )  # fmt: skip
    fact = forms.ChoiceField(
        label=gettext_lazy("Asks for a fact of the record"), required=False,
        help_text=gettext_lazy("Only customers are asked on whose record it does not stand."),
    )  # fmt: skip
    shelf_days = forms.IntegerField(
        label=gettext_lazy("An answer holds for"), min_value=0, max_value=3650, initial=0, required=False,
        help_text=gettext_lazy("Days in which nobody is asked again, in whatever survey it was. 0: asked each time."),
    )  # fmt: skip
    key = forms.CharField(
        label=gettext_lazy("Short name"), max_length=40, required=False,
        help_text=gettext_lazy("Ties together what several surveys ask. Made of the first words where left empty."),
    )  # fmt: skip

    ALWAYS, RARE = ("required",), ("shelf_days", "key")
    OF_KIND = {
        Question.Kind.NPS: (("low", "high"), (), ()),
        Question.Kind.SCALE: (("low", "high"), ("low", "high"), ("topic",)),
        Question.Kind.CHOICE: (("choices",), ("several",), ("fact", "topic")),
        Question.Kind.TEXT: ((), (), ("topic", "fact")),
        Question.Kind.CONSENT: ((), ("permission",), ()),
    }  # what is worded besides text and help; plain fields; rare ones

    def __init__(
        self, *args: Any, version: Version, kind: str, question: Question | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "question_%s"
        self.version, self.kind, self.question = version, Question.Kind(kind), question
        self.worded, own, rare = self.OF_KIND[self.kind]
        self.own, self.rarely = (*own, *self.ALWAYS), (*rare, *self.RARE)
        for name in {*self.fields} - {*self.own, *self.rarely}:
            del self.fields[name]
        if "fact" in self.fields:
            choices = [("", _("None")), *((name, str(fact.label).capitalize()) for name, fact in FACTS.items())]
            self.fields["fact"].choices = choices  # type: ignore[attr-defined]
        self.fields["key"].validators.extend(Question._meta.get_field("key").validators)
        for name in [*self.own, *self.rarely] if question else []:
            self.fields[name].initial = getattr(question, name)
        self._say_all(question.wording if question else {})

    def _say_all(self, wording: dict[str, Any]) -> None:
        self._say("text", _("Question"), forms.Textarea, wording, 400, rows=2, required=True)
        self._say("help", _("Below it, smaller"), forms.TextInput, wording, 300)
        if "low" in self.worded:
            self._say("low_means", _("The lowest means"), forms.TextInput, _renamed(wording, "low"), 60)
            self._say("high_means", _("The highest means"), forms.TextInput, _renamed(wording, "high"), 60)
        if "choices" in self.worded:
            lines = {code: {"choices": self._lines(words)} for code, words in wording.items()}
            self._say("choices", _("Choices, one a line"), forms.Textarea, lines, 4000, rows=5, required=True)

    def _lines(self, words: dict[str, Any]) -> str:
        labels = words.get("choices") or {}
        return "\n".join(str(labels.get(key, "")) for key in self.question.choices) if self.question else ""

    @property
    def rows(self) -> list[Row]:
        ends = ("low_means", "high_means") if "low" in self.worded else ()
        return [self.row(name) for name in ("text", "help", *ends, *(("choices",) if "choices" in self.worded else ()))]

    @property
    def plain(self) -> list[forms.BoundField]:
        return [self[name] for name in self.own]

    @property
    def rare(self) -> list[forms.BoundField]:
        return [self[name] for name in self.rarely]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        low, high = cleaned.get("low"), cleaned.get("high")
        if low is not None and high is not None and low >= high:
            self.add_error("high", _("A scale ends above where it begins."))
        if "choices" in self.worded:
            self._check_choices()
        return cleaned

    def _check_choices(self) -> None:
        """As many lines in every language that has any; two at least, none twice."""
        first, *others = [(code, self._choices(code)) for code in self.version.languages]
        field = f"choices_{first[0]}"
        if not 2 <= len(first[1]) <= MOST_CHOICES and field not in self.errors:
            self.add_error(
                field, _("Write two choices at least, one a line, and %(most)s at most.") % {"most": MOST_CHOICES}
            )
        elif len({line.casefold() for line in first[1]}) < len(first[1]):
            self.add_error(field, _("Each choice stands once."))
        for code, lines in others:
            if lines and len(lines) != len(first[1]):
                facts = {"n": len(lines), "first": len(first[1]), "language": tongue(first[0])}
                self.add_error(f"choices_{code}", _("These are %(n)s lines; %(language)s has %(first)s.") % facts)

    def _choices(self, code: str) -> list[str]:
        typed = self.cleaned_data.get(f"choices_{code}", "")
        return [line.strip() for line in typed.splitlines() if line.strip()]

    def values(self) -> dict[str, Any]:
        """Fields of Question, for `building.add_question` and `change_question`."""
        plain = {name: self.cleaned_data[name] for name in (*self.own, *self.rarely)}
        plain["shelf_days"] = plain["shelf_days"] or 0
        before = self.question.wording if self.question else {}
        wording = self.said(("text", "help"), before)
        choices = self._keyed() if "choices" in self.worded else []
        for code in self.version.languages:
            if "low" in self.worded:
                ends = {name: self.cleaned_data[f"{name}_means_{code}"].strip() for name in ("low", "high")}
                wording[code] |= {name: said for name, said in ends.items() if said}
            if lines := self._choices(code):
                wording[code]["choices"] = dict(zip(choices, lines, strict=True))
        return plain | {"wording": wording, "choices": choices}

    def _keyed(self) -> list[str]:
        """A key for each choice: that of a fact where it asks for one; as before where words or line stayed.

        So what was asked of "late" is asked of it still when it is worded otherwise.
        """
        lines = self._choices(self.version.languages[0])
        known = {str(label).casefold(): key for key, label in self._of_the_fact()} | self._before()
        keys: list[str | None] = [known.get(line.casefold()) for line in lines]
        old = list(self.question.choices) if self.question and len(self.question.choices) == len(lines) else []
        for n, key in enumerate(old):
            if keys[n] is None and key not in keys:
                keys[n] = key
        return list(_filled_in(keys, lines))

    def _before(self) -> dict[str, str]:
        return {label.casefold(): key for key, label in self.question.labels()} if self.question else {}

    def _of_the_fact(self) -> Iterator[tuple[str, Any]]:
        fact = FACTS.get(self.cleaned_data.get("fact") or "")
        for key, label in fact.choices() if fact else ():
            yield key, key
            yield key, label


def _renamed(wording: dict[str, Any], name: str) -> dict[str, Any]:
    return {code: {f"{name}_means": words.get(name, "")} for code, words in wording.items()}


def _filled_in(keys: Sequence[str | None], lines: Sequence[str]) -> Iterator[str]:
    taken = {key for key in keys if key}
    for key, line in zip(keys, lines, strict=True):
        name = key or key_of(line) or "choice"
        while not key and name in taken:
            name = f"{name}_"
        taken.add(name)
        yield name


class Tests(TextChoices):
    """How a condition reads in its form."""

    AT_MOST = Condition.Test.AT_MOST.value, gettext_lazy("is at most")
    AT_LEAST = Condition.Test.AT_LEAST.value, gettext_lazy("is at least")
    ONE_OF = Condition.Test.ONE_OF.value, gettext_lazy("is")
    NONE_OF = Condition.Test.NONE_OF.value, gettext_lazy("is not")


class ConditionForm(forms.Form):
    """On what a question shall depend: first what is looked at (`on`), then what it must be."""

    on = forms.ChoiceField(label=gettext_lazy("Ask it only when"))
    test = forms.ChoiceField(label=gettext_lazy("How"))
    values = forms.MultipleChoiceField(label=gettext_lazy("What"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, version: Version, question: Question, on: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "when_%s"
        line = list(version.questions.all())
        self.earlier = [one for one in line if one.position < question.position and one.kind != Question.Kind.TEXT]
        facts = [(f"fact:{name}", str(fact.label).capitalize()) for name, fact in FACTS.items()]
        answers = [(f"answer:{one.pk}", named(one)) for one in self.earlier]
        offered = [(_("An earlier answer"), answers), (_("What we know of them"), facts)]
        self.fields["on"].choices = [("", _("Choose…")), *(group for group in offered if group[1])]  # type: ignore[attr-defined]
        self.fields["on"].initial = on
        kind, _sign, name = on.partition(":")
        self.about = next((one for one in self.earlier if kind == "answer" and str(one.pk) == name), None)
        self.fact = name if kind == "fact" and name in FACTS else ""
        self._fit()

    @property
    def is_complete(self) -> bool:
        """Whether it is chosen what is looked at, so that the rest can be asked."""
        return bool(self.about or self.fact)

    @property
    def counts(self) -> bool:
        return self.about is not None and self.about.kind in NUMBERS

    def _fit(self) -> None:
        if not self.is_complete:
            del self.fields["test"], self.fields["values"]
            return
        tests = [Tests.AT_MOST, Tests.AT_LEAST, Tests.ONE_OF] if self.counts else [Tests.ONE_OF, Tests.NONE_OF]
        self.fields["test"].choices = [(each.value, each.label) for each in tests]  # type: ignore[attr-defined]
        if self.counts:
            self.fields["values"] = forms.ChoiceField(label=_("What"))
        self.fields["values"].choices = self._possible()  # type: ignore[attr-defined]

    def _possible(self) -> list[tuple[str, str]]:
        if self.about is None:
            return [(key, str(label)) for key, label in FACTS[self.fact].choices()]
        return [(str(value), answer_in_words(self.about, value)) for value in answers_to(self.about)]

    def chosen(self) -> list[Any]:
        """The values as conditions keep them."""
        said = self.cleaned_data["values"]
        if self.about is None:
            return list(said)
        as_typed = {str(value): value for value in answers_to(self.about)}
        return [as_typed[value] for value in ([said] if isinstance(said, str) else said)]
