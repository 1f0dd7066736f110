"""A merge undone: both records as they were, exactly, whatever happened in between; what came later where it came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from cases.models import Case
from crm import consent, decisions, merging
from crm.merging import joining, undoing
from crm.merging.telling import history
from crm.models import (
    Activity,
    Consent,
    ConsentChange,
    Customer,
    IdentityLink,
    Merge,
    Order,
    PrivacyRequest,
    Product,
    Stakeholder,
)
from tests import factories

pytestmark = pytest.mark.django_db
TABLES = (Customer, IdentityLink, Case, Order, Product, Stakeholder, Consent, ConsentChange)


def at(year):
    return datetime(year, 5, 1, 12, tzinfo=UTC)


def everything():
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in TABLES}


def full(name, **wishes):
    """A customer with one of everything."""
    customer = factories.CustomerFactory(name=name, **wishes)
    identity = factories.IdentityFactory(customer=customer)
    factories.CaseFactory(customer=customer, identity=identity)
    factories.OrderFactory(customer=customer)
    factories.ProductFactory(customer=customer)
    factories.StakeholderFactory(customer=customer)
    return customer


@pytest.fixture
def ann():
    return full("Ann Mercer", city="Leeds", known_at=at(2020), created_at=at(2019))


@pytest.fixture
def anne(agent):
    customer = full("Anne Mercer", language="en", tier="key", created_at=at(2018))
    consent.record(customer=customer, purpose="survey", state="refused", how="Wrote so", by=agent)
    return customer


@pytest.fixture
def annie(agent):
    customer = full("Annie M", created_at=at(2017), nickname="Annie")
    consent.record(customer=customer, purpose="survey", state="given", how="Ticked", by=agent)
    return customer


@pytest.fixture
def merge(agent):
    def merge(absorbed, survivor, **wishes):
        return merging.merge(survivor=survivor, absorbed=absorbed, by=agent, **wishes)

    return merge


@pytest.fixture
def undo(agent):
    def undo(merge):
        return merging.undo(merge=merge, by=agent)

    return undo


# --- as it was


def test_both_records_are_exactly_as_they_were(ann, anne, merge, undo):
    before = everything()
    merge = merge(anne, ann)
    assert everything() != before
    assert undo(merge).stayed == []
    assert everything() == before


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("dates", [(2017, 2018), (2018, 2017)])
def test_two_merges_into_one_are_undone_in_any_order(ann, anne, annie, merge, undo, first, dates, agent):
    for customer, year in zip((anne, annie), dates, strict=True):
        Customer.objects.filter(pk=customer.pk).update(created_at=at(year))
    consent.forbid(customer=anne, how="Wrote so", by=agent)
    before = everything()
    both = [merge(anne, ann, choices={"name": "absorbed"}), merge(annie, ann, choices={"name": "absorbed"})]
    undo(both[first])
    undo(both[1 - first])
    assert everything() == before


def test_what_the_other_merge_brought_holds_on_when_one_is_undone(ann, anne, annie, merge, undo):
    merges = [merge(anne, ann), merge(annie, ann)]
    ann.refresh_from_db()
    assert (ann.created_at, Consent.objects.get(customer=ann).state) == (at(2017), "refused")
    undo(merges[0])
    ann.refresh_from_db()
    assert (ann.created_at, Consent.objects.get(customer=ann).state) == (at(2017), "given")
    assert (ann.tier, ann.nickname) == ("standard", "Annie")


def test_a_refusal_two_records_brought_holds_until_both_are_apart(ann, anne, annie, merge, undo, agent):
    consent.record(customer=annie, purpose="survey", state="refused", how="Wrote so", by=agent)
    merges = [merge(anne, ann), merge(annie, ann)]
    undo(merges[0])
    assert not consent.may_contact(ann, "survey")
    undo(merges[1])
    assert consent.may_contact(ann, "survey")


def test_a_chain_of_merges_is_undone_from_its_end(ann, anne, annie, merge, undo):
    before = everything()
    first, second = merge(annie, anne), merge(anne, ann)
    with pytest.raises(undoing.UndoThatFirst) as refused:
        undo(first)
    assert f"Anne Mercer (#{anne.pk}) was itself merged into Ann Mercer (#{ann.pk}) on " in str(refused.value)
    undo(second)
    undo(first)
    assert everything() == before


def test_they_can_be_merged_the_other_way_afterwards(ann, anne, merge, undo):
    undo(merge(anne, ann))
    merge(ann, anne)
    ann.refresh_from_db()
    assert ann.survivor == anne


def test_what_is_undone_is_not_undone_twice(ann, anne, merge, undo):
    done = merge(anne, ann)
    undo(done)
    with pytest.raises(undoing.AlreadyUndone):
        undo(done)


def test_the_log_says_who_undid_it(ann, anne, merge, undo, agent):
    undo(merge(anne, ann))
    assert {Activity.objects.about(customer).get(verb="unmerged").by for customer in (ann, anne)} == {agent}


# --- after further activity


def test_what_came_later_stays_and_the_merge_says_so(ann, anne, merge, undo):
    done = merge(anne, ann)
    factories.OrderFactory.create_batch(2, customer=ann)
    factories.CaseFactory(customer=ann, identity=factories.IdentityFactory(value="new", customer=ann))
    assert undo(done).stayed == [
        "Came in since, and stays with the record it came to: 2 orders and 1 case.",
        "Linked since, and stays: @new.",
    ]
    assert (Order.objects.filter(customer=ann).count(), Order.objects.filter(customer=anne).count()) == (3, 1)


def test_what_another_merge_brought_is_not_taken_for_what_came_later(ann, anne, merge, undo):
    done = merge(anne, ann)
    merge(full("Later"), ann)
    assert undo(done).stayed == []


def test_a_value_changed_since_stays_as_it_was_changed(ann, anne, merge, undo):
    done = merge(anne, ann, choices={"name": "absorbed"})
    Customer.objects.filter(pk=ann.pk).update(name="Ann Mercer-Díaz", city="York")
    assert undo(done).stayed == ["Changed by somebody since, so left as it is: Name."]
    ann.refresh_from_db()
    assert (ann.name, ann.city) == ("Ann Mercer-Díaz", "York")


def test_a_consent_given_since_stays_and_the_other_record_has_its_own(ann, anne, merge, undo, agent):
    done = merge(anne, ann)
    consent.record(customer=ann, purpose="survey", state="given", how="Said so", by=agent)
    assert "Changed by somebody since, so left as it is: Surveys." in undo(done).stayed
    assert consent.may_contact(ann, "survey")
    anne.refresh_from_db()
    assert not consent.may_contact(anne, "survey")


@pytest.mark.parametrize("side", ["survivor", "absorbed"])
def test_who_must_not_be_contacted_still_must_not_be_and_the_other_may_again(ann, anne, merge, undo, agent, side):
    consent.forbid(customer={"survivor": ann, "absorbed": anne}[side], how="Wrote so", by=agent)
    before = everything()
    done = merge(anne, ann)
    assert not consent.may_contact(Customer.objects.get(pk=ann.pk), "care_reply")
    assert undo(done).stayed == []
    assert everything() == before


def test_a_no_said_since_stays_with_the_survivor_and_the_page_asks_whose_it_was(ann, anne, merge, undo, agent):
    done = merge(anne, ann)
    consent.forbid(customer=anne, how="On the phone", by=agent)
    consent.record(customer=ann, purpose="call", state="refused", how="On the phone", by=agent)
    assert undo(done).stayed == [
        "Came in since, and stays with the record it came to: 2 changes of consent.",
        "Refused since, and holds for Ann Mercer alone: any contact and Calls. "
        "If Anne Mercer said so, record it there as well.",
    ]
    may = {
        who.name: bool(consent.may_contact(who, "care_reply"))
        for who in Customer.objects.filter(pk__in=[ann.pk, anne.pk])
    }
    assert may == {"Ann Mercer": False, "Anne Mercer": True}


def test_rows_deleted_or_gone_on_since_are_told_and_nothing_fails(ann, anne, merge, undo):
    done = merge(anne, ann)
    third = factories.CustomerFactory()
    Order.objects.filter(pk=anne_first(done, "crm.order")).delete()
    Product.objects.filter(pk=anne_first(done, "crm.product")).update(customer=third)
    stayed = undo(done).stayed
    assert "Gone on to another record since, and left there: 1 product owned." in stayed
    assert "No longer there: 1 order." in stayed


def anne_first(merge, kind):
    return merge.moves.filter(kind=kind).first().row


def test_a_handle_deleted_since_does_not_stop_it(ann, anne, merge, undo):
    done = merge(anne, ann)
    IdentityLink.objects.filter(pk=anne_first(done, "crm.identitylink")).delete()
    assert undo(done).stayed == []
    assert not IdentityLink.objects.filter(customer=anne).exists()


@pytest.mark.parametrize("side", ["survivor", "absorbed"])
def test_once_one_of_them_is_erased_they_are_not_put_apart(ann, anne, merge, undo, side):
    done = merge(anne, ann)
    Customer.objects.filter(pk={"survivor": ann, "absorbed": anne}[side].pk).update(erased_at=timezone.now())
    with pytest.raises(undoing.ErasedSince):
        undo(done)


def test_nothing_is_put_apart_while_somebody_is_copied_or_erased(ann, anne, merge, undo, agent):
    done = merge(anne, ann)
    PrivacyRequest.objects.create(kind="erasure", state="running", customer=ann, by=agent)
    with pytest.raises(joining.PrivacyAtWork):
        undo(done)


def test_a_row_that_cannot_go_back_stays_and_is_told(ann, anne, merge, undo, agent):
    """Anne's two cases on one conversation: one open and left behind, one resolved that came along and opened again."""
    left = Case.objects.get(customer=anne)
    factories.CaseFactory(customer=ann, thread=left.thread, channel=left.channel)
    went = factories.CaseFactory(customer=anne, thread=factories.ThreadFactory(channel=left.channel))
    factories.resolved(went, agent)
    Case.objects.filter(pk=went.pk).update(thread=left.thread)
    done = merge(anne, ann)
    Case.objects.filter(customer=ann, thread=left.thread, state="new").delete()
    Case.objects.filter(pk=went.pk).update(state="waiting", resolved_at=None, resolved_by=None)
    assert undo(done).stayed == ["Stayed, since they have changed or the other record has the same: 1 case."]
    went.refresh_from_db()
    assert went.customer == ann


