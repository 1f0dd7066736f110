"""The pages of a wave, from the form to the lists of who was asked and who was not."""

import csv
import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.exporting import BOM
from surveys import building, planning, waves
from surveys.models import Invitation, SurveySettings, Wave
from tests import factories
from tests.surveys.test_waves import DAY, somebody

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(lead):
    return building.start(name="How are we doing?", kind="nps", by=lead)


@pytest.fixture
def people(db):
    return [somebody(name=f"Person {n}") for n in range(4)]


@pytest.fixture
def form(version):
    """What a person sends who changes nothing but the name."""

    def filled(**facts):
        opens = timezone.localtime() + DAY
        return {
            "name": "Spring", "version": version.pk, "opens_at": f"{opens:%Y-%m-%dT%H:%M}",
            "closes_at": f"{opens + 21 * DAY:%Y-%m-%dT%H:%M}", "next_on": f"{opens + 182 * DAY:%Y-%m-%d}", "share": 50,
            "rest_days": 90, "per_hour": 0, "remind_days": 5, "reminders": 1, "seed": "", "effort_reason": "", **facts,
        }  # fmt: skip

    return filled


def rows_of(response):
    text = b"".join(response.streaming_content).decode().removeprefix(BOM)
    return list(csv.DictReader(io.StringIO(text)))


def drafted(lead, version, **facts):
    opens = timezone.now() + timedelta(hours=1)
    given = {"closes_at": opens + 21 * DAY, "next_on": (opens + 182 * DAY).date(), "share": 50, "name": "Spring"}
    return waves.draft(by=lead, version=version, opens_at=opens, **(given | facts))


def test_an_empty_list_says_what_to_do(as_user, lead):
    page = as_user(lead).get(reverse("surveys:waves"))
    assert reverse("surveys:wave_new") in page.content.decode()


def test_a_draft_is_made_from_the_form_with_the_filter_of_the_list(as_user, lead, form):
    answer = as_user(lead).post(reverse("surveys:wave_new"), form(tier="key", known="yes"))
    wave = Wave.objects.get()
    assert answer.url == wave.get_absolute_url()
    assert (wave.audience, wave.state, wave.made_by, len(wave.seed)) == ("tier=key&known=yes", "draft", lead, 16)


def test_the_form_takes_the_filter_along_from_the_list_of_customers(as_user, lead, version):
    page = as_user(lead).get(reverse("surveys:wave_new"), {"tier": "key", "version": version.pk})
    assert page.context["form"].people.cleaned_data["tier"] == "key"
    assert '<option value="key" selected>' in page.content.decode()


def test_a_filtered_list_of_customers_leads_to_a_wave_that_asks_them(as_user, lead, agent):
    factories.CustomerFactory(tier="key", country="ES")
    url = reverse("crm:customers")
    link = f"{reverse('surveys:wave_new')}?tier=key&amp;country=ES"
    listed = as_user(lead).get(url, {"tier": "key", "country": "ES"}).content.decode()
    assert f'href="{link}"' in listed
    page = as_user(lead).get(link.replace("&amp;", "&"))
    assert page.context["form"].audience == "tier=key&country=ES"
    rows = as_user(lead).get(url, {"tier": "key", "country": "ES"}, headers={"HX-Request": "true", "HX-Target": "rows"})
    assert f'href="{link}"' in rows.content.decode()  # as the filter moves, so does the link
    for who, query in ((agent, {"tier": "key"}), (lead, {}), (lead, {"tier": "standard"})):
        assert "in a wave" not in as_user(who).get(url, query).content.decode()


def test_times_are_typed_in_the_zone_of_the_reader(as_user, lead, form):
    lead.time_zone = "Pacific/Auckland"
    lead.save()
    as_user(lead).post(
        reverse("surveys:wave_new"),
        form(opens_at="2027-04-04T09:00", closes_at="2027-04-20T09:00", next_on="2027-10-03"),
    )
    assert Wave.objects.get().opens_at == datetime(2027, 4, 4, 9, tzinfo=ZoneInfo("Pacific/Auckland"))


