"""A whole import is taken back, or none of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from channels_app.models import Message
from crm import consent, decisions, merging
from crm.importing import bringing, records, running, undoing
from crm.models import (
    Account,
    Activity,
    Consent,
    Customer,
    Identity,
    IdentityLink,
    Import,
    ImportChange,
    Merge,
    Order,
    Product,
    Stakeholder,
)
from tests import factories
from tests.crm.imported import as_csv, bring, check, load, snapshot, undo

pytestmark = pytest.mark.django_db

NOTHING = "Nothing was undone, since more builds on this import by now"
PEOPLE = "id,name,email,handle\n1,Ann,ann@example.com,twitter:annie\n2,Bob,bob@example.com,\n"


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def ann():
    """Known already, as C-1 of the other system."""
    customer = factories.CustomerFactory(name="Ann", city="Leeds", known_at=timezone.now())
    factories.IdentityFactory(kind="external", place="crm", value="C-1", handle="C-1", customer=customer)
    return customer


def imported(name):
    return Customer.objects.get(name=name)


# --- what goes, and what comes back


def test_what_it_made_goes_and_the_log_says_who_took_it_back(lead):
    run = undo(load(PEOPLE), by=lead)
    assert (run.state, run.undone_by, run.trouble) == ("undone", lead, "")
    assert not Customer.objects.exists()
    assert not Identity.objects.exists()
    assert not ImportChange.objects.exists()
    told = Activity.objects.about(run).order_by("pk").values_list("verb", flat=True)
    assert list(told) == ["brought", "started", "imported", "undone"]


def test_what_it_changed_is_as_it_was(ann):
    before = snapshot()
    rows = {"id": "C-1", "name": "Ann Mercer", "city": "(empty)", "born_on": "1984-02-29", "email": "ann@example.com"}
    run = load(as_csv([rows, rows | {"name": "Ann M.", "city": "York"}]))
    assert snapshot() != before
    assert undo(run).state == "undone"
    assert snapshot() == before


def test_every_kind_is_taken_back(ann, lead):
    account = factories.AccountFactory(source="crm", external_id="A-1", name="Old name", owner=lead)
    order = factories.OrderFactory(customer=ann, source="crm", external_id="O-1", amount="5.00", currency="EUR")
    factories.StakeholderFactory(account=account, customer=ann, role="user", title="Driver")
    before = snapshot()
    text = {
        "accounts": "id,name,owner,closed_on\nA-1,New name,(empty),2025-01-01\nA-2,Other,,\n",
        "orders": "id,customer,number,amount,currency\nO-1,C-1,7,6.00,GBP\nO-2,C-1,8,,\n",
        "products": "id,customer,order,name\nP-1,C-1,O-1,Pass\n",
        "stakeholders": "account,customer,role,title\nA-1,C-1,user,Boss\nA-1,C-1,buyer,Buyer\n",
        "links": "customer,kind,place,value\nC-1,handle,twitter,annie\n",
    }
    runs = [load(rows, what=what) for what, rows in text.items()]
    assert (Account.objects.count(), Order.objects.count(), Product.objects.count()) == (2, 2, 1)
    assert (Stakeholder.objects.count(), Order.objects.get(pk=order.pk).currency) == (2, "GBP")
    assert [undo(run).state for run in reversed(runs)] == ["undone"] * 5
    assert snapshot() == before


def test_a_provisional_record_it_merged_in_stands_again():
    somebody = factories.CustomerFactory(name="annie", city="York", known_at=None)
    factories.IdentityFactory(place="twitter", value="annie", customer=somebody)
    order = factories.OrderFactory(customer=somebody)
    run = load(PEOPLE)
    assert Order.objects.get(pk=order.pk).customer == imported("Ann")
    assert undo(run).state == "undone"
    somebody.refresh_from_db()
    assert (somebody.merged_into, somebody.name, somebody.links.get().state) == (None, "annie", "confirmed")
    assert Order.objects.get(pk=order.pk).customer == somebody
    assert Customer.objects.get() == somebody
    assert not Merge.objects.exists()


def test_a_consent_holds_again_as_it_did_and_the_history_keeps_both(ann, lead):
    consent.record(customer=ann, purpose="survey", state="given", how="On the phone", by=lead)
    rows = "customer,purpose,state,how\nC-1,survey,refused,Letter\nC-1,call,given,Letter\nC-1,any,forbidden,Letter\n"
    run = load(rows, what="consents")
    assert undo(run).state == "undone"
    ann.refresh_from_db()
    assert ann.do_not_contact_at is None
    assert dict(Consent.objects.values_list("purpose", "state")) == {"survey": "given"}
    history = list(ann.consent_changes.order_by("pk").values_list("purpose", "to"))
    assert history[:4] == [("survey", "given"), ("survey", "refused"), ("call", "given"), ("", "set")]
    assert sorted(history[4:]) == [("", "lifted"), ("call", "cleared"), ("survey", "given")]
    assert ann.consent_changes.first().how == "The import crm.csv was undone."


def test_a_claim_that_waited_for_a_person_is_gone(ann):
    factories.IdentityFactory(kind="email", place="", value="bob@example.com", customer=ann)
    run = load(PEOPLE)
    assert run.parked == 1
    assert undo(run).state == "undone"
    assert not IdentityLink.objects.filter(state="proposed").exists()


def test_one_that_broke_off_is_undone_as_far_as_it_came(monkeypatch):
    monkeypatch.setattr(running, "BATCH", 1)
    save, calls = records.save_rows, []

    def break_off_at_the_second(**facts):
        calls.append(1)
        return save(**facts) if len(calls) < 2 else 1 / 0

    run = check(bring(PEOPLE))
    monkeypatch.setattr(running.records, "save_rows", break_off_at_the_second)
    running.start(run=run, by=run.by)
    running.work(run.pk)
    run.refresh_from_db()
    assert (run.state, Customer.objects.count()) == ("broken", 1)
    assert undo(run).state == "undone"
    assert not Customer.objects.exists()


def test_an_import_that_only_found_all_as_it_was_is_undone_with_nothing_to_do(ann):
    before = snapshot()
    assert undo(load("id,name\nC-1,Ann\n")).state == "undone"
    assert snapshot() == before


def test_who_was_erased_since_stays_as_they_are(ann):
    """Erasing takes the import's memory of them along."""
    run = load("id,name,city\nC-1,Ann Mercer,York\n2,Bob,\n")
    ImportChange.objects.filter(row=ann.pk).delete()
    Customer.objects.filter(pk=ann.pk).update(name="Erased", erased_at=timezone.now())
    assert undo(run).state == "undone"
    assert list(Customer.objects.values_list("name", flat=True)) == ["Erased"]


