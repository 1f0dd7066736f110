"""Recognition: each figure as a plain script finds it again, what is fair and what is not, and thanks by name."""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import CaseMessage
from crm import merging
from crm.models import Activity, Customer, Notice
from crm.models.activity import log
from surveys.models import Call, Recognition, Response
from surveys.recognition import cards, kept, months, prevented, saved, thanking
from surveys.recognition.kept import Share
from surveys.recognition.months import Month
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
START = datetime(2026, 10, 1, tzinfo=UTC)
OCTOBER = Month(START.date())
NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)


@pytest.fixture
def ana():
    return factories.UserFactory(first_name="Ana", last_name="Reyes")


@pytest.fixture
def ben():
    return factories.UserFactory(first_name="Ben", last_name="Okoye")


def day(n):
    """The n-th of October, at noon."""
    return START + (n - 1) * DAY + timedelta(hours=12)


def answered(customer, score, at):
    return factories.ResponseFactory(invitation__customer=customer, score=score, finished_at=at, started_at=at)


def reached(person, customer, at, outcome="reached"):
    call = factories.CallFactory(
        customer=customer, loop__customer=customer, owner=person, owned_since=at - DAY, due_at=at + DAY, state="done",
        ended_at=at,
    )  # fmt: skip
    return factories.CallAttemptFactory(call=call, by=person, at=at, outcome=outcome)


def resolved(person, customer, at):
    case = factories.CaseFactory(customer=customer, message=False, opened_at=at - DAY)
    factories.resolved(case, person)
    type(case).objects.filter(pk=case.pk).update(resolved_at=at)
    return case


def saves(*people, month=OCTOBER):
    found = saved.by_person([person.pk for person in people], month)
    return {pk: [(each.turn.customer, each.turn.score) for each in rows] for pk, rows in found.items()}


# --- months


def test_a_month_is_whole_and_on_the_clock_of_the_house():
    assert (OCTOBER.start, OCTOBER.end) == (START, datetime(2026, 11, 1, tzinfo=UTC))
    assert (OCTOBER.before.key, OCTOBER.after.key, str(OCTOBER)) == ("2026-09", "2026-11", "October 2026")
    assert Month(datetime(2026, 12, 1).date()).after.key == "2027-01"


@pytest.mark.parametrize("key", ["", "soon", "2026-13", "2027-01", "0001-01", "2026-10-01"])
def test_what_is_no_month_or_none_yet_is_this_one(key):
    assert months.read(key, NOW).key == "2026-11"


def test_any_month_that_has_begun_can_be_asked_for():
    assert months.read("2026-10", NOW) == OCTOBER
    assert months.read("2026-11", NOW).key == "2026-11"


# --- saved customers


def test_who_calls_a_detractor_that_is_none_in_the_next_answer_has_saved_them(ana):
    customer = factories.CustomerFactory()
    was, call, became = answered(customer, 3, day(1)), reached(ana, customer, day(5)), answered(customer, 8, day(20))
    (each,) = saved.by_person([ana.pk], OCTOBER)[ana.pk]
    turn = each.turn
    assert (turn.customer, turn.was_pk, turn.was_score, turn.pk, turn.score) == (
        customer.pk, was.pk, 3, became.pk, 8,
    )  # fmt: skip
    assert [(deed.kind, deed.pk) for deed in each.deeds] == [("call", call.call_id)]


def test_so_has_who_resolved_a_case_of_theirs_and_all_who_did_count(ana, ben):
    customer = factories.CustomerFactory()
    answered(customer, 0, day(1))
    case = resolved(ana, customer, day(3))
    reached(ben, customer, day(4))
    reached(ana, customer, day(5))
    answered(customer, 10, day(9))
    found = saved.by_person([ana.pk, ben.pk], OCTOBER)
    assert [deed.kind for deed in found[ana.pk][0].deeds] == ["case", "call"]
    assert found[ana.pk][0].deeds[0].pk == case.pk
    assert len(found[ben.pk]) == 1


