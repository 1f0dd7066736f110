"""What the customer of a case wants, what it is about and how soon: from what they said, however it comes in."""

import pytest

from cases import deeds, joining, rehearing, routing
from cases.models import Case
from cases.models.wants import Wants
from channels_app import live
from channels_app.learning import correcting
from channels_app.models import LiveEvent
from tests import factories
from tests.cases.conftest import at, converse

pytestmark = pytest.mark.django_db

COMPLAINT = {"intent": "complaint", "topic": "price", "urgency": "medium"}
QUESTION = {"intent": "question", "topic": "none", "urgency": "low"}
NUMBER = {"intent": "other", "topic": "none", "urgency": "low"}  # "it is ABC123"
STRANDED = {"intent": "complaint", "topic": "product", "urgency": "high"}


def wants(case):
    return Wants.of(Case.objects.get(pk=case.pk))


# --- as it comes in


def test_a_new_case_wants_what_its_first_message_wants(talk):
    talk.customer_says("You charged me twice", **COMPLAINT)
    assert wants(talk.route()) == ("complaint", "price", "medium")


def test_the_last_message_that_wants_something_decides(talk):
    talk.customer_says("You charged me twice", minute=0, **COMPLAINT)
    talk.route()
    talk.customer_says("And I stand at the gate, nobody lets me in", minute=5, **STRANDED)
    assert wants(talk.route()) == ("complaint", "product", "high")


def test_a_number_or_a_thanks_takes_back_nothing_that_was_wanted(talk):
    talk.customer_says("I stand at the gate, nobody lets me in", minute=0, **STRANDED)
    talk.customer_says("ABC123", minute=1, **NUMBER)
    assert wants(talk.route()) == ("complaint", "product", "high")


def test_a_question_that_names_no_topic_leaves_the_topic(talk):
    talk.customer_says("You charged me twice", minute=0, **COMPLAINT)
    talk.customer_says("Any news?", minute=1, **QUESTION)
    assert wants(talk.route()) == ("question", "price", "low")


def test_what_could_not_be_read_changes_nothing(talk):
    talk.customer_says("You charged me twice", minute=0, **COMPLAINT)
    talk.customer_says("ねえ", minute=1)
    assert wants(talk.route()) == ("complaint", "price", "medium")


def test_what_we_say_wants_nothing(talk):
    talk.we_say("Anything else?", minute=0, **QUESTION)
    talk.customer_says("You charged me twice", minute=1, **COMPLAINT)
    talk.we_say("Which card?", minute=2, **QUESTION)
    assert wants(talk.route()) == ("complaint", "price", "medium")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_it_ends_the_same_in_whatever_order_posts_come(talk, order):
    said = [("You charged me twice", COMPLAINT), ("Any news?", QUESTION), ("ABC123", NUMBER)]
    for minute in order:
        text, facts = said[minute]
        talk.customer_says(text, minute=minute, **facts)
        talk.route()
    assert wants(talk.case()) == ("question", "price", "low")


def test_a_batch_of_many_cases_costs_the_queries_of_one(channel, asked):
    def arrive(n):
        for _ in range(n):
            talk = converse(channel)
            talk.customer_says(minute=1, **QUESTION)
            talk.route()
            talk.customer_says(minute=0, **COMPLAINT)  # late
        return asked(lambda: routing.route_batch(channel))

    arrive(1)
    assert arrive(20) == arrive(1)


# --- joined, put apart


@pytest.fixture
def two(channel, agent):
    """Two cases of one customer: a complaint, and later a question."""
    one = factories.CaseFactory(channel=channel, owner=agent, state="open", message=False, **COMPLAINT)
    other = factories.CaseFactory(channel=channel, customer=one.customer, message=False, **QUESTION)
    for case, facts, minute in ((one, COMPLAINT, 0), (other, QUESTION, 5)):
        said = factories.MessageFactory(thread=case.thread, identity=case.identity, occurred_at=at(minute), **facts)
        Case.objects.filter(pk=case.pk).update(last_message_at=at(minute))
        case.entries.create(message=said)
    return one, other


