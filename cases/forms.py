"""The forms of the case desk."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases import live
from cases.models import Case, Cause, Priority, RoutingRule
from cases.models.cases import CaseQuerySet
from channels_app.models import Channel, Sentiment
from crm.models import Team, Tier, User

ANY = ("", _("Any"))
MINE, NOBODYS = "me", "nobody"


class Offered:
    """What several forms of one page offer: asked when the first of them is drawn or checked, and once."""

    @cached_property
    def people(self) -> list[tuple[int, str]]:
        return [(user.pk, str(user)) for user in User.objects.who_answer().order_by("first_name", "username")]

    @cached_property
    def causes(self) -> list[tuple[int, str]]:
        return [(cause.pk, str(cause)) for cause in Cause.objects.in_use().select_related("parent")]

    @cached_property
    def channels(self) -> list[tuple[int, str]]:
        return list(Channel.objects.values_list("pk", "name"))


class QueueForm(forms.Form):
    """The filter of the queue, which is also its URL. What cannot be read is left out, never an error page."""

    NEEDS_US, UNRESOLVED, ALL = "needs_us", "unresolved", "all"
    STATES = (
        (NEEDS_US, _("Needs an answer")), (UNRESOLVED, _("Not resolved")), *Case.State.choices[:4], (ALL, _("All")),
    )  # fmt: skip

    state = forms.ChoiceField(label=_("State"), choices=STATES, required=False)
    owner = forms.ChoiceField(label=_("Owner"), required=False)
    team = forms.TypedChoiceField(label=_("Team"), coerce=int, empty_value=None, required=False)
    channel = forms.TypedChoiceField(label=_("Channel"), coerce=int, empty_value=None, required=False)
    mood = forms.ChoiceField(label=_("Mood"), choices=(ANY, *Sentiment.choices), required=False)
    priority = forms.TypedChoiceField(
        label=_("Priority"), choices=(ANY, *Priority.choices), coerce=int, empty_value=None, required=False
    )
    language = forms.CharField(label=_("Language"), max_length=8, required=False)
    q = forms.CharField(label=_("Words"), max_length=200, required=False)

    def __init__(self, data: Any, *, user: User, offered: Offered) -> None:
        super().__init__(data)
        self.user = user
        self.queues = live.queues_of(user)
        choices = {
            "team": [ANY, *((team.pk, team.name) for team in self.queues.teams)],
            "channel": lambda: [ANY, *offered.channels],
            "owner": lambda: [ANY, (MINE, _("Me")), (NOBODYS, _("Nobody")), *offered.people],
        }
        for name, choice in choices.items():
            self.fields[name].choices = choice  # type: ignore[attr-defined]

    def narrow(self, cases: CaseQuerySet) -> CaseQuerySet:
        """`cases` as filtered by the form."""
        self.is_valid()
        chosen = self.cleaned_data
        cases = self._by_state(cases, chosen.get("state") or self.NEEDS_US)
        match chosen.get("owner"):
            case "" | None:
                pass
            case "me":
                cases = cases.filter(owner=self.user)
            case "nobody":
                cases = cases.filter(owner=None)
            case pk:
                cases = cases.filter(owner=pk)
        exact = {
            "team": "team",
            "channel": "channel",
            "priority": "priority",
            "mood": "sentiment",
            "language": "language",
        }
        cases = cases.filter(**{column: chosen[name] for name, column in exact.items() if chosen.get(name)})
        return cases.saying(chosen["q"]) if chosen.get("q") else cases

    def _by_state(self, cases: CaseQuerySet, state: str) -> CaseQuerySet:
        if state == self.NEEDS_US:
            return cases.needing_us()
        if state == self.UNRESOLVED:
            return cases.unresolved()
        return cases.exclude(state=Case.State.MERGED) if state == self.ALL else cases.filter(state=state)


class ReplyForm(forms.Form):
    text = forms.CharField(label=_("Reply"), widget=forms.Textarea(attrs={"rows": 4}), required=False, strip=False)
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)


class NoteForm(forms.Form):
    text = forms.CharField(label=_("Note"), widget=forms.Textarea(attrs={"rows": 4}), required=False)


class CauseChoice(forms.ModelChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Cause.objects.in_use(), **kwargs)


class OwnerChoice(forms.ModelChoiceField):
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


class ResolveForm(OfferingForm):
    cause = CauseChoice(label=_("Cause"), empty_label=_("Why did this happen?"))


class AssignForm(OfferingForm):
    owner = OwnerChoice(label=_("Give to"), empty_label=_("Choose a colleague"))


class BulkForm(OfferingForm):
    ACTIONS = (("take", _("Take")), ("assign", _("Assign")), ("resolve", _("Resolve")))

    ids = forms.TypedMultipleChoiceField(
        coerce=int,
        widget=forms.MultipleHiddenInput,
        error_messages={"required": _("Choose at least one case first.")},
    )
    action = forms.ChoiceField(choices=ACTIONS)
    owner = OwnerChoice(label=_("Give to"), required=False, empty_label=_("Choose a colleague"))
    cause = CauseChoice(label=_("Cause"), required=False, empty_label=_("Choose a cause"))

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
        return cleaned


class ListField(forms.CharField):
    """Several values on one line, separated by commas, as a list."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:  # type: ignore[override]
        text = super().clean(value)
        return list(dict.fromkeys(part.strip() for part in text.replace("\n", ",").split(",") if part.strip()))