@pytest.mark.parametrize(
    ("before", "after", "outcome", "when"),
    [
        (7, 9, "reached", 5),  # was no detractor
        (6, 6, "reached", 5),  # still is one
        (3, 9, "no_answer", 5),  # was not reached
        (3, 9, "reached", 25),  # after the answer
        (3, 9, "reached", -5),  # before they were a detractor
    ],
)
def test_nothing_else_is_a_save(ana, before, after, outcome, when):
    customer = factories.CustomerFactory()
    answered(customer, before, day(1))
    reached(ana, customer, day(when), outcome)
    answered(customer, after, day(20))
    assert saves(ana) == {}


def test_only_the_next_answer_counts(ana):
    customer = factories.CustomerFactory()
    for n, score in ((1, 2), (3, 5), (6, 9), (9, 10)):
        answered(customer, score, day(n))
    reached(ana, customer, day(2))
    assert saves(ana) == {}
    reached(ana, customer, day(5))
    assert saves(ana) == {ana.pk: [(customer.pk, 9)]}


def test_an_answer_nobody_trusts_saves_nobody_and_hides_nothing(ana, ben):
    customer = factories.CustomerFactory()
    answered(customer, 2, day(1))
    reached(ana, customer, day(2))
    doubted = answered(customer, 9, day(4))
    Response.objects.filter(pk=doubted.pk).update(left_out_at=NOW, left_out_by=ben.pk)
    assert saves(ana) == {}
    answered(customer, 8, day(8))
    assert saves(ana) == {ana.pk: [(customer.pk, 8)]}


def test_a_case_that_came_back_saves_nobody(ana):
    customer = factories.CustomerFactory()
    answered(customer, 2, day(1))
    case = resolved(ana, customer, day(2))
    case.reopen(at=day(3))
    case.save()
    answered(customer, 8, day(8))
    assert saves(ana) == {}


def test_it_counts_in_the_month_of_the_answer(ana):
    customer = factories.CustomerFactory()
    answered(customer, 2, day(1))
    reached(ana, customer, day(30))
    answered(customer, 8, day(33))
    assert saves(ana) == {}
    assert saves(ana, month=OCTOBER.after) == {ana.pk: [(customer.pk, 8)]}


def naive_saves(world, people):
    """Lists and loops: person → the (customer, answer) pairs they saved in October."""
    found = defaultdict(set)
    for customer, rows in world["answers"].items():
        rows = sorted(rows)
        for (was_at, was), (at, score) in itertools.pairwise(rows):
            if was <= 6 < score and at.month == 10:
                for person, whom, done_at in world["deeds"]:
                    if whom == customer and was_at < done_at < at and person in people:
                        found[person].add((customer, at))
    return dict(found)


@pytest.mark.parametrize("seed", range(6))
def test_saves_are_those_that_a_plain_script_finds(seed):
    dice = random.Random(seed)
    people = factories.UserFactory.create_batch(3)
    world = {"answers": defaultdict(list), "deeds": []}
    for customer in factories.CustomerFactory.create_batch(4):
        for n in dice.sample(range(-20, 45), 5):
            score = dice.choice([1, 5, 6, 7, 9])
            answered(customer, score, day(n))
            world["answers"][customer.pk].append((day(n), score))
        for n in dice.sample(range(-20, 45), 4):
            person, at = dice.choice(people), day(n) + timedelta(hours=1)
            dice.choice([reached, resolved])(person, customer, at)
            world["deeds"].append((person.pk, customer.pk, at))
    pks = {person.pk for person in people}
    found = saved.by_person(pks, OCTOBER)
    assert {pk: {(e.turn.customer, e.turn.at) for e in rows} for pk, rows in found.items()} == naive_saves(world, pks)


# --- kept promises


def spoke(case, person, at, **facts):
    message = factories.MessageFactory(thread=case.thread, direction="out", sent_by=person, identity=case.identity,
                                       occurred_at=at, **facts)  # fmt: skip
    CaseMessage.objects.create(case=case, message=message)
    return message


def a_clock(case, at, kind="answer", end="kept", broken_at=None):
    return factories.ClockFactory(
        case=case, kind=kind, started_at=at - DAY, running_since=None, due_at=None, risk_at=None, ended_at=at, end=end,
        broken_at=broken_at,
    )  # fmt: skip


