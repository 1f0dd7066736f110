"""Team settings, Desk: how the whole desk works, within bounds, and who changed it."""

import pytest

from cases.models import DeskSettings
from crm.models import Activity

pytestmark = pytest.mark.django_db
GOOD = {
    "guard_likeness": 70, "guard_people": 5, "guard_hours": 48, "undo_seconds": 10, "offer_minutes": 4, "alike_days": 7,
}  # fmt: skip


def test_until_somebody_changes_it_the_defaults_hold(lead, as_user, settings):
    settings.UNDO_SECONDS = 5
    shown = as_user(lead).get("/settings/desk/").context["form"]
    assert {name: shown[name].value() for name in GOOD} == {
        "guard_likeness": 80, "guard_people": 3, "guard_hours": 24, "undo_seconds": 5, "offer_minutes": 3,
        "alike_days": 3,
    }  # fmt: skip
    assert not DeskSettings.objects.exists()


def test_a_lead_changes_it_and_that_is_written_down(lead, as_user):
    client = as_user(lead)
    for data in (GOOD, GOOD | {"guard_people": 6}):
        assert client.post("/settings/desk/", data).status_code == 302
    desk = DeskSettings.current()
    assert (desk.pk, desk.guard_likeness, desk.guard_people, desk.undo_seconds) == (1, 70, 6, 10)
    lines = Activity.objects.about(desk).order_by("id")
    assert [(line.by, line.verb) for line in lines] == [(lead, "changed"), (lead, "changed")]
    assert lines[1].detail == "guard_people 6"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("guard_likeness", 29), ("guard_likeness", 101), ("guard_people", 0), ("guard_hours", 0), ("guard_hours", 721),
        ("undo_seconds", -1), ("undo_seconds", 121), ("offer_minutes", 0), ("offer_minutes", "soon"),
        ("alike_days", -1), ("alike_days", 31),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused_beside_its_field(lead, as_user, name, value):
    answer = as_user(lead).post("/settings/desk/", GOOD | {name: value})
    assert answer.status_code == 422
    assert answer.context["form"].errors[name]
    assert not DeskSettings.objects.exists()
