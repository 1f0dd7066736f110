"""What leads set about calls: rules of who calls, how calls run, who takes on how many, calling hours."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cases.forms.settings import ListField
from crm.errors import Refused
from crm.forms.people import LanguagesField
from crm.models import Calendar, SupportGroup, Tier, User
from crm.models.staff import CALLING_ROLES
from surveys.models import Call, CallRule, OutreachSettings
from surveys.models.answers import Group
from surveys.outreach import callers, countries, hashtags


class CountriesField(ListField):
    """Two letters each, separated by commas; only countries there are."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": _("Countries"), "required": False, "max_length": 400, **kwargs})

    def clean(self, value: Any) -> list[str]:  # type: ignore[override]
        try:
            return countries.known(super().clean(value))
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from None


class CallRuleForm(forms.ModelForm[CallRule]):
    groups = forms.MultipleChoiceField(
        label=_("They are"), choices=Group.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    countries = CountriesField(help_text=_("Two letters, separated by commas: DE, FR. Empty: of any country."))
    languages = LanguagesField(help_text=_("Codes or names, separated by commas: en, Italian. Empty: of any language."))
    tiers = forms.MultipleChoiceField(
        label=_("Their tier is"), choices=Tier.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    with_account = forms.BooleanField(
        label=_("Only with an account"), required=False, help_text=_("Who has a place in an account that is open.")
    )
    to = forms.ChoiceField(label=_("Who calls"), choices=Call.To.choices, widget=forms.RadioSelect)
    days = forms.IntegerField(label=_("Within"), min_value=1, max_value=60, help_text=_("Days, 1 to 60."))

    CONDITIONS = ("groups", "countries", "languages", "tiers", "with_account")

    class Meta:
        model = CallRule
        fields = ["name", "groups", "countries", "languages", "tiers", "with_account", "to", "days"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = "try" not in self.data  # nothing is saved then
        if self.instance.pk is None:
            self.fields["to"].initial = Call.To.CARE

    def validate_unique(self) -> None:
        """`rules.save` says which name is taken."""

    @property
    def conditions(self) -> list[forms.BoundField]:
        return [self[name] for name in self.CONDITIONS]


class OutreachSettingsForm(forms.ModelForm[OutreachSettings]):
    join_days = forms.IntegerField(
        label=_("Nobody is called again within"), min_value=0, max_value=365,
        help_text=_("Days, 0 to 365. What they answer meanwhile joins one call."),
    )  # fmt: skip
    answer_days = forms.IntegerField(
        label=_("Support groups answer within"), min_value=1, max_value=90,
        help_text=_("Days, 1 to 90. They are reminded seven and three days ahead."),
    )  # fmt: skip
    second_days = forms.IntegerField(
        label=_("We call again after"), min_value=1, max_value=90,
        help_text=_("Days after the last answer of a group, 1 to 90."),
    )  # fmt: skip
    most_tries = forms.IntegerField(
        label=_("We write instead after"), min_value=1, max_value=10, help_text=_("Calls in vain, 1 to 10.")
    )

    class Meta:
        model = OutreachSettings
        fields = ["join_days", "answer_days", "second_days", "most_tries", "escalate_to"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        head = self.fields["escalate_to"]
        head.label, head.empty_label = _("Head of calls"), _("All leads")  # type: ignore[attr-defined]
        here = Q(is_active=True, role__in=CALLING_ROLES) | Q(pk=self.instance.escalate_to_id)
        head.queryset = User.objects.filter(here).order_by("first_name", "username")  # type: ignore[attr-defined]


class CallersForm(forms.Form):
    """Which callers the list shows."""

    to = forms.ChoiceField(
        label=_("Who calls"), choices=[("", _("Everybody")), *Call.To.choices], required=False
    )  # fmt: skip

    @property
    def chosen(self) -> str:
        """A kind of caller; "" for all, and for what is none."""
        return self.cleaned_data["to"] if self.is_valid() else ""


class CallerForm(forms.Form):
    """What one person takes on."""

    per_week = forms.IntegerField(
        label=_("Names a week"), min_value=0, max_value=callers.MOST,
        help_text=_("0: they are given none. A second call goes on with what they began and takes no place."),
    )  # fmt: skip
    countries = CountriesField(help_text=_("Two letters, separated by commas: DE, FR. Empty: of all countries."))


class CallingHoursForm(forms.Form):
    country = forms.CharField(
        label=_("Customers in"), required=False, max_length=2, help_text=_("Two letters. Empty: everywhere else.")
    )
    calendar = forms.ModelChoiceField(
        Calendar.objects.order_by("name"), label=_("Are called in these hours"), empty_label=_("Choose hours"),
        help_text=_("On the customer’s own clock, wherever we know it. Holidays of these hours count too."),
    )  # fmt: skip


class HashtagsForm(forms.Form):
    """Of which group the hashtags are shown; and that they are in use."""

    group = forms.ModelChoiceField(
        SupportGroup.objects.none(), label=_("Group"), required=False, empty_label=_("All groups")
    )
    show = forms.ChoiceField(
        label=_("Show"), choices=[("", _("In use")), ("retired", _("Retired")), ("all", _("All"))], required=False
    )  # fmt: skip

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        self.fields["group"].queryset = SupportGroup.objects.kept_by(user)  # type: ignore[attr-defined]

    def narrow(self, rows: Any) -> Any:
        chosen = self.cleaned_data if self.is_valid() else {}
        if chosen.get("group"):
            rows = rows.filter(group=chosen["group"])
        return rows if chosen.get("show") == "all" else rows.filter(retired_at__isnull=chosen.get("show") != "retired")


class HashtagForm(forms.Form):
    """A hashtag for a group. `hashtags.own` says what is one, and whose it is."""

    tag = forms.CharField(
        label=_("Hashtag"), max_length=hashtags.MOST + 1, help_text=_("As it is written in a note: #billing."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip

    group = forms.ModelChoiceField(SupportGroup.objects.none(), label=_("Asks"), empty_label=_("Choose a group"))
    about = forms.CharField(
        label=_("For what"), max_length=200, required=False, help_text=_("Shown to who writes a note.")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].queryset = SupportGroup.objects.kept_by(user).in_use()  # type: ignore[attr-defined]
