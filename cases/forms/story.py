"""What is typed when a case is handed over, when something is promised, and when a group is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import commitments, questions
from cases.models import Case
from crm.models import Absence, SupportGroup, Team, User

AT = "at"  # the choice that means: what stands in the field beside it
PERSON, TEAM = "person", "team"


def natural() -> list[tuple[str, str | Promise]]:
    """How people say until when."""
    return [
        ("", _("No time was given")), ("1h", _("In an hour")), ("4h", _("In 4 hours")), ("today", _("Today, 18:00")),
        ("tomorrow", _("Tomorrow, 12:00")), ("3d", _("In 3 days, 18:00")), ("7d", _("In a week, 18:00")),
        (AT, _("At this time:")),
    ]  # fmt: skip


def moment(choice: str, now: datetime) -> datetime | None:
    """When that is, on the reader's clock."""
    if choice.endswith("h"):
        return now + timedelta(hours=int(choice[:-1]))
    days, hour = {"today": (0, 18), "tomorrow": (1, 12), "3d": (3, 18), "7d": (7, 18)}.get(choice, (None, 0))
    if days is None:
        return None
    day = timezone.localtime(now).date() + timedelta(days=days)
    return timezone.make_aware(datetime.combine(day, time(hour)))


class UntilForm(forms.Form):
    """`until` is a natural choice, or the time in `until_at`; cleaned to `until` as a moment, or None."""

    until = forms.ChoiceField(label=_("Until"), choices=natural, required=False)
    until_at = forms.DateTimeField(
        label=_("Date and time"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        choice, typed = cleaned.get("until") or "", cleaned.get("until_at")
        if choice == AT and not typed and "until_at" not in self.errors:
            self.add_error("until_at", _("Say when, or choose “No time was given”."))
        cleaned["until"] = typed or moment(choice, timezone.now())
        return cleaned


class HandOverForm(UntilForm):
    receiver = forms.ChoiceField(label=_("To"))
    story = forms.CharField(
        label=_("The story so far"), max_length=4000, widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
        help_text=_("Put together from the case. Go over it: who takes over reads this first."),
    )  # fmt: skip
    next_step = forms.CharField(
        label=_("Next step"), max_length=500, widget=forms.TextInput(attrs={"dir": "auto"}),
        help_text=_("What whoever takes over does first."),
    )  # fmt: skip
    promised = forms.CharField(
        label=_("What was promised"), max_length=500, required=False, widget=forms.TextInput(attrs={"dir": "auto"}),
        help_text=_("It stands on the case from when they accept until it is kept."),
    )  # fmt: skip
    field_order = ["receiver", "story", "next_step", "promised", "until", "until_at"]

    def __init__(self, *args: Any, case: Case, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.case, self.user = case, user
        self.fields["receiver"].choices = self._receivers  # type: ignore[attr-defined]

    def _receivers(self) -> list[tuple[str, Any]]:
        """Colleagues, with until when they are away, and teams. Two queries, when the form is drawn or checked."""
        now = timezone.now()
        away = Absence.objects.filter(user=OuterRef("pk"), starts_at__lte=now, ends_at__gt=now, ended_at=None)
        people = User.objects.who_answer().exclude(pk__in=[self.user.pk, self.case.owner_id])
        people = people.annotate(away=Subquery(away.order_by("-ends_at").values("ends_at")[:1]))
        named = [(f"{PERSON}-{who.pk}", _called(who)) for who in people.order_by("first_name", "username")]
        teams = [(f"{TEAM}-{team.pk}", team.name) for team in Team.objects.in_use()]
        return [("", gettext("Choose who takes over")), (gettext("Teams"), teams), (gettext("Colleagues"), named)]

    def clean_receiver(self) -> dict[str, Any]:
        """The keyword of `handover.hand_over`, with who it is."""
        kind, _dash, pk = self.cleaned_data["receiver"].partition("-")
        if kind == PERSON:
            return {"to": User.objects.get(pk=pk)}
        return {"team": Team.objects.get(pk=pk)}


def _called(who: Any) -> str:
    if not who.away:
        return str(who)
    until = date_format(timezone.localtime(who.away), "j M, H:i")
    return gettext("%(who)s (away until %(until)s)") % {"who": who, "until": until}


class CommitmentForm(UntilForm):
    promise = forms.CharField(
        label=_("What we promised"), max_length=500, widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
        error_messages={"required": commitments.NothingPromised.sentence},
    )  # fmt: skip
    field_order = ["promise", "until", "until_at"]


class AskForm(forms.Form):
    """`groups`: those there are, where they were asked already."""

    group = forms.ModelChoiceField(
        SupportGroup.objects.in_use(), label=_("Whom to ask"), empty_label=_("Choose a group"),
        error_messages={"required": _("Choose the group to ask.")},
    )  # fmt: skip
    question = forms.CharField(
        label=_("What you want to know"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        error_messages={"required": questions.NothingAsked.sentence},
    )  # fmt: skip

    def __init__(self, *args: Any, groups: Sequence[SupportGroup] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if groups is not None:
            empty = self.fields["group"].empty_label  # type: ignore[attr-defined]
            self.fields["group"].choices = [("", empty), *((group.pk, str(group)) for group in groups)]  # type: ignore[attr-defined]


class AnswerForm(forms.Form):
    text = forms.CharField(
        label=_("Answer"), max_length=8000, widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
        error_messages={"required": questions.NothingAnswered.sentence},
        help_text=_("Who asked reads this in the case, and answers the customer."),
    )  # fmt: skip
