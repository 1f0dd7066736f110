"""The filter of the queue, and what its forms offer."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import live
from cases.models import Case, Cause, Priority
from cases.models.asked import CaseQuerySet
from cases.models.states import NEEDS_US
from channels_app.learning.aspects import spoken
from channels_app.models import About, Channel, Intent, Sentiment, Urgency
from crm.models import User
from crm.widgets import Select

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
        (NEEDS_US, _("Needs an answer")), (UNRESOLVED, _("Not resolved")), *Case.State.choices[:6], (ALL, _("All")),
    )  # fmt: skip

    state = forms.ChoiceField(widget=Select, label=_("State"), choices=STATES, required=False)
    owner = forms.ChoiceField(widget=Select, label=_("Owner"), required=False)
    team = forms.TypedChoiceField(widget=Select, label=_("Team"), coerce=int, empty_value=None, required=False)
    channel = forms.TypedChoiceField(widget=Select, label=_("Channel"), coerce=int, empty_value=None, required=False)
    mood = forms.ChoiceField(widget=Select, label=_("Mood"), choices=(ANY, *Sentiment.choices), required=False)
    wants = forms.ChoiceField(widget=Select, label=_("They want"), choices=(ANY, *Intent.choices), required=False)
    about = forms.ChoiceField(widget=Select, label=_("About"), choices=(ANY, *About.choices), required=False)
    urgency = forms.ChoiceField(widget=Select, label=_("Urgency"), choices=(ANY, *Urgency.choices), required=False)
    priority = forms.TypedChoiceField(
        widget=Select,
        label=_("Priority"),
        choices=(ANY, *Priority.choices),
        coerce=int,
        empty_value=None,
        required=False,
    )
    language = forms.CharField(label=_("Language"), max_length=8, required=False)
    promise = forms.ChoiceField(
        label=_("Promise"), choices=(ANY, ("at_risk", _("At risk")), ("broken", _("Broken"))), required=False
    )
    handed = forms.ChoiceField(widget=Select, label=_("Handed over"), choices=(ANY, ("me", _("To me"))), required=False)
    turned = forms.ChoiceField(label=_("Turned around"), choices=(ANY, ("yes", _("Yes"))), required=False)
    alike = forms.ChoiceField(
        label=_("Alike posts"), choices=(("", _("Under one of them")), ("each", _("Each by itself"))), required=False
    )
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

    def clean_language(self) -> str:
        return spoken(self.cleaned_data["language"])

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
            "wants": "intent",
            "about": "topic",
            "urgency": "urgency",
            "language": "language",
        }
        cases = cases.filter(**{column: chosen[name] for name, column in exact.items() if chosen.get(name)})
        match chosen.get("promise"):
            case "at_risk":
                cases = cases.at_risk(timezone.now())
            case "broken":
                cases = cases.broken(timezone.now())
        if chosen.get("turned"):
            cases = cases.turned_around()
        if chosen.get("handed"):
            cases = cases.handed_to(self.user)
        waiting = Q(state__in=NEEDS_US) if (chosen.get("state") or self.NEEDS_US) == self.NEEDS_US else None
        return cases.saying(chosen["q"], among=waiting) if chosen.get("q") else cases

    @property
    def folds(self) -> bool:
        """Where nothing is asked that one of several alike may fulfil and the one in front of it does not."""
        chosen = {name for name, value in self.cleaned_data.items() if value}
        whole = self.cleaned_data.get("state") in ("", None, self.NEEDS_US, Case.State.NEW)
        return whole and chosen <= {"state", "team", "owner"}

    def fold(self, cases: CaseQuerySet) -> CaseQuerySet:
        """`cases` as the list shows them; a file of them holds each. After `narrow`."""
        return cases.under_one_head() if self.folds else cases

    def _by_state(self, cases: CaseQuerySet, state: str) -> CaseQuerySet:
        if state == self.NEEDS_US:
            return cases.needing_us()
        if state == self.UNRESOLVED:
            return cases.unresolved()
        return cases.exclude(state=Case.State.MERGED) if state == self.ALL else cases.filter(state=state)
