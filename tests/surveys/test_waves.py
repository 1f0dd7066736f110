"""A wave from its draft to its end, and what it refuses."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app.models import LiveEvent, LiveStream
from crm.models import Activity, Notice
from surveys import building, planning, rehearsing, sampling, waves
from surveys.models import Invitation, SurveySettings, Version, Wave
from tests import factories

DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(lead):
    return building.start(name="How are we doing?", kind="nps", by=lead)


@pytest.fixture
def people(db):
    return [somebody() for _ in range(6)]


def somebody(**facts):
    person = factories.CustomerFactory(**facts)
    factories.IdentityFactory(kind="email", place="", value=f"{person.pk}@mail.example", customer=person)
    return person


@pytest.fixture
def drafted(version, lead):
    def draft(**facts):
        opens = timezone.now() + DAY
        given = {
            "name": "Spring", "version": version, "opens_at": opens, "closes_at": opens + 21 * DAY, "rest_days": 90,
            "next_on": sampling.day_of(opens + 182 * DAY), "share": 100, "seed": "seven",
        }  # fmt: skip
        return waves.draft(by=lead, **(given | facts))

    return draft


@pytest.fixture
def running(drafted, people, lead):
    def run(**facts):
        wave = waves.start(wave=drafted(**facts), by=lead)
        planning.plan(wave.pk)
        wave.refresh_from_db()
        return wave

    return run


def states(wave):
    return sorted(wave.invitations.values_list("state", flat=True))


# --- starting


def test_starting_draws_freezes_the_survey_and_nudges_the_plan(
    drafted, people, lead, nudges, django_capture_on_commit_callbacks
):
    wave = drafted()
    with django_capture_on_commit_callbacks(execute=True):
        waves.start(wave=wave, by=lead)
    wave.refresh_from_db()
    assert (wave.state, wave.planned_at, wave.left_out) == ("running", None, {})
    assert wave.strata["|standard|"]["there"] == 6
    assert Version.objects.get(pk=wave.version_id).sent_at is not None
    assert nudges == [("surveys.jobs.plan_wave", wave.pk)]
    assert not wave.invitations.exists()


def test_what_is_planned_leaves_only_when_all_of_it_is(running, drafted, people, lead, monkeypatch):
    monkeypatch.setattr(sampling, "CHUNK", 2)
    wave = waves.start(wave=drafted(opens_at=timezone.now()), by=lead)
    assert planning._step(wave.pk)
    assert states(wave) == ["planned"] * 2
    assert not Invitation.objects.to_send(timezone.now() + DAY).exists()
    assert planning.plan(wave.pk) is False
    assert len(Invitation.objects.to_send(timezone.now())) == 6


def test_a_plan_that_broke_off_goes_on_where_it_stood_and_invites_nobody_twice(
    drafted, people, lead, monkeypatch, nudges
):
    monkeypatch.setattr(sampling, "CHUNK", 2)
    wave = waves.start(wave=drafted(), by=lead)
    assert planning.plan(wave.pk, seconds=0)  # one step, and the time is over
    wave.refresh_from_db()
    assert wave.planned_to == people[1].pk
    waves.sweep()
    planning.plan(wave.pk)
    planning.plan(wave.pk)
    assert sorted(wave.invitations.values_list("customer", flat=True)) == [person.pk for person in people]


def test_a_wave_that_should_have_opened_opens_now(running):
    now = timezone.now()
    wave = running(opens_at=now - 2 * DAY)
    assert wave.opens_at >= now
    assert all(invitation.due_at >= now for invitation in wave.invitations.all())


def test_its_maker_is_told_when_it_is_planned(running, lead):
    wave = running()
    notice = Notice.objects.get(user=lead)
    assert (notice.kind, notice.url) == ("wave", wave.get_absolute_url())


def test_a_link_works_as_long_as_the_settings_say_and_no_longer_than_the_wave(running):
    SurveySettings.objects.create(pk=1, valid_days=7)
    wave = running(opens_at=timezone.now() + DAY, per_hour=1)
    assert {invitation.expires_at - invitation.due_at for invitation in wave.invitations.all()} == {7 * DAY}


def test_no_link_works_longer_than_its_wave(running):
    wave = running()
    assert {invitation.expires_at for invitation in wave.invitations.all()} == {wave.closes_at}


# --- what it refuses


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"rest_days": 89}, waves.RestTooShort),
        ({"rest_days": 183}, waves.TooFarApart),
        ({"next_on": timezone.localdate()}, waves.NextTooSoon),
        ({"opens_at": timezone.now() - 9 * DAY, "closes_at": timezone.now() - DAY}, waves.OverAlready),
        ({"share": 0}, waves.NoShare),
        ({"audience": "country=XX"}, waves.NobodyToAsk),
        ({"audience": "tier=key"}, waves.NobodyToAsk),
    ],
)
def test_a_wave_that_would_break_a_promise_is_not_started(drafted, people, lead, facts, refusal):
    if facts.get("audience") == "country=XX":
        factories.CustomerFactory(country="XX")
    wave = drafted(**facts)
    with pytest.raises(refusal):
        waves.start(wave=wave, by=lead)
    wave.refresh_from_db()
    assert (wave.state, wave.strata) == ("draft", {})
    assert Version.objects.get(pk=wave.version_id).is_draft


def test_a_rest_that_just_leaves_a_year_is_enough(drafted, people, lead):
    assert waves.start(wave=drafted(rest_days=180, next_on=sampling.day_of(timezone.now() + 185 * DAY)), by=lead)


def test_a_pace_at_which_it_closes_before_all_are_asked_is_refused(drafted, people, lead):
    opens = timezone.now() + DAY
    with pytest.raises(waves.TooSlow):
        waves.start(wave=drafted(opens_at=opens, closes_at=opens + timedelta(hours=5), per_hour=1), by=lead)


def test_a_survey_that_is_not_ready_is_refused(drafted, people, lead):
    with pytest.raises(waves.NotReady):
        waves.start(wave=drafted(version=factories.VersionFactory()), by=lead)


def test_a_survey_that_costs_too_much_is_sent_only_with_a_reason(drafted, people, lead):
    version = factories.VersionFactory()
    factories.QuestionFactory(version=version)
    for n in range(20):
        factories.QuestionFactory(version=version, kind="scale", key=f"q{n}", low=1, high=5)
    with pytest.raises(waves.TooMuchEffort):
        waves.start(wave=drafted(version=version), by=lead)
    wave = drafted(version=version, name="All the same", effort_reason="The regulator asks for all of it.")
    waves.start(wave=wave, by=lead)
    assert "The regulator" in Activity.objects.about(wave).get(verb="started").detail


def test_a_wave_that_was_started_is_neither_started_again_nor_changed_nor_discarded(running, lead):
    wave = running()
    for deed in (waves.start, waves.discard, waves.change):
        with pytest.raises(waves.NotNow):
            deed(wave=wave, by=lead)


def test_a_draft_is_changed_and_discarded(drafted, lead):
    wave = waves.change(wave=drafted(), by=lead, share=20)
    assert Wave.objects.get(pk=wave.pk).share == 20
    waves.discard(wave=wave, by=lead)
    assert not Wave.objects.exists()


# --- while it runs


def test_a_paused_wave_sends_nothing_and_goes_on_at_its_pace(running, lead):
    wave = running(opens_at=timezone.now(), per_hour=1)
    waves.pause(wave=wave, by=lead)
    assert not Invitation.objects.to_send(timezone.now() + 2 * DAY).exists()
    Invitation.objects.update(due_at=timezone.now() - DAY)
    waves.resume(wave=wave, by=lead)
    assert len(Invitation.objects.to_send(timezone.now())) == 1
    with pytest.raises(waves.NotNow):
        waves.resume(wave=wave, by=lead)


def test_an_extended_wave_takes_answers_for_longer(running, lead):
    wave = running()
    later = wave.closes_at + 5 * DAY
    waves.extend(wave=wave, closes_at=later, by=lead)
    assert {invitation.expires_at for invitation in wave.invitations.all()} == {later}
    with pytest.raises(waves.OverAlready):
        waves.extend(wave=wave, closes_at=timezone.now(), by=lead)


def put(invitation, state, **facts):
    ended = timezone.now() if state in ("answered", "bounced") else None
    Invitation.objects.filter(pk=invitation.pk).update(state=state, **({"ended_at": ended} | facts))


def one_of_each(wave):
    now = timezone.now()
    planned, sent, doubt, answered, sending, bounced = wave.invitations.order_by("pk")
    put(sent, "sent", sent_at=now)
    put(doubt, "doubt", claimed_at=now)
    put(answered, "answered", sent_at=now)
    put(sending, "sending", claimed_at=now)
    put(bounced, "bounced", sent_at=now, reason="No such mailbox")
    return planned, sent, doubt, answered, sending, bounced


def now_are(*invitations):
    return [Invitation.objects.get(pk=each.pk).state for each in invitations]


def test_closing_ends_what_is_open_and_leaves_alone_what_ended(running, lead):
    wave = running(opens_at=timezone.now())
    all_of_them = one_of_each(wave)
    waves.close(wave=wave, by=lead)
    assert now_are(*all_of_them) == ["cancelled", "expired", "expired", "answered", "sending", "bounced"]
    assert not Invitation.objects.to_send(timezone.now() + DAY).exists()
    put(all_of_them[4], "sent", sent_at=timezone.now())  # its sender comes back
    waves.expire(timezone.now())
    assert now_are(all_of_them[4]) == ["expired"]


def test_closing_is_undone_exactly(running, lead):
    wave = running(opens_at=timezone.now())
    all_of_them = one_of_each(wave)
    waves.close(wave=wave, by=lead)
    other = factories.InvitationFactory(customer=all_of_them[1].customer, wave=None)  # asked something else since
    waves.reopen(wave=wave, by=lead)
    assert now_are(*all_of_them) == ["planned", "expired", "doubt", "answered", "sending", "bounced"]
    assert now_are(other) == ["sent"]
    wave.refresh_from_db()
    assert (wave.state, wave.closed_at) == ("running", None)


def test_a_wave_whose_time_is_over_is_closed_by_the_clock_and_not_opened_again(running, lead):
    wave = running(opens_at=timezone.now())
    Wave.objects.filter(pk=wave.pk).update(
        opens_at=timezone.now() - 9 * DAY, closes_at=timezone.now() - timedelta(seconds=1)
    )
    waves.sweep()
    wave.refresh_from_db()
    assert wave.state == "closed"
    assert states(wave) == ["cancelled"] * 6
    with pytest.raises(waves.OverAlready):
        waves.reopen(wave=wave, by=lead)


def test_links_that_have_run_out_end_whatever_asked(db):
    over, running = factories.InvitationFactory(wave=None, expires_at=timezone.now()), factories.InvitationFactory()
    waves.sweep()
    assert now_are(over, running) == ["expired", "sent"]


def test_who_must_be_asked_and_comes_late_is_invited_and_counted(running, lead):
    long_ago = timezone.now() - 300 * DAY
    SurveySettings.objects.create(pk=1, begins_on=long_ago.date())
    wave = running(opens_at=timezone.now())
    must, need_not = somebody(created_at=long_ago), somebody()
    assert planning.catch_up(timezone.now()) == 1
    assert planning.catch_up(timezone.now()) == 0
    late = wave.invitations.get(customer=must)
    assert (late.weight, late.due_at <= timezone.now()) == (1, True)
    assert not wave.invitations.filter(customer=need_not).exists()
    wave.refresh_from_db()
    assert sum(invitation.weight for invitation in wave.invitations.all()) == wave.strata["|standard|"]["there"] == 7


def test_open_pages_are_told(running, lead, django_capture_on_commit_callbacks):
    wave = running()
    LiveStream.objects.create(name=f"wave:{wave.pk}")
    with django_capture_on_commit_callbacks(execute=True):
        waves.pause(wave=wave, by=lead)
    assert LiveEvent.objects.get().kind == "wave"


# --- the figures of its page


def test_a_dry_run_says_who_and_why_not_and_writes_nothing(drafted, people):
    factories.ConsentFactory(customer=people[0], state="refused")
    must = somebody(created_at=timezone.now() - 300 * DAY)
    SurveySettings.objects.create(pk=1, begins_on=timezone.localdate() - 400 * DAY)
    run = rehearsing.dry_run(drafted(share=40))
    assert (run.drawn.audience, run.drawn.there, run.drawn.due, run.drawn.asked) == (7, 6, 1, 3)
    assert run.reasons == [("no_consent", 1), ("not_drawn", 3)]
    assert [person.must for person in run.sample if person == must] == [True]
    assert len(run.sample) == 3
    assert run.hindrances == []
    assert not Invitation.objects.exists()


def test_a_dry_run_tells_all_that_stands_in_the_way(drafted, people):
    run = rehearsing.dry_run(drafted(rest_days=10, next_on=sampling.day_of(timezone.now() + 400 * DAY)))
    assert len(run.hindrances) == 2


def test_those_it_would_ask_are_those_it_asks(drafted, people, lead):
    wave = drafted(share=50)
    would = {person.pk for person in rehearsing.dry_run(wave).sample}
    left = set(sampling.customers_left_out(wave, "not_drawn").values_list("pk", flat=True))
    waves.start(wave=wave, by=lead)
    planning.plan(wave.pk)
    assert set(wave.invitations.values_list("customer", flat=True)) == would
    assert {person.pk for person in people} - would == left
    assert set(sampling.customers_left_out(Wave.objects.get(), "not_drawn").values_list("pk", flat=True)) == left


def test_how_far_it_has_come(running):
    wave = running(opens_at=timezone.now())
    one_of_each(wave)
    found = rehearsing.progress(wave)
    assert (found.due, found.invited, found.left, found.waiting, found.doubt) == (6, 6, 3, 2, 1)
    assert (found.count(Invitation.State.ANSWERED), found.rates.asked, found.rates.reached) == (1, 3, 2)
    assert not found.late


def test_a_retired_survey_that_was_never_sent_is_refused(drafted, people, lead):
    wave = drafted()
    building.retire(survey=wave.version.survey, retired=True, by=lead)
    with pytest.raises(waves.NotReady):
        waves.start(wave=wave, by=lead)