# --- what stands in the way


def a_case(lead):
    factories.CaseFactory(customer=imported("Ann"))


def a_message(lead):
    factories.MessageFactory(identity=Identity.objects.get(kind="email", value="ann@example.com"))


def somebody_who_claims_the_address(lead):
    """A reference its model keeps to itself."""
    factories.IdentityRequestFactory(claim=Identity.objects.get(kind="email", value="ann@example.com"))


def an_edit_by_a_person(lead):
    Customer.objects.filter(name="Ann").update(city="York")


def a_link_by_a_person(lead):
    said = {"kind": "email", "place": "", "value": "ann@work.example", "evidence": "She said so"}
    decisions.link_by_hand(customer=imported("Ann"), by=lead, **said)


def a_link_that_was_taken_back(lead):
    decisions.withdraw(link=IdentityLink.objects.get(identity__value="annie"), by=lead, why="Not hers")


def a_merge(lead):
    merging.merge(survivor=factories.CustomerFactory(), absorbed=imported("Ann"), by=lead)


def a_merge_that_was_undone(lead):
    done = merging.merge(survivor=factories.CustomerFactory(), absorbed=imported("Ann"), by=lead)
    merging.undo(merge=done, by=lead)


def a_consent(lead):
    consent.record(customer=imported("Ann"), purpose="survey", state="given", how="Said so", by=lead)


def an_order(lead):
    load("id,customer,number\n1,1,A1\n", what="orders")


def a_later_import(lead):
    load("id,name,city\n1,,York\n", name="later.csv")


