"""One loop in calendar time, from an answer to what changed; and every way in which it can fail.

Nothing is done by hand but what people do: what runs by the clock runs each day. Each failure is told twice: once heard
of at once, once found by the sweeps, as when every nudge is lost.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from crm import consent, merging
from crm.errors import Refused
from crm.models import Activity, Customer, Notice
from crm.privacy import asking, working
from surveys.models import ActionPlan, Attempt, Call, FollowUp, GroupRequest, Loop, Told
from surveys.outreach import calling, hours, loops, requests, second, shipping
from tests import factories
from tests.surveys.asking import say, send, survey
from tests.surveys.outreach.days import Days

pytestmark = pytest.mark.django_db
NOTE = "She loves the quiet car. She was charged twice for one seat. #billing"
ANSWER = "Nobody is charged twice any more."


@pytest.fixture(params=[False, True], ids=["heard of at once", "found by the sweeps"])
def days(request, monkeypatch, nudges, django_capture_on_commit_callbacks):
    return Days(monkeypatch, nudges, django_capture_on_commit_callbacks, lost=request.param)


@pytest.fixture
def head(days):
    made = factories.UserFactory(first_name="Hedda", role="lead")
    factories.OutreachSettingsFactory(escalate_to=made)
    return made


@pytest.fixture
def clerk(days):
    return factories.UserFactory(first_name="Bill", role="support")


@pytest.fixture
def group(clerk, head):
    owner = factories.UserFactory(first_name="Olga", role="support")
    calendar = factories.CalendarFactory(name="Office")
    made = factories.SupportGroupFactory(name="Billing", members=[clerk], owner=owner, calendar=calendar)
    factories.HashtagFactory(tag="billing", group=made)
    return made


@pytest.fixture
def agent(days):
    return factories.UserFactory(first_name="Ana", username="ana")


@pytest.fixture
def sara(days, group, agent):
    made = known("Sara", "+442079460000")
    factories.IdentityFactory(kind="email", place="", value="sara@example.com", customer=made)
    return made


def known(name, number):
    made = factories.CustomerFactory(name=name, country="GB", known_at=timezone.now())
    factories.IdentityFactory(kind="phone", place="", value=number, customer=made)
    return made


# --- what people do


def answers(days, customer, score=10):
    with days.happens():
        say(send(survey("nps"), customer=customer), "nps", score)
    days.sweep()
    return Call.objects.live().get(customer=customer, kind="first")


def calls(days, call, outcome="reached", note="", **facts):
    """By whoever has it; first they are shown the number."""
    call.refresh_from_db()
    assert calling.number(call, call.owner).startswith("+44")
    with days.happens():
        return calling.record(call=call, by=call.owner, outcome=outcome, note=note, **facts)


def asks(days, customer):
    """Answered, thanked and engaged on day 0, and Billing is asked."""
    calls(days, answers(days, customer), note=NOTE)
    return GroupRequest.objects.get()


def gives_answer(days, request, by, text=ANSWER):
    with days.happens():
        requests.answer(
            requests=[request], kind="change", text=text, change_from=days.on(20).date(), by=by
        )  # fmt: skip


def told(user, kind="request"):
    return list(user.notices.filter(kind=kind).order_by("pk").values_list("text", flat=True))


def forget_notices():
    Notice.objects.all().delete()


def steps(customer):
    """Step → done, cancelled or open, over all that is owed to them."""
    owed = FollowUp.objects.filter(response__invitation__customer=customer)
    return {
        each.step: "done" if each.done_at else "cancelled" if each.cancelled_at else "open" for each in owed
    }  # fmt: skip


def nothing_is_left_to_do(days):
    """Weeks later too: nobody calls, nobody is asked, nothing is written, nobody is told."""
    forget_notices()
    written = len(mail.outbox)
    days.to(days.day + 2)
    days.leap(90)
    assert not Call.objects.live().exists()
    assert not GroupRequest.objects.waiting().exists()
    assert not Loop.objects.open().exists()
    assert not FollowUp.objects.filter(done_at=None, cancelled_at=None).exists()
    assert not Notice.objects.filter(kind__in=["call", "request"]).exists()
    assert len(mail.outbox) == written


# --- as it should be


def test_from_an_answer_to_what_changed(days, sara, agent, clerk, group, head):
    call = answers(days, sara)
    assert (call.owner, call.group, call.due_at) == (agent, "promoter", days.on(7))
    assert steps(sara) == dict.fromkeys(("thank", "engage", "share"), "open")
    assert told(agent, "call") == [f"Call {call.pk} is yours."]

    calls(days, call, note=NOTE)
    assert steps(sara) == {"thank": "done", "engage": "done", "share": "open"}
    request = GroupRequest.objects.get()
    assert (request.group, request.quote) == (group, "She was charged twice for one seat. #billing")
    assert request.due_at == days.on(14, 17)  # six in Madrid
    forget_notices()

    days.to(6)
    assert told(clerk) == []
    days.to(7)
    assert told(clerk) == [f"Request #{request.pk} to Billing waits for an answer until 2026-03-18."]
    days.to(11)
    assert len(told(clerk)) == 2
    assert told(head) == []

    days.to(12)
    gives_answer(days, request, clerk)
    again = Call.objects.live().get()
    assert (again.kind, again.owner, again.due_at) == ("second", agent, days.on(26))
    assert Loop.objects.get().state == "open"

    days.to(25)
    assert second.answers_for(again)[0].text == ANSWER
    assert told(head, "call") == []
    days.to(26)
    assert hours.window(sara, days.now).now  # the clocks in Britain went forward the day before
    assert second.answers_for(again)[0].change_from < days.now.date()
    calls(days, again, note="Told her. She is glad.")
    assert set(steps(sara).values()) == {"done"}

    loop = Loop.objects.get()
    assert (loop.state, loop.ended_at) == ("closed", days.now)
    found = [(each.step, (each.at - days.on(0)).days) for each in loops.story(loop)]
    assert found == [("answered", 0), ("called", 0), ("asked", 0), ("given", 12), ("told", 26)]
    nothing_is_left_to_do(days)


def test_what_is_praised_is_kept_and_that_is_told(days, sara, agent, clerk):
    request = asks(days, sara)
    days.to(12)
    with days.happens():
        requests.answer(requests=[request], kind="keep", text="The quiet car stays.", by=clerk)
    days.to(26)
    again = Call.objects.live().get()
    assert [answer.text for answer in second.answers_for(again)] == ["The quiet car stays."]
    calls(days, again)
    assert Loop.objects.get().state == "closed"
    nothing_is_left_to_do(days)


# --- the change itself


def ships(days, by):
    """It has come: the one improvement there is."""
    with days.happens():
        return shipping.ship(plan=ActionPlan.objects.get(), outcome="It is fixed.", by=by)


def test_a_change_that_comes_before_the_second_call_is_told_in_it(days, sara, agent, clerk, group):
    request = asks(days, sara)
    days.to(12)
    gives_answer(days, request, clerk)
    days.to(20)
    ships(days, group.owner)
    days.to(26)
    again = Call.objects.live().get()
    assert again.due_at == days.now
    calls(days, again)
    told_of = Told.objects.get()
    assert (told_of.customer, told_of.how, told_of.at, told_of.call) == (sara, "call", days.now, again)
    nothing_is_left_to_do(days)


def test_a_change_that_comes_after_it_is_told_in_another_call(days, sara, agent, clerk, group):
    request = asks(days, sara)
    days.to(12)
    gives_answer(days, request, clerk)
    days.to(26)
    calls(days, Call.objects.live().get())
    assert Loop.objects.get().state == "closed"
    days.leap(40)
    ships(days, group.owner)
    days.to(41)
    once_more = Call.objects.live().get()
    assert (once_more.kind, once_more.owner, once_more.customer) == ("second", agent, sara)
    days.leap(55)
    assert hours.window(sara, once_more.due_at).now
    calls(days, once_more)
    assert Told.objects.get().at == days.now
    nothing_is_left_to_do(days)


def test_who_says_no_before_they_hear_of_it_does_not(days, sara, agent, clerk, group, says_no):
    """Who wants no calls is written to, since they may be; who wants nothing at all hears nothing."""
    request = asks(days, sara)
    days.to(12)
    gives_answer(days, request, clerk)
    days.to(26)
    calls(days, Call.objects.live().get())
    days.leap(40)
    ships(days, group.owner)
    days.to(41)
    says_no(days, sara)
    days.to(43)
    assert not Call.objects.live().exists()
    told_of = Told.objects.get()
    assert (told_of.how, told_of.reason) == (
        ("written", "") if says_no is refuse else ("not", WHY[forbid])
    )  # fmt: skip
    assert len(mail.outbox) == (1 if says_no is refuse else 0)
    nothing_is_left_to_do(days)


# --- do not contact


def forbid(days, customer):
    with days.happens():
        consent.forbid(customer=customer, how="By letter", by=None)


def refuse(days, customer):
    with days.happens():
        consent.record(customer=customer, purpose="call", state="refused", how="Said so", by=None)


WHY = {
    forbid: "They asked not to be contacted under any circumstances.",
    refuse: "They do not want this: Calls.",
}


@pytest.fixture(params=WHY, ids=["no contact at all", "no calls"])
def says_no(request):
    return request.param


def test_who_says_no_before_the_call_is_not_called(days, sara, agent, says_no):
    call = answers(days, sara)
    days.to(5)
    says_no(days, sara)
    with pytest.raises(consent.MayNotContact):
        calling.number(call, agent)
    days.to(6)
    call.refresh_from_db()
    assert (call.state, call.reason) == ("cancelled", WHY[says_no])
    days.to(8)
    loop = Loop.objects.get()
    assert (loop.state, loop.died_at_step, loop.why) == ("died", "called", WHY[says_no])
    assert set(steps(sara).values()) == {"cancelled"}
    nothing_is_left_to_do(days)


def test_who_says_no_while_a_group_is_asked_is_not_answered(days, sara, clerk, agent, says_no):
    request = asks(days, sara)
    days.to(5)
    forget_notices()
    says_no(days, sara)
    days.to(6)
    request.refresh_from_db()
    assert request.withdrawn_at
    assert told(clerk) == [f"Request #{request.pk} to Billing was withdrawn. {WHY[says_no]}"]
    loop = Loop.objects.get()
    assert (loop.state, loop.died_at_step, loop.why) == ("died", "given", WHY[says_no])
    with pytest.raises(requests.WasWithdrawn):
        gives_answer(days, request, clerk)
    assert steps(sara) == {"thank": "done", "engage": "done", "share": "cancelled"}
    nothing_is_left_to_do(days)


def test_who_says_no_before_the_second_call_is_not_told(days, sara, clerk, agent, says_no):
    request = asks(days, sara)
    days.to(12)
    gives_answer(days, request, clerk)
    days.to(20)
    says_no(days, sara)
    days.to(21)
    again = Call.objects.get(kind="second")
    assert (again.state, again.reason) == ("cancelled", WHY[says_no])
    days.to(23)
    loop = Loop.objects.get()
    assert (loop.state, loop.died_at_step, loop.why) == ("died", "told", WHY[says_no])
    nothing_is_left_to_do(days)


def test_who_wants_no_calls_and_says_so_on_the_phone(days, sara, agent):
    call = answers(days, sara)
    calls(days, call, outcome="not_wanted")
    assert Call.objects.get().state == "cancelled"
    days.to(2)
    assert (Loop.objects.get().state, Loop.objects.get().died_at_step) == ("died", "called")
    with days.happens():
        say(send(survey("nps"), customer=sara), "nps", 3)
    nothing_is_left_to_do(days)
    assert Call.objects.count() == 1


def test_who_was_forbidden_by_mistake_is_thanked_for_what_they_answer_later(days, sara, agent):
    answers(days, sara)
    days.to(5)
    forbid(days, sara)
    days.to(6)
    with days.happens():
        consent.lift(customer=sara, how="Rang us", by=None)
    days.to(7)
    assert not Call.objects.live().exists()
    assert answers(days, sara).owner == agent


# --- the caller


def leaves(days, user):
    with days.happens():
        user.is_active = False
        user.save()


def test_where_the_caller_leaves_somebody_else_calls(days, sara, agent):
    call = answers(days, sara)
    colleague = factories.UserFactory(first_name="Ben")
    days.to(4)
    leaves(days, agent)
    days.to(5)
    call.refresh_from_db()
    assert call.owner == colleague
    calls(days, call)
    days.to(7)
    assert Loop.objects.get().state == "closed"


def test_where_nobody_is_left_it_stands_in_the_pool_and_the_head_hears_of_it(days, sara, agent, head):
    call = answers(days, sara)
    days.to(3)
    leaves(days, agent)
    days.to(4)
    assert list(Call.objects.in_pool()) == [call]
    days.to(9)
    assert told(head, "call") == [f"Call {call.pk} is overdue, and nobody has it."]
    days.to(11)
    assert len(told(head, "call")) == 1


def test_where_the_caller_has_left_by_the_answer_a_colleague_tells_it(days, sara, agent, clerk):
    request = asks(days, sara)
    days.to(10)
    leaves(days, agent)
    days.to(12)
    gives_answer(days, request, clerk)
    assert list(Call.objects.in_pool()) == [Call.objects.get(kind="second")]
    colleague = factories.UserFactory(first_name="Ben")
    days.to(13)
    again = Call.objects.get(kind="second")
    assert again.owner == colleague
    days.to(26)
    calls(days, again)
    assert Loop.objects.get().state == "closed"


def test_where_the_caller_is_away_when_it_is_due_a_colleague_tells_it(days, sara, agent, clerk):
    request = asks(days, sara)
    days.to(12)
    gives_answer(days, request, clerk)
    colleague = factories.UserFactory(first_name="Ben")
    factories.AbsenceFactory(user=agent, starts_at=days.on(20), ends_at=days.on(40))
    days.to(19)
    assert Call.objects.live().get().owner == agent
    days.to(21)
    assert Call.objects.live().get().owner == colleague


def test_who_forgets_a_call_hears_of_it_and_a_day_later_the_head(days, sara, agent, head):
    call = answers(days, sara)
    days.to(7)
    forget_notices()
    days.to(7, 11)
    assert told(agent, "call") == [f"Call {call.pk} is overdue."]
    assert told(head, "call") == []
    days.to(8, 11)
    assert told(head, "call") == [f"Call {call.pk} of Ana {agent.last_name} is overdue."]
    days.to(12)
    assert len(Notice.objects.filter(kind="call")) == 2


# --- the group


def test_a_group_that_says_nothing_is_reminded_twice_and_then_those_above_hear_once(days, sara, clerk, group, head):
    request = asks(days, sara)
    forget_notices()
    days.to(14, 16)
    assert len(told(clerk)) == 2
    assert (told(head), told(group.owner)) == ([], [])
    days.to(15)
    late = [f"Billing has not answered request #{request.pk}, which was due on 2026-03-18."]
    assert (told(head), told(group.owner)) == (late, late)
    days.leap(50)
    assert (len(told(clerk)), told(head)) == (2, late)
    assert GroupRequest.objects.waiting().get() == request
    assert Loop.objects.get().state == "open"
    gives_answer(days, request, clerk)
    assert Call.objects.live().get().due_at == days.on(64, 10)


def test_while_a_group_waits_for_a_word_its_clock_stands(days, sara, agent, clerk, head):
    request = asks(days, sara)
    days.to(7)
    with days.happens():
        requests.ask_back(request=request, text="Which card?", by=clerk)
    forget_notices()
    days.to(20)
    assert (told(clerk), told(head)) == ([], [])
    with days.happens():
        requests.tell_back(request=request, text="The blue one.", by=agent)
    request.refresh_from_db()
    assert request.due_at == days.on(27, 16)  # nine working days later, and summer time has begun: six in Madrid


def test_what_the_caller_withdraws_needs_no_answer(days, sara, agent):
    request = asks(days, sara)
    days.to(3)
    with days.happens():
        requests.withdraw(request=request, by=agent)
    days.to(5)
    assert Loop.objects.get().state == "closed"
    nothing_is_left_to_do(days)


# --- the customer


def test_who_is_not_reached_twice_is_written_to(days, sara, agent):
    call = answers(days, sara)
    calls(days, call, outcome="no_answer")
    call.refresh_from_db()
    assert (call.state, call.due_at) == ("not_reached", days.on(1, 9))
    days.to(1)
    calls(days, call, outcome="mailbox")
    days.sweep()
    call.refresh_from_db()
    assert (call.state, [letter.to for letter in mail.outbox]) == ("written", [["sara@example.com"]])
    assert steps(sara) == {"thank": "done", "engage": "cancelled", "share": "open"}
    days.to(3)
    loop = Loop.objects.get()
    assert (loop.state, loop.died_at_step) == ("died", "called")
    nothing_is_left_to_do(days)


def test_who_is_not_reached_the_second_time_reads_what_changed(days, sara, agent, clerk):
    request = asks(days, sara)
    days.to(12)
    gives_answer(days, request, clerk)
    days.to(26)
    again = Call.objects.live().get()
    calls(days, again, outcome="no_answer")
    days.to(27)
    calls(days, again, outcome="no_answer")
    days.sweep()
    assert ANSWER in mail.outbox[0].body
    assert Loop.objects.get().state == "closed"
    assert set(steps(sara).values()) == {"done"}
    nothing_is_left_to_do(days)


def test_whom_nothing_reaches_is_not_written_to_and_it_breaks_off(days, sara, agent):
    sara.links.filter(identity__kind="email").delete()
    call = answers(days, sara)
    calls(days, call, outcome="no_answer")
    days.to(1)
    calls(days, call, outcome="no_answer")
    days.to(3)
    loop = Loop.objects.get()
    assert (Call.objects.get().state, loop.state, loop.died_at_step) == ("cancelled", "died", "called")
    assert loop.why.startswith("They were not reached by phone, no address")
    assert not mail.outbox


# --- merged


def merge(days, survivor, absorbed, by):
    with days.happens():
        return merging.merge(survivor=survivor, absorbed=absorbed, by=by)


def undo(days, entry, by):
    with days.happens():
        merging.undo(merge=entry, by=by)


def test_who_was_merged_on_day_five_is_told_under_the_record_that_stands(days, sara, agent, clerk, head):
    request, kept = asks(days, sara), known("Sara Okafor", "+442079460001")
    days.to(5)
    merge(days, kept, sara, head)
    days.to(12)
    gives_answer(days, request, clerk)
    again = Call.objects.live().get()
    assert (again.customer, again.owner, again.due_at) == (kept, agent, days.on(26))
    days.to(26)
    calls(days, again)
    loop = Loop.objects.get()
    assert (loop.customer, loop.state) == (kept, "closed")
    nothing_is_left_to_do(days)


def test_two_who_answered_and_turn_out_to_be_one_are_called_once(days, sara, agent, head):
    kept = known("Sara Okafor", "+442079460001")
    one, other = answers(days, kept), answers(days, sara, 3)
    days.to(4)
    merge(days, kept, sara, head)
    days.to(5)
    assert list(Call.objects.live()) == [one]
    assert set(steps(sara).values()) | set(steps(kept).values()) == {"open"}
    calls(days, one)
    days.to(8)
    other.refresh_from_db()
    assert (other.state, Loop.objects.get(calls=other).state) == ("cancelled", "died")
    nothing_is_left_to_do(days)


def test_two_who_were_one_by_mistake_are_each_called_for_what_they_said(days, sara, agent, head):
    kept = known("Sara Okafor", "+442079460001")
    answers(days, kept)
    answers(days, sara, 3)
    days.to(2)
    entry = merge(days, kept, sara, head)
    days.to(4)
    undo(days, entry, head)
    days.to(5)
    assert set(Call.objects.live().values_list("customer", flat=True)) == {kept.pk, sara.pk}
    for call in Call.objects.live():
        theirs = set(call.follow_ups.filter(cancelled_at=None).values_list("response__invitation__customer", flat=True))
        assert theirs == {call.customer_id}
        calls(days, call)
    assert steps(sara) == steps(kept) == {"thank": "done", "engage": "done", "share": "open"}
    nothing_is_left_to_do(days)


def test_what_was_answered_between_a_merge_and_its_undoing_is_told_to_who_asked(days, sara, agent, clerk, head):
    """The second call was made to the record that stood then."""
    request, kept = asks(days, sara), known("Sara Okafor", "+442079460001")
    days.to(5)
    entry = merge(days, kept, sara, head)
    days.to(12)
    gives_answer(days, request, clerk)
    assert Call.objects.live().get().customer == kept
    days.to(15)
    undo(days, entry, head)
    days.to(16)
    again = Call.objects.live().get()
    request.refresh_from_db()
    assert (again.customer, request.customer, again.loop.customer) == (sara, sara, sara)
    days.to(26)
    calls(days, again)
    assert set(steps(sara).values()) == {"done"}
    nothing_is_left_to_do(days)


def test_who_is_merged_into_a_record_that_wants_no_calls_is_not_called(days, sara, agent, clerk, head):
    request, kept = asks(days, sara), known("Sara Okafor", "+442079460001")
    refuse(days, kept)
    days.to(5)
    merge(days, kept, sara, head)
    days.to(6)
    request.refresh_from_db()
    assert request.withdrawn_at
    assert Loop.objects.get().why == "They do not want this: Calls."
    nothing_is_left_to_do(days)


# --- erased


def erase(days, customer, by):
    with days.happens():
        request = asking.ask_for_erasure(customer=customer, confirmed=str(customer.pk), reason="person", by=by)
    with days.happens():
        working.work(request.pk)
    request.refresh_from_db()
    assert request.state == "done", request.trouble


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def test_who_is_erased_before_the_call_is_not_called(days, sara, agent, head):
    call = answers(days, sara)
    days.to(5)
    erase(days, sara, head)
    call.refresh_from_db()
    assert (call.state, call.reason) == ("cancelled", "–")
    with pytest.raises(Refused):
        calling.record(call=call, by=agent, outcome="reached", note="She said …")
    nothing_is_left_to_do(days)


def test_who_is_erased_while_a_group_is_asked_leaves_no_words_and_nobody_waits(days, sara, agent, clerk, head):
    request = asks(days, sara)
    days.to(5)
    erase(days, sara, head)
    request.refresh_from_db()
    assert (request.quote, bool(request.withdrawn_at)) == ("", True)
    assert Attempt.objects.get().note == ""
    loop = Loop.objects.get()
    assert (loop.state, loop.died_at_step, loop.why) == ("died", "given", "–")
    assert not Activity.objects.about(request).exclude(detail="").exists()
    with pytest.raises(requests.WasWithdrawn):
        gives_answer(days, request, clerk)
    nothing_is_left_to_do(days)


def test_who_is_erased_before_the_second_call_is_not_told(days, sara, agent, clerk, head):
    request = asks(days, sara)
    days.to(12)
    gives_answer(days, request, clerk)
    days.to(20)
    erase(days, sara, head)
    again = Call.objects.get(kind="second")
    assert (again.state, again.reason) == ("cancelled", "–")
    assert second.answers_for(again)[0].text == "–"
    assert Loop.objects.get().died_at_step == "told"
    nothing_is_left_to_do(days)


def test_a_note_that_arrives_after_the_erasure_is_not_kept(days, sara, agent, head):
    """It was typed where there was no line."""
    call = answers(days, sara)
    days.to(5)
    erase(days, sara, head)
    with pytest.raises(consent.NobodyLeft):
        calling.record(call=call, by=agent, outcome="reached", note=NOTE, at=days.on(4))
    assert not Attempt.objects.exists()
    assert not GroupRequest.objects.exists()


def test_the_clock_of_this_test_stands_and_is_moved(days):
    """What is written with a default of the model, too."""
    assert timezone.now() == days.on(0) == Loop(customer=Customer()).opened_at
    days.to(3, 15)
    assert timezone.now() == days.on(3, 15)
    assert timezone.localtime(days.now) - days.now == timedelta()
