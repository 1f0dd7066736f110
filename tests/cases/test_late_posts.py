"""Posts come in any order, in batches of any size; the cases end as if they had come as they were said."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cases import threads
from cases.models import Case, Priority
from channels_app import inbox
from channels_app.platforms.base import RawPayload
from crm.models import Activity
from tests import factories
from tests.cases.conftest import at

pytestmark = pytest.mark.django_db


def post(number, author, text, answers="", **facts):
    row = {"id": f"p{number}", "author": author, "text": text, "at": at(number).isoformat(), "reply_to": answers}
    return row | ({"ours": True} if author == "brand" else {}) | facts


STORY = (
    post(1, "cleo", "@brand My bag is gone"),
    post(2, "brand", "@cleo Which flight was it?", "p1"),
    post(3, "cleo", "SK101, to York", "p2"),
    post(4, "dan", "@brand Same flight, same thing. Terrible!", "p1"),
    post(5, "cleo", "Hello? I will call my lawyer", "p3"),
    post(6, "brand", "We have found it!", "p5"),
    post(7, "cleo", "That is wonderful, great, thank you. When does it come?", "p6"),
)
THE_END = {
    "cleo": [
        {
            "state": "new", "subject": "My bag is gone", "priority": Priority.URGENT, "sentiment": "positive",
            "opened_at": at(1), "waiting_since": at(7), "last_message_at": at(7), "first_answered_at": at(2),
            "said": ["p1", "p2", "p3", "p5", "p6", "p7"],
        }
    ],
    "dan": [
        {
            "state": "new", "subject": "Same flight, same thing. Terrible!", "priority": Priority.NORMAL,
            "sentiment": "negative", "opened_at": at(4), "waiting_since": at(4), "last_message_at": at(4),
            "first_answered_at": None, "said": ["p4"],
        }
    ],
}  # fmt: skip


def come_in(channel, *posts):
    inbox.keep(channel=channel, payloads=[RawPayload(json.dumps(row).encode()) for row in posts])
    inbox.work_off(channel)


def outcome():
    """For each customer their open cases: facts, and ids of what stands in them."""
    found = {}
    for case in Case.objects.unresolved().select_related("identity").order_by("id"):
        said = case.entries.order_by("message__occurred_at").values_list("message__external_id", flat=True)
        facts = {name: getattr(case, name) for name in THE_END["dan"][0] if name != "said"} | {"said": list(said)}
        found.setdefault(case.identity.handle, []).append(facts)
    return found


def deliveries():
    """The story in some order, cut into batches."""
    cuts = st.lists(st.booleans(), min_size=len(STORY) - 1, max_size=len(STORY) - 1)
    return st.tuples(st.permutations(STORY), cuts)


def batches(order, cuts):
    batch = [order[0]]
    for row, cut in zip(order[1:], cuts, strict=True):
        if cut:
            yield batch
            batch = []
        batch.append(row)
    yield batch


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example((STORY, [True] * 6))
@example((STORY[::-1], [True] * 6))
@example(((STORY[5], STORY[4], STORY[6], *STORY[:4]), [True] * 6))  # an answer before its question
@example((STORY[::-1], [False] * 6))
@given(deliveries())
def test_whatever_the_order_the_cases_end_the_same(archive, delivery):
    with transaction.atomic():
        factories.RuleFactory(words=["lawyer"], priority=Priority.URGENT)
        for batch in batches(*delivery):
            come_in(archive, *batch)
        assert outcome() == THE_END
        transaction.set_rollback(True)


def test_two_cases_of_a_customer_become_one_when_their_threads_do(archive):
    come_in(archive, STORY[0])
    come_in(archive, STORY[2])
    first, second = Case.objects.order_by("id")
    come_in(archive, STORY[1])
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state, second.merged_into) == ("new", "merged", first)
    assert first.entries.count() == 3
    assert second.entries.count() == 0
    assert second.thread == first.thread
    assert Activity.objects.about(second).get(verb="merged").detail == f"Same conversation as #{first.pk}."


def test_the_owner_notes_and_urgency_of_a_joined_case_go_over(archive, agent):
    come_in(archive, STORY[0])
    come_in(archive, STORY[2])
    first, second = Case.objects.order_by("id")
    rule = factories.RuleFactory()
    Case.objects.filter(pk=second.pk).update(owner=agent, state="open", priority=Priority.URGENT, rule=rule)
    note = factories.NoteFactory(case=second, by=agent)
    come_in(archive, STORY[1])
    first.refresh_from_db()
    note.refresh_from_db()
    assert (first.owner, first.state, first.priority, first.rule) == (agent, "open", Priority.URGENT, rule)
    assert note.case == first


def test_cases_of_two_customers_stay_two_when_their_threads_become_one(archive):
    come_in(archive, STORY[4])
    come_in(archive, STORY[3])
    come_in(archive, *STORY[:3])
    assert {handle: len(cases) for handle, cases in outcome().items()} == {"cleo": 1, "dan": 1}
    assert Case.objects.unresolved().values("thread").distinct().count() == 1


def test_a_resolved_case_keeps_its_messages_when_its_thread_is_joined(archive, agent):
    come_in(archive, STORY[2])
    resolved = factories.resolved(Case.objects.get(), agent)
    come_in(archive, STORY[0])
    come_in(archive, STORY[1])
    resolved.refresh_from_db()
    assert (resolved.state, resolved.reopenings, resolved.entries.count()) == ("resolved", 0, 1)
    assert Case.objects.unresolved().get().thread == resolved.thread


def test_where_no_thread_was_joined_looking_costs_one_query(case, django_assert_num_queries):
    with django_assert_num_queries(1):
        threads.settle([case.thread_id])


# --- whose turn it is after something late


def test_an_answer_of_ours_that_comes_late_does_not_hide_the_question_after_it(talk):
    talk.customer_says("My train is late.", minute=0)
    talk.customer_says("It left without me!", minute=10)
    talk.route()
    talk.we_say("Which train?", minute=5)
    case = talk.route()
    assert (case.state, case.waiting_since, case.first_answered_at) == ("new", at(10), at(5))


def test_a_question_that_comes_late_and_was_answered_since_leaves_the_case_waiting(talk):
    talk.customer_says("My train is late.", minute=1)
    talk.we_say("It comes at noon.", minute=5)
    talk.route()
    talk.customer_says("Hello? Is anybody there?", minute=0, language="en")
    case = talk.route()
    assert (case.state, case.opened_at, case.subject) == ("waiting", at(0), "Hello? Is anybody there?")


def test_a_question_stored_after_our_reply_was_written_is_ours_to_answer(talk, agent):
    """Nobody can have read it: it was said a moment before the reply, and fetched a moment after."""
    talk.customer_says("My train is late.", minute=0)
    case = talk.route()
    now = timezone.now()
    factories.DeliveryFactory(case=case, by=agent, created_at=now - timedelta(seconds=20))
    Case.objects.update(state="waiting", owner=agent, last_message_at=now, waiting_since=now)
    said = now - timedelta(seconds=30)
    factories.MessageFactory(
        thread=talk.thread, identity=talk.customer, occurred_at=said, stored_at=now, routed_at=None
    )
    case = talk.route()
    assert (case.state, case.waiting_since) == ("open", said)


def test_a_question_stored_before_our_reply_was_written_counts_as_read(talk, agent):
    talk.customer_says("My train is late.", minute=0)
    case = talk.route()
    now = timezone.now()
    factories.DeliveryFactory(case=case, by=agent, created_at=now)
    Case.objects.update(state="waiting", owner=agent, last_message_at=now, waiting_since=now)
    earlier = now - timedelta(seconds=30)
    factories.MessageFactory(
        thread=talk.thread, identity=talk.customer, occurred_at=earlier, stored_at=earlier, routed_at=None
    )
    assert talk.route().state == "waiting"


def test_a_late_message_still_raises_the_priority(talk):
    factories.RuleFactory(words=["lawyer"], priority=Priority.URGENT)
    talk.customer_says("Still waiting", minute=9)
    talk.route()
    talk.customer_says("I will call my lawyer", minute=3)
    assert talk.route().priority == Priority.URGENT
