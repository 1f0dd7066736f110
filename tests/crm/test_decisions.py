"""Whose an identity is: claimed, accepted, rejected, withdrawn, moved; each with who, when, how, and its way back."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from cases.models import Case
from crm import addresses, consent, decisions, merging
from crm.decisions import State
from crm.models import Activity, Consent, ConsentChange, Customer, Identity, IdentityLink, MatchRule, Merge
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    """Somebody we know."""
    return factories.CustomerFactory(name="Ann Mercer", known_at=timezone.now())


@pytest.fixture
def handle():
    """A handle that stands with a provisional record."""
    return factories.IdentityFactory(value="annie_m", customer=factories.CustomerFactory(name="annie"))


@pytest.fixture
def bea():
    return factories.CustomerFactory(name="Bea Lind", known_at=timezone.now())


def propose(identity, customer, **wishes):
    return factories.IdentityLinkFactory(
        identity=identity, customer=customer, state="proposed", method="matched",
        points=[{"says": "Same name: Ann", "weight": 3.0}, {"says": "Other city", "weight": -1.0}], **wishes,
    )  # fmt: skip


def owner(identity):
    return IdentityLink.objects.confirmed().get(identity=identity).customer


def case_of(identity, customer, **wishes):
    return factories.CaseFactory(customer=customer, identity=identity, **wishes)


def claim(identity, customer, method="asked", **wishes):
    return decisions.claim(identity=identity, customer=customer, method=method, evidence="Code by mail", **wishes)


# --- evidence says so


def test_an_identity_of_nobody_is_confirmed_with_how_and_when(ann, agent):
    address = factories.IdentityFactory(kind="email", place="", value="ann@example.com", customer=None)
    link = claim(address, ann, by=agent)
    assert (link.state, link.method, link.evidence) == ("confirmed", "asked", "Code by mail")
    assert (link.by, link.decided_by, link.created_at) == (agent, agent, link.decided_at)


def test_what_is_theirs_already_is_left_as_it_is(ann):
    mine = factories.IdentityFactory(customer=ann)
    before = IdentityLink.objects.values().get(identity=mine)
    assert claim(mine, ann).pk == before["id"]
    assert IdentityLink.objects.values().get(identity=mine) == before


def test_a_provisional_record_is_merged_in_with_its_history(ann, handle):
    case = case_of(handle, owner(handle))
    provisional = owner(handle)
    link = claim(handle, ann)
    assert (link.customer, link.state, link.method, link.evidence) == (ann, "confirmed", "asked", "Code by mail")
    case.refresh_from_db()
    provisional.refresh_from_db()
    assert (case.customer, provisional.survivor) == (ann, ann)


def test_what_another_customer_has_whom_we_know_waits_for_a_person(ann, bea):
    hers = factories.IdentityFactory(customer=bea)
    link = claim(hers, ann)
    assert (link.state, owner(hers)) == ("proposed", bea)
    assert list(IdentityLink.objects.conflicts()) == [link]


def test_a_claim_on_a_merged_record_counts_for_its_survivor(ann, bea, agent):
    merging.merge(survivor=bea, absorbed=ann, by=agent)
    address = factories.IdentityFactory(kind="email", place="", customer=None)
    ann.refresh_from_db()
    assert claim(address, ann).customer == bea


@pytest.mark.parametrize("state", ["rejected", "withdrawn"])
@pytest.mark.parametrize(
    ("method", "outcome"),
    [
        ("import", "same"),
        ("matched", "same"),
        ("asked", "confirmed"),
        ("said_so", "confirmed"),
        ("by_hand", "confirmed"),
    ],
)
def test_a_persons_no_outweighs_a_file_but_not_the_customers_own_word(ann, state, method, outcome):
    lonely = factories.IdentityFactory(customer=None)
    factories.IdentityLinkFactory(identity=lonely, customer=ann, state=state)
    assert claim(lonely, ann, method).state == (state if outcome == "same" else outcome)


# --- a proposal is decided


def test_an_accepted_proposal_brings_the_cases_of_the_provisional_record(ann, handle, agent):
    case = case_of(handle, owner(handle))
    decisions.accept(link=propose(handle, ann), by=agent)
    case.refresh_from_db()
    assert (owner(handle), case.customer) == (ann, ann)
    link = IdentityLink.objects.get(identity=handle, customer=ann)
    assert (link.state, link.method, link.decided_by) == ("confirmed", "matched", agent)
    assert link.evidence == "Same name: Ann"  # what spoke for it


def test_of_several_proposals_for_a_handle_one_is_accepted_and_the_others_rest(ann, bea, handle, agent):
    right, wrong = propose(handle, ann), propose(handle, bea)
    decisions.accept(link=right, by=agent)
    assert not IdentityLink.objects.proposed().exists()
    decisions.undo(link=IdentityLink.objects.get(pk=right.pk), by=agent)
    assert set(IdentityLink.objects.proposed()) == {right, wrong}


def test_a_proposal_accepted_by_rule_says_which(ann, handle):
    rule = MatchRule.objects.create(evidence="same_verified_email", enabled_at=timezone.now())
    link = decisions.accept(link=propose(handle, ann), by=None, rule=rule)
    assert link.evidence == "By rule: Same verified e-mail address. Same name: Ann"
    line = Activity.objects.about(ann).get(verb="linked")
    assert line.by is None
    assert "By rule: Same verified e-mail address" in line.detail


def test_accepting_and_undoing_leaves_everything_as_it_was(ann, handle, agent):
    link, case = propose(handle, ann), case_of(handle, owner(handle))
    before = list(IdentityLink.objects.order_by("pk").values()), list(Customer.objects.order_by("pk").values())
    decisions.accept(link=link, by=agent)
    decisions.undo(link=IdentityLink.objects.get(pk=link.pk), by=agent)
    after = list(IdentityLink.objects.order_by("pk").values()), list(Customer.objects.order_by("pk").values())
    assert after == before
    assert Case.objects.get(pk=case.pk).customer == owner(handle) != ann


def test_accepting_what_nobody_owned_can_be_undone_too(ann, agent):
    link = propose(factories.IdentityFactory(customer=None), ann)
    decisions.accept(link=link, by=agent)
    decisions.undo(link=IdentityLink.objects.get(pk=link.pk), by=agent)
    link.refresh_from_db()
    assert (link.state, link.decided_by, link.decided_at) == ("proposed", None, None)


def test_a_rejected_pair_stays_rejected_and_the_handle_stays_where_it_is(ann, handle, agent):
    before = owner(handle)
    link = decisions.reject(link=propose(handle, ann), by=agent)
    assert (link.state, link.decided_by) == ("rejected", agent)
    assert owner(handle) == before
    with pytest.raises(IntegrityError), transaction.atomic():
        propose(handle, ann)


def test_a_rejection_can_be_taken_back(ann, handle, agent):
    link = propose(handle, ann)
    before = IdentityLink.objects.values().get(pk=link.pk)
    decisions.undo(link=decisions.reject(link=link, by=agent), by=agent)
    assert IdentityLink.objects.values().get(pk=link.pk) == before


def test_what_is_decided_cannot_be_decided_again_and_says_who_did(ann, handle, agent, colleague):
    link = propose(handle, ann)
    decisions.reject(link=link, by=agent)
    for again in (decisions.accept, decisions.reject, decisions.move):
        with pytest.raises(decisions.AlreadyDecided) as refused:
            again(link=link, by=colleague)
        assert str(refused.value) == ("@annie_m and Ann Mercer: Ana Ruiz decided on this already. It is rejected now.")


def test_nothing_that_was_never_decided_is_undone(ann, agent, handle):
    for link in (propose(handle, ann), IdentityLink.objects.confirmed().get(identity=handle)):
        with pytest.raises(decisions.NothingToUndo):
            decisions.undo(link=link, by=agent)


# --- two claim one handle


@pytest.fixture
def conflict(ann, bea):
    """Bea's handle, which is Ann's as well, they say; with a case of each kind."""
    hers = factories.IdentityFactory(value="bea", customer=bea)
    case_of(hers, bea, subject="Under the handle")
    factories.CaseFactory(customer=bea, subject="Under another")
    return claim(hers, ann)


def test_a_conflict_is_never_decided_by_accepting(conflict, agent):
    with pytest.raises(decisions.TwoOwners) as refused:
        decisions.accept(link=conflict, by=agent)
    assert "@bea belongs to Bea Lind" in str(refused.value)


def test_the_handle_moves_with_what_stands_under_it_and_nothing_else(conflict, ann, bea, agent):
    decisions.move(link=conflict, by=agent)
    assert owner(conflict.identity) == ann
    assert Case.objects.get(subject="Under the handle").customer == ann
    assert Case.objects.get(subject="Under another").customer == bea
    assert IdentityLink.objects.get(identity=conflict.identity, customer=bea).state == "withdrawn"
    assert {line.verb for line in Activity.objects.about(bea)} == {"withdrawn"}
    assert "linked" in {line.verb for line in Activity.objects.about(ann)}


def test_a_moved_handle_goes_back_exactly(conflict, agent):
    tables = (IdentityLink, Customer, Case)
    before = [list(table.objects.order_by("pk").values()) for table in tables]
    decisions.move(link=conflict, by=agent)
    decisions.undo(link=IdentityLink.objects.get(pk=conflict.pk), by=agent)
    assert [list(table.objects.order_by("pk").values()) for table in tables] == before


def test_a_case_stays_where_the_other_has_one_open_on_the_same_conversation(conflict, ann, bea, agent):
    case = Case.objects.get(subject="Under the handle")
    factories.CaseFactory(customer=ann, thread=case.thread, channel=case.channel)
    decisions.move(link=conflict, by=agent)
    case.refresh_from_db()
    assert case.customer == bea


def test_a_handle_decided_on_again_goes_back_only_along_its_way(conflict, agent):
    decisions.move(link=conflict, by=agent)
    link = IdentityLink.objects.get(pk=conflict.pk)
    decisions.withdraw(link=link, by=agent, why="It is a third person's")
    with pytest.raises(merging.undoing.DecidedSince, match="@bea was decided on again"):
        merging.undo(merge=Merge.objects.earliest("pk"), by=agent)


# --- by hand


def by_hand(customer, agent, value="+44 20 7946 0958", kind="phone", place="", evidence="Said so on the phone"):
    return decisions.link_by_hand(customer=customer, kind=kind, place=place, value=value, evidence=evidence, by=agent)


def test_a_number_is_linked_by_hand_in_its_one_form(ann, agent):
    link = by_hand(ann, agent)
    assert (link.identity.value, link.state, link.method) == ("+442079460958", "confirmed", "by_hand")
    assert (link.by, link.evidence) == (agent, "Said so on the phone")
    assert "Said so on the phone" in Activity.objects.about(ann).get(verb="linked").detail


@pytest.mark.parametrize(
    ("wishes", "refusal"),
    [
        ({"evidence": "  "}, decisions.SayHow),
        ({"value": "12"}, addresses.NotAnAddress),
        ({"kind": "email", "value": "ann at example"}, addresses.NotAnAddress),
        ({"kind": "handle", "value": "@"}, addresses.NotAnAddress),
    ],
)
def test_what_cannot_be_read_or_has_no_reason_is_not_linked(ann, agent, wishes, refusal):
    with pytest.raises(refusal):
        by_hand(ann, agent, **wishes)
    assert not Identity.objects.exists()


def test_a_link_made_by_hand_disappears_when_it_is_undone(ann, agent):
    link = by_hand(ann, agent)
    decisions.undo(link=link, by=agent)
    assert not IdentityLink.objects.exists()


def test_a_handle_linked_by_hand_brings_its_provisional_record(ann, handle, agent):
    link = by_hand(ann, agent, "@Annie_M", "handle", "chirp")
    assert (link.customer, link.method, link.state) == (ann, "by_hand", "confirmed")
    decisions.undo(link=link, by=agent)
    assert owner(handle).name == "annie"


def test_a_handle_of_somebody_else_is_not_taken_but_waits(ann, bea, agent):
    factories.IdentityFactory(value="bea", customer=bea)
    assert by_hand(ann, agent, "bea", "handle", "chirp").state == "proposed"


def test_a_link_by_hand_overrides_a_no_and_undone_it_is_a_no_again(ann, agent):
    lonely = factories.IdentityFactory(value="annie", customer=None)
    factories.IdentityLinkFactory(identity=lonely, customer=ann, state="rejected", decided_at=timezone.now())
    link = by_hand(ann, agent, "annie", "handle", "chirp")
    assert link.state == "confirmed"
    decisions.undo(link=link, by=agent)
    assert IdentityLink.objects.get(pk=link.pk).state in decisions.AGAINST


# --- taken back


@pytest.fixture
def link(ann):
    """One of two handles of Ann's, with a case."""
    factories.IdentityFactory(value="annie", customer=ann)
    mine = factories.IdentityFactory(value="sister", display_name="Ann's sister", customer=ann)
    case_of(mine, ann, subject="The sister's")
    return IdentityLink.objects.get(identity=mine)


