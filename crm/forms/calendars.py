"""A calendar as people write it: "9-13, 15-18" beside each day, and the days on which that does not hold."""

from __future__ import annotations

import itertools
import re
import zoneinfo
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import calendars, hours
from crm.calendars import Off, clock
from crm.hours import Minutes
from crm.models import Calendar, Weekday
from crm.models.hours import DAY

PERIOD = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*h?\s*(?:-|–|—|to)\s*(\d{1,2})(?:[:.](\d{2}))?\s*h?")
MORE = 3  # empty lines for holidays


class PeriodsField(forms.CharField):
    """The periods of a day as [(opens, closes)] in minutes, in order: "9-13, 15:00-18:30". Empty is closed."""

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else calendars.day_in_words(value)

    def clean(self, value: Any) -> list[Minutes]:  # type: ignore[override]
        text = super().clean(value)
        found = sorted(_period(part.strip()) for part in re.split(r"[,;]| and ", text) if part.strip())
        for one, other in itertools.pairwise(found):
            if other[0] < one[1]:
                raise forms.ValidationError(
                    _("%(one)s and %(other)s overlap. Write them as one, or let the first close before."),
                    params={"one": calendars.day_in_words([one]), "other": calendars.day_in_words([other])},
                )
        return found


def _period(text: str) -> Minutes:
    match = PERIOD.fullmatch(text)
    if match is None:
        raise forms.ValidationError(_("“%(text)s” cannot be read. Write hours as 9:00–18:00."), params={"text": text})
    opens, closes = (int(hour) * 60 + int(minute or 0) for hour, minute in (match.groups()[:2], match.groups()[2:]))
    if max(opens, closes) > DAY or any(int(minute or 0) > 59 for minute in match.groups()[1::2]):
        raise forms.ValidationError(_("“%(text)s” is not on the clock: a day ends at 24:00."), params={"text": text})
    if closes <= opens:
        raise forms.ValidationError(
            _("%(opens)s–%(closes)s ends before it begins. Past midnight, write to 24:00 and the rest the day after."),
            params={"opens": clock(opens), "closes": clock(closes)},
        )
    return opens, closes


class CalendarForm(forms.ModelForm[Calendar]):
    """With seven fields `day_0` (Monday) to `day_6`. The holidays are a formset beside it."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=lambda: [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())],
        help_text=_("The hours below are those on the clocks there, in summer and in winter."),
    )

    class Meta:
        model = Calendar
        fields = ["name", "time_zone", "around_the_clock"]

    def __init__(self, data: Any = None, *, instance: Calendar | None = None, zone: str = "UTC") -> None:
        super().__init__(data, instance=instance, initial={} if instance else {"time_zone": zone})
        week = hours.load([instance.pk])[instance.pk].week if instance else [()] * 7
        for day in Weekday:
            self.fields[f"day_{day.value}"] = PeriodsField(
                label=day.label, required=False, max_length=200, initial=list(week[day.value]),
                widget=forms.TextInput(attrs={"placeholder": _("closed"), "autocomplete": "off"}),
            )  # fmt: skip

    @property
    def days(self) -> list[forms.BoundField]:
        return [self[f"day_{day.value}"] for day in Weekday]

    @property
    def week(self) -> list[Sequence[Minutes]]:
        return [self.cleaned_data[f"day_{day.value}"] for day in Weekday]


class HolidayForm(forms.Form):
    """One line. A line whose day is emptied is taken away."""

    on = forms.DateField(
        label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    name = forms.CharField(label=_("Name"), max_length=80, required=False)
    hours = PeriodsField(
        label=_("Open"), required=False, max_length=40, widget=forms.TextInput(attrs={"placeholder": _("closed")})
    )

    def clean_hours(self) -> list[Minutes]:
        found: list[Minutes] = self.cleaned_data["hours"]
        if len(found) > 1:
            raise forms.ValidationError(_("One period only on such a day."))
        return found

    def clean(self) -> dict[str, Any]:
        facts = self.cleaned_data
        if not self.initial and "on" not in self.errors and not facts.get("on") and any(facts.values()):
            self.add_error("on", _("Which day is it?"))
        return facts


class HolidaySet(forms.BaseFormSet[HolidayForm]):
    def clean(self) -> None:
        seen = set()
        for form in self.forms:
            on = form.cleaned_data.get("on") if form.is_valid() else None
            if on and on in seen:
                form.add_error("on", _("This day is in the list already."))
            seen.add(on)

    def off(self) -> list[Off]:
        lines = (form.cleaned_data for form in self.forms if form.cleaned_data.get("on"))
        return [Off(line["on"], line["name"], line["hours"][0] if line["hours"] else None) for line in lines]


Holidays = forms.formset_factory(HolidayForm, formset=HolidaySet, extra=MORE, max_num=500, absolute_max=600)


def holidays_of(data: Any, calendar: Calendar | None) -> HolidaySet:
    rows = calendar.holidays.all() if calendar else ()
    initial = [
        {"on": row.on, "name": row.name, "hours": [(row.opens, row.closes)] if row.opens is not None else []}
        for row in rows
    ]
    return cast(HolidaySet, Holidays(data, initial=initial, prefix="off"))


def without_hours(form: CalendarForm, off: HolidaySet) -> bool:
    """Whether nobody would ever be there, which is said beside the form."""
    found = calendars.hours_of(form.instance, form.week, off.off())
    try:
        hours.next_open(found, timezone.now())
    except hours.NeverOpen:
        form.add_error(
            None, _("Give it hours on at least one day, or tick “day and night”: nothing can be promised without.")
        )
        return True
    return False