class RuleForm(forms.ModelForm[RoutingRule]):
    sentiments = forms.MultipleChoiceField(
        label=_("Mood is"), choices=Sentiment.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    tiers = forms.MultipleChoiceField(
        label=_("Customer's tier is"), required=False, widget=forms.CheckboxSelectMultiple
    )
    words = ListField(
        label=_("The message has one of these words"), required=False,
        widget=forms.Textarea(attrs={"rows": 3}), help_text=_("Separated by commas. cancel* also finds cancelled."),
    )  # fmt: skip
    languages = ListField(
        label=_("Its language is"), required=False, help_text=_("Two-letter codes, separated by commas: en, es")
    )
    reach_at_least = forms.IntegerField(
        label=_("They have at least so many followers"), required=False, min_value=1, max_value=2_000_000_000,
        help_text=_("Of their largest public account. Empty: how many follow them decides nothing."),
    )  # fmt: skip
    field_order = [
        "name", "position", "channels", "sentiments", "tiers", "reach_at_least", "languages", "words", "team",
        "priority",
    ]  # fmt: skip

    class Meta:
        model = RoutingRule
        fields = [
            "name", "position", "channels", "sentiments", "tiers", "reach_at_least", "languages", "words", "team",
            "priority",
        ]  # fmt: skip
        widgets = {"channels": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tiers"].choices = Tier.choices  # type: ignore[attr-defined]
        self.fields["team"].queryset = Team.objects.in_use()  # type: ignore[attr-defined]
        self.fields["team"].empty_label = _("The channel’s own team")  # type: ignore[attr-defined]

    def clean_words(self) -> list[str]:
        words: list[str] = self.cleaned_data["words"]
        if too_long := next((w for w in words if len(w) > 60), None):
            raise forms.ValidationError(_("“%(word)s…” is too long for a word."), params={"word": too_long[:30]})
        if any(not w.strip("* ") for w in words):
            raise forms.ValidationError(_("A * alone finds everything. Leave the field empty instead."))
        if stray := next((w for w in words if "*" in w[:-1]), None):
            raise forms.ValidationError(_("In “%(word)s” the * has to come last."), params={"word": stray})
        return words

    def clean_languages(self) -> list[str]:
        codes: list[str] = [code.lower() for code in self.cleaned_data["languages"]]
        if wrong := next((c for c in codes if len(c) != 2 or not c.isalpha()), None):
            raise forms.ValidationError(_("“%(code)s” is not a two-letter language code."), params={"code": wrong})
        return codes


class CauseForm(forms.ModelForm[Cause]):
    class Meta:
        model = Cause
        fields = ["name", "parent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parent"].queryset = Cause.objects.above(self.instance)  # type: ignore[attr-defined]
        self.fields["parent"].empty_label = _("(top level)")  # type: ignore[attr-defined]
