"""What calls hold on a person: in the copy, and what is left of it after an erasure."""

from __future__ import annotations

import json
from datetime import timedelta
from zipfile import ZipFile

import pytest
from django.utils import timezone

from crm.models import Notice
from crm.privacy import asking, holders, people, working
from surveys import retention
from surveys.models import ActionPlan, Attempt, Call, GroupAnswer, GroupRequest, Loop
from surveys.outreach import loops
from tests import factories

pytestmark = pytest.mark.django_db
KINDS = ("calls", "call_notes", "group_requests", "group_answers")


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def sara(db):
    return factories.CustomerFactory(name="Sara Okafor", known_at=timezone.now())


@pytest.fixture
def call(sara, agent):
    over = {"state": "done", "ended_at": timezone.now()}
    made = factories.CallFactory(loop__customer=sara, owner=agent, **over)
    factories.FollowUpFactory(call=made, step="share")
    attempt = factories.CallAttemptFactory(call=made, note="She was charged twice. #billing")
    factories.HeardFactory(attempt=attempt, topic="product", tone="praise")
    return made


@pytest.fixture
def asked(call):
    return factories.GroupRequestFactory(attempt=call.attempts.get())


def answered(asked, *others, text="Dear Sara Okafor, it is paid back."):
    given = factories.GroupAnswerFactory(group=asked.group, text=text)
    GroupRequest.objects.filter(pk__in=[each.pk for each in (asked, *others)]).update(answer=given)
    return given


def erase(customer, by):
    request = asking.ask_for_erasure(customer=customer, confirmed=str(customer.pk), reason="person", by=by)
    working.work(request.pk)
    request.refresh_from_db()
    assert request.state == "done", request.trouble
    return request


def test_what_they_said_on_the_phone_and_were_answered_is_in_the_copy(sara, asked, lead):
    answered(asked)
    request = asking.ask_for_copy(customer=sara, reason="person", by=lead)
    working.work(request.pk)
    request.refresh_from_db()
    with ZipFile(request.file.path) as archive:
        kinds = json.loads(archive.read("data.json"))["kinds"]
    assert [row["state"] for row in kinds["calls"]["rows"]] == ["done"]
    (note,) = kinds["call_notes"]["rows"]
    assert (note["note"], note["heard"]) == ("She was charged twice. #billing", "Product: Praise")
    assert [row["quote"] for row in kinds["group_requests"]["rows"]] == ["They were charged twice for one seat."]
    assert [row["text"] for row in kinds["group_answers"]["rows"]] == ["Dear Sara Okafor, it is paid back."]


def test_every_column_of_the_copy_is_named(sara, asked):
    answered(asked)
    person = people.person(sara)
    for name in KINDS:
        holder = holders.named(name)
        assert [set(row) for row in holder.rows(person)] == [set(holder.columns)], name


def test_the_words_go_and_what_happened_stays(sara, call, asked, lead):
    given = answered(asked)
    receipt = erase(sara, lead).receipt["erased"]
    attempt, request = Attempt.objects.get(), GroupRequest.objects.get()
    assert (attempt.note, attempt.outcome, attempt.heard.get().tone) == ("", "reached", "praise")
    assert (request.quote, request.answer, request.group) == ("", given, asked.group)
    assert GroupAnswer.objects.get().text == "–"
    assert Call.objects.get().state == "done"
    assert {kind: receipt[kind] for kind in KINDS[1:]} == {"call_notes": 1, "group_requests": 1, "group_answers": 1}


def test_what_was_still_to_be_done_is_called_off_and_the_loop_breaks_off_where_it_stood(sara, call, asked, lead):
    again = factories.CallFactory(
        loop=factories.LoopFactory(customer=sara), state="handed_back", owner=None, reason="x"
    )
    erase(sara, lead)
    again.refresh_from_db()
    assert (again.state, again.reason) == ("cancelled", "–")
    assert GroupRequest.objects.get().withdrawn_at
    assert dict(Loop.objects.values_list("pk", "died_at_step")) == {call.loop_id: "given", again.loop_id: "called"}
    assert set(Loop.objects.values_list("why", flat=True)) == {"–"}
    assert loops.settle() == 0


def test_an_answer_that_others_were_given_too_stays_without_the_name(sara, asked, lead):
    other = factories.GroupRequestFactory(hashtag=asked.hashtag)
    answered(asked, other, text="Thank you, Sara  Okafor and others: it is paid back.")
    erase(sara, lead)
    assert GroupAnswer.objects.get().text == "Thank you, – and others: it is paid back."
    other.refresh_from_db()
    assert (other.quote, other.withdrawn_at) == ("They were charged twice for one seat.", None)


def test_an_improvement_stays_without_the_name_of_who_asked_for_it(sara, asked, lead):
    given = answered(asked, text="We pay back.")
    plan = factories.ActionPlanFactory(title="Pay Sara Okafor back", detail="And all others", group=asked.group)
    GroupAnswer.objects.filter(pk=given.pk).update(kind="change", change_from="2026-04-01", plan=plan)
    erase(sara, lead)
    assert ActionPlan.objects.values_list("title", "detail").get() == ("Pay – back", "And all others")


def test_what_others_said_is_as_it_was(sara, call, asked, lead):
    erase(factories.GroupRequestFactory().customer, lead)
    call.refresh_from_db()
    asked.refresh_from_db()
    assert (call.state, asked.quote, asked.withdrawn_at) == ("done", "They were charged twice for one seat.", None)
    assert call.attempts.get().note == "She was charged twice. #billing"


def test_notices_that_lead_to_their_call_go(sara, call, agent, lead):
    factories.NoticeFactory(user=agent, subject_kind="surveys.call", subject_id=call.pk)
    kept = factories.NoticeFactory(user=agent, subject_kind="surveys.call", subject_id=call.pk + 1)
    erase(sara, lead)
    assert Notice.objects.get() == kept


def test_erased_once_more_nothing_is_found(sara, call, asked, lead):
    answered(asked)
    erase(sara, lead)
    person = people.person(sara)
    assert [holders.named(name).count(person) for name in KINDS] == [0, 0, 0, 0]


def test_old_notes_go_once_the_loop_is_over(call, asked, agent):
    Attempt.objects.update(at=timezone.now() - timedelta(days=100))
    GroupRequest.objects.update(asked_back="Which train?", asked_back_by=agent, told_back="The night train.")
    before = timezone.now() - timedelta(days=90)
    assert not retention.old_notes(before).exists()
    Loop.objects.update(state="closed", ended_at=timezone.now())
    old = retention.old_notes(before)
    assert not retention.old_notes(timezone.now() - timedelta(days=110)).exists()
    retention.take_notes(Attempt.objects.filter(pk__in=old))
    asked.refresh_from_db()
    assert Attempt.objects.get().note == ""
    assert (asked.quote, asked.asked_back, asked.told_back) == ("", "–", "")
    assert not retention.old_notes(before).exists()