def test_a_withdrawn_handle_gets_a_record_of_its_own_with_its_cases(link, ann, agent):
    fresh = decisions.withdraw(link=link, by=agent, why="It is her sister's")
    link.refresh_from_db()
    assert (link.state, link.decided_by) == ("withdrawn", agent)
    assert (owner(link.identity), fresh.customer.name) == (fresh.customer, "Ann's sister")
    assert fresh.customer.is_provisional
    assert Case.objects.get(subject="The sister's").customer == fresh.customer
    assert "It is her sister's" in Activity.objects.about(ann).get(verb="withdrawn").detail


def test_a_fresh_record_may_not_be_contacted_where_the_old_one_might_not(link, ann, agent):
    consent.forbid(customer=ann, how="Wrote so", by=agent)
    consent.record(customer=ann, purpose="survey", state="refused", how="Wrote so", by=agent)
    consent.record(customer=ann, purpose="marketing", state="given", how="Ticked", by=agent)
    fresh = decisions.withdraw(link=link, by=agent, why="It is her sister's").customer
    fresh.refresh_from_db()
    assert fresh.do_not_contact_at
    assert list(Consent.objects.filter(customer=fresh).values_list("purpose", "state")) == [("survey", "refused")]
    assert {change.to for change in ConsentChange.objects.filter(customer=fresh)} == {"set", "refused"}