def share(person, now=NOW, month=OCTOBER):
    return kept.shares([person.pk], month, now).get(person.pk, Share())


def test_a_clock_is_theirs_who_said_what_ended_it_whoever_has_the_case(ana, ben):
    case = factories.CaseFactory(owner=ben, state="open")
    spoke(case, ana, day(4))
    a_clock(case, day(4))
    assert (share(ana), share(ben)) == (Share(1, 1), Share(0, 0))
    (promise,) = kept.listed(ana.pk, OCTOBER, NOW)
    assert (promise.kind, promise.pk, promise.customer, promise.kept) == ("answer", case.pk, case.customer_id, True)


def test_also_where_the_network_says_another_moment_than_we_wrote(ana):
    case = factories.CaseFactory()
    message = spoke(case, ana, day(4) + timedelta(minutes=3))
    factories.DeliveryFactory(message=message, created_at=day(4))
    a_clock(case, day(4))
    assert share(ana) == Share(1, 1)


def test_a_promise_to_resolve_is_theirs_who_did(ana):
    case = resolved(ana, factories.CustomerFactory(), day(6))
    a_clock(case, day(6), kind="resolve")
    assert share(ana) == Share(1, 1)


def test_a_late_answer_counts_where_it_was_in_their_hands(ana):
    case = factories.CaseFactory()
    log("taken", case, by=ana)
    Activity.objects.update(at=day(2))
    spoke(case, ana, day(5))
    a_clock(case, day(5), end="broken", broken_at=day(3))
    assert share(ana) == Share(0, 1)
    assert [each.kept for each in kept.listed(ana.pk, OCTOBER, NOW)] == [False]


def test_who_answers_what_was_late_already_is_not_blamed(ana):
    case = factories.CaseFactory()
    spoke(case, ana, day(5))
    a_clock(case, day(5), end="broken", broken_at=day(3))
    assert share(ana) == Share(0, 0)


def test_what_was_dropped_is_nobodys(ana):
    case = factories.CaseFactory()
    spoke(case, ana, day(5))
    a_clock(case, day(5), end="dropped")
    assert share(ana) == Share(0, 0)


def a_call(person, *, due, made=None, since=None):
    call = factories.CallFactory(owner=person, owned_since=since or due - 3 * DAY, due_at=due)
    if made:
        Call.objects.filter(pk=call.pk).update(state="done", ended_at=made)
        factories.CallAttemptFactory(call=call, by=person, at=made)
    return call


def test_a_call_by_its_day_is_kept_a_later_one_is_not_nor_is_one_still_open(ana):
    a_call(ana, due=day(5), made=day(4))
    a_call(ana, due=day(5), made=day(6))
    a_call(ana, due=day(9))
    a_call(ana, due=NOW + DAY)
    assert share(ana) == Share(1, 3)
    assert [(e.kind, e.kept) for e in kept.listed(ana.pk, OCTOBER, NOW)] == [
        ("call", False), ("call", False), ("call", True),
    ]  # fmt: skip


def test_a_call_that_came_to_them_late_counts_only_where_they_made_it_in_time(ana):
    a_call(ana, due=day(5), since=day(6))
    a_call(ana, due=day(5), since=day(6), made=day(7))
    assert share(ana) == Share(0, 0)


def test_the_share_is_rounded_down_so_that_all_means_all():
    assert (Share(199, 200).percent, Share(3, 3).percent, Share().percent) == (99, 100, None)


