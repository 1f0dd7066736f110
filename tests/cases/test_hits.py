"""What searches found becomes a case by hand, by its search or by a rule, and else calls nobody."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases import hits, private, replies, routing
from cases.forms.settings import RuleForm
from cases.models import Case, Clock
from cases.search import read
from channels_app import listening, live, overheard
from channels_app.models import LiveEvent, Look, Message
from channels_app.outbox import write
from crm import consent
from crm.models import Activity
from tests import factories
from tests.cases.conftest import at, converse

pytestmark = pytest.mark.django_db


@pytest.fixture
def search(channel):
    return factories.SearchFactory(channel=channel, name="Late trains", words="skylark late")


@pytest.fixture
def found(talk, search):
    """`found("words", minute=3)`: a post of somebody who did not write to us, found and read."""

    def post(text="Skylark is late again", minute=0.0, **facts):
        return talk.customer_says(text, minute, **{"overheard": True, "found_by": search, **facts})

    return post


@pytest.fixture
def agent(team):
    return factories.UserFactory(teams=[team])


def cases():
    return Case.objects.count()


# --- routing


def test_a_hit_is_no_case_by_itself(found, channel):
    hit = found()
    assert routing.route(channel) == 1
    hit.refresh_from_db()
    assert (cases(), hit.routed_at is not None) == (0, True)


def test_what_stands_above_a_question_is_no_case_either(found, channel):
    found(found_by=None)
    routing.route(channel)
    assert cases() == 0


def test_a_search_may_bring_its_hits_straight_into_the_queue(found, channel, search, talk):
    type(search).objects.update(joins_queue=True)
    found("Skylark is late again", sentiment="negative")
    case = talk.route()
    assert (case.state, case.owner, case.team, case.sentiment) == ("new", None, channel.team, "negative")


def test_one_that_was_dismissed_is_not_brought_in_when_it_is_routed_again(found, channel, search):
    type(search).objects.update(joins_queue=True)
    found(dismissed_at=timezone.now())
    routing.route(channel)
    assert cases() == 0


def test_a_rule_brings_in_what_it_is_about(found, channel, talk):
    other = factories.TeamFactory()
    factories.RuleFactory(name="Angry and found", found=True, sentiments=["negative"], team=other, priority=2)
    found("Skylark is fine", sentiment="positive")
    routing.route(channel)
    assert cases() == 0
    found("Skylark is late again", minute=1, sentiment="negative")
    case = talk.route()
    assert (case.team, case.priority, case.entries.count()) == (other, 2, 1)


def test_a_rule_that_does_not_speak_of_searches_brings_in_nothing_and_acts_on_what_is_in(found, channel, search, talk):
    urgent = factories.RuleFactory(name="Angry", sentiments=["negative"], priority=1)
    found(sentiment="negative")
    routing.route(channel)
    assert cases() == 0
    type(search).objects.update(joins_queue=True)
    found(minute=1, sentiment="negative")
    assert talk.route().rule == urgent


def test_a_rule_for_what_was_said_to_us_leaves_hits_alone(found, search, talk):
    type(search).objects.update(joins_queue=True)
    factories.RuleFactory(name="Said to us", found=False, priority=1)
    found()
    assert talk.route().priority == 3


def test_more_of_the_customer_in_an_open_case_joins_it(talk, found):
    talk.customer_says("@brand where is my train?", 0)
    talk.route()
    found("Still waiting for skylark", minute=5)
    case = talk.route()
    assert case.entries.count() == 2
    assert case.last_message_at == at(5)


def test_what_was_found_of_before_stays_beside_the_case(talk, found):
    talk.customer_says("@brand where is my train?", 10)
    talk.route()
    found("Waiting for skylark", minute=5)
    case = talk.route()
    assert (case.entries.count(), case.opened_at) == (1, at(10))


def test_nothing_was_promised_to_who_did_not_write(found, search, talk):
    type(search).objects.update(joins_queue=True)
    found(minute=-60 * 24 * 4)  # days ago
    case = talk.route()
    assert not case.clocks.filter(kind__in=[Clock.Kind.ACKNOWLEDGE, Clock.Kind.ANSWER]).exists()
    assert not case.clocks.filter(broken_at__isnull=False).exists()
    assert case.opened_at > timezone.now() - timedelta(minutes=1)
    talk.customer_says("@brand thanks for finding me, but it is still late", minute=60 * 6)
    assert talk.route().clocks.filter(kind=Clock.Kind.ANSWER, ended_at=None).exists()


def test_once_it_is_said_to_us_it_opens_its_case(found, channel, talk):
    hit = found()
    routing.route(channel)
    Message.objects.filter(pk=hit.pk).update(overheard=False, found_by=None, routed_at=None)
    assert talk.route().entries.get().message == hit


def test_a_batch_without_hits_asks_nothing_more(talk, asked, channel):
    talk.customer_says()
    without = asked(lambda: routing.route_batch(channel))
    other = converse(channel)
    for minute in range(20):
        other.customer_says(minute=minute)
    assert asked(lambda: routing.route_batch(channel)) <= without


def test_a_batch_of_hits_asks_once_for_their_searches(found, channel, search, asked):
    type(search).objects.update(joins_queue=True)
    found()
    one = asked(lambda: routing.route_batch(channel))
    for minute in range(1, 21):
        found(minute=minute)
    assert asked(lambda: routing.route_batch(channel)) <= one + 2


# --- by hand


def test_a_hit_is_taken_into_the_queue_by_hand(found, channel, search, agent):
    hit = found()
    routing.route(channel)
    case = hits.take(message=hit, by=agent)
    assert (case.state, case.owner, case.entries.get().message) == ("new", None, hit)
    assert Activity.objects.about(case).get(verb="taken from listening").detail == "Late trains"


def test_it_is_taken_once(found, agent):
    hit = found()
    case = hits.take(message=hit, by=agent)
    with pytest.raises(hits.TakenAlready, match=f"#{case.pk}"):
        hits.take(message=hit, by=agent)


@pytest.mark.parametrize("gone", ["erased_at", "deleted_at"])
def test_what_is_gone_cannot_be_taken(found, agent, gone):
    hit = found(**{gone: timezone.now(), **({"text": "", "url": ""} if gone == "erased_at" else {})})
    with pytest.raises(hits.NothingToTake):
        hits.take(message=hit, by=agent)


def test_taking_is_undone_as_if_it_had_not_been(found, agent):
    hit = found()
    hits.take(message=hit, by=agent)
    hits.put_back(message=hit, by=agent)
    assert cases() == 0
    assert list(hits.under(hits.visible_to(agent), hits.Wanted())) == [hit]
    hits.take(message=hit, by=agent)
    assert cases() == 1


def test_a_case_somebody_works_on_stays(found, agent):
    hit = found()
    case = hits.take(message=hit, by=agent)
    replies.note(case=case, text="I know her.", by=agent)
    with pytest.raises(hits.WorkedOn, match=f"#{case.pk}"):
        hits.put_back(message=hit, by=agent)


def test_what_is_dismissed_leaves_the_list_and_can_be_taken_later(found, agent):
    hit = found()
    hits.dismiss(message=hit, by=agent)
    listed = hits.visible_to(agent)
    assert not hits.under(listed, hits.Wanted()).exists()
    assert list(hits.under(listed, hits.Wanted(state=hits.DISMISSED))) == [hit]
    hits.bring_back(message=hit, by=agent)
    assert list(hits.under(listed, hits.Wanted())) == [hit]


def test_what_was_said_to_us_is_no_hit(talk, agent):
    with pytest.raises(listening.NotFoundBySearch):
        hits.take(message=talk.customer_says(), by=agent)


def test_the_list_is_narrowed_by_search_mood_and_words(found, channel, agent):
    other = factories.SearchFactory(channel=channel)
    late, fine = found("Skylark is late", sentiment="negative"), found("Skylark is lovely", sentiment="positive")
    third = found("Skylark sold out", found_by=other, sentiment="neutral")
    listed = hits.visible_to(agent)
    assert set(hits.under(listed, hits.Wanted())) == {late, fine, third}
    assert list(hits.under(listed, hits.Wanted(search=other.pk))) == [third]
    assert list(hits.under(listed, hits.Wanted(sentiment="positive"))) == [fine]
    assert list(hits.under(listed, hits.Wanted(words=read("late")))) == [late]


def test_who_answers_nobody_sees_no_hits(found):
    found()
    assert not hits.visible_to(factories.UserFactory(role="sales")).exists()


# --- writing to them


def test_they_are_answered_in_public_like_everybody(found, agent, channel):
    case = hits.take(message=found(), by=agent)
    delivery = replies.reply(case=case, text="We are sorry. May we help?", by=agent)
    assert not delivery.message.private


def test_who_does_not_want_to_be_contacted_is_not_answered(found, agent):
    hit = found()
    case = hits.take(message=hit, by=agent)
    consent.forbid(customer=case.customer, how="By mail", by=agent)
    with pytest.raises(consent.MayNotContact):
        replies.reply(case=case, text="We are sorry. May we help?", by=agent)


def test_a_first_private_message_is_refused(found, agent):
    case = hits.take(message=found(), by=agent)
    with pytest.raises(consent.NotAsked, match="did not write to us"):
        private.move(case=case, text="Hello, we saw your post.", by=agent)


def test_unless_they_agreed_to_be_written_to(found, agent):
    case = hits.take(message=found(), by=agent)
    consent.record(customer=case.customer, purpose="care_reply", state="given", how="On the phone", by=agent)
    assert private.move(case=case, text="Hello, we saw your post.", by=agent).message.private


def test_or_have_written_to_us_since(found, talk, agent):
    hit = found()
    case = hits.take(message=hit, by=agent)
    talk.customer_says("Yes please, help me", minute=400)
    talk.route()
    assert overheard.has_written(hit)
    assert private.move(case=case, text="Gladly.", by=agent).message.private


def test_nothing_private_leaves_by_the_outbox_alone_either(found, agent):
    with pytest.raises(consent.NotAsked):
        write(answer_to=found(), text="Hello", by=agent, private=True)


# --- in the conversation


def test_what_stands_above_shows_in_the_conversation_marked_and_opens_no_case(talk, client, agent, channel):
    talk.customer_says("@brand yours was late!", 5, parent_external_id="above")
    case = talk.route()
    somebody = factories.IdentityFactory(customer=factories.CustomerFactory(), place=channel.place)
    above = talk.customer_says("All trains are late.", 1, by=somebody, overheard=True, external_id="above")
    assert talk.route() == case
    assert cases() == 1
    client.force_login(agent)
    shown = client.get(f"/cases/{case.pk}/").content.decode()
    assert above.text in shown
    assert "not said to us" in shown
    assert "They did not write to us" not in shown


def test_an_open_case_is_told_of_what_came_to_stand_beside_it(talk, channel, django_capture_on_commit_callbacks):
    talk.customer_says("@brand yours was late!", 5)
    case = talk.route()
    live.follow(f"case:{case.pk}", 0)
    talk.customer_says("All trains are late.", 1, overheard=True)
    with django_capture_on_commit_callbacks(execute=True):
        talk.route()
    assert LiveEvent.objects.filter(stream=f"case:{case.pk}", kind="message").exists()


def test_the_composer_says_that_they_did_not_write_until_they_do(found, talk, client, agent):
    case = hits.take(message=found(), by=agent)
    client.force_login(agent)
    assert "They did not write to us" in client.get(f"/cases/{case.pk}/").content.decode()
    talk.customer_says("@brand yes, please help", minute=400)
    talk.route()
    assert "They did not write to us" not in client.get(f"/cases/{case.pk}/").content.decode()


def test_what_stands_above_a_hit_is_fetched_once_it_is_taken(found, agent):
    hits.take(message=found(parent_external_id="above"), by=agent)
    assert Look.objects.get().above_since is not None


# --- the rule


def test_a_rule_says_in_words_that_it_is_about_what_was_found(client):
    client.force_login(factories.UserFactory(role="lead"))
    factories.RuleFactory(name="Angry and found", found=True)
    assert "found by a search" in client.get("/settings/rules/").content.decode()


@pytest.mark.parametrize(("event", "fits"), [("message", True), ("resolved", False)])
def test_only_a_rule_about_what_is_written_may_ask_for_it(event, fits):
    form = RuleForm({"name": "Found", "position": "1", "event": event, "found": "True", "notify_owner": "on"})
    assert form.is_valid() is fits
    assert fits or "Only a rule about what a customer writes" in str(form.errors["found"])