def test_a_withdrawal_goes_back_exactly_and_the_fresh_record_leads_home(link, ann, agent):
    consent.record(customer=ann, purpose="survey", state="refused", how="Wrote so", by=agent)
    tables = (IdentityLink, Case, Consent, ConsentChange)
    before = [list(table.objects.order_by("pk").values()) for table in tables]
    fresh = decisions.withdraw(link=link, by=agent, why="It is her sister's").customer
    merging.undo(merge=Merge.objects.get(), by=agent)
    assert [list(table.objects.order_by("pk").values()) for table in tables] == before
    fresh.refresh_from_db()
    assert fresh.survivor == ann


def test_once_more_came_in_a_withdrawal_is_not_undone_but_linked_again(link, ann, agent):
    fresh = decisions.withdraw(link=link, by=agent, why="It is her sister's").customer
    case_of(link.identity, fresh, subject="Later")
    with pytest.raises(merging.undoing.CameSince, match="Link @sister again"):
        merging.undo(merge=Merge.objects.get(), by=agent)
    by_hand(ann, agent, "sister", "handle", "chirp")
    assert Case.objects.get(subject="Later").customer == ann
    assert owner(link.identity) == ann


def test_a_withdrawal_says_why(link, agent):
    with pytest.raises(decisions.SayWhy):
        decisions.withdraw(link=link, by=agent, why=" ")