@pytest.mark.parametrize("seed", range(4))
def test_shares_are_those_that_a_plain_script_counts_and_every_one_is_listed(seed):
    dice = random.Random(seed)
    people = factories.UserFactory.create_batch(2)
    expected = Counter()
    for _n in range(14):
        person, n, late = dice.choice(people), dice.randint(-3, 36), dice.random() < 0.4
        in_october = 1 <= n <= 31
        if dice.random() < 0.5:
            case = factories.CaseFactory()
            before = dice.random() < 0.5
            if before:
                spoke(case, person, day(n) - 2 * DAY)
            spoke(case, person, day(n))
            a_clock(case, day(n), end="broken" if late else "kept", broken_at=day(n) - DAY if late else None)
            counts = not late or before
        else:
            had = dice.random() < 0.5
            due = day(n) - DAY if late else day(n) + DAY
            a_call(person, due=due, made=day(n), since=due - DAY if had else due + timedelta(hours=1))
            counts = not late or had
        if in_october and counts:
            expected[person.pk, not late] += 1
    found = kept.shares([person.pk for person in people], OCTOBER, NOW)
    for person in people:
        theirs = found.get(person.pk, Share())
        assert theirs == Share(expected[person.pk, True], expected[person.pk, True] + expected[person.pk, False])
        listed = kept.listed(person.pk, OCTOBER, NOW)
        assert Share(sum(each.kept for each in listed), len(listed)) == theirs


# --- prevented causes


def an_improvement(owner, *, shipped=None, cause=None, before=30, after=3, state="done"):
    """Of whose cause so many were mentioned in the eight weeks on either side, of a hundred each."""
    cause, shipped = cause or factories.CauseFactory(), shipped or day(1).date()
    at = datetime(shipped.year, shipped.month, shipped.day, 12, tzinfo=UTC)
    ended = {"ended_at": at, "outcome": "It is quicker now.", "shipped_on": shipped} if state == "done" else {}
    plan = factories.ActionPlanFactory(owner=owner, cause=cause, state=state, group=factories.SupportGroupFactory(),
                                       **ended)  # fmt: skip
    other = factories.CauseFactory()
    for n, offset in ((before, -7), (after, 3)):
        for k in range(50):
            case = factories.CaseFactory(message=False, opened_at=at + offset * DAY)
            factories.resolved(case, owner, cause if k < n else other)
    return plan


def improvements(*people, month=OCTOBER):
    return prevented.by_person([person.pk for person in people], month)


def test_an_improvement_that_helped_stands_on_the_cards_of_all_who_had_a_part(ana, ben):
    caller = factories.UserFactory(role="executive")
    plan = an_improvement(ana)
    answer = factories.GroupAnswerFactory(kind="change", group=plan.group, plan=plan, change_from=day(1), by=ben)
    request = factories.GroupRequestFactory(
        attempt__call__owner=caller, hashtag__group=plan.group, answer=answer
    )  # fmt: skip
    found = improvements(ana, ben, caller)
    assert {pk: [(e.plan, e.fell, e.parts) for e in rows] for pk, rows in found.items()} == {
        ana.pk: [(plan, True, {"owned"})], ben.pk: [(plan, True, {"answered"})], caller.pk: [(plan, True, {"asked"})],
    }  # fmt: skip
    assert found[caller.pk][0].request == found[ben.pk][0].request == request.pk


def test_one_that_changed_nothing_counts_for_nobody_and_says_so(ana):
    an_improvement(ana, before=20, after=20)
    (each,) = improvements(ana)[ana.pk]
    assert (each.fell, each.to_be_seen) == (False, False)
    assert "no difference beyond chance" in each.mentions.sentence


def test_one_of_which_nothing_can_be_said_yet_is_to_be_seen(ana):
    an_improvement(ana, before=2, after=1)
    (each,) = improvements(ana)[ana.pk]
    assert (each.fell, each.to_be_seen) == (False, True)


def test_it_counts_in_the_month_in_which_it_came_and_not_before(ana):
    an_improvement(ana, shipped=day(1).date() - DAY)
    an_improvement(ana, state="doing")
    assert improvements(ana) == {}


# --- cards


def test_a_card_and_a_team_count_each_thing_once(ana, ben):
    customer = factories.CustomerFactory()
    answered(customer, 2, day(1))
    for person in (ana, ben):
        reached(person, customer, day(4 if person == ana else 5))
        factories.RecognitionFactory(person=person, at=day(6))
    answered(customer, 9, day(9))
    both = cards.cards([ana, ben], OCTOBER, NOW)
    assert [len(card.saved) for card in both] == [1, 1]
    assert [card.share for card in both] == [Share(1, 1), Share(1, 1)]
    together = cards.together(both)
    assert (together.customers, together.share, together.causes, together.thanks) == (1, Share(2, 2), 0, 2)


