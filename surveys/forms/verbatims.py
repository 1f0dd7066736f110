"""Which comments are looked for, what a comment is about, and what is written into an action plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from cases.models import Cause
from crm.forms.customers import day_input
from crm.models import User
from surveys.models import ActionPlan, Answer, Group, Tone, Topic, Wave
from surveys.models.answers import AnswerQuerySet
from surveys.models.verbatims import ActionPlanQuerySet

ANY = ("", _("Any"))
YES, NO, OPEN, NONE, AFTER_A_CASE = "yes", "no", "open", "none", "case"
YES_OR_NO = (ANY, (YES, _("Yes")), (NO, _("No")))
FIRST_DUE = timedelta(days=30)
MOST_CHOSEN = 500
DIGITS = 18  # of the largest number a row can have, so that no query is asked for a larger one

Choices = list[tuple[str, StrOrPromise]]


def numbers(text: str | None) -> list[int]:
    """ "3,14,15" as numbers of rows; what is none is left out."""
    parts = (part.strip() for part in (text or "").split(","))
    found = (int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) <= DIGITS)
    return list(dict.fromkeys(found))[:MOST_CHOSEN]


def causes() -> Choices:
    return [(str(cause.pk), str(cause)) for cause in Cause.objects.in_use().select_related("parent")]


def waves() -> Choices:
    asked = Wave.objects.asked().values_list("pk", "name")
    return [(str(pk), name) for pk, name in asked] + [(AFTER_A_CASE, _("After a case"))]


def _offered(choices: Callable[[], Choices]) -> Callable[[], Choices]:
    """Asked for once in a form, however often it is drawn and checked."""
    kept: Choices = []

    def offered() -> Choices:
        if not kept:
            kept.extend([ANY, *choices()])
        return kept

    return offered


class CommentsForm(forms.Form):
    """The search and filter of the comments, which is also its URL. What cannot be read is left out."""

    q = forms.CharField(label=_("Search"), max_length=200, required=False)
    topic = forms.ChoiceField(label=_("Topic"), choices=(ANY, *Topic.choices), required=False)
    tone = forms.ChoiceField(label=_("Tone"), choices=(ANY, *Tone.choices), required=False)
    group = forms.ChoiceField(label=_("Group"), choices=(ANY, *Group.choices), required=False)
    wave = forms.ChoiceField(label=_("Wave"), required=False)
    cause = forms.ChoiceField(label=_("Cause"), required=False)
    themes = forms.ChoiceField(
        label=_("Themes"), required=False,
        choices=(ANY, (OPEN, _("To be looked at")), (NONE, _("None"))),
    )  # fmt: skip
    quotable = forms.ChoiceField(label=_("May be quoted"), choices=YES_OR_NO, required=False)
    planned = forms.ChoiceField(label=_("In an action plan"), choices=YES_OR_NO, required=False)
    plan = forms.IntegerField(min_value=1, max_value=10**DIGITS, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        for name, choices in (("wave", waves), ("cause", causes)):
            self.fields[name].choices = _offered(choices)  # type: ignore[attr-defined]
        self.is_valid()

    @property
    def words(self) -> str:
        return self._chosen("q")

    @property
    def filters(self) -> list[forms.BoundField]:
        """The filters beside the search, in their order."""
        return [field for field in self if field.name not in ("q", "plan")]

    @property
    def in_force(self) -> list[tuple[forms.BoundField, StrOrPromise]]:
        """The filters that leave something out, each with what is chosen, as the form calls it."""
        chosen = [(field, self._chosen(field.name)) for field in self.filters]
        return [(field, dict(field.field.choices)[value]) for field, value in chosen if value]  # type: ignore[attr-defined]

    @property
    def is_empty(self) -> bool:
        return not any(self.cleaned_data.values())

    def narrow(self, comments: AnswerQuerySet) -> AnswerQuerySet:
        """What the search and the filters leave."""
        found = self._about(self._said(comments))
        if self._chosen("quotable"):
            found = found.quotable() if self._chosen("quotable") == YES else found.filter(response__quotable_at=None)
        if self._chosen("planned"):
            found = found.in_a_plan(self._chosen("planned") == YES)
        plan = self.cleaned_data.get("plan")
        return found.behind(plan) if plan else found

    def _said(self, found: AnswerQuerySet) -> AnswerQuerySet:
        found = found.saying(self.words)
        if group := self._chosen("group"):
            found = found.filter(response__group=group)
        if wave := self._chosen("wave"):
            found = found.in_wave(None if wave == AFTER_A_CASE else int(wave))
        return found

    def _about(self, found: AnswerQuerySet) -> AnswerQuerySet:
        """A tone stands with the topic and the cause that are chosen, else with any theme."""
        tone = {"tone": self._chosen("tone")} if self._chosen("tone") else {}
        wanted = [{name: self._chosen(name)} for name in ("topic", "cause") if self._chosen(name)]
        for each in wanted or ([{}] if tone else []):
            found = found.themed(**each, **tone)
        if themes := self._chosen("themes"):
            found = found.with_themes_to_decide() if themes == OPEN else found.without_themes()
        return found

    def _chosen(self, name: str) -> str:
        return str(self.cleaned_data.get(name) or "")


class ThemeForm(forms.Form):
    """One more theme of a comment. `what` is "topic:price" or "cause:3"."""

    what = forms.ChoiceField(label=_("What it is about"))
    tone = forms.ChoiceField(
        label=_("How"), choices=Tone.choices, initial=Tone.CRITICISM, widget=forms.RadioSelect
    )  # fmt: skip

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        topics = [(f"topic:{value}", label) for value, label in Topic.choices]
        self.fields["what"].choices = [  # type: ignore[attr-defined]
            ("", _("Choose")), (_("Topics"), topics),
            (_("Causes"), [(f"cause:{value}", label) for value, label in causes()]),
        ]  # fmt: skip

    def said(self) -> dict[str, Any]:
        """As `themes.add` takes it."""
        kind, _colon, value = self.cleaned_data["what"].partition(":")
        about = {"topic": value} if kind == "topic" else {"cause": Cause.objects.get(pk=value)}
        return about | {"tone": self.cleaned_data["tone"]}


class ChosenForm(forms.Form):
    """What to do with the comments that were chosen."""

    plan = forms.ModelChoiceField(
        ActionPlan.objects.none(), label=_("Action plan"), required=False, empty_label=_("Choose a plan")
    )  # fmt: skip

    def __init__(self, data: Any = None, *, plans: ActionPlanQuerySet) -> None:
        super().__init__(data)
        self.fields["plan"].queryset = plans.open()  # type: ignore[attr-defined]


class PlanForm(forms.ModelForm[ActionPlan]):
    """A plan; `answers` are the numbers of the comments behind a new one."""

    answers = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = ActionPlan
        fields = ["title", "detail", "owner", "due_on", "topic", "cause"]
        widgets = {"due_on": day_input, "detail": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        owners = User.objects.filter(Q(is_active=True) | Q(pk=self.instance.owner_id))
        usable = Cause.objects.filter(Q(retired_at=None) | Q(pk=self.instance.cause_id)).select_related("parent")
        self.fields["owner"].queryset = owners.order_by("first_name", "last_name")  # type: ignore[attr-defined]
        self.fields["cause"].queryset = usable  # type: ignore[attr-defined]
        if not self.instance.pk:
            self.fields["due_on"].initial = timezone.localdate() + FIRST_DUE

    def said(self) -> dict[str, Any]:
        """As `plans.start` and `plans.change` take it."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}

    def comments(self, comments: AnswerQuerySet) -> list[Answer]:
        """The comments it is made from, of those this person may read."""
        pks = numbers(self["answers"].value())
        return list(comments.verbatims().filter(pk__in=pks).order_by("-answered_at", "-pk")) if pks else []