# --- links decided on in between


def test_a_handle_linked_since_stays_and_one_withdrawn_since_comes_home_with_its_undoing(ann, anne, merge, undo, agent):
    before = everything()
    done = merge(anne, ann)
    hers = IdentityLink.objects.get(pk=anne_first(done, "crm.identitylink"))
    fresh = decisions.withdraw(link=hers, by=agent, why="A third person's").customer
    stayed = undo(done).stayed
    assert f"Decided on again since: {hers.identity.label}. Undo that, and they go back too." in stayed
    undo(Merge.objects.latest("pk"))
    fresh.refresh_from_db()
    assert fresh.survivor == anne
    after = everything()
    after["Customer"] = [row for row in after["Customer"] if row["id"] != fresh.pk]
    assert after == before


def test_a_proposal_accepted_while_two_were_one_stays_accepted(ann, anne, merge, undo, agent):
    handle = factories.IdentityFactory(value="third", customer=factories.CustomerFactory())
    link = factories.IdentityLinkFactory(identity=handle, customer=anne, state="proposed", method="matched")
    before = everything()
    first = merge(anne, ann)
    link.refresh_from_db()
    decisions.accept(link=link, by=agent)
    undo(first)
    assert IdentityLink.objects.confirmed().get(identity=handle).customer == ann
    undo(Merge.objects.latest("pk"))
    assert everything() == before


