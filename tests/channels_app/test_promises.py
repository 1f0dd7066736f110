"""What a channel promises: the form, and the page that states it to everybody."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from channels_app.models import ChannelPromise
from channels_app.promise_forms import duration
from crm.models import Activity
from tests import factories

pytestmark = pytest.mark.django_db

TIMES = {
    "acknowledge_minutes": 30, "acknowledge_warn": 10, "answer_minutes": 240, "answer_warn": 60,
    "resolve_minutes": 4320, "resolve_warn": 480,
}  # fmt: skip


def address(channel):
    return f"/channels/{channel.pk}/promise/"


def test_a_channel_without_a_row_shows_the_defaults(as_user, lead, channel):
    page = as_user(lead).get(address(channel)).content.decode()
    assert 'value="240"' in page
    assert "minutes · now 4 hours" in page
    assert not ChannelPromise.objects.exists()


def test_a_lead_sets_hours_promises_and_words(as_user, lead, channel, nudges, django_capture_on_commit_callbacks):
    calendar = factories.CalendarFactory()
    with django_capture_on_commit_callbacks(execute=True):
        response = as_user(lead).post(address(channel), {**TIMES, "calendar": calendar.pk, "what_we_do": "Bags."})
    assert response.status_code == 302
    promise = ChannelPromise.objects.get(channel=channel)
    assert (promise.calendar, promise.acknowledge_minutes, promise.what_we_do) == (calendar, 30, "Bags.")
    assert promise.published_at is None
    assert Activity.objects.about(promise).get().verb == "made"
    assert ("cases.jobs.sweep_promises",) in nudges


def test_a_promise_is_not_at_risk_from_its_start(as_user, lead, channel):
    response = as_user(lead).post(address(channel), {**TIMES, "answer_warn": 240})
    assert response.status_code == 422
    assert response.context["form"].errors == {
        "answer_warn": ["It is at risk before its end, not from its start: write fewer minutes."]
    }


def test_hours_in_which_nobody_is_there_cannot_be_chosen(as_user, lead, channel):
    never = factories.CalendarFactory(name="Never", week=[])
    response = as_user(lead).post(address(channel), {**TIMES, "calendar": never.pk})
    assert "“Never” has no hours in the next two years" in str(response.context["form"].errors["calendar"])


def test_only_a_channel_of_a_brand_can_publish(as_user, lead, channel):
    response = as_user(lead).post(address(channel), {**TIMES, "published": "on"})
    assert "published" in response.context["form"].errors
    channel.brand = "Skylark Air"
    channel.save()
    assert as_user(lead).post(address(channel), {**TIMES, "published": "on"}).status_code == 302
    assert as_user(lead).get("/promise/skylark-air/").status_code == 200
    assert "/promise/skylark-air/" in as_user(lead).get("/channels/").content.decode()
    as_user(lead).post(address(channel), TIMES)
    assert as_user(lead).get("/promise/skylark-air/").status_code == 404


def test_anybody_may_read_what_a_brand_promises_and_gets_no_cookie(client):
    promise = factories.published_promise(
        acknowledge_minutes=90, what_we_do="Delays and bags.", what_we_do_not="Card numbers.",
        channel__name="@skylark on Chirp",
    )  # fmt: skip
    factories.HolidayFactory(calendar=promise.calendar, on="2027-01-06", name="Epiphany")
    response = client.get("/promise/skylark/")
    page = response.content.decode()
    assert response.status_code == 200
    assert not response.cookies
    assert response.headers["Cache-Control"] == "public, max-age=60"
    for said in (
        "Skylark", "@skylark on Chirp", "Monday–Friday", "9:00–18:00", "Europe/Madrid", "Delays and bags.",
        "Card numbers.", "A first word within", "1 hour 30 minutes", "An answer within", "4 hours", "72 hours",
        "Epiphany",
    ):  # fmt: skip
        assert said in page
    assert "open, closes" in page or "closed, opens" in page


def test_what_is_not_published_or_of_another_brand_does_not_stand_there(client):
    factories.published_promise(channel__name="Shown")
    factories.ChannelPromiseFactory(channel__brand="Skylark", channel__name="Secret")
    factories.ChannelPromiseFactory(channel__brand="Other", channel__name="Elsewhere", published_at="2026-01-01T00:00Z")
    page = client.get("/promise/skylark/").content.decode()
    assert "Shown" in page
    assert "Secret" not in page
    assert "Elsewhere" not in page


@pytest.mark.parametrize("brand", ["nobody", "%20", "x" * 300, "ünknown", "..", "<script>"])
def test_where_nothing_is_published_a_sentence_says_so(client, brand):
    response = client.get(f"/promise/{brand}/")
    assert response.status_code == 404
    if brand != "..":
        assert "Nothing has been published at this address." in response.content.decode()


def test_the_page_costs_the_same_with_one_channel_and_with_twenty(client):
    costs = []
    for size in (1, 20):
        for _ in range(size):
            factories.published_promise()
        with CaptureQueriesContext(connection) as queries:
            client.get("/promise/skylark/")
        costs.append(len(queries))
    assert costs == [3, 3]


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(1, "1 minute"), (60, "1 hour"), (90, "1 hour 30 minutes"), (4320, "72 hours"), (0, "0 minutes")],
)
def test_minutes_are_said_in_hours(minutes, said):
    assert duration(minutes) == said
