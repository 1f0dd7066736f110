"""What is typed when a case is handed to sales, and when a lead ends; and the filter of the list of leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import leads
from cases.models import Lead
from cases.models.leads import LeadQuerySet
from channels_app.models import Message
from crm.models import User

OPEN, ANY = "", "any"


class LeadForm(forms.Form):
    """`posts`: what the customer said in the case, newest first; `likely`: which reads so that sales should know."""

    what = forms.CharField(
        label=_("What they want"), max_length=300, widget=forms.TextInput(attrs={"dir": "auto"}),
        error_messages={"required": leads.NothingWanted.sentence, "max_length": leads.TooLong.sentence},
    )  # fmt: skip
    message = forms.TypedChoiceField(label=_("The post that says so"), coerce=int, required=False, empty_value=None)

    def __init__(self, *args: Any, posts: Sequence[Message] = (), likely: Message | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: list[tuple[int | str, str]] = [(post.pk, _called(post)) for post in posts]
        self.fields["message"].choices = [*offered, ("", gettext("None of these"))]  # type: ignore[attr-defined]
        self.fields["message"].initial = likely.pk if likely else next((post.pk for post in posts), "")


def _called(post: Message) -> str:
    return f"{date_format(localtime(post.occurred_at), 'j M, H:i')}: {Truncator(post.text).chars(60)}"


class EndForm(forms.Form):
    """What became of a lead."""

    how = forms.ChoiceField(
        label=_("What became of it"), widget=forms.RadioSelect,
        choices=[(Lead.State.WON, _("They bought")), (Lead.State.LOST, _("They did not buy")),
                 (Lead.State.RETURNED, _("Nothing for sales: back to care"))],
        error_messages={"required": _("Choose what became of it.")},
    )  # fmt: skip
    outcome = forms.CharField(
        label=_("In your words"), max_length=500, widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        error_messages={"required": leads.NoOutcome.sentence}, help_text=_("Care reads it in the case."),
    )  # fmt: skip


class GiveForm(forms.Form):
    to = forms.ModelChoiceField(
        leads.who_sells(), label=_("Give it to"), empty_label=_("Choose who"),
        error_messages={"required": _("Choose who has it from now on.")},
    )  # fmt: skip


class LeadsForm(forms.Form):
    """The filter, which is also the URL. What cannot be read is left out."""

    state = forms.ChoiceField(
        label=_("State"), choices=[(OPEN, _("Open")), *Lead.State.choices, (ANY, _("Any"))], required=False
    )
    whose = forms.ChoiceField(
        label=_("Whose"), required=False,
        choices=[("", _("Anybody’s")), ("mine", _("Mine")), ("nobody", _("Nobody’s yet")),
                 ("handed", _("Handed over by me"))],
    )  # fmt: skip

    def narrow(self, found: LeadQuerySet, user: User) -> LeadQuerySet:
        self.is_valid()
        state, whose = self.cleaned_data.get("state", OPEN), self.cleaned_data.get("whose", "")
        if state != ANY:
            found = found.open() if state == OPEN else found.filter(state=state)
        if whose == "nobody":
            return found.filter(owner=None)
        return found.filter(**{"mine": {"owner": user}, "handed": {"handed_by": user}}.get(whose, {}))

    @property
    def only_open(self) -> bool:
        """Then what is due first stands first; else what was handed over last."""
        self.is_valid()
        return self.cleaned_data.get("state", OPEN) in (OPEN, *Lead.OPEN)
