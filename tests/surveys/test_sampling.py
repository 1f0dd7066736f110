"""Who is asked: over simulated years nobody goes unasked for one, and nobody is asked within the rest."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings

from crm import consent
from surveys import reaching, sampling
from surveys.models import Invitation, SurveySettings
from surveys.sampling import day_of
from tests import factories
from tests.surveys.years import DAY, Simulation, Told, Years, years

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db):
    return factories.sent_version()


def live_through(plan: Years, version, by) -> Told:
    with transaction.atomic():
        told = Simulation(plan, version, by).run()
        transaction.set_rollback(True)
    return told


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(plan=years())
def test_over_the_years_nobody_goes_unasked_and_everybody_has_their_rest(plan, version, lead, settings):
    settings.TIME_ZONE = plan.zone
    told = live_through(plan, version, lead)
    for asks in told.asks.values():
        for (before, _), (after, rest) in pairwise(sorted(asks)):
            assert after - before >= rest * DAY
    for pk, spans in told.reached.items():
        asked = sorted(day_of(at) for at, _rest in told.asks[pk])
        for since, until in spans:
            days = [day_of(since), *(day for day in asked if day_of(since) <= day <= day_of(until)), day_of(until)]
            assert max((b - a).days for a, b in pairwise(days)) <= 365


# --- one wave


def wave_of(version, **facts):
    begin = datetime(2027, 3, 1, 9, tzinfo=UTC)
    given_facts = {
        "version": version, "state": "draft", "planned_at": None, "opens_at": begin, "closes_at": begin + 21 * DAY,
        "next_on": date(2027, 8, 30), "rest_days": 90, "share": 50, "seed": "seven",
    }  # fmt: skip
    return factories.WaveFactory(**(given_facts | facts))


def somebody(*, mail=True, **facts):
    person = factories.CustomerFactory(**{"created_at": datetime(2027, 2, 1, tzinfo=UTC), **facts})
    if mail:
        factories.IdentityFactory(kind="email", place="", value=f"{person.pk}@mail.example", customer=person)
    return person


@pytest.fixture(autouse=True)
def _we_ask_since_2020(db):
    SurveySettings.objects.create(pk=1, begins_on=date(2020, 1, 1), rest_days=90)


def planned(wave, size=sampling.CHUNK):
    """Who was invited, with their weights. The wave is drawn, and planned in pieces of `size`."""
    found = sampling.draw(wave)
    wave.strata = found.strata
    wave.save()
    after = 0
    while (done := sampling.plan(wave, after=after, size=size)).looked_at == size:
        after = done.to
    return dict(Invitation.objects.filter(wave=wave).values_list("customer", "weight"))


def test_the_same_seed_draws_the_same_people_in_pieces_of_any_size(version):
    people = [somebody(country=country) for country in ("GB", "DE") for _ in range(15)]
    wave = wave_of(version)
    first = planned(wave)
    assert len(first) == 16
    assert set(first) < {person.pk for person in people}
    for size in (1, 7):
        Invitation.objects.all().delete()
        assert planned(wave, size) == first
    Invitation.objects.all().delete()
    wave.seed = "eight"
    assert set(planned(wave)) != set(first)


def test_a_share_is_drawn_in_each_stratum_and_rounded_up(version):
    for country, tier, n in (("GB", "standard", 10), ("GB", "key", 1), ("", "standard", 3)):
        for _ in range(n):
            somebody(country=country, tier=tier)
    factories.StakeholderFactory(customer=somebody(country="GB"))
    drawn = sampling.draw(wave_of(version, share=30))
    assert {name: (each["there"], each["due"], each["drawn"]) for name, each in drawn.strata.items()} == {
        "GB|standard|": (10, 0, 3), "GB|key|": (1, 0, 1), "|standard|": (3, 0, 1), "GB|standard|account": (1, 0, 1),
    }  # fmt: skip
    assert drawn.left_out == {"not_drawn": 9}


def test_whoever_must_be_asked_counts_for_one_and_the_others_for_one_over_their_chance(version):
    due = [somebody(country="GB", created_at=datetime(2026, 3, 1, tzinfo=UTC)) for _ in range(3)]
    others = [somebody(country="GB") for _ in range(10)]
    weights = planned(wave_of(version, share=25))
    assert {pk: weights[pk] for pk in weights if pk in {person.pk for person in due}} == dict.fromkeys(
        (person.pk for person in due), 1
    )
    drawn = [weights[person.pk] for person in others if person.pk in weights]
    assert drawn == [pytest.approx(10 / 3)] * 3


def asked_before(person, at, **facts):
    return factories.InvitationFactory(
        customer=person, wave=None, **{"state": "answered", "sent_at": at, "ended_at": at, **facts}
    )


def test_each_who_is_left_out_is_left_out_for_the_first_reason_that_holds(version):
    opens = datetime(2027, 3, 1, 9, tzinfo=UTC)
    never = somebody(do_not_contact_at=opens)
    refuses, mute, busy, rests, rested = somebody(), somebody(mail=False), somebody(), somebody(), somebody()
    for person in (never, refuses, mute):
        factories.ConsentFactory(customer=person, state="refused" if person is refuses else "given")
    factories.InvitationFactory(customer=busy, wave=None)
    asked_before(rests, opens - 90 * DAY + timedelta(seconds=1))
    asked_before(rested, opens - 90 * DAY)
    gone = somebody(mail=False)
    factories.IdentityFactory(kind="email", place="", customer=gone, unreachable_at=opens)
    found = dict(sampling.people(wave_of(version)).values_list("pk", "reason"))
    assert {person.pk: found[person.pk] for person in (never, refuses, mute, busy, rests, rested, gone)} == {
        never.pk: "do_not_contact", refuses.pk: "no_consent", mute.pk: "no_address", busy.pk: "open",
        rests.pk: "resting", rested.pk: "", gone.pk: "no_address",
    }  # fmt: skip


def test_what_came_back_is_no_asking_and_what_may_have_left_is(version):
    opens = datetime(2027, 3, 1, 9, tzinfo=UTC)
    came_back, perhaps, never_left = somebody(), somebody(), somebody()
    asked_before(came_back, opens - DAY, state="bounced", reason="No such mailbox")
    asked_before(perhaps, opens - DAY, state="expired", sent_at=None, claimed_at=opens - DAY)
    asked_before(never_left, opens - DAY, state="cancelled", sent_at=None, claimed_at=opens - DAY, reason="No")
    found = dict(sampling.people(wave_of(version)).values_list("pk", "reason"))
    assert [found[person.pk] for person in (came_back, perhaps, never_left)] == ["", "resting", ""]


def test_who_has_another_address_is_asked_in_the_next_wave_as_if_what_came_back_had_never_left(version):
    """Neither a rest nor a year begins with it: they are due since they were last reached."""
    opens = datetime(2027, 3, 1, 9, tzinfo=UTC)
    moved, gone = somebody(mail=False), somebody(mail=False)
    for person in (moved, gone):
        old = factories.IdentityFactory(
            kind="email", place="", value=f"old{person.pk}@mail.example", customer=person, unreachable_at=opens - DAY
        )
        asked_before(person, opens - 300 * DAY)
        asked_before(person, opens - DAY, identity=old, state="bounced", reason="No such mailbox")
    new = factories.IdentityFactory(kind="email", place="", value="new@mail.example", customer=moved)
    found = {person.pk: person for person in sampling.people(wave_of(version))}
    assert (found[moved.pk].reason, found[moved.pk].mail) == ("", new.pk)
    assert found[moved.pk].due_on == day_of(opens - 300 * DAY) + 365 * DAY
    assert found[gone.pk].reason == "no_address"


def test_the_reasons_say_what_consent_says(version, lead):
    people = [somebody() for _ in range(4)]
    consent.record(customer=people[1], purpose="survey", state="refused", how="Said so", by=lead)
    consent.record(customer=people[2], purpose="survey", state="given", how="Said so", by=lead)
    consent.record(customer=people[3], purpose="marketing", state="refused", how="Said so", by=lead)
    found = dict(sampling.people(wave_of(version)).values_list("pk", "reason"))
    for person in people:
        assert bool(consent.may_contact(person, "survey")) == (found[person.pk] not in ("no_consent", "do_not_contact"))


def test_a_proven_address_comes_first_and_who_has_none_is_asked_where_they_write_to_us(version, channel):
    proven, aside = somebody(), somebody(mail=False)
    kept = factories.IdentityFactory(
        kind="email", place="", value="a@mail.example", customer=proven, verified_at=datetime(2027, 1, 1, tzinfo=UTC)
    )
    factories.IdentityFactory(kind="email", place="", value="newer@mail.example", customer=proven)
    handle = factories.IdentityFactory(customer=aside)
    factories.MessageFactory(thread=factories.ThreadFactory(channel=channel), identity=handle)
    factories.IdentityFactory(customer=somebody(mail=False))  # has never written
    planned(wave_of(version, share=100))
    ways = Invitation.objects.order_by("customer").values_list("customer", "by", "identity")
    assert list(ways) == [(proven.pk, "email", kept.pk), (aside.pk, "private", handle.pk)]


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Europe/Madrid", "America/New_York", "Pacific/Kiritimati"])
def test_a_year_is_counted_in_days_of_the_house_over_changes_of_the_clock(version, settings, zone):
    settings.TIME_ZONE = zone
    late_at_night = datetime(2026, 3, 28, 23, 59, tzinfo=reaching.house())
    person = somebody()
    asked_before(person, late_at_night.astimezone(UTC))
    assert sampling.people(wave_of(version)).get(pk=person.pk).due_on == date(2027, 3, 28)


def test_days_of_the_audience_are_days_of_the_house_whoever_looks(settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    person = factories.CustomerFactory(created_at=datetime(2027, 2, 28, 12, tzinfo=UTC))  # the 1st of March there
    with timezone.override("America/New_York"):
        assert list(reaching.audience("since=2027-03-01")) == [person]
        assert not reaching.audience("until=2027-02-28").exists()


def test_nobody_is_found_where_the_audience_is_empty(version):
    drawn = sampling.draw(wave_of(version, audience="q=nobodyiscalledthis"))
    assert (drawn.asked, drawn.strata, drawn.audience) == (0, {}, 0)


def test_at_a_pace_who_has_to_be_asked_first_stands_first_and_so_many_go_an_hour(version):
    urgent = somebody(created_at=datetime(2026, 3, 10, tzinfo=UTC))
    for _ in range(5):
        somebody()
    wave = wave_of(version, share=100, per_hour=2)
    planned(wave)
    sampling.pace(wave, since=wave.opens_at)
    line = list(Invitation.objects.order_by("due_at").values_list("customer", "due_at"))
    assert line[0][0] == urgent.pk
    assert [at - wave.opens_at for _pk, at in line] == [n * timedelta(minutes=30) for n in range(6)]


def test_planning_asks_the_database_as_often_for_twenty_as_for_two(version, django_assert_num_queries):
    for n in (2, 18):
        for _ in range(n):
            somebody(country="GB")
        Invitation.objects.all().delete()
        wave = wave_of(version)
        with django_assert_num_queries(2):  # the settings, and the statement
            wave.strata = sampling.draw(wave).strata
        with django_assert_num_queries(2):
            sampling.plan(wave, after=0, size=100)


def test_a_sign_of_percent_in_the_audience_is_a_sign(version):
    somebody(name="100% Wool Ltd")
    assert sampling.draw(wave_of(version, audience="q=100%25", share=100)).asked == 1
