"""Many hands at once, with real transactions: each case has one owner, and whoever was too late hears who has it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cases import absences, assignment, handover, leads, offers, replies, snooze, urgency
from cases.models import Case, Lead, Lent, Offer
from cases.offers.deciding import OfferIsOver
from cases.offers.pulling import NothingWaits
from cases.offers.pushing import push
from crm.errors import Refused
from crm.models import Absence, Activity, Notice, User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE, ROUNDS = 20, 50


@pytest.fixture
def hands():
    """As many threads as people, each with a connection of its own that it keeps: `hands(act, each)` runs them at once
    and gives what each returned, or was refused with."""
    start = Barrier(AT_ONCE, timeout=60)
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def at_once(act, things):
            waiting = Barrier(len(things), timeout=60)

            def run(thing):
                waiting.wait()
                try:
                    return act(thing)
                except Refused as refusal:
                    return refusal

            return list(pool.map(run, things))

        yield at_once
        list(pool.map(lambda _: (start.wait(), connection.close()), range(AT_ONCE)))


@pytest.fixture
def people(team):
    return [factories.UserFactory(teams=[team], first_name=f"Agent {n}", last_name="") for n in range(AT_ONCE)]


def many(channel, n):
    """New cases, made in one go of what one case is."""
    first = factories.CaseFactory(channel=channel, message=False)
    rows = [factories.ThreadFactory(channel=channel) for _ in range(n - 1)]
    facts = {name: getattr(first, name) for name in ("customer", "identity", "channel", "team", "subject")}
    times = dict.fromkeys(("opened_at", "waiting_since", "last_message_at"), first.opened_at)
    return [first, *Case.objects.bulk_create([Case(thread=thread, **facts, **times) for thread in rows])]


def owners():
    return dict(Case.objects.values_list("pk", "owner_id"))


def test_twenty_agents_take_twenty_cases_fifty_times(channel, people, hands):
    """Two want each other case at once; who loses it hears who has it, and goes on to the next."""
    cases = many(channel, AT_ONCE)
    for round_ in range(ROUNDS):
        Case.objects.update(owner=None, state="new")
        Activity.objects.all().delete()

        def take(number, round_=round_):
            wanted = (number // 2 * 2 + round_) % AT_ONCE
            try:
                return assignment.take(case=Case(pk=cases[wanted].pk), by=people[number]).pk, ""
            except assignment.AlreadyTaken as refusal:
                following = cases[(wanted + 1) % AT_ONCE]
                return assignment.take(case=Case(pk=following.pk), by=people[number]).pk, str(refusal)

        answers = hands(take, range(AT_ONCE))
        assert owners() == {pk: person.pk for (pk, _), person in zip(answers, people, strict=True)}
        for number in range(0, AT_ONCE, 2):
            said = {answers[number][1]: people[number + 1], answers[number + 1][1]: people[number]}
            winner = said.pop(next(filter(None, said)))
            assert list(said) == [""]
            assert f"{winner} has this case already." in (answers[number][1], answers[number + 1][1])
        assert Activity.objects.filter(verb="taken").count() == AT_ONCE


def test_twenty_agents_press_next_case_at_once_and_have_twenty_cases(channel, people, hands):
    many(channel, AT_ONCE + 5)
    taken = hands(lambda person: offers.take_next(by=person), people)
    assert len({each.case.pk for each in taken}) == AT_ONCE
    assert [each.case.owner_id for each in taken] == [person.pk for person in people]
    assert Case.objects.filter(state="new", owner=None).count() == 5


def test_of_twenty_who_press_next_case_for_five_the_others_hear_that_nothing_waits(channel, people, hands):
    many(channel, 5)
    answers = hands(lambda person: offers.take_next(by=person), people)
    assert sum(isinstance(answer, NothingWaits) for answer in answers) == AT_ONCE - 5
    assert None not in owners().values()


@pytest.fixture
def offered(channel, people):
    """Ten cases, each offered to one of ten people."""
    cases = many(channel, 10)
    later = timezone.now() + timedelta(minutes=3)
    pairs = zip(cases, people[:10], strict=True)
    return [Offer.objects.create(case=case, user=person, until=later) for case, person in pairs]


def test_accept_against_lapse_is_one_of_both(offered, people, hands):
    """Who was in time has the case; who was not hears that the offer lapsed, and it is offered to the next."""
    Offer.objects.update(until=timezone.now() - timedelta(seconds=1))

    def act(number):
        return offers.accept(offer=offered[number], by=people[number]) if number < 10 else push()

    answers = hands(act, range(12))
    for offer, answer in zip(offered, answers[:10], strict=True):
        offer.refresh_from_db()
        if isinstance(answer, OfferIsOver):
            assert offer.state == "lapsed"
            assert owners()[offer.case_id] != offer.user_id
        else:
            assert (offer.state, owners()[offer.case_id]) == ("accepted", offer.user_id)


def test_accept_against_a_colleagues_take_has_one_owner_and_the_loser_hears_who(offered, people, hands):
    def act(number):
        mine = offered[number % 10]
        if number < 10:
            return offers.accept(offer=mine, by=people[number])
        return assignment.take(case=Case(pk=mine.case_id), by=people[number])

    answers = hands(act, range(20))
    for number, offer in enumerate(offered):
        offer.refresh_from_db()
        owner = User.objects.get(pk=owners()[offer.case_id])
        mine, theirs = answers[number], answers[number + 10]
        if owner.pk == offer.user_id:
            assert offer.state == "accepted"
            assert str(theirs) == f"{owner} has this case already."
        else:
            assert offer.state == "offered"  # until the clock withdraws it
            assert str(mine) == f"{owner} has this case already."
    push()
    assert not Offer.objects.filter(state="offered", case__owner__isnull=False).exists()


def test_an_offer_is_accepted_or_declined_but_not_both(offered, people, hands):
    def act(number):
        offer = Offer.objects.get(pk=offered[number % 10].pk)
        answer = offers.accept if number < 10 else offers.decline
        return answer(offer=offer, by=people[number % 10])

    answers = hands(act, range(20))
    for number, offer in enumerate(offered):
        offer.refresh_from_db()
        assert isinstance(answers[number], OfferIsOver) is (offer.state == "declined")
        assert isinstance(answers[number + 10], OfferIsOver) is (offer.state == "accepted")


def test_two_clocks_that_strike_at_once_offer_each_case_once(channel, team, people, hands):
    team.mode = "push"
    team.save()
    cases = many(channel, 15)
    hands(lambda _: push(), range(4))
    push()
    assert Offer.objects.filter(state="offered").count() == len(cases)
    assert Notice.objects.filter(kind="given").count() == len(cases)


def test_an_absence_that_begins_while_colleagues_take_what_is_freed_loses_no_case(channel, people, hands):
    away, others = people[0], people[1:]
    cases = many(channel, AT_ONCE)
    Case.objects.update(owner=away, state="open")
    now = timezone.now()
    absence = Absence.objects.create(user=away, starts_at=now - timedelta(minutes=1), ends_at=now + timedelta(days=1))

    def act(number):
        if number < 3:
            return absences.begin(absence=absence)
        return assignment.take(case=Case(pk=cases[number].pk), by=others[number - 1])

    answers = hands(act, range(AT_ONCE))
    assert sorted(map(len, answers[:3])) == [0, 0, AT_ONCE]
    assert Lent.objects.filter(absence=absence).count() == AT_ONCE
    for number in range(3, AT_ONCE):
        refused = isinstance(answers[number], Refused)
        assert owners()[cases[number].pk] == (None if refused else others[number - 1].pk)


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # or a transaction sees what it saw first
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.fetchone() is not None


@pytest.mark.parametrize(
    "act",
    [
        lambda case, by: handover.hand_over(case=case, to=by, story="Late", next_step="Call", by=case.owner).case,
        lambda case, by: snooze.snooze(case=case, until=timezone.now() + timedelta(days=1), by=case.owner),
        lambda case, by: urgency.set_priority(case=case, priority=1, by=by),
        lambda case, by: replies.reply(case=case, text="It is in Leeds.", by=case.owner).message.case_entry.case,
    ],
    ids=["handed over", "snoozed", "made urgent", "answered"],
)
def test_what_waits_for_a_case_sees_where_it_has_gone_meanwhile(case, agent, colleague, lead, act):
    """Its team and its owner change while somebody waits for it: they find it, as it is then."""
    Case.objects.filter(pk=case.pk).update(owner=agent, state="open")
    case.refresh_from_db()
    elsewhere = factories.TeamFactory(name="Escalations")

    def acts():
        try:
            return act(case, lead)
        except Refused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Case.objects.filter(pk=case.pk).update(team=elsewhere, owner=colleague)
            done = pool.submit(acts)
            while not somebody_waits() and not done.done():
                pass
        answer = done.result()
    assert Case.objects.get(pk=case.pk).team == elsewhere
    if isinstance(answer, Refused):
        assert str(colleague) in str(answer)  # not "nobody"
    else:
        assert Case.objects.get(pk=answer.pk).owner == colleague


@pytest.fixture
def sellers():
    return [factories.UserFactory(role="sales", first_name=f"Seller {n}", last_name="") for n in range(AT_ONCE)]


def test_of_twenty_who_take_a_lead_at_once_one_has_it_and_the_others_hear_who(channel, sellers, hands):
    lead = factories.LeadFactory(case__channel=channel)
    answers = hands(lambda person: leads.take(lead=Lead.objects.get(pk=lead.pk), by=person), sellers)
    owner = Lead.objects.select_related("owner").get().owner
    assert [person for person, said in zip(sellers, answers, strict=True) if isinstance(said, Lead)] == [owner]
    assert {str(said) for said in answers if not isinstance(said, Lead)} == {f"{owner} has this lead already."}
    assert Activity.objects.about(lead).filter(verb="lead taken").count() == 1


def test_of_twenty_who_hand_a_case_to_sales_at_once_one_does(channel, people, hands):
    case = factories.CaseFactory(channel=channel)
    answers = hands(lambda person: leads.hand(case=case, message=None, what="Seats", by=person), people)
    assert sum(isinstance(said, Lead) for said in answers) == Lead.objects.count() == 1
    assert {type(said) for said in answers} == {Lead, leads.HandedAlready}


def test_a_lead_ends_once_and_as_the_first_of_them_said(channel, sellers, hands):
    owner = sellers[0]
    for _ in range(5):
        lead = factories.LeadFactory(case__channel=channel, owner=owner, state="talking")
        seen = [Lead.objects.get(pk=lead.pk) for _ in range(6)]

        def act(number, seen=seen):
            return (leads.win, leads.lose)[number % 2](lead=seen[number], outcome=f"Said by {number}", by=owner).outcome

        answers = hands(act, range(6))
        (said,) = [answer for answer in answers if isinstance(answer, str)]
        assert Lead.objects.get(pk=lead.pk).outcome == said
        assert {type(answer) for answer in answers} == {str, leads.LeadIsOver}
