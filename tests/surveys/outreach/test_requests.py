"""Requests to groups: asked by hashtags of a call note, answered once for many, and carried back to who asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import live
from channels_app.models import LiveEvent
from crm.errors import Refused
from crm.models import Activity, Notice
from surveys.models import ActionPlan, Answer, Call, GroupAnswer, GroupRequest, OutreachSettings
from surveys.outreach import calling, hashtags, improving, requests
from tests import factories

pytestmark = pytest.mark.django_db
MAY = date(2030, 5, 1)
NOTE = "Loves the crew. They were charged twice, see #billing. The #seats were cold. #unheard-of"


@pytest.fixture
def caller():
    return factories.UserFactory(first_name="Eve", last_name="Stone", role="executive")


@pytest.fixture
def group(agent, colleague):
    group = factories.SupportGroupFactory(name="Billing", members=[agent, colleague])
    factories.HashtagFactory(tag="billing", group=group)
    return group


@pytest.fixture
def seats():
    return factories.HashtagFactory(tag="seats", group__name="Cabin", group__members=[factories.UserFactory()]).group


def attempt(caller, note=NOTE, **facts):
    """A first call that is done, with this note."""
    call = factories.CallFactory(owner=caller, state="done", ended_at=timezone.now(), **facts)
    return factories.CallAttemptFactory(call=call, note=note)


def asked(caller, note="Charged twice. #billing"):
    [request] = requests.ask(attempt(caller, note))
    return request


def told(user):
    return list(Notice.objects.filter(user=user, kind="request").order_by("pk").values_list("text", flat=True))


def no(by, *which, text="The law asks for it."):
    return requests.answer(requests=which, kind="no", text=text, by=by)


def change(by, *which, **facts):
    said = {"text": "One invoice for each seat.", "change_from": MAY} | facts
    return requests.answer(requests=which, kind="change", by=by, **said)


# --- asked


def test_each_known_hashtag_of_a_note_asks_its_group_with_quote_customer_and_caller(caller, group, seats):
    noted = attempt(caller)
    made = {request.group: request for request in requests.ask(noted)}
    assert set(made) == {group, seats}
    assert made[group].quote == "They were charged twice, see #billing."
    assert made[seats].quote == "The #seats were cold."
    assert {request.customer_id for request in made.values()} == {noted.call.customer_id}
    assert {request.loop_id for request in made.values()} == {noted.call.loop_id}
    assert hashtags.unknown_in(noted.note) == ["unheard-of"]


def test_members_are_told_and_not_what_the_customer_said(caller, group, agent, colleague):
    request = asked(caller)
    assert told(agent) == told(colleague) == [f"Eve Stone asks Billing after a call: request #{request.pk}."]
    assert Activity.objects.about(request.attempt.call).get().detail == "#billing"


def test_a_note_that_comes_twice_asks_once(caller, group, seats):
    noted = attempt(caller)
    assert len(requests.ask(noted)) == 2
    assert requests.ask(noted) == []
    assert GroupRequest.objects.count() == 2


def test_an_answer_is_due_two_weeks_later_or_when_the_settings_say(caller, group):
    days = (asked(caller).due_at - timezone.now()).days
    OutreachSettings.objects.create(pk=1, answer_days=5)
    assert days == 14
    assert (asked(caller).due_at - timezone.now()).days == 5


def test_a_note_without_known_hashtags_asks_nobody(caller):
    assert requests.ask(attempt(caller)) == []


def test_a_group_without_members_is_asked_all_the_same_and_who_answers_for_it_hears(caller, lead):
    factories.HashtagFactory(tag="billing", group__owner=lead)
    assert asked(caller)
    assert len(told(lead)) == 1


def test_many_hashtags_cost_as_many_queries_as_one(caller):
    def queries(tags):
        noted = attempt(caller, " ".join(f"Bad #{tag}." for tag in tags))
        with CaptureQueriesContext(connection) as asked_:
            assert len(requests.ask(noted)) == len(tags)
        return len(asked_)

    tags = [f"topic-{letter}" for letter in "abcdef"]
    for tag in tags:
        calendar = factories.CalendarFactory()
        factories.HashtagFactory(tag=tag, group__calendar=calendar, group__members=[factories.UserFactory()])
    assert queries(tags[:1]) == queries(tags)


# --- answered


def test_one_answer_counts_for_many_and_every_caller_is_told(caller, group, agent):
    other = factories.UserFactory(role="executive")
    first, second = asked(caller), asked(other)
    given = no(agent, first, second)
    assert set(given.requests.all()) == {first, second}
    assert told(caller) == [f"Billing has answered request #{first.pk}."]
    assert told(other) == [f"Billing has answered request #{second.pk}."]
    assert Activity.objects.about(given).get().detail == f"#{first.pk}, #{second.pk}"


def test_an_answer_schedules_the_second_call_for_the_same_caller(caller, group, agent):
    request = asked(caller)
    no(agent, request)
    call = Call.objects.get(kind="second")
    assert (call.loop, call.owner) == (request.loop, caller)
    assert call.due_at > timezone.now() + timedelta(days=13)


def test_the_second_call_waits_for_the_last_of_several_groups(caller, group, seats, agent):
    billing, cabin = sorted(requests.ask(attempt(caller)), key=lambda request: request.group.name)
    no(agent, billing)
    assert not Call.objects.filter(kind="second").exists()
    no(seats.members.get(), cabin)
    assert Call.objects.filter(kind="second").count() == 1


def test_what_is_withdrawn_is_not_waited_for(caller, group, seats, agent):
    billing, cabin = sorted(requests.ask(attempt(caller)), key=lambda request: request.group.name)
    no(agent, billing)
    requests.withdraw(request=cabin, by=caller)
    assert Call.objects.filter(kind="second").count() == 1


def test_a_change_becomes_an_improvement_with_the_words_of_those_who_asked(caller, group, agent):
    comment = factories.AnswerFactory()
    noted = attempt(caller, "#billing", loop__customer=comment.response.invitation.customer)
    factories.FollowUpFactory(call=noted.call, response=comment.response)
    given = change(agent, *requests.ask(noted), asked(caller))
    assert (given.plan.group, given.plan.owner, given.plan.due_on) == (group, agent, MAY)
    assert given.plan.title == "One invoice for each seat."
    assert list(Answer.objects.behind(given.plan.pk)) == [comment]


def test_who_answers_for_the_group_owns_its_improvements(caller, group, agent, lead):
    group.owner = lead
    group.save()
    assert change(agent, asked(caller)).plan.owner == lead


def test_a_change_joins_an_improvement_that_is_under_way(caller, group, agent):
    plan = change(agent, asked(caller)).plan
    assert change(agent, asked(caller), plan=plan).plan == plan
    assert ActionPlan.objects.get().group_answers.count() == 2
    assert list(improving.open_of(group)) == [plan]


def test_a_plan_that_ended_or_is_of_another_group_is_not_joined(caller, group, agent):
    request = asked(caller)
    with pytest.raises(improving.NotTheirPlan, match="not an open plan of Billing"):
        change(agent, request, plan=factories.ActionPlanFactory())
    assert GroupRequest.objects.waiting().get() == request


def test_a_long_answer_makes_a_short_title(caller, group, agent):
    plan = change(agent, asked(caller), text="One invoice for every seat " * 20).plan
    assert len(plan.title) <= 120
    assert plan.title.endswith("…")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"text": "  "}, "Write it down first"),
        ({"text": "x" * 2001}, "2000 letters fit here at most; these are 2001"),
        ({"kind": "change"}, "Say from when"),
        ({"kind": "keep", "change_from": MAY}, "Only a change begins on a day"),
        ({"requests": []}, "Choose what you answer"),
    ],
)
def test_an_answer_that_says_too_little_is_refused_and_nothing_is_answered(caller, group, agent, facts, sentence):
    request = asked(caller)
    with pytest.raises(Refused, match=sentence):
        requests.answer(**{"requests": [request], "kind": "no", "text": "No.", "by": agent} | facts)
    assert GroupRequest.objects.waiting().count() == 1
    assert not GroupAnswer.objects.exists()


def test_only_members_answer_and_only_for_one_group(caller, group, seats, agent, lead):
    made = requests.ask(attempt(caller))
    with pytest.raises(requests.OfSeveralGroups):
        no(agent, *made)
    with pytest.raises(requests.NotInGroup, match="Only members of Billing"):
        no(lead, *[request for request in made if request.group == group])


def test_who_comes_second_is_told_whose_the_answer_is_and_none_of_theirs_is_given(caller, group, agent, colleague):
    first, second = asked(caller), asked(caller)
    no(agent, first)
    with pytest.raises(requests.AnsweredAlready, match="Ana Ruiz has answered this already"):
        no(colleague, first, second)
    assert list(GroupRequest.objects.waiting()) == [second]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_answer_at_once_one_counts_and_the_other_hears_whose_it_is():
    people = [factories.UserFactory(first_name=name, last_name="") for name in ("Ana", "Ben")]
    factories.HashtagFactory(tag="billing", group__members=people)
    request, waiting = asked(factories.UserFactory()), Barrier(2, timeout=60)

    def hand(by):
        waiting.wait()
        try:
            return no(by, request, text=f"{by} says no.").text
        except Refused as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        said = set(pool.map(hand, people))
    given = GroupAnswer.objects.get()
    assert said == {given.text, f"{given.by} has answered this already."}
    assert Call.objects.filter(kind="second").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_groups_that_give_the_last_answers_at_once_one_schedules_the_call():
    caller = factories.UserFactory()
    for tag in ("billing", "seats"):
        factories.HashtagFactory(tag=tag, group__members=[factories.UserFactory()])
    made, waiting = requests.ask(attempt(caller)), Barrier(2, timeout=60)

    def hand(request):
        waiting.wait()
        try:
            no(request.group.members.get(), request)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(hand, made))
    assert Call.objects.filter(kind="second").count() == 1


def test_one_answer_to_all_of_a_loop_costs_as_many_queries_as_to_one(caller, agent):
    group = factories.SupportGroupFactory(members=[agent])
    for letter in "abcdef":
        factories.HashtagFactory(tag=f"topic-{letter}", group=group)

    def queries(letters):
        made = requests.ask(attempt(caller, " ".join(f"Bad #topic-{letter}." for letter in letters)))
        with CaptureQueriesContext(connection) as asked_:
            given = no(agent, *made)
        assert given.requests.count() == len(letters)
        return len(asked_)

    assert queries("a") == queries("abcdef")


@pytest.mark.django_db(transaction=True)
def test_a_group_that_answers_while_they_are_called_again_waits_for_the_call_and_neither_is_lost():
    caller, member = factories.UserFactory(), factories.UserFactory()
    factories.HashtagFactory(tag="billing", group__members=[member])
    for _ in range(5):
        request, waiting = asked(caller), Barrier(2, timeout=60)
        again = factories.CallFactory(loop=request.loop, owner=caller, kind="second")

        def hand(act, waiting=waiting):
            waiting.wait()
            try:
                act()
            finally:
                connection.close()

        answering = partial(no, member, request)
        recording = partial(calling.record, call=again, by=caller, outcome="no_answer")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(hand, [answering, recording]))
        request.refresh_from_db()
        assert (request.answer is None, again.attempts.count()) == (False, 1)
        assert request.loop.calls.get(kind="second") == again


# --- a question back


def test_a_group_asks_back_and_its_clock_stands_until_it_is_told(caller, group, agent):
    request = asked(caller)
    due_at = request.due_at
    held = requests.ask_back(request=request, text="Which invoice?", by=agent)
    assert told(caller) == [f"Billing asks you something about request #{request.pk}."]
    assert not GroupRequest.objects.overdue(due_at + timedelta(days=1)).exists()
    GroupRequest.objects.update(asked_back_at=held.asked_back_at - timedelta(days=3))
    held = requests.tell_back(request=request, text="That of May.", by=caller)
    assert timedelta(days=3) <= held.due_at - due_at < timedelta(days=3, minutes=5)
    assert (held.asked_back, held.told_back, held.asked_back_at) == ("Which invoice?", "That of May.", None)
    assert GroupRequest.objects.overdue(due_at + timedelta(days=4)).get() == request


def test_what_is_asked_a_second_time_stands_below_the_first(caller, group, agent):
    request = asked(caller)
    for question, reply in (("Which invoice?", "That of May."), ("Which line?", "The last.")):
        requests.ask_back(request=request, text=question, by=agent)
        held = requests.tell_back(request=request, text=reply, by=caller)
    assert held.asked_back == "Which invoice?\nWhich line?"
    assert held.told_back == "That of May.\nThe last."


def test_one_question_back_at_a_time(caller, group, agent, colleague):
    request = asked(caller)
    requests.ask_back(request=request, text="Which invoice?", by=agent)
    with pytest.raises(requests.AskedBackAlready, match="Ana Ruiz has asked something already"):
        requests.ask_back(request=request, text="Which day?", by=colleague)


def test_nothing_is_told_back_that_was_not_asked(caller, group):
    with pytest.raises(requests.NothingToTell, match="Billing waits for nothing"):
        requests.tell_back(request=asked(caller), text="May.", by=caller)


def test_a_group_may_answer_before_it_is_told(caller, group, agent, colleague):
    request = asked(caller)
    requests.ask_back(request=request, text="Which invoice?", by=agent)
    no(colleague, request)
    with pytest.raises(requests.AnsweredAlready, match="Ben Okafor"):
        requests.tell_back(request=request, text="May.", by=caller)


# --- withdrawn


def test_who_asked_withdraws_and_the_group_is_told(caller, group, agent):
    request = asked(caller)
    Notice.objects.all().delete()
    assert requests.withdraw(request=request, by=caller).withdrawn_at
    assert told(agent) == [f"Eve Stone has withdrawn request #{request.pk} to Billing."]
    with pytest.raises(requests.WasWithdrawn, match="nobody waits"):
        no(agent, request)


def test_others_do_not_withdraw_but_leads_and_who_has_the_call_do(caller, group, agent, lead):
    with pytest.raises(requests.NotYours, match="Only Eve Stone, who asked"):
        requests.withdraw(request=asked(caller), by=agent)
    requests.withdraw(request=asked(caller), by=lead)
    request, successor = asked(caller), factories.UserFactory()
    factories.CallFactory(loop=request.loop, owner=successor, kind="second")
    requests.withdraw(request=request, by=successor)


# --- together


def test_alike_are_those_that_wait_with_the_same_hashtag_the_likest_words_first(caller, group, seats, agent):
    one = asked(caller, "Charged twice for one seat. #billing")
    cold = asked(caller, "Invoices come in Dutch. #billing")
    same = asked(caller, "One seat was charged two times. #billing")
    asked(caller, "Charged twice for one seat. #seats")
    no(agent, asked(caller))
    assert requests.alike(one) == [same, cold]


def test_alike_costs_one_query(caller, group, django_assert_num_queries):
    one = asked(caller)
    for _ in range(5):
        asked(caller)
    one.refresh_from_db()
    with django_assert_num_queries(1):
        assert [str(other.customer) and str(other.attempt.by) for other in requests.alike(one)]


def test_requests_are_seen_by_their_group_by_who_asked_and_by_leads(caller, group, agent, lead, stranger):
    request = asked(caller)
    group.owner = factories.UserFactory()
    group.save()
    for person in (agent, caller, lead, group.owner):
        assert list(GroupRequest.objects.visible_to(person)) == [request]
    assert not GroupRequest.objects.visible_to(stranger).exists()


# --- live


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_told_at_once_to_the_list_of_who_asked_the_inbox_and_the_request():
    agent, caller = factories.UserFactory(), factories.UserFactory()
    group = factories.HashtagFactory(tag="billing", group__members=[agent]).group
    request = asked(caller)
    streams = [f"user:{caller.pk}", f"group:{group.pk}", f"request:{request.pk}"]
    live.numbers(streams)
    no(agent, request)
    heard = set(LiveEvent.objects.values_list("stream", "kind"))
    assert {(streams[0], "calls"), (streams[1], "requests"), (streams[2], "request")} <= heard


def test_pages_of_requests_are_followed_by_who_sees_them(caller, group, agent, stranger):
    request = asked(caller)
    for stream in (f"request:{request.pk}", f"group:{group.pk}"):
        assert live.may_follow(agent, stream)
        assert not live.may_follow(stranger, stream)


@pytest.mark.django_db(transaction=True)
def test_two_who_answer_one_request_are_told_of_each_other():
    agent, colleague = factories.UserFactory(), factories.UserFactory()
    request = factories.GroupRequestFactory()
    live.numbers([f"request:{request.pk}"])
    assert requests.typing(request=request, by=agent) == []
    assert [person["id"] for person in requests.typing(request=request, by=colleague)] == [agent.pk]
    assert [person["id"] for person in requests.typing(request=request, by=agent)] == [colleague.pk]
    assert requests.typing(request=request, by=agent, doing="gone")
    assert requests.typing(request=request, by=colleague) == []
    last = LiveEvent.objects.filter(kind="presence").latest("number")
    assert [person["id"] for person in last.data["people"]] == [colleague.pk]
