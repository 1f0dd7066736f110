"""Hours as a lead writes them, and what is refused."""

from datetime import date

import pytest

from crm import hours
from crm.forms.calendars import PeriodsField
from crm.models import Activity, Calendar
from tests import factories

pytestmark = pytest.mark.django_db


def written(week=(), off=(), **facts):
    """The form as a browser sends it: hours of days by number, holidays as (day, name, hours)."""
    form = {"name": "Office", "time_zone": "Europe/Madrid", "off-TOTAL_FORMS": str(len(off)), "off-INITIAL_FORMS": "0"}
    form |= {f"day_{day}": text for day, text in dict(week).items()}
    for n, (on, name, text) in enumerate(off):
        form |= {f"off-{n}-on": on, f"off-{n}-name": name, f"off-{n}-hours": text}
    return form | facts


def errors(response):
    form = response.context["form"]
    return {name: " ".join(said) for name, said in form.errors.items()}


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("9-18", [(540, 1080)]),
        ("9:00–13:30, 15–18", [(540, 810), (900, 1080)]),
        ("15-18; 9-13", [(540, 780), (900, 1080)]),
        ("09.30 - 24:00", [(570, 1440)]),
        ("9 to 12 and 13 to 17", [(540, 720), (780, 1020)]),
        ("9-12, 12-15", [(540, 720), (720, 900)]),
        ("", []),
    ],
)
def test_hours_are_read_as_people_write_them(text, minutes):
    assert PeriodsField(required=False).clean(text) == minutes


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("9-13, 12-18", "9:00–13:00 and 12:00–18:00 overlap. Write them as one, or let the first close before."),
        ("22-6", "22:00–6:00 ends before it begins. Past midnight, write to 24:00 and the rest the day after."),
        ("9-9", "9:00–9:00 ends before it begins. Past midnight, write to 24:00 and the rest the day after."),
        ("9-25", "“9-25” is not on the clock: a day ends at 24:00."),
        ("9:75-12", "“9:75-12” is not on the clock: a day ends at 24:00."),
        ("9-24:30", "“9-24:30” is not on the clock: a day ends at 24:00."),
        ("mornings", "“mornings” cannot be read. Write hours as 9:00–18:00."),
        ("-5-3", "“-5-3” cannot be read. Write hours as 9:00–18:00."),
    ],
)
def test_what_cannot_be_is_refused_beside_its_day(as_user, lead, text, sentence):
    response = as_user(lead).post("/settings/hours/new/", written({2: text}))
    assert response.status_code == 422
    assert errors(response) == {"day_2": sentence}
    assert f'value="{text}"' in response.content.decode()  # nothing that was typed is lost
    assert not Calendar.objects.exists()


def test_a_lead_makes_hours_with_a_break_and_holidays(as_user, lead, nudges, django_capture_on_commit_callbacks):
    week = {0: "9–13, 15–18", 4: "9-14"}
    off = [("2026-12-25", "Christmas", ""), ("2026-12-24", "Christmas Eve", "9-12"), ("", "", "")]
    with django_capture_on_commit_callbacks(execute=True):
        response = as_user(lead).post("/settings/hours/new/", written(week, off))
    assert response.status_code == 302
    calendar = Calendar.objects.get(name="Office")
    read = hours.Hours.of(calendar)
    assert read.week == (((540, 780), (900, 1080)), (), (), (), ((540, 840),), (), ())
    assert read.holidays == {date(2026, 12, 25): (), date(2026, 12, 24): ((540, 720),)}
    assert Activity.objects.about(calendar).get().verb == "made"
    assert ("cases.jobs.sweep_promises",) in nudges


def test_hours_that_are_changed_stand_in_the_form_as_they_were_written(as_user, lead):
    calendar = factories.CalendarFactory(name="Desk", week=[(0, 540, 780), (0, 900, 1080)])
    factories.HolidayFactory(calendar=calendar, on="2026-12-24", name="Eve", opens=540, closes=720)
    page = as_user(lead).get(f"/settings/hours/{calendar.pk}/").content.decode()
    assert 'value="9:00–13:00, 15:00–18:00"' in page
    assert 'value="2026-12-24"' in page
    assert 'value="9:00–12:00"' in page
    form = written({0: "9-12"}, [("", "Eve", "9:00–12:00")], **{"off-INITIAL_FORMS": "1"})
    assert as_user(lead).post(f"/settings/hours/{calendar.pk}/", form).status_code == 302
    read = hours.Hours.of(calendar)
    assert (read.name, read.week[0], read.holidays) == ("Office", ((540, 720),), {})  # its day emptied: it is gone


def test_hours_without_any_are_refused(as_user, lead):
    response = as_user(lead).post("/settings/hours/new/", written())
    assert errors(response) == {
        "__all__": "Give it hours on at least one day, or tick “day and night”: nothing can be promised without."
    }
    assert not Calendar.objects.exists()


def test_day_and_night_needs_no_hours(as_user, lead):
    assert as_user(lead).post("/settings/hours/new/", written(around_the_clock="on")).status_code == 302
    assert Calendar.objects.get().around_the_clock


def test_a_day_is_named_once_and_has_one_period(as_user, lead):
    off = [
        ("2026-12-25", "Christmas", ""),
        ("2026-12-25", "Again", ""),
        ("2026-12-26", "", "9-10, 11-12"),
        ("", "X", ""),
    ]
    response = as_user(lead).post("/settings/hours/new/", written({0: "9-18"}, off))
    assert response.status_code == 422
    said = [" ".join(e for errors in form.errors.values() for e in errors) for form in response.context["off"]]
    assert said == ["", "This day is in the list already.", "One period only on such a day.", "Which day is it?"]


def test_a_name_is_given_once(as_user, lead):
    factories.CalendarFactory(name="Office")
    assert "name" in errors(as_user(lead).post("/settings/hours/new/", written({0: "9-18"})))


def test_one_may_look_first_and_nothing_is_saved(as_user, lead):
    week = dict.fromkeys(range(7), "0-24")
    response = as_user(lead).post("/settings/hours/new/", written(week, look="1"))
    assert response.status_code == 200
    assert response.context["now"].is_open
    assert not Calendar.objects.exists()


def test_the_list_says_how_each_stands_now(as_user, lead):
    factories.CalendarFactory(name="Always", around_the_clock=True, week=[])
    factories.CalendarFactory(name="Never", week=[])
    factories.CalendarFactory(name="Office")
    page = as_user(lead).get("/settings/hours/").content.decode()
    assert "Day and night, all year" in page
    assert "never open" in page
    assert "Monday–Friday 9:00–18:00" in page
    assert "Saturday–Sunday closed" in page


def test_a_broken_form_is_refused_and_no_error_page(as_user, lead):
    for form in (
        {},
        {"name": "x" * 200, "off-TOTAL_FORMS": "many"},
        written({0: "9-18"}, **{"off-TOTAL_FORMS": "9999999"}),
    ):
        assert as_user(lead).post("/settings/hours/new/", form).status_code == 422