def test_an_hour_that_a_change_of_the_clock_leaves_out_is_said_beside_the_field(as_user, lead, form):
    lead.time_zone = "Europe/Madrid"
    lead.save()
    page = as_user(lead).post(reverse("surveys:wave_new"), form(opens_at="2027-03-28T02:30"))
    assert page.status_code == 422
    assert page.context["form"].errors["opens_at"]


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"share": 0}, "share"), ({"share": 101}, "share"), ({"reminders": 4}, "reminders"), ({"name": ""}, "name"),
        ({"closes_at": "2020-01-01T00:00"}, "closes_at"), ({"since": "yesterday"}, "__all__"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_and_nothing_is_lost(as_user, lead, form, facts, field):
    page = as_user(lead).post(reverse("surveys:wave_new"), form(tier="key", **facts))
    assert page.status_code == 422
    assert page.context["form"].errors[field]
    assert '<option value="key" selected>' in page.content.decode()
    assert not Wave.objects.exists()


def test_a_draft_is_changed_until_it_starts(as_user, lead, version, people, form):
    wave = drafted(lead, version, audience="tier=key")
    url = reverse("surveys:wave_edit", args=[wave.pk])
    assert '<option value="key" selected>' in as_user(lead).get(url).content.decode()
    as_user(lead).post(url, form(name="Spring, all"))
    wave.refresh_from_db()
    assert (wave.name, wave.audience) == ("Spring, all", "")
    waves.start(wave=wave, by=lead)
    assert as_user(lead).get(url).status_code == 302
    assert "not at that point" in as_user(lead).post(url, form(name="Too late"), follow=True).content.decode()


def test_the_dry_run_says_who_and_why_not_and_offers_the_start(as_user, lead, version, people):
    factories.ConsentFactory(customer=people[0], state="refused")
    page = as_user(lead).get(reverse("surveys:wave_dry_run", args=[drafted(lead, version, share=100).pk]))
    said = page.content.decode()
    assert "Start: ask 3 customers" in said
    assert "Wants no surveys" in said
    assert "Person 1" in said
    assert "Person 0" not in said


def test_what_stands_in_the_way_is_said_and_no_start_is_offered(as_user, lead, version, people):
    wave = drafted(lead, version, rest_days=3)
    said = as_user(lead).get(reverse("surveys:wave_dry_run", args=[wave.pk])).content.decode()
    assert "the settings say so" in said
    assert reverse("surveys:wave_start", args=[wave.pk]) not in said
    refused = as_user(lead).post(reverse("surveys:wave_start", args=[wave.pk]))
    assert refused.status_code == 422
    assert "the settings say so" in refused.content.decode()


def test_a_wave_is_run_from_its_page(as_user, lead, version, people):
    wave = drafted(lead, version, share=100)
    page = as_user(lead)

    def do(deed, **facts):
        page.post(reverse(f"surveys:wave_{deed}", args=[wave.pk]), facts)
        wave.refresh_from_db()
        return wave.state

    assert do("start") == "running"
    assert "are being written" in page.get(wave.get_absolute_url()).content.decode()
    planning.plan(wave.pk)
    assert "4 to go" in page.get(wave.get_absolute_url()).content.decode()
    assert do("pause") == "paused"
    assert do("resume") == "running"
    later = timezone.now() + 40 * DAY
    assert do("extend", closes_at=f"{later:%Y-%m-%dT%H:%M}") == "running"
    assert wave.closes_at.date() == later.date()
    assert do("close") == "closed"
    assert do("reopen") == "running"


def test_a_draft_is_discarded(as_user, lead, version):
    wave = drafted(lead, version)
    as_user(lead).post(reverse("surveys:wave_discard", args=[wave.pk]))
    assert not Wave.objects.exists()


def test_a_day_that_is_none_is_refused_on_the_page(as_user, lead):
    wave = factories.WaveFactory()
    answer = as_user(lead).post(reverse("surveys:wave_extend", args=[wave.pk]), {"closes_at": "soon"})
    assert answer.status_code == 422


def test_the_part_that_moves_comes_alone_and_names_its_stream(as_user, lead):
    wave = factories.WaveFactory()
    part = as_user(lead).get(wave.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()
    assert f'data-stream="wave:{wave.pk}"' in part
    assert "<html" not in part


def test_the_list_and_the_page_of_a_wave_say_how_many_of_those_reached_have_answered(as_user, lead):
    """As the page of results says it: 10 were asked, 2 mails came back, 6 answered and 5 of them finished."""
    wave, now = factories.WaveFactory(), timezone.now()
    for n in range(10):
        ended = {"state": "bounced", "reason": "No such box.", "ended_at": now} if n > 7 else {}
        sent = factories.InvitationFactory(wave=wave, **({"state": "sent"} | ended), sent_at=now)
        if n < 6:
            factories.ResponseFactory(invitation=sent, finished_at=now if n < 5 else None)
    SurveySettings.objects.update_or_create(pk=1, defaults={"least": 7})
    row = as_user(lead).get(reverse("surveys:waves")).content.decode().split("<tbody>")[1]
    assert ">10</td>" in row
    assert ">6</td>" in row
    assert "75.0\u202f%" in row
    page = as_user(lead).get(wave.get_absolute_url()).content.decode()
    assert "75.0\u202f% of those reached" in page
    assert "<strong>5</strong>" in page  # too few answered to say which part of them finished
    assert "of those who answered" not in page
    assert f"{reverse('surveys:results')}?wave={wave.pk}" in page


def test_the_filter_of_those_left_out_shows_the_reason_that_is_listed(as_user, lead, version, people):
    url = reverse("surveys:wave_left_out", args=[drafted(lead, version).pk])
    for query, chosen in (({}, "not_drawn"), ({"reason": "resting"}, "resting")):
        assert f'<option value="{chosen}" selected>' in as_user(lead).get(url, query).content.decode()


def test_who_is_left_out_is_listed_by_reason_and_taken_away(as_user, lead, version, people):
    factories.ConsentFactory(customer=people[0], state="refused")
    factories.ConsentFactory(customer=people[1], state="refused")
    wave = drafted(lead, version)
    url = reverse("surveys:wave_left_out", args=[wave.pk])
    page = as_user(lead).get(url, {"reason": "no_consent"})
    assert [customer.pk for customer in page.context["page"].rows] == [people[0].pk, people[1].pk]
    file = as_user(lead).get(reverse("surveys:left_out_export", args=[wave.pk]), {"query": "reason=no_consent"})
    assert [(row["name"], row["why"]) for row in rows_of(file)] == [
        ("Person 0", "Wants no surveys"), ("Person 1", "Wants no surveys"),
    ]  # fmt: skip


def test_who_was_asked_is_listed_by_state_and_taken_away_without_links(as_user, lead):
    wave = factories.WaveFactory()
    sent = factories.InvitationFactory(wave=wave, weight=2.5, stratum="GB|key|")
    factories.ResponseFactory(invitation__wave=wave)
    page = as_user(lead).get(reverse("surveys:wave_people", args=[wave.pk]), {"state": "sent"})
    assert page.context["page"].rows == [sent]
    file = as_user(lead).get(reverse("surveys:wave_people_export", args=[wave.pk]), {"query": "state=sent"})
    (row,) = rows_of(file)
    assert (row["state"], row["weight"], row["stratum"]) == ("sent", "2.5", "GB|key|")
    assert str(sent.number) not in str(row)


def test_an_invitation_in_doubt_is_decided_by_a_person(as_user, lead):
    wave = factories.WaveFactory()
    facts = {"wave": wave, "state": "doubt", "sent_at": None, "claimed_at": timezone.now()}
    left, again = factories.InvitationFactory(**facts), factories.InvitationFactory(**facts)
    page = as_user(lead)
    assert "Decide" in page.get(wave.get_absolute_url()).content.decode()
    page.post(reverse("surveys:invitation_decide", args=[left.pk]), {"as": "sent"})
    page.post(reverse("surveys:invitation_decide", args=[again.pk]), {"as": "again"})
    assert list(Invitation.objects.order_by("pk").values_list("state", flat=True)) == ["sent", "planned"]


def test_an_executive_reads_waves_and_is_offered_no_deed(as_user):
    wave = factories.WaveFactory()
    executive = factories.UserFactory(role="executive")
    said = as_user(executive).get(wave.get_absolute_url()).content.decode()
    for deed in ("pause", "close", "extend", "people"):
        assert f"/{deed}/" not in said


PAGES = ("surveys:waves", "surveys:wave", "surveys:wave_people", "surveys:wave_left_out")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_as_often_for_twenty_as_for_one(as_user, lead, name, counted):
    wave = factories.WaveFactory(audience="")
    page = as_user(lead)
    url = reverse(name, args=[] if name.endswith("waves") else [wave.pk])

    def more(n):
        for _ in range(n):
            factories.InvitationFactory(wave=wave)
            factories.WaveFactory(version=wave.version)
            somebody()

    more(1)
    page.get(url)
    few = counted(lambda: page.get(url))
    more(19)
    assert counted(lambda: page.get(url)) == few


@pytest.fixture
def counted():
    def count(act):
        with CaptureQueriesContext(connection) as seen:
            act()
        return len(seen)

    return count