def test_the_only_handle_of_a_provisional_record_is_not_taken_from_it(handle, agent):
    with pytest.raises(decisions.OnlyThat, match="@annie_m is all we know of annie"):
        decisions.withdraw(link=IdentityLink.objects.get(identity=handle), by=agent, why="Not theirs")


def test_what_is_not_linked_cannot_be_withdrawn(link, agent):
    decisions.withdraw(link=link, by=agent, why="It is her sister's")
    with pytest.raises(decisions.NotLinked):
        decisions.withdraw(link=link, by=agent, why="Again")


# --- a rejection outlives a merge


def test_who_was_rejected_for_a_record_is_rejected_for_the_one_it_is_merged_into(ann, bea, handle, agent):
    decisions.reject(link=propose(handle, ann), by=agent)
    merging.merge(survivor=bea, absorbed=ann, by=agent)
    assert IdentityLink.objects.get(identity=handle, customer=bea).state == "rejected"


def test_a_rejection_for_one_closes_the_proposal_for_the_other(ann, bea, handle, agent):
    decisions.reject(link=propose(handle, ann), by=agent)
    waiting = propose(handle, bea)
    merge = merging.merge(survivor=bea, absorbed=ann, by=agent)
    waiting.refresh_from_db()
    assert waiting.state == "rejected"
    merging.undo(merge=merge, by=agent)
    waiting.refresh_from_db()
    assert waiting.state == "proposed"


