"""What a lead sets for the team: rules, causes and their checklists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import dry_run
from cases.models import Cause, ChecklistItem, Clock, Priority, Rule
from cases.models.states import UNRESOLVED, State
from channels_app.models import About, Intent, Sentiment, Urgency
from crm.models import Team, Tier, User


class ListField(forms.CharField):
    """Several values on one line, separated by commas, as a list."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:  # type: ignore[override]
        text = super().clean(value)
        return list(dict.fromkeys(part.strip() for part in text.replace("\n", ",").split(",") if part.strip()))


class RuleForm(forms.ModelForm[Rule]):
    sentiments = forms.MultipleChoiceField(
        label=_("Mood is"), choices=Sentiment.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    intents = forms.MultipleChoiceField(
        label=_("They want"), choices=Intent.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    topics = forms.MultipleChoiceField(
        label=_("It is about"), choices=About.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    urgencies = forms.MultipleChoiceField(
        label=_("How urgent it is"), choices=Urgency.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    sure_at_least = forms.IntegerField(
        label=_("Read at least so surely, in percent"), required=False, min_value=1, max_value=100,
        help_text=_("Each of mood, wish, topic and urgency that is asked for above. Empty: however it was read."),
    )  # fmt: skip
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
    known = forms.TypedChoiceField(
        label=_("We know who the customer is"), required=False, empty_value=None, coerce=lambda value: value == "True",
        choices=(("", _("Does not matter")), ("True", _("Yes, we know them")), ("False", _("No, only a handle"))),
    )  # fmt: skip
    found = forms.TypedChoiceField(
        label=_("A saved search found it"), required=False, empty_value=None, coerce=lambda value: value == "True",
        choices=(
            ("", _("Does not matter")), ("True", _("Yes: bring it into the queue")),
            ("False", _("No, it was said to us")),
        ),
        help_text=_("What a search finds waits under Listening until a rule or a person brings it into the queue."),
    )  # fmt: skip
    states = forms.MultipleChoiceField(
        label=_("The case is"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(value, State(value).label) for value in UNRESOLVED],
    )  # fmt: skip
    promises = forms.MultipleChoiceField(
        label=_("The promise is to"), required=False, widget=forms.CheckboxSelectMultiple, choices=Clock.Kind.choices,
        help_text=_("Only where a promise is at risk or broken."),
    )  # fmt: skip
    waited_minutes = forms.IntegerField(
        label=_("It has waited for so many minutes"), required=False, min_value=1, max_value=1_000_000,
        help_text=_("Only where a case has waited for so long. By the clock, day and night."),
    )  # fmt: skip
    priority = forms.TypedChoiceField(
        label=_("Priority"), required=False, empty_value=None, coerce=int,
        choices=(("", _("Stays as it is")), *Priority.choices),
        help_text=_("It may rise by itself, never fall; a new case may begin low."),
    )  # fmt: skip
    points = forms.IntegerField(
        label=_("Points"), required=False, min_value=-500, max_value=500,
        help_text=_("From −500 to 500, added once per case: above 0 lifts it in the queue, below lets it sink."),
    )  # fmt: skip
    event = forms.ChoiceField(label=_("When"), choices=Rule.Event.choices, required=False)
    CONDITIONS = (
        "channels", "sentiments", "intents", "topics", "urgencies", "sure_at_least", "tiers", "known", "found",
        "reach_at_least", "languages", "words", "states", "promises", "waited_minutes",
    )  # fmt: skip
    READ = ("sentiments", "intents", "topics", "urgencies")
    DEEDS = ("team", "priority", "points", "skills", "notify_owner", "notify")

    class Meta:
        model = Rule
        fields = [
            "name", "event", "position", "channels", "sentiments", "intents", "topics", "urgencies", "sure_at_least",
            "tiers", "known", "found", "reach_at_least", "languages", "words", "states", "promises", "waited_minutes",
            "team", "priority", "points", "skills", "notify_owner", "notify", "stops",
        ]  # fmt: skip
        widgets = dict.fromkeys(("channels", "skills", "notify"), forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tiers"].choices = Tier.choices  # type: ignore[attr-defined]
        self.fields["team"].queryset = Team.objects.in_use()  # type: ignore[attr-defined]
        self.fields["team"].empty_label = _("It stays; a new case: the channel’s own")  # type: ignore[attr-defined]
        self.fields["notify"].queryset = User.objects.who_answer()  # type: ignore[attr-defined]

    def part(self, *names: str) -> list[forms.BoundField]:
        """Those of its fields, for the fieldsets of the page."""
        return [self[name] for name in names]

    @property
    def conditions(self) -> list[forms.BoundField]:
        return self.part(*self.CONDITIONS)

    @property
    def deeds(self) -> list[forms.BoundField]:
        return self.part(*self.DEEDS, "stops")

    def draft(self) -> dry_run.Draft:
        """What was filled in, to be tried and not saved. Of a form that is valid."""
        chosen = self.cleaned_data
        channels = frozenset(channel.pk for channel in chosen["channels"])
        return dry_run.Draft(self.instance, channels, frozenset(skill.name for skill in chosen["skills"]))

    def clean_event(self) -> str:
        return self.cleaned_data["event"] or Rule.Event.MESSAGE

    def clean_points(self) -> int:
        return self.cleaned_data["points"] or 0

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        event = cleaned.get("event")
        if event == Rule.Event.WAITED and not cleaned.get("waited_minutes") and "waited_minutes" not in self.errors:
            self.add_error("waited_minutes", _("Say for how long it has to have waited."))
        if event != Rule.Event.WAITED and cleaned.get("waited_minutes"):
            self.add_error(
                "waited_minutes", _("Only a rule about waiting asks for minutes. Choose it above, or clear.")
            )
        if cleaned.get("promises") and event not in (Rule.Event.AT_RISK, Rule.Event.BROKEN):
            self.add_error("promises", _("Only a rule about a promise can ask which one it is."))
        if cleaned.get("found") is not None and event != Rule.Event.MESSAGE:
            self.add_error("found", _("Only a rule about what a customer writes can ask whether a search found it."))
        if cleaned.get("sure_at_least") and not any(cleaned.get(name) for name in self.READ):
            self.add_error(
                "sure_at_least", _("Choose a mood, a wish, a topic or an urgency that has to be read so surely.")
            )
        self._check_deeds(cleaned)
        return cleaned

    def _check_deeds(self, cleaned: dict[str, Any]) -> None:
        """What would do nothing, or something to a case that is over."""
        changes = [name for name in ("team", "priority", "points", "skills") if cleaned.get(name)]
        tells = cleaned.get("notify_owner") or cleaned.get("notify")
        if self.errors:
            return
        if cleaned["event"] == Rule.Event.RESOLVED and changes:
            self.add_error(changes[0], _("A resolved case is not changed any more: such a rule can only tell people."))
        elif not changes and not tells and not cleaned.get("stops"):
            self.add_error(
                None, _("This rule would do nothing. Give it a team, a priority, points or somebody to tell.")
            )

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


class CauseOfCaseForm(forms.Form):
    """The likely cause of a case; none where nobody knows yet."""

    cause = forms.ModelChoiceField(Cause.objects.in_use(), required=False)


class JoinForm(forms.Form):
    """Into which cause another goes."""

    into = forms.ModelChoiceField(
        Cause.objects.none(), label=_("Join it to"), empty_label=_("Choose a cause"),
        error_messages={"required": _("Choose the cause that stays.")},
    )  # fmt: skip

    def __init__(self, data: Any = None, *, cause: Cause) -> None:
        super().__init__(data)
        others = Cause.objects.in_use().exclude(pk=cause.pk).select_related("parent")
        self.fields["into"].queryset = others  # type: ignore[attr-defined]


class ChecklistItemForm(forms.ModelForm[ChecklistItem]):
    """One line of a checklist. What is taken off stays in the cases in which it was ticked."""

    off = forms.BooleanField(label=_("Take it off"), required=False)

    class Meta:
        model = ChecklistItem
        fields = ["text", "required", "position"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["off"].initial = bool(self.instance.retired_at)

    def has_changed(self) -> bool:
        """An empty new line is none, whatever stands in its other boxes."""
        return super().has_changed() and (self.instance.pk is not None or "text" in self.changed_data)

    def save(self, commit: bool = True) -> ChecklistItem:
        self.instance.retired_at = (self.instance.retired_at or timezone.now()) if self.cleaned_data["off"] else None
        return super().save(commit)


class ChecklistFormSet(forms.BaseModelFormSet[ChecklistItem, ChecklistItemForm]):
    def keep(self, cause: Cause) -> None:
        """Save what was changed and what is new."""
        for form in self.forms:
            if form.has_changed():
                form.instance.cause = cause
                form.save()


ChecklistForms = forms.modelformset_factory(
    ChecklistItem, form=ChecklistItemForm, formset=ChecklistFormSet, extra=2, max_num=30
)
