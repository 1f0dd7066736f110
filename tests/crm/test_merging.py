"""Two records become one: what moves, what is chosen, what is no choice, and what is refused."""

import threading
from datetime import UTC, date, datetime
from functools import partial

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Case
from crm import consent, merging
from crm.errors import Refused
from crm.merging import gathering, joining, undoing
from crm.merging.relations import WITH_RULES_OF_THEIR_OWN, relations
from crm.models import (
    Activity,
    Consent,
    ConsentChange,
    Customer,
    IdentityLink,
    Merge,
    Move,
    Order,
    PrivacyRequest,
    Stakeholder,
)
from tests import factories

pytestmark = pytest.mark.django_db


def at(year):
    return datetime(year, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def ann():
    return factories.CustomerFactory(name="Ann Mercer", city="Leeds", known_at=at(2020), created_at=at(2019))


@pytest.fixture
def anne():
    """Ann's other record."""
    return factories.CustomerFactory(name="Anne Mercer", language="en", tier="key", created_at=at(2018))


@pytest.fixture
def merge(ann, anne, agent):
    """`merge()` makes Anne part of Ann."""

    def merge(survivor=ann, absorbed=anne, **wishes):
        done = merging.merge(survivor=survivor, absorbed=absorbed, by=agent, **wishes)
        for customer in (survivor, absorbed):
            customer.refresh_from_db()
        return done

    return merge


# --- every row of every app


def test_every_row_that_belongs_to_the_one_belongs_to_the_other(merge, ann, anne):
    handle = factories.IdentityFactory(customer=anne)
    mine = [
        factories.CaseFactory(customer=anne, identity=handle),
        factories.OrderFactory(customer=anne),
        factories.ProductFactory(customer=anne),
        factories.StakeholderFactory(customer=anne),
    ]
    merge()
    for row in mine:
        row.refresh_from_db()
        assert row.customer == ann, row
    assert IdentityLink.objects.get(identity=handle).customer == ann


def test_no_foreign_key_to_a_customer_is_forgotten():
    """Whoever adds a table that names a customer is here with it, or has told its own rule."""
    found = {
        (model, field.attname)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_concrete_fields
        if field.related_model is Customer and model not in WITH_RULES_OF_THEIR_OWN
    }
    assert found == {(relation.model, relation.column) for relation in relations()}
    assert {"cases.case", "crm.order", "crm.stakeholder"} <= {relation.kind for relation in relations()}


def test_every_unique_rule_about_a_customer_is_of_a_kind_we_keep():
    """Rows are moved by the thousand; a rule we cannot read would end in an error instead of a row left behind."""
    for relation in relations():
        meta, name = relation.model._meta, relation.field.name
        assert isinstance(meta.pk, models.BigAutoField | models.BigIntegerField), meta.label
        for rule in meta.constraints:
            if isinstance(rule, models.UniqueConstraint):
                named = {found for e in rule.expressions for (found,) in relation.model._get_expr_references(e)}
                assert name not in named, rule
                assert name not in rule.fields or rule.nulls_distinct is not False, rule
            else:
                assert isinstance(rule, models.CheckConstraint), rule


def test_the_absorbed_record_leads_to_the_survivor(merge, ann, anne):
    merge()
    assert anne.survivor == ann
    assert list(Customer.objects.standing()) == [ann]


def test_rows_the_survivor_has_already_stay_behind(merge, ann, anne):
    account = factories.AccountFactory()
    factories.StakeholderFactory(customer=ann, account=account, role="buyer")
    same = factories.StakeholderFactory(customer=anne, account=account, role="buyer")
    other = factories.StakeholderFactory(customer=anne, account=account, role="user")
    merge()
    assert Stakeholder.objects.get(pk=same.pk).customer == anne
    assert Stakeholder.objects.get(pk=other.pk).customer == ann


def test_a_second_open_case_on_one_conversation_stays_behind_and_a_resolved_one_does_not(merge, ann, anne, agent):
    on_one = factories.CaseFactory(customer=ann)
    second = factories.CaseFactory(customer=anne, thread=on_one.thread, channel=on_one.channel)
    Case.objects.filter(pk=second.pk).update(thread=factories.ThreadFactory(channel=on_one.channel))
    resolved = factories.CaseFactory(customer=anne, thread=on_one.thread, channel=on_one.channel)
    factories.resolved(resolved, agent)
    Case.objects.filter(pk=second.pk).update(thread=on_one.thread)
    merge()
    assert Case.objects.get(pk=second.pk).customer == anne
    assert Case.objects.get(pk=resolved.pk).customer == ann


def test_thousands_of_rows_go_in_as_many_queries_as_one(merge, ann, anne, agent):
    factories.OrderFactory(customer=anne)
    with CaptureQueriesContext(connection) as few:
        merge()
    third = factories.CustomerFactory()
    Order.objects.bulk_create([Order(customer=third, number=str(n)) for n in range(3000)])
    with CaptureQueriesContext(connection) as many:
        merge(absorbed=third)
    assert len(many) <= len(few)
    assert Order.objects.filter(customer=ann).count() == 3001
    assert Move.objects.filter(kind="crm.order", was=third.pk, became=ann.pk).count() == 3000


def test_what_was_left_behind_comes_along_once_it_can(merge, ann, anne, agent):
    on_one = factories.CaseFactory(customer=ann)
    left = factories.CaseFactory(customer=anne, thread=on_one.thread, channel=on_one.channel)
    done = merge()
    assert merging.bring_along() == 0
    factories.resolved(left, agent)
    assert merging.bring_along() == 1
    assert Case.objects.get(pk=left.pk).customer == ann
    merging.undo(merge=done, by=agent)
    assert Case.objects.get(pk=left.pk).customer == anne


def test_what_came_for_a_record_in_the_moment_it_was_merged_comes_along_through_every_merge(merge, ann, anne):
    merge()
    bea = factories.CustomerFactory()
    merge(survivor=bea, absorbed=ann)
    late = factories.OrderFactory(customer=anne)
    assert (merging.bring_along(), merging.bring_along()) == (1, 0)
    assert Order.objects.get(pk=late.pk).customer == bea


def test_what_can_never_go_does_not_keep_others_waiting(merge, ann, anne, monkeypatch):
    """A stake both had stays behind for good; of such records there may be more than one run looks at."""
    monkeypatch.setattr(gathering, "AT_ONCE", 1)
    account = factories.AccountFactory()
    for customer in (ann, anne):
        factories.StakeholderFactory(customer=customer, account=account)
    merge()
    third = factories.CustomerFactory()
    merge(absorbed=third)
    late = factories.StakeholderFactory(customer=third)
    assert merging.bring_along() == 1
    late.refresh_from_db()
    assert late.customer == ann


# --- chosen field by field


def test_what_is_there_beats_what_is_not_and_the_higher_tier_the_lower(merge, ann):
    merge()
    assert (ann.name, ann.city, ann.language, ann.tier) == ("Ann Mercer", "Leeds", "en", "key")


def test_each_field_is_taken_from_the_record_chosen(merge, ann):
    merge(choices={"name": "absorbed", "tier": "survivor", "language": "survivor", "city": "absorbed"})
    assert (ann.name, ann.city, ann.language, ann.tier) == ("Anne Mercer", "", "", "standard")


def test_whom_we_know_beats_whom_we_do_not(merge, ann, anne):
    merge(survivor=anne, absorbed=ann)
    assert (anne.name, anne.known_at) == ("Ann Mercer", ann.known_at)


def test_the_earlier_dates_stand(merge, ann, anne):
    merge()
    assert (ann.created_at, ann.known_at) == (at(2018), at(2020))


def test_a_choice_nobody_offered_changes_nothing(merge, ann):
    merge(choices={"erased_at": "absorbed", "merged_into": "absorbed", "nonsense": "absorbed"})
    assert (ann.erased_at, ann.merged_into) == (None, None)


# --- consent is not a choice


@pytest.mark.parametrize("ours", ["given", "refused", None])
@pytest.mark.parametrize("theirs", ["given", "refused", None])
def test_the_stricter_consent_holds(merge, ann, anne, agent, ours, theirs):
    for customer, state in ((ann, ours), (anne, theirs)):
        if state:
            consent.record(customer=customer, purpose="survey", state=state, how="Said so", by=agent)
    merge()
    held = Consent.objects.filter(customer=ann, purpose="survey").first()
    order = [None, "given", "refused"]
    assert (held.state if held else None) == max(ours, theirs, key=order.index)
    assert Consent.objects.filter(customer=anne).count() == (theirs is not None)  # as it was


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_do_not_contact_holds_for_the_whole(merge, ann, anne, agent, side):
    consent.forbid(customer=ann if side == "ours" else anne, how="Wrote so", by=agent)
    merge()
    for customer in (ann, anne):
        assert not consent.may_contact(customer, "care_reply")


def test_what_is_said_to_a_page_that_was_open_before_the_merge_holds_for_who_stands_now(merge, ann, anne, agent):
    before = Customer.objects.get(pk=anne.pk)
    assert before.merged_into is None
    merge()
    consent.forbid(customer=before, how="On the phone", by=agent)
    assert not consent.may_contact(Customer.objects.get(pk=ann.pk), "care_reply")


def test_the_history_of_consent_says_that_it_came_by_the_merge(merge, ann, anne, agent):
    consent.record(customer=ann, purpose="survey", state="given", how="Ticked", by=agent)
    consent.record(customer=anne, purpose="survey", state="refused", how="Wrote so", by=agent)
    merge()
    newest = ConsentChange.objects.filter(customer=ann).first()
    assert (newest.to, newest.by) == ("refused", agent)
    assert newest.how == f"Record #{anne.pk}, which was merged in, says so: the stricter holds."
    assert [change.how for change in ConsentChange.objects.filter(customer=ann)][1:] == ["Wrote so", "Ticked"]


# --- links that meet


@pytest.mark.parametrize(
    ("theirs", "ours", "stands"),
    [
        ("confirmed", "proposed", "confirmed"),
        ("confirmed", "rejected", "confirmed"),
        ("confirmed", "withdrawn", "confirmed"),
        ("proposed", "confirmed", "confirmed"),
        ("rejected", "confirmed", "confirmed"),
        ("withdrawn", "confirmed", "confirmed"),
        ("proposed", "proposed", "proposed"),
        ("rejected", "proposed", "rejected"),
        ("withdrawn", "proposed", "withdrawn"),
        ("proposed", "rejected", "rejected"),
        ("rejected", "rejected", "rejected"),
        ("withdrawn", "rejected", "rejected"),
    ],
)
def test_two_links_of_one_handle_become_one(merge, ann, anne, theirs, ours, stands):
    identity = factories.IdentityFactory(customer=None)
    for customer, state in ((ann, ours), (anne, theirs)):
        factories.IdentityLinkFactory(identity=identity, customer=customer, state=state, evidence=state)
    merge()
    assert IdentityLink.objects.get(identity=identity, customer=ann).state == stands
    assert IdentityLink.objects.filter(identity=identity, state="confirmed").count() == (stands == "confirmed")


def test_a_proof_that_was_given_to_the_absorbed_record_comes_along(merge, ann, anne, agent):
    identity = factories.IdentityFactory(customer=None)
    factories.IdentityLinkFactory(
        identity=identity, customer=anne, method="asked", evidence="Code by mail", decided_by=agent, decided_at=at(2024)
    )
    factories.IdentityLinkFactory(identity=identity, customer=ann, state="rejected")
    merge()
    link = IdentityLink.objects.get(identity=identity, customer=ann)
    assert (link.method, link.evidence, link.decided_at) == ("asked", "Code by mail", at(2024))


# --- refused


def test_a_record_is_not_merged_into_itself(merge, ann):
    with pytest.raises(joining.SameRecord):
        merge(survivor=ann, absorbed=ann)


def test_a_cycle_of_merges_is_refused(merge, ann, anne):
    merge()
    with pytest.raises(joining.AlreadyMerged) as refused:
        merge(survivor=anne, absorbed=ann)
    assert str(refused.value) == (
        f"Anne Mercer (#{anne.pk}) was merged into Ann Mercer (#{ann.pk}) already. Go on with that record."
    )


def test_an_absorbed_record_is_not_absorbed_again(merge, anne):
    merge()
    with pytest.raises(joining.AlreadyMerged):
        merge(survivor=factories.CustomerFactory(), absorbed=anne)


@pytest.mark.parametrize("side", ["survivor", "absorbed"])
def test_an_erased_record_is_not_merged(merge, ann, anne, side):
    erased = {"survivor": ann, "absorbed": anne}[side]
    Customer.objects.filter(pk=erased.pk).update(erased_at=timezone.now())
    with pytest.raises(joining.Erased):
        merge()


@pytest.mark.parametrize("kind", ["export", "erasure"])
@pytest.mark.parametrize("state", ["waiting", "running"])
def test_nothing_is_merged_while_somebody_is_copied_or_erased(merge, anne, agent, kind, state):
    PrivacyRequest.objects.create(kind=kind, state=state, customer=anne, by=agent)
    with pytest.raises(joining.PrivacyAtWork):
        merge()
    assert not Merge.objects.exists()


# --- written down


def test_the_log_of_both_records_says_who_merged_them_and_why(merge, ann, anne, agent):
    merge(reason="Same address")
    assert Activity.objects.about(ann).get(verb="merged").detail == f"Record #{anne.pk} was merged in: Same address"
    line = Activity.objects.about(anne).get(verb="merged")
    assert (line.detail, line.by) == (f"Merged into record #{ann.pk}: Same address", agent)


def test_open_pages_of_both_records_are_told(merge, ann, anne, nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        merge()
    assert {("cases.jobs.customer_changed", ann.pk), ("cases.jobs.customer_changed", anne.pk)} <= set(nudges)


# --- the preview


def test_the_preview_says_what_will_move_and_what_will_stay(ann, anne):
    handle = factories.IdentityFactory(value="annie", customer=anne)
    factories.CaseFactory(customer=anne, identity=handle)
    factories.OrderFactory.create_batch(2, customer=anne)
    account = factories.AccountFactory(name="Acme")
    factories.StakeholderFactory(customer=ann, account=account)
    factories.StakeholderFactory(customer=anne, account=account)
    sheet = merging.preview(survivor=ann, absorbed=anne)
    assert sheet.moving == ["2 orders", "1 case"]
    assert sheet.along == ["1 message"]
    assert [link.identity for link in sheet.handles] == [handle]
    assert [(kept.count, kept.rows) for kept in sheet.kept] == [("1 stakeholder", ["Anne Mercer · Acme"])]


def test_the_preview_offers_the_fields_that_differ_and_no_others(ann, anne):
    sheet = merging.preview(survivor=ann, absorbed=anne)
    assert [(d.name, d.ours, d.theirs, d.default) for d in sheet.differences] == [
        ("name", "Ann Mercer", "Anne Mercer", "survivor"),
        ("tier", "Standard", "Key", "absorbed"),
        ("language", "", "en", "absorbed"),
        ("city", "Leeds", "", "survivor"),
    ]


def test_the_preview_does_what_it_says(ann, anne, agent, merge):
    factories.OrderFactory.create_batch(3, customer=anne)
    before = merging.preview(survivor=ann, absorbed=anne)
    done = merge()
    moved = Move.objects.filter(merge=done).exclude(kind__in=("crm.customer", "crm.identitylink")).count()
    assert before.moving == ["3 orders"]
    assert moved == 3


def test_the_preview_shows_which_consent_will_hold(ann, anne, agent):
    consent.record(customer=ann, purpose="survey", state="given", how="Ticked", by=agent)
    consent.record(customer=anne, purpose="survey", state="refused", how="Wrote so", by=agent)
    consent.forbid(customer=anne, how="Wrote so", by=agent)
    sheet = merging.preview(survivor=ann, absorbed=anne)
    assert [(s.label, s.ours, s.theirs, s.result) for s in sheet.consents] == [
        ("Surveys", "Given", "Refused", "Refused")
    ]
    assert sheet.do_not_contact


def test_the_preview_warns_of_what_should_make_one_stop(ann, anne, agent):
    Customer.objects.update(known_at=at(2020))
    for customer, day, number in ((ann, 3, "C-1"), (anne, 4, "C-2")):
        customer.born_on, customer.known_at = date(1980, 2, day), at(2020)
        customer.save()
        factories.IdentityFactory(kind="external", place="crm", value=number, customer=customer)
    handle = factories.IdentityFactory(value="annie", customer=anne)
    factories.IdentityLinkFactory(
        identity=handle, customer=ann, state="rejected", decided_by=agent, decided_at=at(2024)
    )
    assert merging.preview(survivor=ann, absorbed=anne).warnings == [
        "We know both people already. Make sure that they are one.",
        "They were born on different days: 3 February 1980 and 4 February 1980.",
        "In “crm” they are two records: C-1 and C-2.",
        "Ana Ruiz said on 1 May 2024 that @annie is not the other person’s.",
    ]


def test_the_preview_refuses_what_the_merge_would(ann):
    with pytest.raises(joining.SameRecord):
        merging.preview(survivor=ann, absorbed=ann)


# --- two at once


@pytest.mark.django_db(transaction=True)
def test_two_who_merge_the_same_records_in_opposite_ways_do_not_wait_for_each_other(ann, anne, agent, colleague):
    factories.OrderFactory.create_batch(50, customer=ann)
    factories.OrderFactory.create_batch(50, customer=anne)
    ready, outcomes = threading.Barrier(2, timeout=60), []

    def join(survivor, absorbed, by):
        ready.wait()
        try:
            merging.merge(survivor=survivor, absorbed=absorbed, by=by)
            outcomes.append("done")
        except joining.AlreadyMerged:
            outcomes.append("told")
        finally:
            connection.close()

    both = [threading.Thread(target=join, args=args) for args in ((ann, anne, agent), (anne, ann, colleague))]
    [thread.start() for thread in both]
    [thread.join() for thread in both]
    assert sorted(outcomes) == ["done", "told"]
    assert Merge.objects.count() == 1
    assert Order.objects.filter(customer=Merge.objects.get().survivor).count() == 100


def at_once(*acts):
    """Run them all beside each other; what each returned, or the refusal it met."""
    ready, met = threading.Barrier(len(acts), timeout=60), []

    def run(act):
        ready.wait()
        try:
            met.append(act())
        except Refused as refusal:
            met.append(type(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return met


@pytest.mark.django_db(transaction=True)
def test_three_merged_in_a_circle_at_once_are_one_in_the_end_and_not_lost(ann, anne, agent):
    third = factories.CustomerFactory()
    pairs = ((ann, anne), (anne, third), (third, ann))
    met = at_once(*(partial(merging.merge, survivor=a, absorbed=b, by=agent) for a, b in pairs))
    assert len(met) == 3
    assert set(met) - set(Merge.objects.all()) <= {joining.AlreadyMerged, merging.AtThisMoment}
    standing = Customer.objects.standing()
    assert len(standing) == 3 - Merge.objects.count() >= 1
    assert all(customer.survivor in standing for customer in Customer.objects.all())


@pytest.mark.django_db(transaction=True)
def test_of_two_who_undo_at_once_one_is_told(merge, ann, anne, agent, colleague):
    factories.OrderFactory.create_batch(50, customer=anne)
    done = merge()
    met = at_once(*(partial(merging.undo, merge=done, by=by) for by in (agent, colleague)))
    assert sorted(met, key=str) == sorted([done, undoing.AlreadyUndone], key=str)
    assert (ann.orders.count(), anne.orders.count()) == (0, 50)


def in_a_thread(act):
    """Run it beside us, on a connection of its own, to its end."""
    done = threading.Thread(target=lambda: (act(), connection.close()))
    done.start()
    done.join()


@pytest.mark.django_db(transaction=True)
def test_what_comes_in_while_two_are_merged_waits_for_nobody_and_comes_along_and_goes_back(ann, anne, agent):
    """A message is not held up by a merge; its case is not lost between the two records."""
    handle = factories.IdentityFactory(customer=anne)
    with transaction.atomic():
        done = merging.merge(survivor=ann, absorbed=anne, by=agent)
        in_a_thread(lambda: factories.CaseFactory(customer=anne, identity=handle, subject="In the middle"))
    case = Case.objects.get(subject="In the middle")
    assert case.customer == anne
    assert merging.bring_along() == 1
    case.refresh_from_db()
    assert case.customer == ann
    merging.undo(merge=done, by=agent)
    case.refresh_from_db()
    assert case.customer == anne


@pytest.mark.django_db(transaction=True)
def test_a_no_said_while_two_are_merged_holds_for_the_one_that_stands(ann, anne, agent):
    ready = threading.Event()

    def forbid():
        customer = Customer.objects.get(pk=anne.pk)
        ready.set()
        consent.forbid(customer=customer, how="On the phone", by=agent)
        connection.close()

    said = threading.Thread(target=forbid)
    with transaction.atomic():
        merging.merge(survivor=ann, absorbed=anne, by=agent)
        said.start()
        ready.wait(60)
    said.join()
    assert not consent.may_contact(Customer.objects.get(pk=ann.pk), "care_reply")
