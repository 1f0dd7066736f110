"""Erasure: the person is gone, what counts still counts, and nobody comes back by accident."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pgtrigger
import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from cases import jobs as case_jobs
from cases import replies, resolution
from cases.models import Case
from channels_app import forgotten, inbox, live, outbox
from channels_app.models import Delivery, LiveEvent, Message, RawEvent, Thread
from channels_app.platforms.base import RawPayload
from crm import addresses, consent, jobs, limits, merging
from crm.errors import Refused
from crm.matching import learning
from crm.models import (
    Activity,
    Allowance,
    Commonness,
    Customer,
    Identity,
    IdentityLink,
    IdentityRequest,
    Import,
    Merge,
    NameWord,
    PrivacyRequest,
    WebhookEvent,
)
from crm.models.consent import GUARD
from crm.privacy import asking, erasing, holders, people, working
from crm.webhooks import telling
from tests import factories
from tests.channels_app.own_wire import own_wire
from tests.somebody import Somebody

pytestmark = pytest.mark.django_db


def ask(customer, by, typed=None):
    typed = str(customer.pk) if typed is None else typed
    return asking.ask_for_erasure(customer=customer, confirmed=typed, reason="person", by=by)


def erase(customer, by):
    request = ask(customer, by)
    working.work(request.pk)
    request.refresh_from_db()
    return request


def post(channel, number, author="jane_doe", text="My train is late", **more):
    """What the network sends of one post."""
    said = {"id": f"p{number}", "author": author, "name": "Jane", "text": text, "at": "2026-11-20T10:00:00Z", **more}
    inbox.keep(channel=channel, payloads=[RawPayload(json.dumps(said).encode(), "a test")])
    inbox.work_off(channel)
    return Message.objects.filter(channel=channel).order_by("pk").last()


@pytest.fixture
def jane(archive):
    """Somebody who wrote twice."""
    post(archive, 1)
    message = post(archive, 2, text="Still late", reply_to="p1")
    return IdentityLink.objects.get(identity=message.identity).customer


# --- what stays


def test_messages_stay_countable_and_say_nothing(jane, lead):
    before = Message.objects.values("pk", "channel", "occurred_at", "sentiment", "score", "language", "direction")
    counted = list(before.order_by("pk"))
    erase(jane, lead)
    assert list(before.order_by("pk")) == counted
    assert {(m.text, m.url, m.reasons) for m in Message.objects.all()} == {("", "", "")}
    assert all(m.why_silent == "Erased on request" for m in Message.objects.select_related("identity"))


def test_the_record_is_nameless_and_so_is_the_identity(jane, lead):
    identity = jane.links.get().identity
    erase(jane, lead)
    jane.refresh_from_db()
    identity.refresh_from_db()
    assert (jane.name, jane.about, jane.city, str(identity)) == ("Erased customer", "", "", "Erased customer")
    assert jane.erased_at
    assert identity.erased_at
    assert "jane" not in identity.value
    assert identity.value != Identity.objects.exclude(pk=identity.pk).first()


def test_two_erasures_of_the_same_handle_leave_different_keys(archive, lead):
    keys = set()
    for number in (1, 2):
        message = post(archive, number)
        erase(IdentityLink.objects.get(identity=message.identity).customer, lead)
        keys.add(Identity.objects.get(pk=message.identity_id).value)
    assert len(keys) == 2


def test_the_receipt_counts_by_kind_and_names_nobody(jane, lead):
    done = erase(jane, lead)
    assert done.state == "done"
    assert (done.by, done.get_reason_display()) == (lead, "They asked for it themselves")
    assert done.receipt["erased"]["messages"] == 2
    assert done.receipt["erased"]["payloads"] == 2
    assert done.receipt["records"] == 1
    until = timezone.localdate() + timedelta(days=settings.BACKUPS_KEPT_DAYS)
    assert done.receipt["backups_until"] == until.isoformat()
    assert "jane" not in json.dumps(done.receipt).lower()


def test_it_stands_in_the_log_who_asked_and_when_it_was_done(jane, lead):
    erase(jane, lead)
    lines = Activity.objects.about(jane).order_by("pk").values_list("verb", "by__username", "detail")
    assert list(lines)[-2:] == [
        ("erasure asked for", "lea", ""),
        ("erased", "lea", "They asked for it themselves"),
    ]


def test_merged_records_go_with_the_one_that_stands_for_them(jane, lead):
    other = factories.CustomerFactory(name="Jane Doe", city="Leeds")
    merge = merging.merge(survivor=jane, absorbed=other, by=lead, reason="Jane said so")
    request = ask(other, lead, str(jane.pk))  # by whichever of them
    working.work(request.pk)
    request.refresh_from_db()
    other.refresh_from_db()
    merge.refresh_from_db()
    assert (other.name, other.city, other.merged_into) == ("Erased customer", "", jane)
    assert (merge.reason, merge.moves.count(), request.receipt["records"]) == ("", 0, 2)
    with pytest.raises(Refused, match="was erased since"):
        merging.undo(merge=merge, by=lead)


def test_what_others_wrote_stays_where_it_was(jane, archive, lead):
    answer = post(archive, 3, author="bob", text="@jane_doe same here", reply_to="p1")
    erase(jane, lead)
    answer.refresh_from_db()
    assert answer.text == "@jane_doe same here"
    assert answer.thread_id == Message.objects.order_by("pk").first().thread_id
    assert answer.parent_external_id == Message.objects.order_by("pk").first().external_id != "p1"


# --- nobody comes back


def test_the_same_post_again_brings_neither_words_nor_person(jane, archive, lead):
    erase(jane, lead)
    customers = Customer.objects.count()
    for text in ("My train is late", "My train is late, says Jane"):
        post(archive, 1, text=text)
    first = Message.objects.order_by("pk").first()
    assert (first.text, first.versions.count(), Message.objects.count()) == ("", 0, 2)
    assert Customer.objects.count() == customers
    assert not RawEvent.objects.exclude(body=b"").exists()


def test_an_edit_and_a_deletion_of_an_erased_post_bring_no_words(jane, archive, lead):
    erase(jane, lead)
    post(archive, 1, text="Jane was here", kind="edit")
    post(archive, 2, text="", kind="delete")
    said = Message.objects.order_by("pk").values_list("text", flat=True)
    assert list(said) == ["", ""]
    assert Message.objects.filter(deleted_at__isnull=False).count() == 1
    assert not RawEvent.objects.exclude(body=b"").exists()


def test_our_own_answer_that_arrives_late_counts_without_its_words(jane, archive, lead):
    erase(jane, lead)
    ours = post(archive, 9, author="", text="@jane_doe We are sorry, Jane", ours=True, reply_to="p1")
    assert (ours.direction, ours.text, bool(ours.erased_at)) == ("out", "", True)
    assert not Identity.objects.filter(value="jane_doe").exists()
    assert not RawEvent.objects.exclude(body=b"").exists()


def test_a_new_post_by_the_same_handle_is_a_new_contact(jane, archive, lead):
    erase(jane, lead)
    message = post(archive, 7, text="Hello again", reply_to="p1")
    fresh = IdentityLink.objects.get(identity=message.identity).customer
    assert fresh != jane
    assert (fresh.name, fresh.is_provisional, message.text) == ("Jane", True, "Hello again")
    assert message.thread_id == Message.objects.order_by("pk").first().thread_id  # the conversation is the same
    assert Case.objects.filter(customer=fresh).count() == 1


def test_a_network_that_names_its_threads_gets_the_name_back_for_an_answer(archive, lead):
    message = post(archive, 1, thread="talk-1")
    erase(IdentityLink.objects.get(identity=message.identity).customer, lead)
    thread = Thread.objects.get(pk=message.thread_id)
    assert thread.external_id == forgotten.mark(archive.pk, "talk-1")
    again = post(archive, 2, thread="talk-1")
    thread.refresh_from_db()
    assert (again.thread_id, thread.external_id) == (thread.pk, "talk-1")


def test_marks_are_known_again_after_the_key_was_replaced(jane, archive, lead, settings):
    erase(jane, lead)
    settings.SEALING_KEYS = ["a new key", *settings.SEALING_KEYS]
    post(archive, 1, text="My train is late")
    assert Message.objects.count() == 2


def test_what_waits_to_be_stored_is_stored_first(jane, archive, lead):
    """Or it would make a new customer of them a moment later."""
    request = ask(jane, lead)
    late = {"id": "p3", "author": "Jane_Doe", "text": "And again", "at": "2026-11-20T11:00:00Z"}
    RawEvent.objects.create(channel=archive, body=json.dumps(late).encode())
    RawEvent.objects.create(channel=archive, body=b'{"id": "p4", "author": "bob", "text": "x", "at": "soon"}')
    working.work(request.pk)
    assert Message.objects.filter(identity__erased_at__isnull=False).count() == 3
    assert inbox.drain(archive) == 0
    assert not Identity.objects.filter(value="jane_doe").exists()


def test_what_comes_in_between_two_steps_goes_as_well(jane, archive, lead, monkeypatch):
    said = []

    def stand_still(person):
        if not said:
            said.append(post(archive, 5, text="In between"))
        real(person)

    real = holders.stand_still
    monkeypatch.setattr(holders, "stand_still", stand_still)
    erase(jane, lead)
    said[0].refresh_from_db()
    assert (said[0].text, said[0].erased_at is not None) == ("", True)
    assert not RawEvent.objects.exclude(body=b"").exists()


# --- the case


def test_an_open_case_stays_and_can_be_resolved_but_not_answered(case, agent, lead, cause):
    stopped = factories.DeliveryFactory(case=case, by=agent, state="queued")
    erase(case.customer, lead)
    case.refresh_from_db()
    stopped.refresh_from_db()
    assert (case.state, case.subject, case.title) == ("new", "", "Erased on request")
    assert (stopped.state, stopped.message.text) == ("failed", "")
    with pytest.raises(Refused, match="This customer was erased: there is nobody to contact"):
        replies.reply(case=case, text="Hello Jane", by=agent)
    resolution.resolve(case=case, cause=cause, by=agent)


def test_a_reply_written_by_hand_is_refused_too(team, agent, lead):
    phone = factories.ChannelFactory(platform="by_hand", place="phone", team=team)
    case = factories.CaseFactory(channel=phone)
    erase(case.customer, lead)
    with pytest.raises(Refused, match="there is nobody to contact"):
        replies.reply(case=case, text="Called Jane back", by=agent)


def test_the_page_of_the_case_says_what_happened(case, as_user, agent, lead):
    factories.NoteFactory(case=case, by=agent, text="Jane is upset")
    erase(case.customer, lead)
    page = as_user(agent).get(f"/cases/{case.pk}/").content.decode()
    assert "This customer was erased on request." in page
    assert "This customer was erased: there is nobody to contact." in page
    assert "Jane is upset" not in page
    assert 'id="reply-form"' not in page or "disabled" in page


def test_open_pages_and_queues_are_told_without_the_name(case, lead, nudges, django_capture_on_commit_callbacks):
    streams = [f"team:{case.team_id}", f"case:{case.pk}"]
    live.numbers(streams)  # somebody has followed them
    name = case.customer.name
    LiveEvent.objects.create(stream=streams[0], number=900, kind="case", data={"id": case.pk, "html": name})
    with django_capture_on_commit_callbacks(execute=True):
        erase(case.customer, lead)
    assert ("cases.jobs.customer_changed", case.customer_id) in nudges
    with django_capture_on_commit_callbacks(execute=True):
        case_jobs.customer_changed(case.customer_id)
    told = LiveEvent.objects.order_by("pk")
    assert {(e.stream, e.kind) for e in told} >= {(streams[0], "case"), (streams[1], "pane"), (streams[1], "message")}
    assert not [e for e in told if name in json.dumps(e.data)]


# --- waiting, refusing, going on


def test_nothing_goes_out_any_more_from_the_moment_it_is_asked_for(case, agent, lead):
    ask(case.customer, lead)
    case.customer.refresh_from_db()
    assert not consent.may_contact(case.customer, "care_reply")
    with pytest.raises(Refused):
        outbox.write(answer_to=case.entries.get().message, text="Hello", by=agent)


def test_a_reply_that_is_just_being_sent_is_waited_for(case, agent, lead):
    delivery = factories.DeliveryFactory(case=case, by=agent)
    moving = {"state": "sending", "lease_until": timezone.now() + timedelta(minutes=1)}
    type(delivery).objects.filter(pk=delivery.pk).update(**moving)
    with pytest.raises(Refused, match="A reply to this customer is just being sent"):
        ask(case.customer, lead)
    assert not Customer.objects.get(pk=case.customer_id).erased_at


def test_the_job_waits_for_one_that_left_in_the_same_moment(case, lead, nudges, django_capture_on_commit_callbacks):
    request = ask(case.customer, lead)
    delivery = factories.MessageFactory(thread=case.thread, identity=case.identity, direction="out", external_id=None)
    with consent_off():
        sending = Delivery.objects.create(message=delivery, state="sending", lease_until=timezone.now())
    working.work(request.pk)
    request.refresh_from_db()
    assert (request.state, "just being sent" in request.trouble) == ("waiting", True)
    assert Message.objects.filter(erased_at=None).count() == 2
    nudges.clear()
    with django_capture_on_commit_callbacks(execute=True):
        jobs.sweep()
    assert (asking.JOB, request.pk) in nudges
    sending.confirm(external_id="o1", at=timezone.now())
    working.work(request.pk)
    request.refresh_from_db()
    assert request.state == "done"


def consent_off():
    """As a worker that had asked a moment before."""
    return pgtrigger.ignore(f"channels_app.Delivery:{GUARD}")


@pytest.mark.parametrize("state", ["checking", "running", "undoing"])
def test_an_import_under_way_is_waited_for(jane, lead, state):
    run = Import.objects.create(what="customers", source="crm", name="people.csv", by=lead, state=state)
    with pytest.raises(Refused, match=r"The import “people\.csv” is under way and may bring them back"):
        ask(jane, lead)
    Import.objects.filter(pk=run.pk).update(state="done")
    assert erase(jane, lead).state == "done"


def test_an_import_that_was_still_to_come_loses_its_file(jane, lead):
    run = Import.objects.create(what="links", source="crm", name="people.csv", by=lead, state="checked")
    run.file.save("people.csv", ContentFile("id,handle\n17,Jane_Doe\n".encode("utf-16")))
    kept = Import.objects.create(what="links", source="crm", name="others.csv", by=lead, state="checked")
    kept.file.save("others.csv", ContentFile(b"id,handle\n17,jane_doe_fan\n"))
    erase(jane, lead)
    run.refresh_from_db()
    kept.refresh_from_db()
    assert (run.state, bool(run.file), kept.state, bool(kept.file)) == ("broken", False, "checked", True)
    assert "it names a customer who was erased" in run.trouble


def test_a_second_erasure_and_a_copy_are_refused_while_one_is_under_way(jane, lead):
    ask(jane, lead)
    for again in (lambda: ask(jane, lead), lambda: copy(jane, lead)):
        with pytest.raises(Refused):
            again()
    assert PrivacyRequest.objects.count() == 1


def copy(customer, by):
    return asking.ask_for_copy(customer=customer, reason="person", by=by)


def test_an_erasure_waits_for_a_copy_that_is_being_made(jane, lead):
    copy(jane, lead)
    with pytest.raises(Refused, match="“Copy of all we hold” is under way"):
        ask(jane, lead)


def test_a_merge_is_refused_while_one_is_under_way_and_after(jane, lead):
    other = factories.CustomerFactory()
    request = ask(jane, lead)
    for _ in range(2):
        with pytest.raises(Refused):
            merging.merge(survivor=other, absorbed=jane, by=lead)
        working.work(request.pk)
    assert not Merge.objects.exists()


def test_who_was_erased_cannot_be_erased_or_copied_again(jane, lead):
    erase(jane, lead)
    for again in (lambda: ask(jane, lead), lambda: copy(jane, lead)):
        with pytest.raises(Refused, match="there is nothing left to copy or to erase"):
            again()


@pytest.mark.parametrize("typed", ["", "yes", "Jane D", "0", "#"])
def test_it_is_confirmed_by_name_or_number_and_by_nothing_else(jane, lead, typed):
    with pytest.raises(asking.ConfirmFirst, match=f"Type “Jane” or {jane.pk} to confirm"):
        ask(jane, lead, typed)
    assert not PrivacyRequest.objects.exists()


@pytest.mark.parametrize("form", [" jane ", "JANE", "#{pk}", "{pk}"])
def test_spaces_and_capitals_do_not_matter(jane, lead, form):
    assert ask(jane, lead, form.format(pk=jane.pk)).kind == "erasure"


STEPS = [holder.name for holder in holders.in_order_of_erasure() if not holder.at_the_end]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_goes_on_and_the_receipt_is_the_same(lead, step, monkeypatch):
    """As that of an erasure that was never killed: what the preview said."""
    whole = Somebody(lead)
    counted = foreseen(whole.customer)
    request = ask(whole.customer, lead)
    with monkeypatch.context() as killing:
        killing.setattr(erasing, "_count", die_at(step))
        with pytest.raises(KeyboardInterrupt):
            working.work(request.pk)
    request.refresh_from_db()
    assert (request.state, request.step) == ("running", step)
    working.work(request.pk)
    request.refresh_from_db()
    assert request.state == "done"
    assert said(request, counted) == counted


def foreseen(customer):
    """What the preview counts, by kind, of the kinds it can count."""
    lines = erasing.preview(people.person(customer))
    return {line.holder.name: line.count for line in lines if line.count is not None}


def said(request, names):
    """What the receipt counts of these kinds."""
    return {name: request.receipt["erased"].get(name, 0) for name in names}


def die_at(step, real=erasing._count):
    """After the batch was done, before its transaction is committed: the worst moment."""

    def count(request, name, number):
        if name == step:
            raise KeyboardInterrupt
        real(request, name, number)

    return count


def test_one_that_breaks_off_says_so_and_is_gone_on_with(jane, lead, monkeypatch):
    with monkeypatch.context() as breaking:
        breaking.setattr(erasing, "_end", lambda request: 1 / 0)
        request = erase(jane, lead)
    assert request.state == "failed"
    assert "Hark could not go on (ZeroDivisionError)" in request.trouble
    again = ask(jane, lead)
    assert again.pk == request.pk
    working.work(again.pk)
    again.refresh_from_db()
    assert (again.state, again.trouble, again.receipt["erased"]["messages"]) == ("done", "", 2)


def test_the_job_run_twice_does_it_once(jane, lead):
    done = erase(jane, lead)
    working.work(done.pk)
    done.refresh_from_db()
    assert Activity.objects.about(jane).filter(verb="erased").count() == 1


def test_other_systems_are_told_by_number_alone(jane, lead):
    factories.WebhookFactory(events=["customer.erased", "customer.changed"])
    with own_wire():
        telling.tell("customer.changed", jane)
        erase(jane, lead)
    told = {event.type: (event.data, event.state) for event in WebhookEvent.objects.filter(about=jane.pk)}
    assert told["customer.changed"] == ({}, "given_up")
    assert told["customer.erased"][0].get("id") == jane.pk
    assert "Jane" not in json.dumps(told["customer.erased"][0])


def test_the_preview_counts_what_goes_and_changes_nothing(lead):
    whole = Somebody(lead)
    counted = foreseen(whole.customer)
    assert (counted["messages"], counted["customer"], "payloads" in counted) == (3, 2, False)
    assert said(erase(whole.customer, lead), counted) == counted


def test_nothing_is_written_to_who_was_erased(jane, as_user, lead):
    erase(jane, lead)
    with pytest.raises(Refused, match="there is nobody to contact"):
        consent.forbid(customer=jane, how="She said so", by=lead)
    answer = as_user(lead).post(f"/customers/{jane.pk}/edit/", {"name": "Jane Doe", "tier": "key"})
    assert (answer.status_code, answer["Location"]) == (302, f"/customers/{jane.pk}/")
    jane.refresh_from_db()
    assert jane.name == "Erased customer"


def test_rare_names_and_tries_are_no_longer_counted(archive, lead):
    message = post(archive, 1, name="Zebulon Quackenbush", author="zeb@example.com")
    customer = IdentityLink.objects.get(identity=message.identity).customer
    limits.spend("code for", "zeb@example.com", most=9, per=timedelta(days=1))
    limits.spend("code for", "ann@example.com", most=9, per=timedelta(days=1))
    learning.count_all()
    assert Commonness.objects.filter(piece="quackenbush").exists()
    erase(customer, lead)
    assert not Commonness.objects.filter(piece__in=["zebulon", "quackenbush"]).exists()
    assert not NameWord.objects.filter(word="quackenbush").exists()
    assert Allowance.objects.count() == 1


def test_what_they_claimed_and_nobody_confirmed_goes_too(jane, lead):
    """An address they gave us when we asked who they are, whose code never came back."""
    identity = jane.links.get().identity
    mine, anns = addresses.identity("email", "", "jane@doe.example"), factories.IdentityFactory(
        kind="email", place="", value="ann@mercer.example", customer=factories.CustomerFactory()
    )  # fmt: skip
    for claim in (mine, anns):
        request = factories.IdentityRequestFactory(identity=identity)
        IdentityRequest.objects.filter(pk=request.pk).update(claim=claim, claimed=claim.value, state="withdrawn")
    erase(jane, lead)
    mine.refresh_from_db()
    anns.refresh_from_db()
    assert (mine.erased_at is not None, anns.erased_at, anns.value) == (True, None, "ann@mercer.example")
    assert not IdentityRequest.objects.exists()


# --- backups


def restored(customer, request):
    """As a backup from before the erasure has it: the person is there, and nothing of the erasure."""
    PrivacyRequest.objects.filter(pk=request.pk).delete()
    Customer.objects.filter(pk=customer.pk).update(erased_at=None, name="Jane")
    identity = factories.IdentityFactory(place="twitter", value="jane_doe")
    factories.IdentityLinkFactory(identity=identity, customer=customer)


def test_whom_a_restored_backup_brings_back_is_erased_again(jane, lead):
    restored(jane, erase(jane, lead))
    out = StringIO()
    call_command("erase_again", "--dry-run", stdout=out)
    assert out.getvalue() == f"customer {jane.pk}: is back\n"
    assert Identity.objects.filter(value="jane_doe").exists()
    call_command("erase_again", stdout=out)
    assert out.getvalue().endswith(f"customer {jane.pk}: erased again\n")
    assert not Identity.objects.filter(value="jane_doe").exists()
    assert PrivacyRequest.objects.get().by == lead
    call_command("erase_again", stdout=out)
    assert out.getvalue().endswith("Nobody who was erased is back.\n")


def test_a_new_record_with_the_number_of_one_that_was_erased_is_left_alone(jane, lead):
    restored(jane, erase(jane, lead))
    Customer.objects.filter(pk=jane.pk).update(created_at=timezone.now())
    out = StringIO()
    call_command("erase_again", stdout=out)
    assert out.getvalue() == "Nobody who was erased is back.\n"
