"""The story is told once: a case is handed over with it, and stays where it is until somebody accepts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from cases import assignment, handover, replies, resolution
from cases.models import Case, Commitment, HandOver
from channels_app import live
from channels_app.models import LiveEvent
from crm.models import Absence, Activity, Notice, User
from tests import factories

STORY = "She booked two seats and was charged for three."
NEXT = "Ask billing for the third charge."
SOON = timezone.now() + timedelta(hours=4)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def hand(case, by, **words):
    return handover.hand_over(case=case, by=by, **({"story": STORY, "next_step": NEXT} | words))


def verbs(case):
    return list(Activity.objects.about(case).order_by("id").values_list("verb", flat=True))


def told(user):
    return list(Notice.objects.filter(user=user).order_by("id").values_list("kind", "text"))


@pytest.fixture
def mine(case, agent):
    """A case that Ana has."""
    return assignment.take(case=case, by=agent)


# --- handed over, not yet accepted


@pytest.mark.django_db
def test_a_case_stays_with_who_has_it_until_it_is_accepted(mine, agent, colleague):
    given = hand(mine, agent, to=colleague, promised="A call back", promised_until=SOON)
    assert (fresh(mine).owner, fresh(mine).hand_overs, given.is_pending) == (agent, 0, True)
    assert Commitment.objects.count() == 0
    assert verbs(mine) == ["taken", "handed over"]
    assert told(colleague) == [("given", f"Ana Ruiz hands you case #{mine.pk}. Accept it, or return it.")]


@pytest.mark.django_db
def test_what_is_told_names_no_customer_and_none_of_their_words(mine, agent, colleague):
    given = hand(mine, agent, to=colleague)
    handover.give_back(handover=given, why="Cleo Vance hates trains", by=colleague)
    said = " ".join(text for _, text in [*told(agent), *told(colleague)])
    assert "hates" not in said
    assert mine.subject not in said
    assert mine.customer.name not in said


@pytest.mark.django_db
def test_everybody_of_a_team_hears_of_what_is_handed_to_it(mine, agent, colleague, lead, team):
    hand(mine, agent, team=team)
    assert [len(told(user)) for user in (agent, colleague, lead)] == [0, 1, 1]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"story": "  "}, "Write the story so far: who takes over should not have to ask the customer again."),
        ({"next_step": ""}, "Say what is to be done next."),
        ({"promised_until": SOON}, "Say what was promised until then, or leave out until when."),
        ({"to": None}, "Choose one colleague, or one team, who gets this case."),
    ],
)
def test_what_is_missing_is_asked_for(mine, agent, colleague, words, sentence):
    with pytest.raises(handover.Refused, match=f"^{sentence}$"):
        hand(mine, agent, **({"to": colleague} | words))
    assert HandOver.objects.count() == 0


@pytest.mark.django_db
def test_it_goes_to_one_colleague_or_one_team_not_to_both(mine, agent, colleague, team):
    with pytest.raises(handover.NobodyChosen):
        hand(mine, agent, to=colleague, team=team)


@pytest.mark.django_db
def test_nobody_hands_a_case_to_themselves(mine, agent):
    with pytest.raises(
        handover.ToOneself, match=r"^You cannot hand a case to yourself. Choose a colleague or a team.$"
    ):
        hand(mine, agent, to=agent)


@pytest.mark.django_db
def test_who_has_it_does_not_get_it_from_a_lead(mine, agent, lead):
    with pytest.raises(handover.HasItAlready, match=r"Ana Ruiz has this case already."):
        hand(mine, lead, to=agent)


@pytest.mark.django_db
def test_who_has_left_gets_nothing(mine, agent):
    gone = factories.UserFactory(is_active=False, first_name="Gil", last_name="Gone")
    with pytest.raises(handover.HasLeft, match=r"^Gil Gone no longer works here. Choose somebody else.$"):
        hand(mine, agent, to=gone)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["executive", "sales", "support"])
def test_who_does_not_answer_customers_gets_nothing(mine, agent, role):
    with pytest.raises(assignment.CannotOwn):
        hand(mine, agent, to=factories.UserFactory(role=role))


@pytest.mark.django_db
def test_who_is_away_gets_nothing_but_their_cover_does(mine, agent, colleague, lead):
    now = timezone.now()
    hours = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(days=2)}
    Absence.objects.create(user=colleague, cover=lead, **hours)
    with pytest.raises(handover.IsAway, match=r"^Ben Okafor is away until .*, and Lea Brandt covers. Hand it to Lea"):
        hand(mine, agent, to=colleague)
    assert hand(mine, agent, to=lead).is_pending


@pytest.mark.django_db
def test_who_is_away_without_cover_is_said_to_be(mine, agent, colleague):
    now = timezone.now()
    away = Absence.objects.create(user=colleague, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(days=2))
    with pytest.raises(handover.IsAwayUncovered, match="and nobody covers"):
        hand(mine, agent, to=colleague)
    Absence.objects.filter(pk=away.pk).update(ended_at=now)  # back before its end
    assert hand(mine, agent, to=colleague).is_pending


@pytest.mark.django_db
def test_a_team_that_is_closed_or_in_which_nobody_else_is_gets_nothing(mine, agent):
    alone = factories.TeamFactory(name="Nights")
    agent.memberships.create(team=alone)
    with pytest.raises(handover.NobodyInTeam, match=r"Nobody else in Nights could accept it."):
        hand(mine, agent, team=alone)
    closed = factories.TeamFactory(name="Days", closed_at=timezone.now())
    with pytest.raises(handover.TeamClosed, match=r"The team Days is closed."):
        hand(mine, agent, team=closed)


@pytest.mark.django_db
def test_a_resolved_case_is_not_handed_over(mine, agent, colleague, cause):
    resolution.resolve(case=mine, cause=cause, by=agent)
    with pytest.raises(handover.NothingToHandOver, match=r"^This case is resolved; there is nothing to hand over.$"):
        hand(mine, agent, to=colleague)


@pytest.mark.django_db
def test_one_hand_over_at_a_time(mine, agent, colleague, lead):
    hand(mine, agent, to=colleague)
    with pytest.raises(handover.HandedAlready, match="This case is being handed to Ben Okafor"):
        hand(mine, agent, to=lead)


@pytest.mark.django_db
def test_only_who_has_it_or_a_lead_hands_it_over_and_what_nobody_has_is_given(case, agent, colleague, lead):
    with pytest.raises(handover.NobodyHasIt):
        hand(case, agent, to=colleague)
    assignment.take(case=case, by=colleague)
    with pytest.raises(assignment.NotYours):
        hand(case, agent, to=lead)
    assert hand(case, lead, to=agent).is_pending


# --- accepted


@pytest.mark.django_db
def test_who_accepts_has_the_case_and_its_promise_stands(mine, agent, colleague):
    given = hand(mine, agent, to=colleague, promised="A call back", promised_until=SOON)
    handover.accept(handover=given, by=colleague)
    case = fresh(mine)
    assert (case.owner, case.state, case.hand_overs) == (colleague, "open", 1)
    promise = Commitment.objects.get()
    assert (promise.text, promise.until, promise.by, promise.at) == ("A call back", SOON, agent, given.at)
    assert verbs(mine)[-1] == "taken over"
    assert told(agent) == [("given", f"Ben Okafor has accepted case #{mine.pk}.")]


@pytest.mark.django_db
def test_a_case_that_waits_for_the_customer_goes_on_waiting(mine, agent, colleague):
    replies.reply(case=mine, text="One moment.", by=agent)
    handover.accept(handover=hand(mine, agent, to=colleague), by=colleague)
    assert (fresh(mine).owner, fresh(mine).state) == (colleague, "waiting")


@pytest.mark.django_db
def test_a_case_handed_to_a_team_is_that_teams_and_whose_accepts(mine, agent, stranger):
    other = stranger.teams.get()
    handover.accept(handover=hand(mine, agent, team=other), by=stranger)
    assert (fresh(mine).owner, fresh(mine).team) == (stranger, other)


@pytest.mark.django_db
def test_only_whom_it_was_handed_to_accepts_or_returns_it(mine, agent, colleague, lead, stranger):
    given = hand(mine, agent, to=colleague)
    for person in (agent, lead, stranger):
        for act in (handover.accept, lambda **who: handover.give_back(why="No", **who)):
            with pytest.raises(handover.NotForYou, match=r"This case was handed to Ben Okafor, not to you."):
                act(handover=given, by=person)


@pytest.mark.django_db
def test_who_hands_it_to_their_own_team_does_not_accept_it_themselves(mine, agent, colleague, lead, team):
    given = hand(mine, lead, team=team)
    for person in (agent, lead):  # who has it, and who hands it over
        with pytest.raises(handover.NotForYou):
            handover.accept(handover=given, by=person)
    handover.accept(handover=given, by=colleague)
    assert fresh(mine).owner == colleague


@pytest.mark.django_db
def test_each_acceptance_is_counted(mine, agent, colleague):
    handover.accept(handover=hand(mine, agent, to=colleague), by=colleague)
    handover.accept(handover=hand(mine, colleague, to=agent), by=agent)
    assert fresh(mine).hand_overs == 2


# --- returned, withdrawn, ended


@pytest.mark.django_db
def test_what_is_returned_says_why_and_stays_where_it_was(mine, agent, colleague):
    given = hand(mine, agent, to=colleague, promised="A call back")
    with pytest.raises(handover.NoReason):
        handover.give_back(handover=given, why=" ", by=colleague)
    handover.give_back(handover=given, why="I do not know Spanish", by=colleague)
    assert (fresh(mine).owner, fresh(mine).hand_overs, Commitment.objects.count()) == (agent, 0, 0)
    assert (fresh(given).state, fresh(given).why) == ("returned", "I do not know Spanish")
    assert told(agent) == [("given", f"Ben Okafor has returned case #{mine.pk}, and says why.")]
    assert hand(mine, agent, to=colleague).is_pending  # it may be tried again


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["agent", "lead"])
def test_who_handed_it_over_or_a_lead_withdraws_it(mine, agent, colleague, lead, who):
    given = hand(mine, agent, to=colleague)
    with pytest.raises(
        handover.NotYourHandOver, match=r"Only Ana Ruiz, who handed it over, or a lead can withdraw it."
    ):
        handover.withdraw(handover=given, by=colleague)
    handover.withdraw(handover=given, by={"agent": agent, "lead": lead}[who])
    assert fresh(given).state == "withdrawn"
    with pytest.raises(handover.DecidedAlready, match=r"has withdrawn this hand-over already."):
        handover.accept(handover=given, by=colleague)


@pytest.mark.django_db
def test_resolving_ends_it(mine, agent, colleague, cause):
    given = hand(mine, agent, to=colleague)
    resolution.resolve(case=mine, cause=cause, by=agent)
    assert (fresh(given).state, fresh(given).why) == ("withdrawn", "The case was resolved.")
    with pytest.raises(handover.DecidedAlready):
        handover.accept(handover=given, by=colleague)


@pytest.mark.django_db
def test_giving_the_case_back_to_the_queue_ends_it(mine, agent, colleague):
    given = hand(mine, agent, to=colleague)
    assignment.release(case=mine, by=agent)
    assert (fresh(given).state, fresh(given).why) == ("withdrawn", "The case went back to the queue.")


@pytest.mark.django_db
def test_the_sweep_ends_what_nobody_can_accept_any_more(channel, agent, colleague, team):
    cases = [factories.CaseFactory(channel=channel, owner=agent, state="open") for _ in range(4)]
    other = factories.TeamFactory()
    member = factories.UserFactory(teams=[other])
    given = [hand(cases[0], agent, to=member), hand(cases[1], agent, team=other), hand(cases[2], agent, to=colleague)]
    given.append(hand(cases[3], agent, to=colleague))
    assert handover.sweep() == 0
    member.is_active = False
    member.save()
    Case.objects.filter(pk=cases[2].pk).update(state="merged", merged_into=cases[3])
    assert handover.sweep() == 3
    assert [fresh(each).state for each in given] == ["withdrawn", "withdrawn", "withdrawn", "pending"]
    assert handover.sweep() == 0
    with pytest.raises(handover.HasEnded, match="This hand-over has ended: Whoever was to get it"):
        handover.accept(handover=given[0], by=colleague)


@pytest.mark.django_db
def test_the_sweep_costs_the_same_however_many(channel, agent, asked):
    def sweep(size):
        for _ in range(size):
            case = factories.CaseFactory(channel=channel, owner=agent, state="open")
            hand(case, agent, to=factories.UserFactory())
        User.objects.exclude(pk=agent.pk).update(is_active=False)
        return asked(lambda: handover.sweep() == size or pytest.fail("not all"))

    assert sweep(1) == sweep(20) <= 16


# --- who sees it


@pytest.mark.django_db
def test_whom_it_is_handed_to_sees_it_until_it_is_decided(mine, agent, stranger):
    given = hand(mine, agent, to=stranger)
    assert list(Case.objects.visible_to(stranger)) == [mine]
    assert live.may_follow(stranger, f"case:{mine.pk}")
    handover.give_back(handover=given, why="Not mine", by=stranger)
    assert list(Case.objects.visible_to(fresh(stranger))) == []


@pytest.mark.django_db
def test_so_does_everybody_of_the_team_it_is_handed_to(mine, agent, stranger):
    hand(mine, agent, team=stranger.teams.get())
    assert list(Case.objects.visible_to(stranger)) == [mine]


@pytest.mark.django_db
def test_the_queue_of_whom_it_is_handed_to_is_told_of_the_row(
    mine, agent, stranger, django_capture_on_commit_callbacks
):
    stream = f"user:{stranger.pk}"
    live.follow(stream, 0)
    with django_capture_on_commit_callbacks(execute=True):
        given = hand(mine, agent, to=stranger)
    first = LiveEvent.objects.get(stream=stream, kind="case")
    assert (first.data["id"], first.data["handed_by"]) == (mine.pk, agent.pk)
    with django_capture_on_commit_callbacks(execute=True):
        handover.withdraw(handover=given, by=agent)
    assert LiveEvent.objects.filter(stream=stream, kind="case").count() == 2


# --- at once


def at_once(*acts):
    """Each act in a transaction of its own, all let go together: what came of each, a refusal as its sentence."""
    start = Barrier(len(acts), timeout=60)

    def rush(act):
        start.wait()
        try:
            return act()
        except handover.Refused as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(rush, acts))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_of_a_team_that_accepts_at_once_one_has_it_and_the_others_are_told_who(case, team, agent, attempt):
    people = [factories.UserFactory(teams=[team], first_name=f"Agent {n}", last_name="") for n in range(8)]
    given = hand(assignment.take(case=case, by=agent), agent, team=team)
    found = at_once(*[lambda who=who: handover.accept(handover=fresh(given), by=who) for who in people])
    winner = fresh(case).owner
    assert winner in people
    assert found.count(f"{winner} has accepted this hand-over already.") == 7
    assert fresh(case).hand_overs == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_accepting_against_withdrawing_one_of_them_holds(case, agent, colleague, attempt):
    given = hand(assignment.take(case=case, by=agent), agent, to=colleague, promised="A call")
    accepted, withdrawn = at_once(
        lambda: handover.accept(handover=fresh(given), by=colleague),
        lambda: handover.withdraw(handover=fresh(given), by=agent),
    )
    if fresh(given).state == "accepted":
        assert withdrawn == "Ben Okafor has accepted this hand-over already."
        assert (fresh(case).owner, Commitment.objects.count()) == (colleague, 1)
    else:
        assert accepted == "Ana Ruiz has withdrawn this hand-over already."
        assert (fresh(case).owner, Commitment.objects.count()) == (agent, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_handing_over_against_resolving_leaves_nothing_pending_on_a_closed_case(case, agent, colleague, cause, attempt):
    assignment.take(case=case, by=agent)
    given, done = at_once(
        lambda: hand(fresh(case), agent, to=colleague),
        lambda: resolution.resolve(case=fresh(case), cause=cause, by=agent),
    )
    assert fresh(case).state == "resolved"
    assert done == case
    assert HandOver.objects.pending().count() == 0
    assert isinstance(given, HandOver) or given == "This case is resolved; there is nothing to hand over."


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_accepting_against_resolving_one_of_them_holds(case, agent, colleague, cause, attempt):
    given = hand(assignment.take(case=case, by=agent), agent, to=colleague, promised="A call")
    accepted, done = at_once(
        lambda: handover.accept(handover=fresh(given), by=colleague),
        lambda: resolution.resolve(case=fresh(case), cause=cause, by=agent),
    )
    if fresh(given).state == "accepted":  # then its promise stands, and nothing is resolved over it
        assert "We promised this customer: “A call”." in done
        assert (fresh(case).state, fresh(case).owner) == ("open", colleague)
    else:
        assert accepted == "Ana Ruiz has withdrawn this hand-over already."
        assert fresh(case).state == "resolved"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_two_who_hand_it_over_at_once_hand_it_over_once(case, agent, colleague, lead, attempt):
    assignment.take(case=case, by=agent)
    found = at_once(lambda: hand(fresh(case), agent, to=colleague), lambda: hand(fresh(case), lead, to=colleague))
    assert HandOver.objects.count() == 1
    assert sum("This case is being handed to Ben Okafor" in str(each) for each in found) == 1
