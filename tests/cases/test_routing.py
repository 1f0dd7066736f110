"""From a message to its case."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import jobs, resolution, routing
from cases.models import Case, CaseMessage, Priority
from cases.subjects import subject_of
from channels_app.models import Message
from crm.models import Activity
from tests import factories
from tests.cases.conftest import at, converse

pytestmark = pytest.mark.django_db

QUERIES = 33  # of one batch on a channel that can reply, whatever is in it


# --- joins or opens


def test_a_first_message_opens_a_case_of_its_customer(talk, channel):
    talk.customer_says("@brand My bag never came", language="en", sentiment="negative")
    case = talk.route()
    assert (case.state, case.owner, case.team, case.channel) == ("new", None, channel.team, channel)
    assert (case.subject, case.sentiment, case.language) == ("My bag never came", "negative", "en")
    assert case.opened_at == case.waiting_since == case.last_message_at == at(0)
    assert case.identity == talk.customer


def test_the_next_message_on_the_thread_joins_the_open_case(talk):
    talk.customer_says(minute=0)
    first = talk.route()
    talk.customer_says("Still late.", minute=5)
    case = talk.route()
    assert case == first
    assert case.entries.count() == 2
    assert (case.waiting_since, case.last_message_at) == (at(0), at(5))  # we owe an answer since the first


def test_another_customer_on_the_same_thread_has_a_case_of_their_own(talk):
    other = factories.IdentityFactory(customer=factories.CustomerFactory(name="Another"))
    talk.customer_says(minute=0)
    talk.customer_says("Same here!", minute=1, by=other)
    talk.route()
    cases = Case.objects.filter(thread=talk.thread).order_by("id")
    assert [case.identity for case in cases] == [talk.customer, other]
    assert [case.entries.count() for case in cases] == [1, 1]


def test_two_handles_of_one_customer_on_a_thread_share_the_case(talk):
    second = factories.IdentityFactory(customer=talk.customer.links.get().customer)
    talk.customer_says(minute=0)
    talk.customer_says("It is me again, from my other account", minute=1, by=second)
    assert talk.route().entries.count() == 2


def test_another_thread_of_the_same_customer_is_another_case(talk, channel):
    other = factories.ThreadFactory(channel=channel)
    talk.customer_says()
    factories.MessageFactory(thread=other, identity=talk.customer, routed_at=None)
    talk.route()
    assert Case.objects.count() == 2


def test_a_message_not_yet_read_waits(talk):
    talk.customer_says(read_at=None)
    routing.route(talk.channel)
    assert not Case.objects.exists()


def test_a_message_of_another_channel_is_left_alone(talk, archive):
    talk.customer_says()
    routing.route(archive)
    assert not Case.objects.exists()


def test_the_subject_is_what_the_customer_said_without_the_handles_ahead():
    assert subject_of("@brand @other_brand: where is\n my  bag?") == "where is my bag?"
    assert subject_of("@brand.bsky.social: late") == "late"
    assert subject_of("@brand@mastodon.social @maria@127.0.0.1:81 late") == "late"
    assert subject_of("@brand") == "@brand"
    assert subject_of("") == "(no words)"
    assert len(subject_of("word " * 100)) == 200


# --- whose turn it is


def test_our_answer_from_the_networks_own_app_makes_the_case_wait(talk):
    talk.customer_says(minute=0)
    talk.we_say(minute=3)
    case = talk.route()
    assert (case.state, case.first_answered_at, case.waiting_since) == ("waiting", at(3), at(3))


def test_who_writes_again_is_waiting_for_us_again(talk, agent):
    talk.customer_says(minute=0)
    talk.we_say(minute=3)
    talk.route()
    talk.customer_says("No, the other train.", minute=9)
    case = talk.route()
    assert (case.state, case.waiting_since) == ("new", at(9))


def test_who_writes_again_comes_back_to_the_owner(talk, agent):
    talk.customer_says(minute=0)
    talk.we_say(minute=3)
    Case.objects.filter(pk=talk.route().pk).update(owner=agent)
    talk.customer_says("No, the other train.", minute=9)
    case = talk.route()
    assert (case.state, case.owner) == ("open", agent)


def test_our_own_post_first_opens_a_case_that_waits_and_the_answer_to_it_is_placed_by_the_rules(talk):
    bookings = factories.TeamFactory(name="Bookings")
    rule = factories.RuleFactory(words=["refund"], team=bookings, priority=Priority.HIGH)
    talk.we_say("Have you asked for your refund yet?", minute=0)
    case = talk.route()
    assert (case.state, case.team, case.rule) == ("waiting", talk.channel.team, None)  # rules do not read our own words
    talk.customer_says("I have! Where is my refund?", minute=5, language="en")
    case = talk.route()
    assert (case.state, case.team, case.rule, case.priority) == ("new", bookings, rule, Priority.HIGH)
    assert case.subject == "I have! Where is my refund?"


def test_our_own_post_to_nobody_we_know_opens_nothing(talk):
    ours = talk.we_say(identity=None)
    routing.route(talk.channel)
    ours.refresh_from_db()
    assert ours.routed_at
    assert not Case.objects.exists()


def test_our_own_post_to_nobody_we_know_stands_in_the_case_its_thread_has(talk):
    talk.customer_says(minute=0)
    talk.we_say(minute=1, identity=None)
    assert talk.route().state == "waiting"


def test_our_own_post_to_nobody_we_know_that_came_first_joins_the_case_its_thread_gets(talk):
    ours = talk.we_say(minute=1, identity=None)
    routing.route(talk.channel)
    talk.customer_says(minute=0)
    case = talk.route()
    assert (case.state, case.entries.filter(message=ours).exists()) == ("waiting", True)


def test_what_somebody_says_whose_handle_is_nobodys_lands_in_no_customers_case(talk):
    talk.customer_says(minute=0)
    talk.customer_says("My card number is …", minute=1, by=factories.IdentityFactory())
    assert talk.route().entries.count() == 1


# --- reopening


@pytest.fixture
def settled(talk, agent):
    """A conversation whose case is resolved."""
    talk.customer_says("My train is late.", minute=0)
    factories.resolved(talk.route(), agent)
    return talk


def test_writing_again_reopens_a_resolved_case_with_its_owner(settled, agent):
    settled.customer_says("It is late again today!", minute=60)
    case = settled.route()
    assert (case.state, case.owner, case.reopenings, case.waiting_since) == ("open", agent, 1, at(60))
    assert (case.resolved_at, case.resolved_by, case.cause) == (None, None, None)
    assert Activity.objects.about(case).get(verb="reopened").by is None


def test_a_case_without_an_owner_reopens_in_the_queue(settled):
    Case.objects.update(owner=None)
    settled.customer_says("It is late again today!", minute=60)
    assert settled.route().state == "new"


def test_a_bare_thanks_stands_in_the_case_and_leaves_it_resolved(settled):
    settled.customer_says("Thank you so much! 🙏", minute=60)
    case = settled.route()
    assert (case.state, case.reopenings) == ("resolved", 0)
    assert (case.entries.count(), case.last_message_at) == (2, at(60))


def test_thanks_with_a_question_reopens_it(settled):
    settled.customer_says("Thanks. When will it arrive?", minute=60)
    assert settled.route().state == "open"


def test_our_own_post_does_not_reopen_a_case(settled):
    settled.we_say("Glad to help!", minute=60)
    assert settled.route().state == "resolved"


def test_something_said_before_the_end_and_stored_after_it_does_not_reopen_it(settled):
    Case.objects.update(last_message_at=at(30))
    settled.customer_says("An old post that comes only now", minute=20)
    assert settled.route().state == "resolved"


# --- priority


def test_a_message_that_a_more_urgent_rule_places_raises_the_priority(talk):
    talk.customer_says(minute=0)
    assert talk.route().priority == Priority.NORMAL
    rule = factories.RuleFactory(words=["lawyer"], priority=Priority.URGENT)
    talk.customer_says("You will hear from my lawyer", minute=5)
    case = talk.route()
    assert (case.priority, case.rule) == (Priority.URGENT, rule)


def test_a_message_that_a_less_urgent_rule_places_never_lowers_it(talk):
    urgent = factories.RuleFactory(words=["lawyer"], priority=Priority.URGENT)
    factories.RuleFactory(words=["lovely"], priority=Priority.LOW)
    talk.customer_says("You will hear from my lawyer", minute=0)
    talk.customer_says("What a lovely day", minute=5)
    case = talk.route()
    assert (case.priority, case.rule) == (Priority.URGENT, urgent)


def test_raising_the_priority_leaves_the_case_with_its_team(talk):
    talk.customer_says(minute=0)
    team = talk.route().team
    factories.RuleFactory(words=["lawyer"], priority=Priority.URGENT, team=factories.TeamFactory())
    talk.customer_says("You will hear from my lawyer", minute=5)
    assert talk.route().team == team


def test_a_case_shows_the_rule_that_put_it_there(talk, as_user, agent):
    factories.RuleFactory(name="Key customers first", tiers=["key"], priority=Priority.HIGH)
    vip = converse(talk.channel, tier="key")
    vip.customer_says()
    case = vip.route()
    assert "Key customers first" in as_user(agent).get("/queue/").content.decode()
    assert "Placed by rule “Key customers first”" in as_user(agent).get(f"/cases/{case.pk}/").content.decode()


def followed(talk, followers):
    """The priority of a case of somebody whom so many follow under another of their names."""
    customer = talk.customer.links.get().customer
    factories.IdentityFactory(customer=customer, place="warble", reach=followers)
    talk.customer_says()
    return talk.route().priority


def test_reach_raises_nothing_where_no_rule_asks_for_it(talk):
    factories.RuleFactory(tiers=["key"], priority=Priority.URGENT)
    factories.RuleFactory(words=["refund"], priority=Priority.HIGH)
    assert followed(talk, 50_000_000) == Priority.NORMAL


def test_reach_raises_what_a_rule_of_the_team_says(talk):
    factories.RuleFactory(name="Many are listening", reach_at_least=10_000, priority=Priority.HIGH)
    assert followed(talk, 15_300) == Priority.HIGH
    assert talk.case().rule.name == "Many are listening"


def test_a_rule_on_reach_leaves_whom_few_follow(talk):
    factories.RuleFactory(reach_at_least=10_000, priority=Priority.HIGH)
    assert followed(talk, 9_999) == Priority.NORMAL


def test_a_following_that_is_not_confirmed_as_theirs_does_not_count(talk):
    factories.RuleFactory(reach_at_least=10_000, priority=Priority.HIGH)
    customer = talk.customer.links.get().customer
    factories.IdentityLinkFactory(customer=customer, identity__reach=99_000, state="proposed")
    assert followed(talk, 5) == Priority.NORMAL


def test_a_rule_on_reach_costs_no_query_more(channel):
    counts = []
    for reach in (None, 10):
        factories.RuleFactory(reach_at_least=reach, priority=Priority.HIGH, words=["bag"])
        talk = converse(channel)
        talk.customer_says("My bag is gone")
        with CaptureQueriesContext(connection) as queries:
            routing.route_batch(talk.channel)
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- once, and at a fixed price


def test_routing_twice_does_nothing_more(talk, nudges):
    talk.customer_says()
    talk.we_say(minute=1)
    before = talk.route()
    jobs.route_message(talk.channel.pk)
    assert Case.objects.get() == before
    assert CaseMessage.objects.count() == 2
    assert routing.route(talk.channel) == 0


def test_a_message_already_in_its_case_is_not_counted_as_said_again(settled):
    """Joining threads routes their messages anew; that is nothing the customer did."""
    Message.objects.update(routed_at=None)
    case = settled.route()
    assert (case.state, case.reopenings, case.entries.count()) == ("resolved", 0, 1)


def test_every_routed_message_says_so(talk):
    talk.customer_says()
    talk.we_say(minute=1)
    talk.route()
    assert not Message.objects.filter(routed_at=None).exists()


def crowd(channel, size):
    """`size` messages of many customers, on new threads and on standing ones, answered and not, early and late."""
    standing = [converse(channel) for _ in range(size // 5)]
    for talk in standing:
        talk.customer_says(minute=10)
    routing.route(channel)
    for talk in standing:
        talk.customer_says("And another thing", minute=20)
        talk.we_say(minute=15)
        talk.customer_says("Which I forgot", minute=5)
        for text in ("Me too", "Same"):
            converse(channel).customer_says(text)


@pytest.mark.parametrize("size", [5, 300])
def test_a_batch_costs_a_fixed_number_of_queries(channel, size):
    for position in range(3):
        factories.RuleFactory(position=position, words=["nothing"]).channels.set([channel])
    crowd(channel, size)
    assert Message.objects.to_route().count() == size
    with CaptureQueriesContext(connection) as captured:
        routing.route_batch(channel)
    assert not Message.objects.to_route().exists()
    assert len(captured) == QUERIES, "\n".join(q["sql"][:150] for q in captured)


def test_a_resolved_case_can_be_undone_after_a_thanks(settled, agent):
    settled.customer_says("Thank you!", minute=60)
    case = resolution.reopen(case=settled.route(), by=agent)
    assert case.state == "open"