def test_who_was_rejected_while_two_were_one_is_rejected_for_both_afterwards(ann, bea, handle, agent):
    link = propose(handle, ann)
    merge = merging.merge(survivor=bea, absorbed=ann, by=agent)
    link.refresh_from_db()
    decisions.reject(link=link, by=agent)
    merging.undo(merge=merge, by=agent)
    found = IdentityLink.objects.filter(identity=handle, state="rejected")
    assert {link.customer for link in found} == {ann, bea}


# --- two at once


def test_the_database_lets_an_identity_have_one_owner(handle, ann):
    with pytest.raises(IntegrityError, match="an_identity_has_one_confirmed_owner"), transaction.atomic():
        factories.IdentityLinkFactory(identity=handle, customer=ann)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_once_one_is_told_what_the_other_did(ann, bea, handle, agent, colleague):
    links = [(propose(handle, ann), agent), (propose(handle, bea), colleague)]
    ready, refused = threading.Barrier(2, timeout=60), []

    def decide(link, by):
        ready.wait()
        try:
            decisions.accept(link=link, by=by)
        except decisions.TwoOwners as refusal:
            refused.append(str(refusal))
        finally:
            connection.close()

    both = [threading.Thread(target=decide, args=pair) for pair in links]
    [thread.start() for thread in both]
    [thread.join() for thread in both]
    winner = owner(handle)
    assert winner in (ann, bea)
    assert refused == [
        f"@annie_m belongs to {winner}, whom we know. Say what is true: it moves, it stays, or they are one person."
    ]
    assert IdentityLink.objects.filter(identity=handle, state=State.CONFIRMED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_proposal_accepted_and_rejected_at_once_is_decided_once(ann, handle, agent, colleague):
    link = propose(handle, ann)
    ready, outcomes = threading.Barrier(2, timeout=60), []

    def decide(act, by):
        ready.wait()
        try:
            outcomes.append(act(link=link, by=by).state)
        except decisions.AlreadyDecided:
            outcomes.append("told")
        finally:
            connection.close()

    both = [
        threading.Thread(target=decide, args=(decisions.accept, agent)),
        threading.Thread(target=decide, args=(decisions.reject, colleague)),
    ]
    [thread.start() for thread in both]
    [thread.join() for thread in both]
    link.refresh_from_db()
    assert sorted(outcomes) == sorted(["told", link.state])