@pytest.mark.parametrize(
    ("since", "told"),
    [
        (a_case, "1 case"), (a_message, "1 message"), (somebody_who_claims_the_address, "1 request to identify"),
        (an_edit_by_a_person, "1 customer changed since"),
        (a_link_by_a_person, "1 link of an identity"), (a_link_that_was_taken_back, "changed since"),
        (a_merge, "1 merge"), (a_merge_that_was_undone, "1 merge"), (a_consent, "1 consent"), (an_order, "1 order"),
        (a_later_import, "1 customer changed since"),
    ],
)  # fmt: skip
def test_what_was_built_on_it_since_keeps_all_of_it(lead, since, told):
    run = load(PEOPLE)
    since(lead)
    before = snapshot()
    changes = ImportChange.objects.filter(run=run).count()
    undo(run, by=lead)
    assert (run.state, run.undone_by) == ("done", None)
    assert run.trouble.startswith(NOTHING)
    assert told in run.trouble
    assert snapshot() == before
    assert ImportChange.objects.filter(run=run).count() == changes


def test_it_can_be_undone_once_what_was_built_on_it_is_gone(lead):
    run = load(PEOPLE)
    orders = load("id,customer,number\n1,1,A1\n", what="orders")
    assert undo(run).state == "done"
    assert undo(orders).state == "undone"
    assert undo(run).state == "undone"
    assert run.trouble == ""


def test_a_change_that_was_changed_again_is_not_put_back_over_it(ann):
    run = load("id,city\nC-1,York\n")
    Customer.objects.filter(pk=ann.pk).update(city="Hull")
    assert "1 customer changed since" in undo(run).trouble
    ann.refresh_from_db()
    assert ann.city == "Hull"


def test_what_somebody_changed_beside_it_is_left_alone(ann):
    run = load("id,city\nC-1,York\n")
    Customer.objects.filter(pk=ann.pk).update(name="Ann Mercer")
    assert undo(run).state == "undone"
    ann.refresh_from_db()
    assert (ann.name, ann.city) == ("Ann Mercer", "Leeds")


def test_a_consent_said_again_since_stands(ann, lead):
    run = load("customer,purpose,state,how\nC-1,survey,refused,Letter\n", what="consents")
    consent.record(customer=ann, purpose="survey", state="given", how="Rang us", by=lead)
    assert "1 consent changed since" in undo(run).trouble
    assert Consent.objects.get().state == "given"


def test_what_hark_itself_proposes_stands_in_nobodys_way():
    run = load(PEOPLE)
    other = factories.IdentityFactory(value="ann_mercer", customer=factories.CustomerFactory(known_at=None))
    factories.IdentityLinkFactory(
        identity=other, customer=imported("Ann"), state="proposed", method="matched", score=0.9
    )
    Identity.objects.update(matched_at=timezone.now())
    assert undo(run).state == "undone"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "between", [None, "_undo_consents"], ids=["after the undo", "between the look and the removal"]
)
def test_of_a_message_that_comes_at_the_same_moment_and_the_undo_one_is_refused(monkeypatch, between):
    """The message's transaction was there before; whoever commits second finds that the other has been."""
    run = load(PEOPLE)
    identity = Identity.objects.get(kind="email", value="ann@example.com")
    thread, written, may_commit = factories.ThreadFactory(), Event(), Event()

    def write():
        try:
            with transaction.atomic():
                factories.MessageFactory(thread=thread, identity=identity)
                written.set()
                may_commit.wait(60)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        message = other.submit(write)
        written.wait(60)
        if between:
            then = getattr(undoing, between)
            monkeypatch.setattr(undoing, between, lambda *args: (may_commit.set(), then(*args)))
        undo(run)
        may_commit.set()
        with pytest.raises(IntegrityError):
            message.result(60)
    assert run.state == "undone"
    assert not Message.objects.exists()
    assert not Identity.objects.exists()


# --- when


def test_only_what_has_run_can_be_undone_and_only_once():
    run = check(bring(PEOPLE))
    with pytest.raises(undoing.NothingToUndo, match="Checked"):
        undoing.undo(run=run, by=run.by)
    running.start(run=run, by=run.by)
    running.work(run.pk)
    undo(run)
    with pytest.raises(undoing.NothingToUndo, match="Undone"):
        undoing.undo(run=run, by=run.by)
    with pytest.raises(bringing.NoLongerOpen):
        bringing.let_go(run=run)


def test_an_import_whose_changes_are_no_longer_kept_says_so():
    run = load(PEOPLE)
    run.changes.all().delete()
    with pytest.raises(undoing.Forgotten):
        undoing.undo(run=run, by=run.by)
    assert Import.objects.get(pk=run.pk).state == "done"