def test_a_merged_case_wants_what_was_wanted_last(two, agent):
    one, other = two
    joining.merge(case=other, into=one, by=agent)
    assert wants(one) == ("question", "price", "low")


def test_undoing_the_merge_puts_both_back(two, agent):
    one, other = two
    before = wants(one), wants(other)
    joining.merge(case=other, into=one, by=agent)
    deeds.undo(deed=deeds.last_of(agent, one.pk), by=agent)
    assert (wants(one), wants(other)) == before


def test_a_merge_from_before_these_were_kept_can_still_be_undone(two, agent):
    one, other = two
    joining.merge(case=other, into=one, by=agent)
    deed = deeds.last_of(agent, one.pk)
    for facts in (*deed.before, *deed.after):
        for name in ("intent", "topic", "urgency"):
            facts.pop(name, None)
    deed.save()
    deeds.undo(deed=deed, by=agent)
    assert Case.objects.get(pk=other.pk).is_unresolved


def test_of_a_case_that_is_split_each_wants_what_is_said_in_it(talk, agent):
    talk.customer_says("You charged me twice", minute=0, **COMPLAINT)
    other = talk.customer_says("And do you fly to Oslo?", minute=1, **(QUESTION | {"topic": "product"}))
    case = talk.route()
    new = joining.split(case=case, messages=[other.pk], subject="", by=agent)
    assert (wants(case), wants(new)) == (("complaint", "price", "medium"), ("question", "product", "low"))


# --- put right


def said_in(case, **facts):
    message = case.entries.get().message
    for name, value in facts.items():
        setattr(message, name, value)
    message.save()
    return message


@pytest.mark.parametrize(
    ("aspect", "now", "column"),
    [
        ("sentiment", "positive", "sentiment"), ("intent", "compliment", "intent"), ("topic", "support", "topic"),
        ("urgency", "high", "urgency"), ("language", "es", "language"),
    ],
)  # fmt: skip
def test_what_somebody_puts_right_the_case_says_too(case, agent, aspect, now, column):
    message = said_in(case, **COMPLAINT)
    correcting.correct(message=message, aspect=aspect, now=now, by=agent)
    assert getattr(Case.objects.get(pk=case.pk), column) == now


def test_the_mood_at_the_start_and_at_the_end_follow(case, agent, cause):
    message = said_in(case)
    factories.resolved(case, agent, cause)
    correcting.correct(message=message, aspect="sentiment", now="positive", by=agent)
    now = Case.objects.get(pk=case.pk)
    assert (now.mood_at_start, now.mood_at_end) == ("positive", "positive")


@pytest.fixture
def told(case, django_capture_on_commit_callbacks):
    """`told(act)`: the rows that open queues are told of it."""

    def listen(act):
        live.follow(f"team:{case.team_id}", 0)
        LiveEvent.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            act()
        return [event.data["html"] for event in LiveEvent.objects.filter(kind="case")]

    return listen


def test_open_queues_see_it_at_once(told, case, agent):
    message = said_in(case, **COMPLAINT)
    rows = told(lambda: correcting.correct(message=message, aspect="urgency", now="high", by=agent))
    assert ["Hours matter" in row for row in rows] == [True]


def test_where_nothing_of_a_case_changes_nobody_is_told(told, case):
    message = said_in(case, **COMPLAINT)
    rehearing.follow([message.pk])
    assert told(lambda: rehearing.follow([message.pk])) == []


def test_a_thousand_messages_read_anew_cost_the_queries_of_one(channel, asked):
    def reread(n):
        cases = [factories.CaseFactory(channel=channel) for _ in range(n)]
        messages = [said_in(case, **COMPLAINT).pk for case in cases]
        return asked(lambda: rehearing.follow(messages))

    assert reread(1) == reread(20)


def test_what_stands_in_no_case_moves_none(case):
    rehearing.follow([factories.MessageFactory(**COMPLAINT).pk])
    assert wants(case) == ("", "", "")