class EndForm(forms.Form):
    """How a plan ended."""

    outcome = forms.CharField(
        label=_("What changed"), max_length=2000, required=False, strip=True,
        help_text=_("Customers who asked for it read this when the plan is done."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


class PlansForm(forms.Form):
    """The filter of the plans, which is also its URL. What cannot be read is left out."""

    STATES = (
        ("", _("Open and under way")),
        *ActionPlan.State.choices,
        ("overdue", _("Overdue")),
        ("all", _("All")),
    )

    state = forms.ChoiceField(label=_("State"), choices=STATES, required=False)
    mine = forms.ChoiceField(label=_("Owner"), choices=(("", _("Everybody")), (YES, _("Me"))), required=False)
    topic = forms.ChoiceField(label=_("Topic"), choices=(ANY, *Topic.choices), required=False)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.is_valid()

    @property
    def is_empty(self) -> bool:
        return not any(self.cleaned_data.values())

    def narrow(self, plans: ActionPlanQuerySet, user: User) -> ActionPlanQuerySet:
        found = self._in_state(plans)
        if self.cleaned_data.get("mine"):
            found = found.filter(owner=user)
        topic = self.cleaned_data.get("topic")
        return found.filter(topic=topic) if topic else found

    def _in_state(self, plans: ActionPlanQuerySet) -> ActionPlanQuerySet:
        match self.cleaned_data.get("state") or "":
            case "":
                return plans.open()
            case "overdue":
                return plans.overdue(timezone.localdate())
            case "all":
                return plans
            case state:
                return plans.filter(state=state)


def of_most(themes: Iterable[Any]) -> dict[str, Any]:
    """The topic and the cause most of these themes are about: what a plan made from them begins with."""
    counts: dict[tuple[str, Any], int] = {}
    for theme in themes:
        for key in (("topic", theme.topic), ("cause", theme.cause_id)):
            if key[1]:
                counts[key] = counts.get(key, 0) + 1
    best: dict[str, Any] = {}
    for (name, value), _n in sorted(counts.items(), key=lambda item: item[1]):
        best[name] = value
    return best