def test_what_was_linked_while_two_were_one_stays_also_when_it_was_withdrawn_in_between(ann, anne, merge, undo, agent):
    handle = factories.IdentityFactory(value="nobodys", customer=None)
    link = factories.IdentityLinkFactory(identity=handle, customer=anne, state="proposed", method="matched")
    first = merge(anne, ann)
    link.refresh_from_db()
    decisions.accept(link=link, by=agent)
    link.refresh_from_db()
    decisions.withdraw(link=link, by=agent, why="It is a third person's")
    undo(first)
    undo(Merge.objects.latest("pk"))
    assert IdentityLink.objects.confirmed().get(identity=handle).customer == ann


def left_with_a_fresh_record(ann, agent, merge):
    """Annie's handle came to Ann, was withdrawn and given back, while its case had to stay: (handle, case, record)."""
    annie = factories.CustomerFactory(name="Annie M")
    handle = factories.IdentityFactory(value="annie", customer=annie)
    case = factories.CaseFactory(customer=annie, identity=handle)
    done = merge(annie, ann)
    fresh = decisions.withdraw(link=IdentityLink.objects.get(identity=handle), by=agent, why="Hers?").customer
    factories.CaseFactory(customer=ann, thread=case.thread, channel=case.channel)
    stayed = merging.undo(merge=Merge.objects.latest("pk"), by=agent).stayed
    assert stayed == ["Stayed, since they have changed or the other record has the same: 1 case."]
    assert Case.objects.get(pk=case.pk).customer == fresh
    return done, handle, case


