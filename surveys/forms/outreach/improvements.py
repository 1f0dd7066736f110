"""Which improvements are looked at, and what is said when one has come."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.forms.customers import day_input
from crm.models import SupportGroup, User
from crm.widgets import Select
from surveys.forms.verbatims import EndForm
from surveys.models import ActionPlan
from surveys.models.verbatims import ActionPlanQuerySet

ANY = ("", _("Any"))
STATES = {
    ActionPlan.State.OPEN: _("Open"), ActionPlan.State.DOING: _("Under way"), ActionPlan.State.DONE: _("Shipped"),
    ActionPlan.State.DROPPED: _("Dropped"),
}  # fmt: skip


class ImprovementsForm(forms.Form):
    """The filter, which is also the URL. What cannot be read is left out."""

    state = forms.ChoiceField(widget=Select, label=_("State"), choices=(ANY, *STATES.items()), required=False)
    group = forms.ChoiceField(widget=Select, label=_("Group"), required=False)
    mine = forms.ChoiceField(
        widget=Select, label=_("Owner"), choices=(("", _("Everybody")), ("yes", _("Me"))), required=False
    )  # fmt: skip

    def __init__(self, data: QueryDict, user: User) -> None:
        super().__init__(data)
        groups = [(str(pk), name) for pk, name in SupportGroup.objects.order_by("name").values_list("pk", "name")]
        self.fields["group"].choices = [ANY, *groups]  # type: ignore[attr-defined]
        self.user = user
        self.is_valid()

    @property
    def state_chosen(self) -> str:
        return str(self.cleaned_data.get("state") or "")

    @property
    def is_empty(self) -> bool:
        return not any(self.cleaned_data.values())

    def narrow(self, plans: ActionPlanQuerySet) -> ActionPlanQuerySet:
        """By group and owner; and by state, where one is chosen."""
        found = plans.filter(owner=self.user) if self.cleaned_data.get("mine") else plans
        if group := self.cleaned_data.get("group"):
            found = found.filter(group=int(group))
        return found.filter(state=self.state_chosen) if self.state_chosen else found


class ShipForm(EndForm):
    """What changed, in words for the customers, and from which day on."""

    shipped_on = forms.DateField(label=_("Since"), widget=day_input)

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.fields["outcome"].help_text = _("Everybody who asked for it is told these words, once each.")
        self.fields["outcome"].required = True
        self.fields["outcome"].error_messages["required"] = _("Say what changed: customers are told these words.")
        self.fields["shipped_on"].initial = timezone.localdate
