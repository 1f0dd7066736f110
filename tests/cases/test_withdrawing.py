"""A reply is held for some seconds and can be taken back until a worker has it; then the case is as it was."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from cases import assignment, identify, promises, replies, withdrawing
from cases.models import Case, CaseMessage, DeskSettings, Draft, Override, Wording
from channels_app import jobs, outbox
from channels_app.models import Delivery, Message
from channels_app.platforms.errors import Rejected
from channels_app.taking_back import LeftAlready
from config.cron import EVERY
from crm.models import Activity
from tests import factories

HTMX = {"HX-Request": "true"}


@pytest.fixture
def _held(settings):
    settings.UNDO_SECONDS = 600


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_held")]


def over(delivery):
    """Its hold is over."""
    Delivery.objects.filter(pk=delivery.pk).update(not_before=timezone.now() - timedelta(seconds=1))


def as_it_stands(case):
    """With its clocks in line."""
    promises.settle([case.pk])
    return Case.objects.values().get(pk=case.pk)


# --- the hold


def test_a_reply_waits_as_long_as_the_desk_says(case, agent, nudges, django_capture_on_commit_callbacks):
    DeskSettings.objects.create(pk=1, undo_seconds=120)
    with django_capture_on_commit_callbacks(execute=True):
        delivery = replies.reply(case=case, text="Noon.", by=agent)
    assert delivery.not_before - delivery.created_at == timedelta(seconds=120)
    assert delivery.is_held
    assert 0 < delivery.leaves_in <= 120
    assert (outbox.JOB, delivery.pk) not in nudges
    outbox.deliver(delivery.pk)
    assert Delivery.objects.get().state == "queued"


def test_it_is_nudged_on_in_the_second_in_which_its_hold_is_over(
    case, agent, nudges, django_capture_on_commit_callbacks
):
    assert EVERY["channels_app.jobs.release"] == 1
    delivery = replies.reply(case=case, text="Noon.", by=agent)
    for nudged in (False, True):
        with django_capture_on_commit_callbacks(execute=True):
            jobs.release()
        assert ((outbox.JOB, delivery.pk) in nudges) is nudged
        over(delivery)


def test_without_a_hold_it_is_nudged_at_once(case, agent, nudges, settings, django_capture_on_commit_callbacks):
    settings.UNDO_SECONDS = 0
    with django_capture_on_commit_callbacks(execute=True):
        delivery = replies.reply(case=case, text="Noon.", by=agent)
    assert (outbox.JOB, delivery.pk) in nudges
    assert not delivery.is_held


# --- taking it back


def test_it_is_as_if_it_had_not_been_written(case, agent):
    before = as_it_stands(case)
    delivery = replies.reply(case=case, text="It comes at noon, and we are sorry for the wait.", by=agent)
    withdrawing.withdraw(delivery=delivery, by=agent)
    assert as_it_stands(case) == before
    assert not Message.objects.filter(direction="out").exists()
    assert not Delivery.objects.exists()
    assert not Wording.objects.exists()
    assert Activity.objects.about(case).filter(verb="reply taken back", by=agent).exists()


def test_a_case_that_was_mine_stays_mine(case, agent):
    assignment.take(case=case, by=agent)
    before = as_it_stands(case)
    withdrawing.withdraw(delivery=replies.reply(case=case, text="Noon.", by=agent), by=agent)
    assert as_it_stands(case) == before


def test_a_colleagues_case_stays_theirs(case, agent, colleague):
    assignment.take(case=case, by=colleague)
    before = as_it_stands(case)
    withdrawing.withdraw(delivery=replies.reply(case=case, text="Noon.", by=agent), by=agent)
    assert as_it_stands(case) == before


def test_of_two_replies_the_second_goes_and_the_first_counts(case, agent):
    first = replies.reply(case=case, text="Noon.", by=agent)
    before = as_it_stands(case)
    withdrawing.withdraw(delivery=replies.reply(case=case, text="Platform 4.", by=agent), by=agent)
    after = as_it_stands(case)
    assert (after["state"], after["owner_id"]) == ("waiting", agent.pk)
    assert after["first_answered_at"] == before["first_answered_at"]
    assert after["waiting_since"] == first.message.occurred_at


def test_of_two_replies_the_first_goes_and_the_case_stays_with_who_wrote_the_second(case, agent):
    first = replies.reply(case=case, text="Noon.", by=agent)
    second = replies.reply(case=case, text="Platform 4.", by=agent)
    withdrawing.withdraw(delivery=first, by=agent)
    after = as_it_stands(case)
    assert (after["state"], after["owner_id"]) == ("waiting", agent.pk)
    assert after["first_answered_at"] == second.message.occurred_at


def test_after_an_acknowledgement_it_is_our_turn_again_since_the_customers_words(case, agent):
    asked = case.waiting_since
    replies.reply(case=case, text="We have seen it.", by=agent, acknowledges=True)
    withdrawing.withdraw(delivery=replies.reply(case=case, text="Noon.", by=agent), by=agent)
    after = as_it_stands(case)
    assert (after["state"], after["waiting_since"], after["first_answered_at"]) == ("open", asked, None)


def test_what_the_customer_said_meanwhile_is_waited_on(case, agent):
    replies.reply(case=case, text="Noon.", by=agent)
    delivery = replies.reply(case=case, text="Platform 4.", by=agent)
    said = factories.MessageFactory(thread=case.thread, identity=case.identity, occurred_at=timezone.now())
    CaseMessage.objects.create(case=case, message=said)
    withdrawing.withdraw(delivery=delivery, by=agent)
    after = as_it_stands(case)
    assert (after["state"], after["waiting_since"]) == ("open", said.occurred_at)


def test_a_resolved_case_stays_resolved(case, agent):
    factories.resolved(case, agent)
    withdrawing.withdraw(delivery=replies.reply(case=case, text="Good trip!", by=agent), by=agent)
    assert as_it_stands(case)["state"] == "resolved"


def test_its_words_stand_in_the_composer_again_before_what_was_begun_since(case, agent):
    delivery = replies.reply(case=case, text="It comes at noon.", by=agent)
    factories.DraftFactory(case=case, user=agent, text="And one more")
    withdrawing.withdraw(delivery=delivery, by=agent)
    assert Draft.objects.get().text == "It comes at noon.\n\nAnd one more"


def test_its_author_gets_the_words_also_when_a_lead_takes_it_back(case, agent, lead):
    withdrawing.withdraw(delivery=replies.reply(case=case, text="Noon.", by=agent), by=lead)
    assert (Draft.objects.get().user, Draft.objects.get().text) == (agent, "Noon.")


def test_a_question_with_a_private_link_leaves_no_draft_and_the_link_to_pass_on(case, agent):
    delivery = identify.ask_who(case=case, by=agent)
    withdrawing.withdraw(delivery=delivery, by=agent)
    assert not Draft.objects.exists()
    assert identify.asked(case).link


def test_an_override_goes_with_its_reply(case, agent):
    delivery = replies.reply(case=case, text="Noon.", by=agent)
    factories.OverrideFactory(case=case, message=delivery.message, by=agent)
    withdrawing.withdraw(delivery=delivery, by=agent)
    assert not Override.objects.exists()


def test_only_its_author_or_a_lead_takes_it_back(case, agent, colleague):
    delivery = replies.reply(case=case, text="Noon.", by=agent)
    with pytest.raises(withdrawing.NotYourReply, match=r"^Only Ana Ruiz, who wrote it, whoever approved it, or a lead"):
        withdrawing.withdraw(delivery=delivery, by=colleague)
    assert Delivery.objects.exists()


@pytest.mark.parametrize("state", ["sending", "sent", "failed", "in_doubt"])
def test_what_has_left_cannot_be_taken_back(case, agent, state):
    times = {"sending": {"lease_until": timezone.now()}, "sent": {"sent_at": timezone.now()}}
    delivery = factories.DeliveryFactory(case=case, by=agent, state=state, **times.get(state, {}))
    with pytest.raises(LeftAlready, match=r"^It has left already.$"):
        withdrawing.withdraw(delivery=delivery, by=agent)
    assert Delivery.objects.get() == delivery


# --- on the screen


def test_the_conversation_says_when_it_leaves_and_offers_to_undo_it(case, agent, colleague, as_user):
    delivery = replies.reply(case=case, text="Noon.", by=agent)
    undo = f'action="/cases/{case.pk}/withdraw/{delivery.pk}/"'
    page = as_user(agent).get(f"/cases/{case.pk}/").content.decode()
    assert re.search(r"Leaves in \d+ s", page)
    assert undo in page
    assert undo not in as_user(colleague).get(f"/cases/{case.pk}/").content.decode()


def test_undo_by_a_plain_button_and_by_htmx(case, agent, as_user):
    for headers, status in (({}, 302), (HTMX, 200)):
        delivery = replies.reply(case=case, text="It comes at noon.", by=agent)
        client = as_user(agent)
        answer = client.post(f"/cases/{case.pk}/withdraw/{delivery.pk}/", headers=headers)
        assert answer.status_code == status
    assert "It comes at noon." in answer.content.decode()
    assert "Taken back. It was not sent." in answer.content.decode()
    assert client.post(f"/cases/{case.pk}/withdraw/{delivery.pk}/").status_code == 404


def test_too_late_is_a_sentence(case, agent, as_user):
    delivery = factories.DeliveryFactory(case=case, by=agent, state="sent", sent_at=timezone.now())
    answer = as_user(agent).post(f"/cases/{case.pk}/withdraw/{delivery.pk}/", headers=HTMX)
    assert answer.status_code == 422
    assert "It has left already." in answer.content.decode()


# --- the race


@pytest.mark.django_db(transaction=True)
def test_of_undo_and_the_worker_one_wins_and_never_both(channel, agent, monkeypatch):
    """Both at once, 20 times, with real transactions: it is sent and stands, or it is gone and was not sent."""
    sent = []

    def send(self, out):
        sent.append(out.key)
        raise Rejected("the test's network takes nothing")

    monkeypatch.setattr("channels_app.platforms.simulator.SimulatorPlatform.send", send)
    for n in range(20):
        case = factories.CaseFactory(channel=channel)
        delivery = replies.reply(case=case, text=f"Reply number {n}", by=agent)
        over(delivery)
        taken_back = at_once(delivery, agent)
        left = str(delivery.key) in sent
        assert left is not taken_back
        assert Delivery.objects.filter(pk=delivery.pk).exists() is left
        assert Message.objects.filter(pk=delivery.message_id).exists() is left
        assert Draft.objects.filter(case=case).exists() is taken_back
    assert len(sent) == len(set(sent))


def at_once(delivery, by):
    """Deliver it and take it back in the same moment. Whether it was taken back."""
    start, taken = threading.Barrier(2, timeout=60), []

    def worker():
        start.wait()
        outbox.deliver(delivery.pk)
        connection.close()

    def undo():
        start.wait()
        try:
            withdrawing.withdraw(delivery=delivery, by=by)
            taken.append(True)
        except LeftAlready:
            pass
        connection.close()

    threads = [threading.Thread(target=job) for job in (worker, undo)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_old_connections()
    return bool(taken)