def test_leads_see_everybodys_card_others_their_own(ana, ben):
    lead = factories.UserFactory(role="lead")
    assert set(cards.people_of(ana)) == {ana}
    assert set(cards.people_of(lead)) == {ana, ben, lead}


def test_cards_of_twenty_ask_no_more_than_the_card_of_one(ana):
    people = [ana, *factories.UserFactory.create_batch(19)]
    for person in people:
        customer = factories.CustomerFactory()
        answered(customer, 2, day(1))
        reached(person, customer, day(4))
        answered(customer, 9, day(9))
        factories.RecognitionFactory(person=person, at=day(6), customer=customer)
    an_improvement(ana)

    def asked(who):
        with CaptureQueriesContext(connection) as queries:
            found = cards.cards(who, OCTOBER, NOW)
        assert [len(card.saved) for card in found] == [1] * len(who)
        return len(queries)

    assert asked(people) == asked([ana]) == 11


def test_a_merged_customer_is_saved_under_the_record_that_stands(ana):
    gone, stands = factories.CustomerFactory(), factories.CustomerFactory()
    answered(gone, 2, day(1))
    reached(ana, gone, day(4))
    answered(stands, 9, day(9))
    assert saves(ana) == {}
    merging.merge(survivor=stands, absorbed=gone, by=factories.UserFactory(role="lead"), reason="Same person")
    assert saves(ana) == {ana.pk: [(stands.pk, 9)]}


# --- thanks by name


def test_who_is_thanked_hears_of_it_and_it_stands_on_their_card(ana, ben):
    customer = factories.CustomerFactory()
    made = thanking.recognise(person=ana, words="You called her on a Sunday.", by=ben, what="saved", about=customer)
    assert (made.subject, made.by) == (customer, ben)
    notice = Notice.objects.get(user=ana)
    assert (notice.url, "Sunday" in notice.text) == (f"/scorecards/{ana.pk}/", False)
    month = months.month_of(timezone.now())
    assert cards.thanks_of([ana.pk], month) == {ana.pk: [made]}


@pytest.mark.parametrize(
    ("words", "to", "refusal"),
    [("  ", "ana", thanking.NoWords), ("Well done", "ben", thanking.NotYourself), ("Bye", "gone", thanking.IsGone)],
)
def test_thanks_are_refused_with_a_reason(ana, ben, words, to, refusal):
    people = {"ana": ana, "ben": ben, "gone": factories.UserFactory(is_active=False)}
    with pytest.raises(refusal):
        thanking.recognise(person=people[to], words=words, by=ben)
    assert not Recognition.objects.exists()


def test_the_database_knows_too_that_nobody_thanks_themselves(ana):
    with pytest.raises(IntegrityError, match="nobody_recognises_themselves"), transaction.atomic():
        factories.RecognitionFactory(person=ana, by=ana)


def test_thanks_can_be_taken_back_for_a_day_by_who_said_them(ana, ben):
    made = thanking.recognise(person=ana, words="Well done", by=ben)
    with pytest.raises(thanking.NotYoursToTakeBack):
        thanking.take_back(recognition=made, by=ana)
    thanking.take_back(recognition=made, by=ben)
    assert not Recognition.objects.standing().exists()
    assert not Notice.objects.filter(user=ana).exists()
    with pytest.raises(thanking.NotYoursToTakeBack):
        thanking.take_back(recognition=made, by=ben)


def test_after_a_day_they_stand(ana, ben):
    made = factories.RecognitionFactory(person=ana, by=ben, at=timezone.now() - 2 * DAY)
    with pytest.raises(thanking.NotYoursToTakeBack):
        thanking.take_back(recognition=made, by=ben)


def test_thanks_stay_when_what_they_were_for_is_gone(ana, ben):
    customer = factories.CustomerFactory()
    made = thanking.recognise(person=ana, words="Well done", by=ben, about=customer)
    Customer.objects.filter(pk=customer.pk).delete()
    made.refresh_from_db()
    assert (made.subject, made.words) == (None, "Well done")
