"""The right person: who fits a case and why, the next case for who asks, and cases offered by turns."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import assignment, offers, resolution
from cases.models import Case, DeskSettings, Offer
from cases.offers.fitting import Answerer, Need, best
from cases.offers.pulling import NothingWaits
from cases.offers.reasons import because
from channels_app import certification, live
from channels_app.models import Attempt, LiveEvent, Module
from crm.models import Absence, Activity, Calendar, Notice, Skill, Team, User
from crm.models.hours import Period
from tests import factories

# --- who fits: without a database


def person(pk, **facts):
    user = User(pk=pk, first_name=f"P{pk}", load_cap=facts.pop("cap", 8))
    facts = {"languages": frozenset({"en"}), "teams": frozenset({1}), **facts}
    return Answerer(user=user, **facts)


def need(**facts):
    return Need(**{"case": 1, "team": 1, "customer": 9, **facts})


def order(found):
    return [fit.user.pk for fit in found]


def test_who_has_more_room_comes_first():
    assert order(best(need(), [person(1, load=6), person(2, load=3)])) == [2, 1]


def test_among_equals_the_one_with_fewer_cases_and_then_the_older_one():
    people = [person(3), person(2), person(1, load=4, cap=16), person(4, load=2)]
    assert order(best(need(), people)) == [2, 3, 4, 1]


@pytest.mark.parametrize(
    "facts",
    [{"is_here": False}, {"load": 8}, {"load": 9}, {"teams": frozenset({2})}, {"cap": 0}],
)
def test_who_is_away_or_full_or_of_another_team_does_not_come_into_question(facts):
    assert best(need(), [person(1, **facts)]) == []


def test_who_has_it_already_does_not_come_into_question():
    assert best(need(owner=1), [person(1)]) == []


def test_every_skill_it_needs_is_wanted():
    wanted = need(skills={5: "Refunds", 6: "Wheelchairs"})
    found = best(wanted, [person(1, skills=frozenset({5})), person(2, skills=frozenset({5, 6, 7}))])
    assert order(found) == [2]
    assert found[0].reasons == ["knows Refunds and Wheelchairs", "has 0 of 8 cases"]


def test_those_who_speak_the_language_come_into_question_and_nobody_else():
    found = best(need(language="es"), [person(1), person(2, languages=frozenset({"es"}), load=7)])
    assert order(found) == [2]
    assert found[0].reasons == ["speaks Spanish", "has 7 of 8 cases"]


def test_where_nobody_who_is_free_speaks_it_all_come_into_question_and_it_says_so():
    people = [person(1), person(2, languages=frozenset({"es"}), load=8)]
    found = best(need(language="es"), people)
    assert order(found) == [1]
    assert found[0].reasons == ["nobody who is free speaks Spanish", "has 0 of 8 cases"]


def test_a_case_without_a_language_fits_everybody():
    assert order(best(need(), [person(1, languages=frozenset({"fi"}))])) == [1]


def test_who_spoke_with_the_customer_before_goes_before_who_has_a_little_more_room():
    found = best(need(), [person(1), person(2, load=2, met={9: 2})])
    assert order(found) == [2, 1]
    assert found[0].reasons == ["has 2 of 8 cases", "spoke with this customer before (2 cases)"]
    assert best(need(), [person(1), person(2, load=7, met={9: 5})])[0].user.pk == 1  # but not if their desk is full


def test_who_may_only_draft_comes_last_and_it_says_so():
    found = best(need(place="chirp"), [person(1, uncertified=frozenset({"chirp"}), met={9: 3}), person(2, load=7)])
    assert order(found) == [2, 1]
    assert found[1].reasons[-1] == "may only draft"


def test_where_it_is_written_by_hand_nobody_need_be_certified():
    found = best(need(place=None), [person(1, uncertified=frozenset({"phone"}))])
    assert "may only draft" not in found[0].reasons


def test_the_reasons_are_told_to_who_has_it_as_one_sentence():
    spanish = best(need(language="es"), [person(1, languages=frozenset({"es"}), load=3)])[0]
    assert because(spanish.why) == "Because you speak Spanish and have 3 of 8 cases."
    known = best(need(language="fi", skills={5: "Refunds"}, place="x"), [
        person(1, skills=frozenset({5}), met={9: 1}, uncertified=frozenset({"x"}))
    ])[0]  # fmt: skip
    assert because(known.why) == (
        "Because you know Refunds, have 0 of 8 cases and spoke with this customer before (1 case)."
        " Nobody who is free speaks Finnish. You are not certified for its channel: what you write waits for approval."
    )


# --- who fits: from the rows


@pytest.fixture
def pushed(team):
    Team.objects.update(mode="push")
    return team


def fresh(case):
    return Case.objects.get(pk=case.pk)


def speaker(team, *languages, **facts):
    return factories.UserFactory(teams=[team], languages=list(languages), **facts)


def away(user, **facts):
    now = timezone.now()
    return Absence.objects.create(user=user, starts_at=now, ends_at=now + timedelta(days=1), **facts)


def names(found):
    return [str(fit.user) for fit in found]


@pytest.mark.django_db
def test_all_of_the_team_who_answer_come_into_question_and_leads_too(case, agent, colleague, lead, stranger, team):
    factories.UserFactory(role="executive", teams=[team])
    factories.UserFactory(is_active=False, teams=[team])
    assert {fit.user for fit in offers.best_for(case)} == {agent, colleague, lead}


@pytest.mark.django_db
def test_who_is_away_does_not_come_into_question_until_they_are_back(case, agent, colleague):
    absence = away(agent)
    assert names(offers.best_for(case)) == ["Ben Okafor"]
    Absence.objects.filter(pk=absence.pk).update(ended_at=timezone.now())
    assert len(offers.best_for(case)) == 2


@pytest.mark.django_db
def test_who_is_off_shift_does_not_come_into_question(case, agent, colleague):
    closed, always = (
        Calendar.objects.create(name="Never"), Calendar.objects.create(name="Always", around_the_clock=True),
    )  # fmt: skip
    User.objects.filter(pk=agent.pk).update(shift=closed)
    User.objects.filter(pk=colleague.pk).update(shift=always)
    assert names(offers.best_for(case)) == ["Ben Okafor"]
    today = timezone.now().weekday()
    Period.objects.bulk_create([
        Period(calendar=closed, weekday=day, opens=0, closes=1440) for day in {today, (today + 1) % 7}
    ])  # fmt: skip
    assert len(offers.best_for(case)) == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "counts"), [("open", True), ("snoozed", True), ("waiting", False), ("aside", False), ("resolved", False)]
)
def test_what_counts_against_the_load_cap(case, agent, channel, state, counts):
    User.objects.filter(pk=agent.pk).update(load_cap=1)
    other = factories.CaseFactory(channel=channel, owner=agent, state="open")
    facts = {
        "snoozed": {"snoozed_until": timezone.now()},
        "resolved": {"resolved_at": timezone.now(), "resolved_by": agent, "cause": factories.CauseFactory()},
    }
    Case.objects.filter(pk=other.pk).update(state=state, **facts.get(state, {}))
    assert bool(offers.best_for(case)) is not counts


@pytest.mark.django_db
def test_who_named_no_language_speaks_english(channel, team, agent):
    spanish = speaker(team, "es")
    case = factories.CaseFactory(channel=channel, language="en")
    assert [fit.user for fit in offers.best_for(case)] == [agent]
    case = factories.CaseFactory(channel=channel, language="es")
    assert [fit.user for fit in offers.best_for(case)] == [spanish]


@pytest.mark.django_db
def test_skills_decide_and_a_retired_one_no_more(case, agent, colleague):
    skill = Skill.objects.create(name="Refunds")
    skill.people.add(colleague)
    case.skills.add(skill)
    found = offers.best_for(case)
    assert names(found) == ["Ben Okafor"]
    assert "knows Refunds" in found[0].reasons
    Skill.objects.update(retired_at=timezone.now())
    assert len(offers.best_for(case)) == 2


@pytest.mark.django_db
def test_who_answered_the_customer_before_is_named_with_in_how_many_cases(case, agent, colleague, channel):
    for _ in range(2):
        earlier = factories.CaseFactory(customer=case.customer, channel=channel)
        factories.DeliveryFactory(case=earlier, by=colleague)
        factories.DeliveryFactory(case=earlier, by=colleague)
    best_one = offers.best_for(case)[0]
    assert best_one.user == colleague
    assert "spoke with this customer before (2 cases)" in best_one.reasons


@pytest.mark.django_db
def test_who_may_only_draft_is_who_lacks_a_module_of_the_channel(case, agent, colleague):
    base = Module.objects.create(name="Base", content="…", in_force_at=timezone.now())
    Module.objects.create(name="Other", content="…", place="elsewhere", in_force_at=timezone.now())
    Attempt.objects.create(module=base, user=colleague, right=1, asked=1, expires_at=timezone.now() + timedelta(days=1))
    found = offers.best_for(case)
    assert names(found) == ["Ben Okafor", "Ana Ruiz"]
    drafting = [fit.user for fit in found if "may only draft" in fit.reasons]
    assert drafting == [user for user in (agent, colleague) if certification.missing(user, case.channel)]


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 20])
def test_finding_the_best_costs_the_same_for_one_person_and_for_twenty(channel, team, size):
    case = factories.CaseFactory(channel=channel, language="es")
    Module.objects.create(name="Base", content="…", in_force_at=timezone.now())
    for number in range(size):
        shift = Calendar.objects.create(name=f"Shift {number}")
        Period.objects.bulk_create([Period(calendar=shift, weekday=day, opens=0, closes=1440) for day in range(7)])
        colleague = speaker(team, "es", shift=shift)
        skill = Skill.objects.create(name=f"Skill {number}")
        skill.people.add(colleague)
        factories.CaseFactory(channel=channel, owner=colleague, state="open")
    with CaptureQueriesContext(connection) as captured:
        assert len(offers.best_for(fresh(case))) == size
    assert len(captured) == 10, "\n".join(query["sql"][:150] for query in captured)  # two of them fetch the case


# --- the next case


@pytest.mark.django_db
def test_the_next_case_is_the_first_of_the_queue_and_mine_then(channel, agent):
    factories.CaseFactory(channel=channel)
    urgent = factories.CaseFactory(channel=channel, priority=1)
    assert offers.next_for(agent) == urgent
    assert fresh(urgent).owner is None
    taken = offers.take_next(by=agent)
    assert (taken.case, fresh(urgent).owner, fresh(urgent).state) == (urgent, agent, "open")
    assert taken.sentence == "Because you have 0 of 25 cases."


@pytest.mark.django_db
def test_what_does_not_fit_me_is_passed_over(channel, team, agent):
    speaker(team, "fi")
    factories.CaseFactory(channel=channel, language="fi", priority=1)
    factories.CaseFactory(channel=channel, priority=1).skills.add(Skill.objects.create(name="Refunds"))
    mine = factories.CaseFactory(channel=channel, language="en")
    taken = offers.take_next(by=agent)
    assert (taken.case, taken.sentence) == (mine, "Because you speak English and have 0 of 25 cases.")


@pytest.mark.django_db
def test_a_language_that_nobody_speaks_who_is_here_is_mine_too(channel, team, agent):
    finn = speaker(team, "fi")
    case = factories.CaseFactory(channel=channel, language="fi")
    assert offers.next_for(agent) is None
    away(finn)
    taken = offers.take_next(by=agent)
    assert taken.case == case
    assert taken.sentence == "Because you have 0 of 25 cases. Nobody who is free speaks Finnish."


@pytest.mark.django_db
def test_where_i_may_send_comes_before_where_i_may_only_draft(channel, team, agent):
    Module.objects.create(name="Chirp", content="…", place="chirp", in_force_at=timezone.now())
    here = factories.CaseFactory(channel=channel, priority=1)
    elsewhere = factories.CaseFactory(channel=factories.ChannelFactory(team=team, place="pond"))
    assert offers.take_next(by=agent).case == elsewhere
    last = offers.take_next(by=agent)
    assert last.case == here
    assert "what you write waits for approval" in last.sentence


@pytest.mark.django_db
def test_cases_of_other_teams_and_of_colleagues_are_not_next(channel, agent, colleague, stranger):
    assignment.take(case=factories.CaseFactory(channel=channel), by=colleague)
    factories.CaseFactory(channel=factories.ChannelFactory(team=stranger.teams.get()))
    with pytest.raises(NothingWaits, match=r"^Nothing waits for you. No new case is in the queue of your teams.$"):
        offers.take_next(by=agent)


@pytest.mark.django_db
def test_why_nothing_waits_is_told(channel, team, agent, colleague, lead):
    speaker(team, "fi")
    skill = Skill.objects.create(name="Refunds")
    for _ in range(2):
        factories.CaseFactory(channel=channel).skills.add(skill)
    factories.CaseFactory(channel=channel, language="fi")
    offers.offer(case=factories.CaseFactory(channel=channel), to=colleague, by=lead)
    with pytest.raises(NothingWaits) as refusal:
        offers.take_next(by=agent)
    assert str(refusal.value) == (
        "Nothing waits for you. 4 new cases are not for you: 1 is offered to a colleague."
        " 2 need skills you do not have. 1 is in a language that a colleague speaks who is here."
    )


@pytest.mark.django_db
def test_whose_desk_is_full_and_who_is_in_no_team_gets_no_next_case(case, agent):
    User.objects.filter(pk=agent.pk).update(load_cap=0)
    with pytest.raises(NothingWaits, match=r"You have 0 of 0 cases"):
        offers.take_next(by=agent)
    assert offers.next_for(agent) is None
    with pytest.raises(NothingWaits, match="in no team"):
        offers.take_next(by=factories.UserFactory(role="lead"))


@pytest.mark.django_db
def test_what_is_offered_to_me_is_next(channel, agent, lead):
    factories.CaseFactory(channel=channel, priority=1)
    offered = factories.CaseFactory(channel=channel)
    offer = offers.offer(case=offered, to=agent, by=lead)
    assert offers.take_next(by=agent).case == offered
    offer.refresh_from_db()
    assert offer.state == "accepted"


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 20])
def test_the_next_case_costs_the_same_among_one_and_among_twenty(channel, team, agent, size):
    for _ in range(size):
        speaker(team, "fi")
        factories.CaseFactory(channel=channel, language="fi")
        factories.CaseFactory(channel=channel).skills.add(Skill.objects.get_or_create(name="Refunds")[0])
    wanted = factories.CaseFactory(channel=channel)
    user = User.objects.get(pk=agent.pk)
    with CaptureQueriesContext(connection) as captured:
        assert offers.take_next(by=user).case == wanted
    assert len(captured) <= 20
    sizes.setdefault("next", len(captured))
    assert sizes["next"] == len(captured), "\n".join(query["sql"][:150] for query in captured)


sizes: dict[str, int] = {}


# --- offers


def standing():
    return {(offer.case_id, offer.user.username) for offer in Offer.objects.filter(state="offered")}


def run_out():
    Offer.objects.filter(state="offered").update(until=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db
def test_a_new_case_is_offered_to_whom_it_fits_best_with_the_reasons(pushed, channel, agent, colleague):
    case = factories.CaseFactory(channel=channel)
    factories.CaseFactory(channel=channel, owner=agent, state="open")
    DeskSettings.objects.create(pk=1, offer_minutes=7)
    assert offers.push() == 1
    offer = Offer.objects.get()
    assert (offer.case, offer.user) == (case, colleague)
    assert offer.reasons == [{"kind": "load", "load": 0, "cap": 25}]
    assert timedelta(minutes=6.9) < offer.until - timezone.now() <= timedelta(minutes=7)
    assert Activity.objects.about(case).get().detail == "Ben Okafor (has 0 of 25 cases)"
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.text) == (colleague, "given", f"Case #{case.pk} is offered to you.")


@pytest.mark.django_db
def test_a_case_is_offered_once_however_often_the_clock_strikes(pushed, case, agent):
    assert [offers.push(), offers.push(), offers.push()] == [1, 0, 0]


@pytest.mark.django_db
def test_where_people_take_cases_nothing_is_offered(case, agent):
    assert offers.push() == 0


@pytest.mark.django_db
def test_cases_are_spread_and_nobody_gets_more_than_three_offers_at_once(pushed, channel, agent, colleague):
    cases = [factories.CaseFactory(channel=channel) for _ in range(8)]
    offers.push()
    assert Offer.objects.filter(user=agent).count() == Offer.objects.filter(user=colleague).count() == 3
    assert {pk for pk, _ in standing()} == {case.pk for case in cases[:6]}  # from the top of the queue


@pytest.mark.django_db
def test_nobody_is_offered_more_than_their_load_cap(pushed, channel, agent):
    User.objects.update(load_cap=2)
    factories.CaseFactory(channel=channel, owner=agent, state="open")
    for _ in range(3):
        factories.CaseFactory(channel=channel)
    assert offers.push() == 1


@pytest.mark.django_db
def test_who_accepts_has_it(pushed, case, agent):
    offers.push()
    offers.accept(offer=Offer.objects.get(), by=agent)
    assert (fresh(case).owner, fresh(case).state, Offer.objects.get().state) == (agent, "open", "accepted")
    assert offers.push() == 0


@pytest.mark.django_db
def test_what_is_declined_goes_to_the_next_and_never_back(pushed, case, agent, colleague):
    offers.push()
    asked = []
    for _ in range(2):
        offer = Offer.objects.get(state="offered")
        asked.append(offer.user)
        offers.decline(offer=offer, by=offer.user)
        offers.push()
    assert set(asked) == {agent, colleague}
    assert standing() == set()
    assert fresh(case).state == "new"
    assert offers.next_for(agent) == case  # for everyone to take


@pytest.mark.django_db
def test_what_is_not_answered_in_time_goes_to_the_next(pushed, case, agent, colleague):
    offers.push()
    first = Offer.objects.get()
    run_out()
    offers.push()
    first.refresh_from_db()
    assert first.state == "lapsed"
    assert first.decided_at is not None
    assert Offer.objects.get(state="offered").user != first.user


@pytest.mark.django_db
def test_who_comes_later_is_offered_what_all_others_declined(pushed, case, agent, team):
    offers.push()
    offers.decline(offer=Offer.objects.get(), by=agent)
    assert offers.push() == 0
    newcomer = speaker(team)
    assert offers.push() == 1
    assert Offer.objects.get(state="offered").user == newcomer


@pytest.mark.django_db
def test_only_whom_it_is_for_may_answer_an_offer(pushed, case, agent, lead):
    Absence.objects.create(user=lead, starts_at=timezone.now(), ends_at=timezone.now() + timedelta(days=1))
    offers.push()
    with pytest.raises(offers.deciding.OfferIsOver):
        offers.accept(offer=Offer.objects.get(), by=lead)
    assert fresh(case).owner is None


@pytest.mark.django_db
def test_an_answer_after_the_end_is_refused_with_what_came_of_it(pushed, case, agent, team):
    offers.push()
    offer = Offer.objects.get()
    run_out()
    offers.push()
    for answer in (offers.accept, offers.decline):
        with pytest.raises(offers.deciding.OfferIsOver, match=r"^This offer is over: lapsed.$"):
            answer(offer=offer, by=agent)


@pytest.mark.django_db
def test_what_somebody_else_took_by_hand_cannot_be_accepted_and_the_offer_is_withdrawn(
    pushed, case, agent, colleague, channel
):
    factories.CaseFactory(channel=channel, owner=colleague, state="open")
    offers.push()
    offer = Offer.objects.get(user=agent)
    assignment.take(case=case, by=colleague)
    assert not Offer.objects.standing().exists()
    with pytest.raises(assignment.AlreadyTaken, match="Ben Okafor"):
        offers.accept(offer=offer, by=agent)
    offers.push()
    offer.refresh_from_db()
    assert offer.state == "withdrawn"


@pytest.mark.django_db
def test_what_is_resolved_meanwhile_is_withdrawn(pushed, case, agent, lead, cause):
    User.objects.filter(pk=lead.pk).update(load_cap=0)
    offers.push()
    resolution.resolve(case=fresh(case), cause=cause, by=lead)
    offers.push()
    assert Offer.objects.get().state == "withdrawn"


@pytest.mark.django_db
def test_a_lead_may_offer_a_case_by_hand_to_whom_they_choose(case, agent, colleague, lead, stranger):
    offer = offers.offer(case=case, to=colleague, by=lead)
    assert offer.reasons == [{"kind": "load", "load": 0, "cap": 25}]
    with pytest.raises(offers.deciding.OfferedAlready, match=r"offered to Ben Okafor just now"):
        offers.offer(case=case, to=agent, by=lead)
    with pytest.raises(offers.deciding.NotOfTheTeam, match=r"^Stu Else does not answer for the team Travel care"):
        offers.offer(case=case, to=stranger, by=lead)
    offers.accept(offer=offer, by=colleague)
    with pytest.raises(offers.deciding.NothingToOffer, match=r"^This case is being worked on; only what nobody has"):
        offers.offer(case=case, to=agent, by=lead)


@pytest.mark.django_db
def test_an_offer_that_ran_out_does_not_stand_in_the_way_of_the_next(case, agent, colleague, lead):
    offers.offer(case=case, to=colleague, by=lead)
    run_out()
    assert offers.offer(case=case, to=agent, by=lead).user == agent


@pytest.mark.django_db
def test_the_card_comes_by_itself_and_the_case_says_so(case, agent, lead, django_capture_on_commit_callbacks):
    live.numbers([f"user:{agent.pk}", f"case:{case.pk}"])
    with django_capture_on_commit_callbacks(execute=True):
        offers.offer(case=case, to=agent, by=lead)
    told = set(LiveEvent.objects.values_list("stream", "kind"))
    assert {(f"user:{agent.pk}", "offer"), (f"case:{case.pk}", "pane")} <= told


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 20])
def test_offering_costs_the_same_for_one_and_for_twenty(pushed, channel, team, size):
    for _ in range(size):
        speaker(team)
        factories.CaseFactory(channel=channel)
    with CaptureQueriesContext(connection) as captured:
        assert offers.push() == size
    sizes.setdefault("push", len(captured))
    assert sizes["push"] == len(captured), "\n".join(query["sql"][:150] for query in captured)
