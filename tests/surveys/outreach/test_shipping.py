"""An improvement comes: everybody who asked for it is told, once, by a call or in writing, within what they allow."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app.models import Delivery
from channels_app.platforms.email import NoSuchAddress
from channels_app.platforms.errors import TryLater, UnknownOutcome
from crm import consent, merging
from crm.models import Notice
from surveys import jobs, plans, wire
from surveys.models import ActionPlan, Call, Loop, Told
from surveys.outreach import calling, follow_ups, loops, second, shipping
from tests import factories
from tests.channels_app.conftest import connect, fake, network  # noqa: F401 - fixtures
from tests.surveys.outreach.test_calling import call_to

pytestmark = pytest.mark.django_db
WORDS = "Refunds arrive within three days."
REFUSED = {"state": "refused", "how": "Said so", "by": None}


@pytest.fixture
def group(agent):
    return factories.SupportGroupFactory(members=[agent], owner=agent)


@pytest.fixture
def plan(group, agent):
    return factories.ActionPlanFactory(title="Faster refunds", group=group, owner=agent)


def somebody(n=0, **facts):
    customer = factories.CustomerFactory(country="GB", **facts)
    factories.IdentityFactory(kind="email", place="", value=f"c{customer.pk}@example.com", customer=customer)
    return customer


def asked_by_phone(plan, agent, customer=None, **loop):
    """Called, and the group promised it: nothing waits any more."""
    call = call_to(customer or somebody(), agent, state="done", ended_at=timezone.now())
    given = plan.group_answers.first() or factories.GroupAnswerFactory(
        group=plan.group, kind="change", plan=plan, change_from=timezone.localdate()
    )
    attempt = factories.CallAttemptFactory(call=call)
    factories.GroupRequestFactory(attempt=attempt, hashtag__group=plan.group, answer=given)
    if loop:
        Loop.objects.filter(pk=call.loop_id).update(**loop)
    return call.customer


def asked_in_a_comment(plan, customer=None):
    answer = factories.AnswerFactory(response__invitation__customer=customer or somebody())
    factories.PlanAnswerFactory(plan=plan, answer=answer)
    return answer.response.invitation.customer


def shipped(plan, by, **facts):
    made = shipping.ship(plan=plan, outcome=WORDS, by=by, **facts)
    jobs.tell_improvements(plan.pk)
    return made


def told(customer):
    return Told.objects.get(customer=customer)


# --- it comes


def test_it_is_done_says_what_changed_and_since_when(plan, agent):
    yesterday = timezone.localdate() - timedelta(days=1)
    made = shipping.ship(plan=plan, outcome=WORDS, by=agent, shipped_on=yesterday)
    assert (made.state, made.outcome, made.shipped_on, made.told_at) == ("done", WORDS, yesterday, None)


def test_it_does_not_come_without_words_nor_from_tomorrow_on_nor_for_no_group(plan, agent):
    with pytest.raises(plans.NoOutcome):
        shipping.ship(plan=plan, outcome=" ", by=agent)
    with pytest.raises(shipping.IsToCome, match="still to come"):
        shipping.ship(plan=plan, outcome=WORDS, by=agent, shipped_on=timezone.localdate() + timedelta(days=1))
    with pytest.raises(shipping.NotAnImprovement):
        shipping.ship(plan=factories.ActionPlanFactory(), outcome=WORDS, by=agent)
    plan.refresh_from_db()
    assert plan.state == "open"


def test_for_a_minute_it_can_be_taken_back_and_nobody_hears_of_it(plan, agent):
    asked_in_a_comment(plan)
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    jobs.tell_improvements()
    plans.reopen(plan=plan, by=agent)
    ActionPlan.objects.filter(pk=plan.pk).exclude(ended_at=None).update(ended_at=timezone.now() - timedelta(hours=1))
    jobs.tell_improvements()
    plan.refresh_from_db()
    assert (plan.shipped_on, Told.objects.count(), mail.outbox) == (None, 0, [])


def test_after_a_minute_the_sweep_tells_them(plan, agent):
    asked_in_a_comment(plan)
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    ActionPlan.objects.update(ended_at=timezone.now() - timedelta(minutes=1))
    jobs.tell_improvements()
    plan.refresh_from_db()
    assert (len(mail.outbox), plan.told_at is not None) == (1, True)


# --- how each is told


def test_who_has_a_second_call_hears_it_there(plan, agent):
    customer = asked_by_phone(plan, agent)
    call = second.schedule(Loop.objects.get(), timezone.now())
    Notice.objects.update(read_at=timezone.now())
    shipped(plan, agent)
    assert Call.objects.filter(kind="second").get() == call
    assert second.changes_for(call) == [plan]
    assert told(customer).how == "call"
    assert told(customer).at is None
    assert "has come" in Notice.objects.filter(user=agent, kind="call").latest("pk").text
    assert mail.outbox == []


def test_once_reached_they_were_told_in_that_call(plan, agent):
    customer = asked_by_phone(plan, agent)
    call = second.schedule(Loop.objects.get(), timezone.now())
    shipped(plan, agent)
    calling.record(call=call, by=agent, outcome="reached")
    row = told(customer)
    assert (row.call, row.at is not None) == (call, True)
    assert second.changes_for(call) == [plan]
    jobs.tell_improvements(plan.pk)
    plan.refresh_from_db()
    assert plan.told_at is not None


def test_a_note_of_a_call_before_it_came_tells_nothing(plan, agent):
    customer = asked_by_phone(plan, agent)
    call = second.schedule(Loop.objects.get(), timezone.now())
    before = timezone.now() - timedelta(hours=1)
    shipped(plan, agent)
    calling.record(call=call, by=agent, outcome="reached", at=before)
    assert told(customer).at is None
    jobs.tell_improvements(plan.pk)
    assert (told(customer).how, len(mail.outbox)) == ("written", 1)


def test_who_was_told_the_answer_already_gets_another_call_from_the_same_person(plan, agent):
    customer = asked_by_phone(plan, agent)
    calling.record(call=second.schedule(Loop.objects.get(), timezone.now()), by=agent, outcome="reached")
    shipped(plan, agent)
    call = Call.objects.live().get()
    assert (call.customer, call.kind, call.owner) == (customer, "second", agent)
    assert call.due_at > timezone.now() + timedelta(days=13)
    assert second.changes_for(call) == [plan]
    calling.record(call=call, by=agent, outcome="reached")
    assert told(customer).call == call


def test_while_another_group_has_not_answered_the_call_to_come_is_waited_for(plan, agent):
    customer = asked_by_phone(plan, agent)
    waits = factories.GroupRequestFactory(attempt=Call.objects.get().attempts.get())
    shipped(plan, agent)
    assert not Call.objects.live().exists()
    waits.withdrawn_at = timezone.now()
    waits.save()
    call = second.schedule(Loop.objects.get(), timezone.now())
    assert second.changes_for(call) == [plan]
    assert told(customer).how == "call"


def test_who_wrote_it_in_a_survey_is_written_to(plan, agent):
    customer = asked_in_a_comment(plan)
    shipped(plan, agent)
    (letter,) = mail.outbox
    assert letter.to == [f"c{customer.pk}@example.com"]
    assert WORDS in letter.body
    assert "What we may write to you about:" in letter.body
    assert (told(customer).how, told(customer).at is not None, told(customer).reason) == ("written", True, "")


def test_it_is_written_in_their_language(plan, agent):
    asked_in_a_comment(plan, somebody(language="de"))
    shipped(plan, agent)
    assert mail.outbox[0].body.startswith("Guten Tag")


def test_who_writes_to_us_in_private_hears_it_there(plan, agent, fake, network):  # noqa: F811
    customer = asked_in_a_comment(plan)
    handle = factories.IdentityFactory(place="fake", customer=customer)
    factories.MessageFactory(thread=factories.ThreadFactory(channel=fake), identity=handle)
    shipped(plan, agent)
    message = Delivery.objects.get().message
    assert (message.private, WORDS in message.text, mail.outbox) == (True, True, [])
    assert told(customer).at


def test_who_wants_no_calls_is_written_to(plan, agent):
    customer = asked_by_phone(plan, agent)
    consent.record(customer=customer, purpose="call", **REFUSED)
    shipped(plan, agent)
    assert not Call.objects.live().exists()
    assert len(mail.outbox) == 1


def test_that_they_were_written_to_stands_in_their_loop(plan, agent):
    customer = asked_by_phone(plan, agent)
    consent.record(customer=customer, purpose="call", **REFUSED)
    shipped(plan, agent)
    last = loops.story(Loop.objects.get())[-1]
    assert (last.step, last.name, last.row) == ("told", "Told in writing", plan)


def test_who_wants_neither_is_left_alone_with_the_reason(plan, agent):
    customer = asked_by_phone(plan, agent)
    for purpose in ("call", "care_reply"):
        consent.record(customer=customer, purpose=purpose, **REFUSED)
    shipped(plan, agent)
    assert (told(customer).how, told(customer).at, mail.outbox) == ("not", None, [])
    assert told(customer).reason.startswith("They do not want this: ")
    plan.refresh_from_db()
    assert plan.told_at is not None


def test_whom_nothing_reaches_stays_in_the_list_with_the_reason(plan, agent):
    customer = asked_in_a_comment(plan, factories.CustomerFactory())
    shipped(plan, agent)
    assert told(customer).reason.startswith("No address of theirs takes mail")


def test_who_asked_on_the_phone_and_in_comments_is_told_once(plan, agent):
    customer = asked_by_phone(plan, agent)
    asked_in_a_comment(plan, customer)
    asked_in_a_comment(plan, customer)
    shipped(plan, agent)
    assert told(customer).how == "call"
    assert (Call.objects.live().count(), mail.outbox) == (1, [])


def test_records_that_were_merged_are_one_customer(plan, agent, lead):
    one, other = asked_in_a_comment(plan), asked_by_phone(plan, agent)
    merging.merge(survivor=one, absorbed=other, by=lead)
    shipped(plan, agent)
    assert Told.objects.get().customer == one
    assert (Told.objects.get().how, mail.outbox) == ("call", [])


def test_two_who_wait_and_are_merged_are_told_once(plan, agent, lead):
    one, other = asked_in_a_comment(plan), asked_in_a_comment(plan)
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    shipping.decide(plan.pk, 0)
    merging.merge(survivor=one, absorbed=other, by=lead)
    jobs.tell_improvements(plan.pk)
    plan.refresh_from_db()
    assert (len(mail.outbox), plan.told_at is not None) == (1, True)


def test_who_was_erased_is_not_told(plan, agent):
    customer = asked_in_a_comment(plan)
    customer.erased_at = timezone.now()
    customer.save()
    shipped(plan, agent)
    assert (told(customer).how, mail.outbox) == ("not", [])


# --- what goes wrong


def test_when_the_call_is_called_off_they_are_written_to(plan, agent):
    customer = asked_by_phone(plan, agent)
    shipped(plan, agent)
    follow_ups.cancel(call=Call.objects.live().get(), why="Not wanted", by=agent)
    jobs.tell_improvements(plan.pk)
    assert (told(customer).how, len(mail.outbox)) == ("written", 1)


def test_not_reached_by_phone_they_read_it_in_what_is_written_instead(plan, agent):
    customer = asked_by_phone(plan, agent)
    shipped(plan, agent)
    call = Call.objects.live().get()
    for _try in range(2):
        calling.record(call=call, by=agent, outcome="no_answer")
    jobs.write_instead(call.pk)
    jobs.tell_improvements(plan.pk)
    (letter,) = mail.outbox
    assert WORDS in letter.body
    assert (told(customer).call, told(customer).at is not None) == (call, True)


def breaks(monkeypatch, *errors):
    left = list(errors)

    def carry(self, letter):
        if left:
            raise left.pop(0)
        letter.send()

    monkeypatch.setattr(wire.Wire, "carry", carry)


def test_a_mail_that_did_not_leave_waits_for_the_next_run(plan, agent, monkeypatch):
    breaks(monkeypatch, TryLater("busy", after=0))
    customer = asked_in_a_comment(plan)
    shipped(plan, agent)
    plan.refresh_from_db()
    assert (told(customer).at, told(customer).reason, plan.told_at) == (None, "", None)
    jobs.tell_improvements(plan.pk)
    assert (len(mail.outbox), told(customer).at is not None) == (1, True)


def test_what_nobody_knows_the_fate_of_is_not_sent_twice(plan, agent, monkeypatch):
    breaks(monkeypatch, UnknownOutcome("broke"))
    customer = asked_in_a_comment(plan)
    shipped(plan, agent)
    jobs.tell_improvements(plan.pk)
    assert told(customer).reason.startswith("Nobody knows whether the mail has left")
    assert mail.outbox == []


def test_an_address_that_is_gone_is_closed_and_the_next_is_tried(plan, agent, monkeypatch):
    breaks(monkeypatch, NoSuchAddress("No such mailbox."))
    customer = asked_in_a_comment(plan)
    factories.IdentityFactory(kind="email", place="", value="new@example.com", customer=customer)
    shipped(plan, agent)
    assert [letter.to for letter in mail.outbox] == [[f"c{customer.pk}@example.com"]]


def test_run_again_nobody_is_told_twice(plan, agent):
    asked_by_phone(plan, agent)
    asked_in_a_comment(plan)
    shipped(plan, agent)
    jobs.tell_improvements(plan.pk)
    shipping.tell(plan=plan, by=agent)
    jobs.tell_improvements(plan.pk)
    assert (Call.objects.live().count(), len(mail.outbox), Told.objects.count()) == (1, 1, 2)


def test_taken_up_and_done_again_only_those_are_told_who_were_not(plan, agent):
    asked_in_a_comment(plan)
    shipped(plan, agent)
    plans.reopen(plan=plan, by=agent)
    asked_in_a_comment(plan)
    shipped(plan, agent)
    assert (len(mail.outbox), Told.objects.count()) == (2, 2)


def test_while_it_is_taken_up_again_no_mail_leaves_and_no_call_tells_it(plan, agent):
    asked_in_a_comment(plan)
    asked_by_phone(plan, agent)
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    shipping.decide(plan.pk, 0)
    plans.reopen(plan=plan, by=agent)
    jobs.tell_improvements(plan.pk)
    assert (second.changes_for(Call.objects.live().get()), mail.outbox) == ([], [])


def test_told_on_those_hear_of_it_who_asked_since_or_may_be_told_by_now(plan, agent):
    late = asked_in_a_comment(plan, factories.CustomerFactory())
    shipped(plan, agent)
    factories.IdentityFactory(kind="email", place="", value="late@example.com", customer=late)
    asked_in_a_comment(plan)
    shipping.tell(plan=plan, by=agent)
    jobs.tell_improvements(plan.pk)
    assert {row.how for row in Told.objects.all()} == {"written"}
    assert len(mail.outbox) == 2


def test_what_has_not_come_is_not_told(plan, agent):
    with pytest.raises(shipping.HasNotCome, match="has not come yet: Open"):
        shipping.tell(plan=plan, by=agent)


def test_what_was_written_instead_does_not_tell_what_came_later(plan, agent):
    asked_by_phone(plan, agent)
    call = second.schedule(Loop.objects.get(), timezone.now())
    Call.objects.filter(pk=call.pk).update(state="written", ended_at=timezone.now() - timedelta(minutes=5))
    shipped(plan, agent)
    written = Call.objects.get(pk=call.pk)
    found = second.changes_of([written, Call.objects.live().get()])
    assert (found.pop(call.pk), [*found.values()]) == ([], [[plan]])


# --- many, and at once


def queries_of(plan, n, agent):
    for _each in range(n):
        asked_by_phone(plan, agent)
        asked_in_a_comment(plan)
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    with CaptureQueriesContext(connection) as run:
        shipping.decide(plan.pk, 0)
    assert Told.objects.filter(plan=plan).count() == 2 * n
    return len(run)


def test_a_batch_takes_as_many_queries_for_twenty_as_for_one(group, agent):
    one, many = (factories.ActionPlanFactory(group=group, owner=agent) for _n in range(2))
    assert queries_of(one, 1, agent) == queries_of(many, 20, agent)


def test_the_sweep_takes_as_many_queries_for_twenty_who_wait_as_for_one(plan, agent):
    asked_by_phone(plan, agent)
    shipped(plan, agent)
    with CaptureQueriesContext(connection) as one:
        shipping.sweep(timezone.now())
    for _n in range(19):
        asked_by_phone(plan, agent)
    shipping.tell(plan=plan, by=agent)
    shipping.carry_on(plan.pk)
    assert Told.objects.by_call().count() == 20
    with CaptureQueriesContext(connection) as many:
        shipping.sweep(timezone.now())
    assert len(many) == len(one)


def test_killed_after_a_batch_it_goes_on_where_it_was(plan, agent):
    whom = {asked_in_a_comment(plan).pk for _n in range(5)}
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    shipping.decide(plan.pk, 0, batch=2)
    assert Told.objects.count() == 2
    jobs.tell_improvements(plan.pk)
    assert set(Told.objects.values_list("customer", flat=True)) == whom
    assert len(mail.outbox) == 5


def at_once(*acts):
    gate = Barrier(len(acts), timeout=60)

    def run(act):
        gate.wait()
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_once_tell_each_once(plan, agent):
    for _n in range(4):
        asked_by_phone(plan, agent)
        asked_in_a_comment(plan)
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    at_once(*(lambda: jobs.tell_improvements(plan.pk) for _n in range(2)))
    assert (Told.objects.count(), Call.objects.live().count(), len(mail.outbox)) == (8, 4, 4)


@pytest.mark.django_db(transaction=True)
def test_decided_while_the_group_gives_its_last_answer_they_have_one_call(plan, agent):
    customer = asked_by_phone(plan, agent)
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    loop = Loop.objects.get()
    at_once(lambda: second.schedule(loop, timezone.now()), lambda: jobs.tell_improvements(plan.pk))
    assert second.changes_for(Call.objects.live().get(customer=customer)) == [plan]
