"""What somebody answers is kept at once; what they are asked follows from it, and from what we know already."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app.models import LiveEvent, LiveStream
from crm import consent, merging
from crm.models import Consent
from surveys import answering, checking, standing
from surveys.models import Answer, Flag, Invitation, Response
from tests import factories
from tests.surveys.asking import asked, say, send, survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def invitation(db):
    """The recommendation, why, and whether we may call."""
    return send(survey())


def keys(invitation):
    """Of the questions somebody sees, as far as known."""
    return [question.key for question in standing.of(invitation, timezone.now()).path]


def answers(invitation):
    rows = Answer.objects.filter(response__invitation=invitation).order_by("question__position")
    return {row.question.key: row.value for row in rows.select_related("question")}


# --- kept as it is given


def test_each_answer_is_kept_at_once_and_the_last_one_finishes(invitation, nudges, django_capture_on_commit_callbacks):
    LiveStream.objects.create(name=f"wave:{invitation.wave_id}")
    stands = say(invitation, "nps", 9)
    assert (stands.current.key, stands.response.score, stands.response.finished_at) == ("text2", 9, None)
    stands = say(invitation, "text2", "Always on time.")
    assert stands.current.key == "consent3"
    with django_capture_on_commit_callbacks(execute=True):
        stands = say(invitation, "consent3", True)
    assert stands.current is None
    assert answers(invitation) == {"nps": 9, "text2": "Always on time.", "consent3": True}
    invitation.refresh_from_db()
    response = Response.objects.get()
    assert (invitation.state, invitation.ended_at) == ("answered", response.finished_at)
    assert (response.group, response.started_at <= response.finished_at) == ("promoter", True)
    assert ("surveys.jobs.suggest_themes", response.pk) in nudges
    assert LiveEvent.objects.get().stream == f"wave:{invitation.wave_id}"  # its open pages look again


def test_an_answer_can_be_changed_until_the_survey_is_finished(invitation):
    say(invitation, "nps", 9)
    stands = say(invitation, "nps", 3)
    assert (answers(invitation), stands.response.score) == ({"nps": 3}, 3)
    say(invitation, "text2", "")
    say(invitation, "consent3", None)
    with pytest.raises(answering.AnsweredAlready):
        say(invitation, "nps", 10)
    assert Response.objects.get().score == 3


def test_passing_over_a_question_goes_on_and_says_nothing(invitation):
    say(invitation, "nps", None)
    say(invitation, "text2", "  \n ")
    assert say(invitation, "consent3", None).response.finished_at
    response = Response.objects.get()
    assert (response.score, response.group) == (None, "")
    assert not Answer.objects.verbatims().exists()
    assert not Consent.objects.exists()


def test_nobody_goes_ahead_of_the_path(invitation):
    with pytest.raises(standing.NotAsked):
        say(invitation, "consent3", True)
    elsewhere = send(survey())
    with pytest.raises(standing.NotAsked):
        answering.answer(
            invitation=invitation, question=elsewhere.version.questions.first(), value=9, at=timezone.now()
        )
    assert not Response.objects.exists()
    assert not Consent.objects.exists()


def test_it_is_resumed_wherever_the_link_is_opened(invitation):
    say(invitation, "nps", 9, device="telephone", language="en")
    again = Invitation.objects.get(pk=invitation.pk)
    assert answering.look(again, timezone.now()).current.key == "text2"
    say(again, "text2", "Good", device="computer")
    say(again, "consent3", False)
    assert Response.objects.get().device == "computer"


def test_a_customer_who_was_merged_answers_as_who_stands_for_them(invitation, agent):
    survivor = factories.CustomerFactory()
    merging.merge(survivor=survivor, absorbed=invitation.customer, by=agent)
    invitation = Invitation.objects.get(pk=invitation.pk)
    say(invitation, "nps", 9)
    say(invitation, "text2", "")
    say(invitation, "consent3", True)
    assert Consent.objects.get().customer == survivor


# --- branches


@pytest.fixture
def branched(db):
    """Detractors are asked what went wrong, all others what they like; a scale ends it."""
    version = survey("nps")
    nps = version.questions.get()
    factories.ConditionFactory(question=asked(version, "text", key="wrong"), about=nps)
    factories.ConditionFactory(question=asked(version, "text", key="liked"), about=nps, test="at_least", values=[7])
    asked(version, "scale", key="again")
    return send(version)


def test_a_changed_score_leads_another_way_and_drops_what_was_said_on_the_first(branched):
    say(branched, "nps", 9)
    say(branched, "liked", "The crew")
    stands = say(branched, "nps", 2)
    assert (answers(branched), stands.current.key) == ({"nps": 2}, "wrong")
    with pytest.raises(standing.NotAsked):
        say(branched, "liked", "The crew")
    say(branched, "wrong", "The delay")
    say(branched, "again", 4)
    assert answers(branched) == {"nps": 2, "wrong": "The delay", "again": 4}


def test_a_change_that_leaves_nothing_to_ask_finishes(db):
    version = survey("nps")
    nps = version.questions.get()
    factories.ConditionFactory(question=asked(version, "text", key="wrong"), about=nps)
    invitation = send(version)
    say(invitation, "nps", 2)
    assert say(invitation, "nps", 9).response.finished_at


def test_a_branch_follows_a_fact_of_the_record(db):
    version = survey("nps")
    factories.ConditionFactory(
        question=asked(version, "text", key="key_only"), about=None, fact="tier", test="one_of", values=["key"]
    )
    invitation = send(version, customer=factories.CustomerFactory(tier="key"))
    assert keys(invitation) == ["nps", "key_only"]
    assert keys(send(version, wave=None)) == ["nps"]


# --- never asked twice (M42)


def test_a_fact_on_the_record_is_not_asked(db):
    version = survey("nps")
    asked(version, "text", key="country", fact="country")
    assert keys(send(version, customer=factories.CustomerFactory(country="NZ"))) == ["nps"]
    assert keys(send(version, wave=None, customer=factories.CustomerFactory(country=""))) == ["nps", "country"]


def test_what_was_answered_within_its_shelf_life_is_not_asked_again_and_still_decides(db):
    first = survey("nps")
    asked(first, "choice", key="travels", choices=["work", "home"], shelf_days=365)
    earlier = send(first)
    say(earlier, "nps", 9)
    say(earlier, "travels", ["work"])

    second = survey("nps")
    again = asked(second, "choice", key="travels", choices=["work", "home"], shelf_days=365)
    factories.ConditionFactory(
        question=asked(second, "text", key="at_work"), about=again, test="one_of", values=["work"]
    )
    later = send(second, customer=earlier.customer)
    assert keys(later) == ["nps", "at_work"]
    assert keys(send(second, wave=None)) == ["nps", "travels"]
    Answer.objects.update(answered_at=timezone.now() - timedelta(days=366))
    assert keys(later) == ["nps", "travels"]


@pytest.mark.parametrize(
    ("choices", "kept"), [(["work", "home"], []), (["train", "plane"], ["work"])], ids=["passed over", "other choices"]
)
def test_what_is_no_answer_here_is_asked(db, choices, kept):
    first = survey("nps")
    asked(first, "choice", key="travels", choices=["work", "home"], shelf_days=365)
    earlier = send(first)
    say(earlier, "nps", 9)
    say(earlier, "travels", kept)
    second = survey("nps")
    asked(second, "choice", key="travels", choices=choices, shelf_days=365)
    assert keys(send(second, customer=earlier.customer)) == ["nps", "travels"]


@pytest.mark.parametrize("state", ["given", "refused"])
def test_a_permission_on_the_record_is_not_asked(invitation, state):
    consent.record(customer=invitation.customer, purpose="call", state=state, how="On the telephone", by=None)
    assert keys(invitation) == ["nps", "text2"]


def test_what_was_said_behind_this_link_stays_on_its_path(db):
    version = survey("nps")
    asked(version, "choice", key="travels", choices=["work", "home"], shelf_days=365)
    asked(version, "consent", key="may_call")
    asked(version, "text", key="more")
    invitation = send(version)
    say(invitation, "nps", 9)
    say(invitation, "travels", ["work"])
    say(invitation, "may_call", True)
    assert keys(invitation) == ["nps", "travels", "may_call", "more"]
    assert standing.of(invitation, timezone.now()).percent == 75


# --- permissions


def test_a_permission_holds_at_once_and_says_where_it_comes_from(invitation):
    say(invitation, "nps", 9)
    say(invitation, "text2", "")
    say(invitation, "consent3", True)
    change = invitation.customer.consent_changes.get()
    assert (change.purpose, change.to, change.by) == ("call", "given", None)
    assert change.how == f"Said so in the survey “{invitation.version.survey}”"


def test_being_quoted_is_allowed_for_this_response_alone(db):
    version = survey("nps")
    asked(version, "consent", key="quote", permission="quote")
    asked(version, "text", key="more")
    invitation = send(version)
    say(invitation, "nps", 9)
    assert say(invitation, "quote", True).response.quotable_at
    assert say(invitation, "quote", False).response.quotable_at is None
    assert not Consent.objects.exists()


def test_who_wants_no_further_surveys_may_finish_this_one(db):
    version = survey("nps")
    asked(version, "consent", key="again", permission="survey")
    asked(version, "text", key="more")
    invitation = send(version)
    say(invitation, "nps", 9)
    say(invitation, "again", False)
    assert say(invitation, "more", "That was all").response.finished_at
    assert not consent.may_contact(invitation.customer, "survey")


# --- over


def test_withdrawn_between_opening_and_sending_nothing_is_kept(invitation):
    answering.look(invitation, timezone.now())
    consent.record(customer=invitation.customer, purpose="survey", state="refused", how="On the telephone", by=None)
    with pytest.raises(answering.NotWanted) as refusal:
        say(invitation, "nps", 9)
    assert str(refusal.value) == "You asked us for no more surveys, so we keep no further answers."
    assert not Response.objects.exists()


def test_no_contact_at_all_ends_it_also_for_who_said_so_within_the_survey(db):
    version = survey("nps")
    asked(version, "consent", key="again", permission="survey")
    asked(version, "text", key="more")
    invitation = send(version)
    say(invitation, "nps", 9)
    say(invitation, "again", False)
    consent.forbid(customer=invitation.customer, how="By letter", by=None)
    with pytest.raises(answering.NotWanted):
        say(invitation, "more", "One more thing")


def test_a_link_runs_out(invitation):
    until = invitation.expires_at
    say(invitation, "nps", 9, at=until - timedelta(seconds=1))
    with pytest.raises(answering.Expired):
        say(invitation, "text2", "Too late", at=until)
    assert answers(invitation) == {"nps": 9}


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ("expired", answering.Expired),
        ("bounced", answering.Over),
        ("cancelled", answering.Over),
        ("answered", answering.AnsweredAlready),
    ],
)
def test_what_has_ended_takes_no_answer(db, state, refusal):
    invitation = send(survey(), state=state, ended_at=timezone.now(), reason="Because")
    with pytest.raises(refusal):
        say(invitation, "nps", 9)
    assert not Answer.objects.exists()


@pytest.mark.parametrize("state", ["planned", "sending", "doubt"])
def test_who_answers_was_reached_whatever_the_sender_knows(db, state):
    invitation = send(survey("nps"), state=state, sent_at=None)
    say(invitation, "nps", 9)
    invitation.refresh_from_db()
    assert (invitation.state, invitation.sent_at is not None) == ("answered", True)


# --- bad input


@pytest.mark.parametrize("score", [11, -1, 100, True, "9", [9], 9.0])
def test_a_score_is_a_whole_number_from_0_to_10(invitation, score):
    with pytest.raises(checking.ScoreOutOfRange) as refusal:
        say(invitation, "nps", score)
    assert str(refusal.value) == "Please choose a number from 0 to 10."
    assert not Response.objects.exists()


@pytest.mark.parametrize("score", range(11))
def test_every_score_is_taken(invitation, score):
    group = "promoter" if score > 8 else "passive" if score > 6 else "detractor"
    say(invitation, "nps", score)
    assert Response.objects.get().group == group


def test_a_text_of_a_megabyte_is_refused_and_4000_characters_are_kept(invitation):
    say(invitation, "nps", 9)
    with pytest.raises(checking.TooLong) as refusal:
        say(invitation, "text2", "x" * 1_000_000)
    assert str(refusal.value) == "That is 1,000,000 characters long. Please shorten it to 4,000."
    written = "a\r\n" * 1_999 + "bc"  # 5,999 characters, of which a browser counts each line's end once
    say(invitation, "text2", f"  {written}\x00 ")
    assert answers(invitation)["text2"] == written.replace("\r\n", "\n")


def test_a_scale_keeps_within_its_ends(db):
    version = survey("nps")
    asked(version, "scale", key="seat", low=-2, high=2)
    invitation = send(version)
    say(invitation, "nps", 9)
    with pytest.raises(checking.ScoreOutOfRange):
        say(invitation, "seat", 3)
    say(invitation, "seat", -2)
    assert answers(invitation)["seat"] == -2


@pytest.mark.parametrize(
    ("value", "refusal"),
    [(["bus"], checking.NotAChoice), ("work", checking.NotAChoice), (["work", "home"], checking.OnlyOne)],
)
def test_a_choice_is_one_of_those_offered(db, value, refusal):
    version = survey("nps")
    asked(version, "choice", key="travels", choices=["work", "home"])
    invitation = send(version)
    say(invitation, "nps", 9)
    with pytest.raises(refusal):
        say(invitation, "travels", value)


def test_several_are_kept_once_each_in_the_order_of_the_question(db):
    version = survey("nps")
    asked(version, "choice", key="travels", choices=["work", "home", "fun"], several=True)
    asked(version, "text", key="more")
    invitation = send(version)
    say(invitation, "nps", 9)
    say(invitation, "travels", ["fun", "work", "fun"])
    assert answers(invitation)["travels"] == ["work", "fun"]


@pytest.mark.parametrize(("kind", "nothing"), [("scale", None), ("text", " "), ("choice", []), ("consent", None)])
def test_what_must_be_answered_is_not_passed_over(db, kind, nothing):
    version = survey("nps")
    asked(version, kind, key="must", required=True)
    invitation = send(version)
    say(invitation, "nps", 9)
    with pytest.raises(checking.MustBeAnswered):
        say(invitation, "must", nothing)


# --- clocks


def test_times_never_run_backwards_when_a_clock_of_ours_does(invitation):
    now = timezone.now()
    say(invitation, "nps", 9, at=now)
    say(invitation, "text2", "An hour ago", at=now - timedelta(hours=1))
    response = say(invitation, "consent3", None, at=now - timedelta(hours=2)).response
    assert response.started_at == now
    assert response.finished_at >= response.started_at
    assert {row.answered_at for row in response.answers.all()} == {now}


@pytest.mark.parametrize("seconds", [-5.0, 10**9, None, float("nan")])
def test_a_time_that_cannot_be_tells_nothing(invitation, seconds):
    say(invitation, "nps", 9, seconds=seconds)
    assert Answer.objects.get().seconds is None


def test_looking_at_a_question_twice_takes_as_long_as_both(invitation):
    say(invitation, "nps", 9, seconds=4.0)
    say(invitation, "nps", 8, seconds=2.5)
    assert Answer.objects.get().seconds == 6.5


# --- opening


def test_to_look_changes_nothing_and_to_open_notes_when_first(invitation):
    now = timezone.now()
    answering.look(invitation, now)
    invitation.refresh_from_db()
    assert invitation.opened_at is None
    answering.opened(invitation, now)
    answering.opened(Invitation.objects.get(pk=invitation.pk), now + timedelta(hours=1))
    invitation.refresh_from_db()
    assert invitation.opened_at == now
    assert not Response.objects.exists()


# --- many at once


def test_many_stand_somewhere_with_a_fixed_number_of_queries(db):
    def asks(n):
        version = survey()
        rows = [send(version) for _ in range(n)]
        for row in rows:
            say(row, "nps", 9)
        with CaptureQueriesContext(connection) as seen:
            for stands in standing.of_many(rows, timezone.now()):
                assert (stands.percent, stands.current.text("en")) == (33, "What about text2?")
        return len(seen)

    assert asks(1) == asks(20)


def test_a_device_is_the_same_within_a_wave_and_unknown_beyond():
    one, other = factories.InvitationFactory(), factories.InvitationFactory()
    neighbour = factories.InvitationFactory(wave=one.wave)
    traits = ("192.0.2.1", "Browser")
    assert answering.device(one, *traits) == answering.device(neighbour, *traits) != answering.device(other, *traits)
    assert answering.device(one, "192.0.2.2", "Browser") != answering.device(one, *traits)
    assert answering.device(one, "", "") == ""
    assert answering.device(factories.InvitationFactory(wave=None), *traits) == ""


def test_a_finished_answer_is_looked_at_for_what_is_odd(db):
    version = survey("nps", "scale", "scale", "scale", "scale")
    invitation = send(version)
    say(invitation, "nps", 4)
    for key in ("scale2", "scale3", "scale4", "scale5"):
        say(invitation, key, 4)
    assert [flag.kind for flag in Flag.objects.all()] == ["straight"]
