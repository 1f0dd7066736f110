"""Forms of the pages about reading: filters that are also the address, a word to add, a text to try."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_app import readings
from channels_app.learning.aspects import VALUES
from channels_app.models import Channel
from channels_app.models.learning import Aspect
from channels_app.reading.words import ASPECTS, LANGUAGES
from crm.templatetags.hark import tongue
from crm.widgets import Select

ANY = ("", _("any"))
GOOD, BAD = "sentiment:good", "sentiment:bad"
STRENGTHS = (
    ("1", _("strongly")), ("0.5", _("somewhat")), ("-0.5", _("against it")), ("0", _("nothing: take its meaning away")),
)  # fmt: skip
LONGEST_TRIED = 5_000


def languages() -> list[tuple[str, str]]:
    """Those Hark has words of."""
    return [(code, tongue(code)) for code in LANGUAGES]


def brands() -> list[str]:
    return list(Channel.objects.exclude(brand="").order_by("brand").values_list("brand", flat=True).distinct())


def speaks_for() -> list[tuple[str, str]]:
    """All that a word may speak for, as "aspect:value"."""
    found = [(GOOD, str(_("Mood: good"))), (BAD, str(_("Mood: bad")))]
    for aspect in (Aspect.INTENT, Aspect.TOPIC, Aspect.URGENCY):
        for value, label in readings.choices(aspect):
            found.append((f"{aspect}:{value}", f"{aspect.label}: {label}"))
    return found


class Filter(forms.Form):
    """What cannot be read is left out, never an error page."""

    def wanted(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class AspectForm(Filter):
    """One aspect of the messages: the mood, where none is named."""

    aspect = forms.ChoiceField(widget=Select, label=_("What of it"), choices=Aspect.choices, required=False)

    @property
    def chosen(self) -> Aspect:
        return Aspect(self.wanted().get("aspect", Aspect.SENTIMENT))


class HowForm(AspectForm):
    WEEKS = (("8", _("8 weeks")), ("26", _("26 weeks")), ("52", _("a year")))

    since = forms.ChoiceField(widget=Select, label=_("In the last"), choices=WEEKS, required=False)

    @property
    def weeks(self) -> int:
        return int(self.wanted().get("since", self.WEEKS[0][0]))


class NextForm(AspectForm):
    """`value`: only what was read as that."""

    value = forms.ChoiceField(widget=Select, label=_("Read as"), required=False)

    def __init__(self, data: Any) -> None:
        aspect = data.get("aspect") if data.get("aspect") in VALUES else Aspect.SENTIMENT
        super().__init__(data)
        self.fields["value"].choices = [ANY, *readings.choices(aspect)]  # type: ignore[attr-defined]


class CorrectionsForm(Filter):
    """`was` and `now`: of one mistake."""

    MISTAKES, CONFIRMED = "mistakes", "confirmed"

    aspect = forms.ChoiceField(widget=Select, label=_("What of it"), choices=[ANY, *Aspect.choices], required=False)
    only = forms.ChoiceField(
        widget=Select, label=_("Show"), required=False,
        choices=[("", _("all that was looked at")), (MISTAKES, _("put right")), (CONFIRMED, _("confirmed"))],
    )  # fmt: skip
    was = forms.CharField(required=False, max_length=10)
    now = forms.CharField(required=False, max_length=10)

    @property
    def mistake(self) -> tuple[str, str] | None:
        """What one mistake is called, where the list is of one."""
        said = self.wanted()
        if not {"aspect", "was", "now"} <= said.keys():
            return None
        return readings.named(said["aspect"], said["was"]), readings.named(said["aspect"], said["now"])


class WordsForm(Filter):
    STATES = (("", _("in use")), ("out", _("taken out")))

    q = forms.CharField(label=_("Words"), max_length=80, required=False)
    language = forms.ChoiceField(widget=Select, label=_("Language"), required=False)
    brand = forms.ChoiceField(widget=Select, label=_("Brand"), required=False)
    aspect = forms.ChoiceField(
        widget=Select, label=_("Speaks of"), required=False,
        choices=[ANY, *((value, label) for value, label in Aspect.choices if value in ASPECTS)],
    )  # fmt: skip
    state = forms.ChoiceField(widget=Select, label=_("Show"), choices=STATES, required=False)

    def __init__(self, data: Any, brands: Iterable[str]) -> None:
        super().__init__(data)
        self.fields["language"].choices = [ANY, *languages()]  # type: ignore[attr-defined]
        self.fields["brand"].choices = [ANY, *((each, each) for each in brands)]  # type: ignore[attr-defined]


class WordForm(forms.Form):
    """A word to add."""

    words = forms.CharField(
        label=_("Word or phrase"), max_length=80,
        help_text=_("As customers write it. A * at the end stands for any ending: refund* is also refunded."),
    )  # fmt: skip
    speaks_for = forms.ChoiceField(label=_("Speaks for"))
    strength = forms.ChoiceField(label=_("How strongly"), choices=STRENGTHS)
    language = forms.ChoiceField(label=_("Language"))
    brand = forms.ChoiceField(label=_("Brand"), required=False)

    def __init__(self, data: Any, brands: Iterable[str]) -> None:
        super().__init__(data, auto_id="word_%s")
        choices = {
            "speaks_for": speaks_for(), "language": languages(),
            "brand": [("", _("all of them")), *((each, each) for each in brands)],
        }  # fmt: skip
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]

    def word(self) -> dict[str, Any]:
        """As `lexicon.add` takes it."""
        said = self.cleaned_data
        weight = float(said["strength"])
        aspect, value = said["speaks_for"].split(":")
        if aspect == Aspect.SENTIMENT:
            value, weight = "", -weight if said["speaks_for"] == BAD else weight
        kept = {name: said[name] for name in ("words", "language", "brand")}
        return {**kept, "aspect": aspect, "value": value, "weight": weight}


class TryForm(forms.Form):
    """A text to read, and nothing is kept of it."""

    text = forms.CharField(
        label=_("Try a text"), max_length=LONGEST_TRIED, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Nothing of it is kept."),
    )  # fmt: skip
    brand = forms.ChoiceField(label=_("Brand"), required=False)

    def __init__(self, data: Any, brands: Iterable[str]) -> None:
        super().__init__(data, auto_id="try_%s")
        field: Any = self.fields["brand"]
        field.choices = [("", _("none in particular")), *((each, each) for each in brands)]