def test_what_waits_with_a_fresh_record_comes_to_whoever_has_the_handle_once_all_is_undone(ann, merge, undo, agent):
    done, handle, case = left_with_a_fresh_record(ann, agent, merge)
    undo(done)
    assert merging.bring_along() == 1
    case.refresh_from_db()
    assert case.customer == IdentityLink.objects.confirmed().get(identity=handle).customer != ann


def test_what_waits_with_a_fresh_record_goes_along_when_the_handle_is_withdrawn_again(ann, merge, agent):
    _done, handle, case = left_with_a_fresh_record(ann, agent, merge)
    link = IdentityLink.objects.confirmed().get(identity=handle)
    again = decisions.withdraw(link=link, by=agent, why="Hers after all").customer
    assert Case.objects.get(pk=case.pk).customer == again
    assert merging.bring_along() == 0


def test_a_fresh_record_another_was_merged_into_is_kept_until_they_are_apart(ann, merge, undo, agent):
    handle = factories.IdentityFactory(value="hers", customer=ann)
    fresh = decisions.withdraw(link=IdentityLink.objects.get(identity=handle), by=agent, why="Hers").customer
    withdrawn, empty = Merge.objects.get(), factories.CustomerFactory(created_at=timezone.now())
    done = merge(empty, fresh)
    with pytest.raises(undoing.CameSince):
        undo(withdrawn)
    undo(done)
    undo(withdrawn)
    fresh.refresh_from_db()
    assert fresh.merged_into == ann


# --- the history in words


def test_the_history_says_what_went_by_kind(ann, anne, merge):
    account = factories.AccountFactory()
    for customer in (ann, anne):
        factories.StakeholderFactory(customer=customer, account=account)
    done = merge(anne, ann, reason="Same address")
    (told,) = history(Merge.objects.concerning(ann))
    assert told.merge == done
    assert sorted(told.went) == ["1 case", "1 change of consent", "1 order", "1 product owned", "1 stakeholder"]
    assert told.behind == ["1 stakeholder"]
    assert told.changed == [
        "Tier: Standard → Key", "Language: nothing → “en”", "First seen: 1 May 2019 → 1 May 2018",
        "Surveys: nobody asked → Refused",
    ]  # fmt: skip
    assert len(told.handles) == 1


def test_the_history_of_either_record_holds_what_is_undone_too(ann, anne, merge, undo):
    undo(merge(anne, ann))
    for record in (ann, anne):
        (told,) = history(Merge.objects.concerning(record))
        assert told.merge.undone_at


def test_a_merge_of_a_week_ago_is_undone_as_well(ann, anne, merge, undo):
    before = everything()
    done = merge(anne, ann)
    Merge.objects.update(at=timezone.now() - timedelta(days=7))
    undo(done)
    assert everything() == before
