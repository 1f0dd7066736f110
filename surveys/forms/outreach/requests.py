"""Which requests to groups are looked for, and what groups and callers write about one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from crm.forms.customers import day_input
from crm.models import SupportGroup, User
from crm.models.work import SupportGroupQuerySet
from surveys.models import ActionPlan, GroupAnswer, GroupRequest, Hashtag
from surveys.models.requests import GroupRequestQuerySet
from surveys.outreach.requests import LONGEST_ANSWER, LONGEST_QUESTION

Kind = GroupAnswer.Kind
MINE, OF_MY_GROUPS = "mine", "groups"
WAITING, OVERDUE, ASKED_BACK, ANSWERED, WITHDRAWN, ALL = "", "overdue", "asked_back", "answered", "withdrawn", "all"


def groups_of(user: User) -> SupportGroupQuerySet:
    """Whose inboxes this person reads: leads all that own hashtags, others those they are of or answer for."""
    return asked(SupportGroup.objects.all()) if user.leads else answered_by(user)


def answered_by(user: User) -> SupportGroupQuerySet:
    """For whom this person answers."""
    return asked(SupportGroup.objects.answered_by(user))


def asked(groups: SupportGroupQuerySet) -> SupportGroupQuerySet:
    """Those in use that own hashtags."""
    return groups.in_use().filter(hashtags__isnull=False).distinct()


class RequestsForm(forms.Form):
    """The filter of the requests, which is also its URL. What cannot be read is left out."""

    STATES = (
        (WAITING, _("Waiting")), (OVERDUE, _("Overdue")), (ASKED_BACK, _("Stand still")), (ANSWERED, _("Answered")),
        (WITHDRAWN, _("Withdrawn")), (ALL, _("All")),
    )  # fmt: skip

    state = forms.ChoiceField(choices=STATES, required=False, widget=forms.HiddenInput)
    group = forms.ModelChoiceField(SupportGroup.objects.none(), label=_("Group"), required=False, empty_label=_("Any"))
    tag = forms.ModelChoiceField(Hashtag.objects.none(), label=_("Hashtag"), required=False, empty_label=_("Any"))
    whose = forms.ChoiceField(
        label=_("Asked"), required=False,
        choices=(("", _("Any")), (MINE, _("By me")), (OF_MY_GROUPS, _("Of my groups"))),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        self.user = user
        groups = SupportGroup.objects.in_use() if user.knows_customers else groups_of(user)
        tags = Hashtag.objects.filter(group__in=groups.values("pk"))
        self.fields["group"].queryset = asked(groups)  # type: ignore[attr-defined]
        self.fields["tag"].queryset = tags  # type: ignore[attr-defined]
        self.is_valid()

    @property
    def chosen_state(self) -> str:
        return str(self.cleaned_data.get("state") or WAITING)

    @property
    def by_due_date(self) -> bool:
        """What waits stands in the order in which it is due; what is over, the newest first."""
        return self.chosen_state in (WAITING, OVERDUE, ASKED_BACK)

    @property
    def is_empty(self) -> bool:
        return not any(self.cleaned_data.values())

    def within(self, found: GroupRequestQuerySet) -> GroupRequestQuerySet:
        """Of the group, the hashtag and the people that are chosen; in whatever state."""
        if group := self.cleaned_data.get("group"):
            found = found.filter(group=group)
        if tag := self.cleaned_data.get("tag"):
            found = found.filter(hashtag=tag)
        match self.cleaned_data.get("whose"):
            case "mine":
                return found.of_caller(self.user)
            case "groups":
                return found.of_groups_of(self.user)
        return found

    def narrow(self, found: GroupRequestQuerySet, now: datetime) -> GroupRequestQuerySet:
        """What all of the filter leaves."""
        found = self.within(found)
        match self.chosen_state:
            case "overdue":
                return found.overdue(now)
            case "asked_back":
                return found.asking_back()
            case "answered":
                return found.answered()
            case "withdrawn":
                return found.withdrawn()
            case "all":
                return found
        return found.waiting()


class AnswerForm(forms.Form):
    """What a group answers; `requests` are those about the same that are answered with it."""

    kind = forms.ChoiceField(label=_("Your answer"), choices=Kind.choices, widget=forms.RadioSelect)
    text = forms.CharField(
        label=_("In words for the customer"), max_length=LONGEST_ANSWER, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("They are told these words in a call, or in writing where nobody reaches them."),
    )  # fmt: skip
    change_from = forms.DateField(label=_("Changed from"), required=False, widget=day_input)
    plan = forms.ModelChoiceField(
        ActionPlan.objects.none(), label=_("Part of an improvement"), required=False, empty_label=_("Make a new one"),
    )  # fmt: skip
    requests = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(
        self, data: Any = None, *, plans: QuerySet[ActionPlan], alike: list[GroupRequest],
        chosen: list[int] | None = None, more: int = 0,
    ) -> None:  # fmt: skip
        """`chosen` are ticked; `more` ask for the same than stand in `alike`."""
        super().__init__(data, auto_id="answer_%s", initial={"requests": [str(pk) for pk in chosen or []]})
        self.alike, self.more = alike, more
        self.fields["plan"].queryset = plans  # type: ignore[attr-defined]
        self.fields["requests"].choices = [(str(each.pk), str(each)) for each in alike]  # type: ignore[attr-defined]

    @property
    def ticked(self) -> list[str]:
        """The numbers of those that are to be answered together with this one."""
        return list(self["requests"].value() or ())

    def said(self) -> dict[str, Any]:
        """As `requests.answer` takes it. Only a change has a day and an improvement: their fields are shown with it."""
        given = self.cleaned_data
        day: date | None = given["change_from"] if given["kind"] == Kind.CHANGE else None
        plan: ActionPlan | None = given["plan"] if given["kind"] == Kind.CHANGE else None
        return {"kind": given["kind"], "text": given["text"], "change_from": day, "plan": plan}

    def together(self) -> list[GroupRequest]:
        wanted = set(self.cleaned_data["requests"])
        return [each for each in self.alike if str(each.pk) in wanted]


class AskBackForm(forms.Form):
    text = forms.CharField(
        label=_("What do you have to know first?"), max_length=LONGEST_QUESTION,
        widget=forms.Textarea(attrs={"rows": 2}), help_text=_("Your clock stands still until you are told."),
    )  # fmt: skip

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="ask_back_%s")


class TellBackForm(forms.Form):
    text = forms.CharField(
        label=_("Your answer"), max_length=LONGEST_QUESTION, widget=forms.Textarea(attrs={"rows": 2})
    )  # fmt: skip

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="tell_back_%s")
