"""Webhooks: a row in the deed's own transaction, signed, sent until it arrives, and no longer than makes sense."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import standardwebhooks
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import sealing, webhooks
from crm.handoff import wire
from crm.models import Activity, Webhook, WebhookEvent
from crm.webhooks import forgetting, jobs, managing, sending, signing, telling, topics
from tests import factories
from tests.channels_app.own_wire import own_wire
from tests.crm.servers import says, serving

pytestmark = pytest.mark.django_db
State = WebhookEvent.State


@pytest.fixture(autouse=True)
def _at_home(settings):
    settings.ALLOW_LOOPBACK = True


@pytest.fixture
def admin(db):
    return factories.UserFactory(role="admin", first_name="Ada", last_name="Moreau")


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def listening(admin, commits):
    """`listening("customer.changed", url=…)` is a webhook that is told of these; and its secret."""

    def listen(*events, url="http://127.0.0.1:9/"):
        with commits():
            return managing.make(name="Shop", url=url, events=events or ["customer.changed"], by=admin)

    return listen


def event_for(webhook, **fields):
    return factories.WebhookEventFactory(webhook=webhook, **fields)


class Span:
    """Whether a moment was set to lie so many seconds after now, however long this machine took over it."""

    def __init__(self):
        self.begun = timezone.now()

    def holds(self, moment, least, most):
        return self.begun + timedelta(seconds=least) <= moment <= timezone.now() + timedelta(seconds=most)


def due(event):
    """As if its time had come."""
    WebhookEvent.objects.filter(pk=event.pk).update(not_before=timezone.now())
    Webhook.objects.filter(pk=event.webhook_id).update(resume_at=None)


# --- telling


def test_a_deed_leaves_a_row_for_each_webhook_that_wants_it(listening):
    (one, _), (two, _), (three, _) = (
        listening("customer.changed"),
        listening("customer.changed"),
        listening("link.proposed"),
    )
    ann = factories.CustomerFactory(name="Ann Mercer")
    webhooks.tell("customer.changed", ann)
    told = WebhookEvent.objects.order_by("webhook")
    assert [(e.webhook, e.type, e.data["name"], e.about) for e in told] == [
        (one, "customer.changed", "Ann Mercer", ann.pk), (two, "customer.changed", "Ann Mercer", ann.pk),
    ]  # fmt: skip
    assert told[0].key != told[1].key
    assert not three.sent.exists()


def test_where_nobody_listens_the_database_is_not_asked(listening):
    ann = factories.CustomerFactory()
    listening("link.proposed")
    with CaptureQueriesContext(connection) as queries:
        webhooks.tell("customer.changed", ann)
    assert len(queries) == 0
    assert not WebhookEvent.objects.exists()


def test_many_records_are_told_in_as_many_queries_as_one(listening):
    listening("customer.changed")
    people = [factories.IdentityLinkFactory().customer for _ in range(20)]
    counts = []
    for some in (people[:1], people):
        with CaptureQueriesContext(connection) as queries:
            webhooks.tell("customer.changed", *some)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert WebhookEvent.objects.count() == 21


@pytest.mark.django_db(transaction=True)
def test_a_deed_that_is_taken_back_tells_nobody(listening, nudges):
    listening("customer.changed")
    with transaction.atomic():
        webhooks.tell("customer.changed", factories.CustomerFactory())
        transaction.set_rollback(True)
    assert not WebhookEvent.objects.exists()
    assert nudges == []


def test_a_worker_is_nudged_once_the_deed_is_done(listening, commits, nudges):
    webhook, _secret = listening("customer.changed")
    with commits():
        webhooks.tell("customer.changed", factories.CustomerFactory())
    assert nudges == [("crm.webhooks.jobs.send", webhook.pk)]


def test_a_webhook_hears_from_the_moment_it_is_made_until_it_is_switched_off(listening, admin, commits):
    ann = factories.CustomerFactory()
    webhooks.tell("customer.changed", ann)
    webhook, _secret = listening("customer.changed")
    webhooks.tell("customer.changed", ann)
    with commits():
        managing.switch(webhook=webhook, on=False, by=admin)
    webhooks.tell("customer.changed", ann)
    with commits():
        managing.switch(webhook=webhook, on=True, by=admin)
    webhooks.tell("customer.changed", ann)
    assert webhook.sent.count() == 2


def test_a_webhook_hears_what_it_was_changed_to(listening, admin, commits):
    webhook, _secret = listening("customer.changed")
    with commits():
        managing.change(webhook=webhook, name="Shop", url=webhook.url, events=["customer.created"], by=admin)
    ann = factories.CustomerFactory()
    webhooks.tell("customer.changed", ann)
    webhooks.tell("customer.created", ann)
    assert [event.type for event in webhook.sent.all()] == ["customer.created"]


def test_the_note_of_who_listens_may_be_lost_at_any_time(listening):
    listening("customer.changed")
    with own_wire():
        telling.remember({"customer.changed"})
        wire().flushdb()
        webhooks.tell("customer.changed", factories.CustomerFactory())
        webhooks.tell("customer.created", factories.CustomerFactory())
        with CaptureQueriesContext(connection) as queries:
            webhooks.tell("customer.created", factories.CustomerFactory.build(pk=1))
    assert WebhookEvent.objects.count() == 1
    assert len(queries) == 0


def test_so_may_redis_itself(listening, settings):
    listening("customer.changed")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    wire.cache_clear()
    try:
        webhooks.tell("customer.changed", factories.CustomerFactory())
        webhooks.tell("customer.created", factories.CustomerFactory())
        telling.remember(set())
    finally:
        wire.cache_clear()
    assert [event.type for event in WebhookEvent.objects.all()] == ["customer.changed"]


def test_every_event_has_a_builder_that_says_something(db):
    """Of the contract, none is missing; each can be built from a record of its kind."""
    promised = {
        *("customer.created", "customer.changed", "customer.merged", "customer.unmerged", "customer.erased"),
        *("link.proposed", "link.confirmed", "link.withdrawn", "consent.changed"),
        *("case.opened", "case.changed", "case.resolved"),
    }
    assert set(topics.TOPICS) == promised
    ann, ben = factories.CustomerFactory(), factories.CustomerFactory()
    link, case = factories.IdentityLinkFactory(customer=ann), factories.CaseFactory(customer=ann)
    change = ann.consent_changes.create(to="set", how="She said so")
    merge = ann.merges.create(absorbed=ben)
    of = {"Customer": ann, "IdentityLink": link, "Case": case, "ConsentChange": change, "Merge": merge}
    for topic in topics.TOPICS.values():
        ((about, data),) = topics.said(topic.event, [of[topic.records.__name__]])
        assert about == ann.pk, topic.event
        assert data, topic.event


# --- the signature


def heard(server):
    return [(headers, json.loads(body)) for _path, headers, body in server.heard]


def test_an_event_arrives_signed(listening):
    with serving() as server:
        webhook, secret = listening(url=server.url)
        event = event_for(webhook)
        sending.send(webhook.pk)
    ((path, headers, body),) = server.heard
    assert path == "/hook"
    said = standardwebhooks.Webhook(secret).verify(body, headers)
    assert said == {"type": "customer.changed", "timestamp": event.created_at.isoformat(), "data": event.data}
    assert headers["webhook-id"] == str(event.key)
    assert headers["content-type"] == "application/json"
    event.refresh_from_db()
    assert (event.state, event.status, event.attempts, event.trouble) == (State.SENT, 200, 1, "")
    assert event.sent_at


def test_another_secret_or_another_body_does_not_verify(listening):
    with serving() as server:
        webhook, secret = listening(url=server.url)
        event_for(webhook)
        sending.send(webhook.pk)
    ((_path, headers, body),) = server.heard
    for key, text in ((signing.new_secret(), body), (secret, body.replace(b"Ann", b"Eve"))):
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(key).verify(text, headers)


def test_the_secret_is_nowhere_to_be_read(listening):
    webhook, secret = listening()
    webhook.refresh_from_db()
    assert secret.startswith("whsec_")
    assert secret not in webhook.secret
    assert secret[6:] not in webhook.secret
    assert signing.in_force(webhook) == [secret]


def test_after_a_new_secret_the_old_one_signs_for_a_day_as_well(listening, admin):
    with serving() as server:
        webhook, old = listening(url=server.url)
        webhook, new = managing.rotate(webhook=webhook, by=admin)
        event_for(webhook)
        sending.send(webhook.pk)
        ((_path, headers, body),) = server.heard
        for secret in (old, new):
            standardwebhooks.Webhook(secret).verify(body, headers)
        webhook.secret = signing.sealed(new, before=old, until=timezone.now() - timedelta(seconds=1))
        assert signing.in_force(webhook) == [new]


def test_a_key_that_was_replaced_still_opens_what_it_sealed(listening, settings):
    webhook, secret = listening()
    settings.SEALING_KEYS = ["another key", *settings.SEALING_KEYS]
    assert signing.in_force(webhook) == [secret]
    settings.SEALING_KEYS = ["another key"]
    with pytest.raises(sealing.CannotOpen):
        signing.in_force(webhook)


def test_a_secret_that_cannot_be_opened_is_said_so_and_a_new_one_mends_it(listening, settings, admin):
    with serving() as server:
        webhook, _old = listening(url=server.url)
        event = event_for(webhook)
        settings.SEALING_KEYS = ["the old one is lost"]
        sending.send(webhook.pk)
        event.refresh_from_db()
        assert event.trouble == "This secret was sealed with a key Hark no longer has. Make a new secret."
        assert server.heard == []
        _webhook, new = managing.rotate(webhook=webhook, by=admin)
        due(event)
        sending.send(webhook.pk)
        ((_path, headers, body),) = server.heard
        standardwebhooks.Webhook(new).verify(body, headers)


# --- until it arrives


def test_what_fails_is_tried_again_under_the_same_id(listening):
    answers = iter([says(500), says(503), says(204)])
    with serving(lambda handler: next(answers)(handler)) as server:
        webhook, _secret = listening(url=server.url)
        event = event_for(webhook)
        for attempt in (1, 2, 3):
            due(event)
            sending.send(webhook.pk)
            event.refresh_from_db()
            assert event.attempts == attempt
    assert len({headers["webhook-id"] for headers, _body in heard(server)}) == 1
    assert (event.state, event.status) == (State.SENT, 204)


def test_the_wait_grows_to_three_days_in_all_and_then_it_is_given_up(listening):
    with serving(says(500)) as server:
        webhook, _secret = listening(url=server.url)
        event = event_for(webhook)
        for pause in sending.PAUSES:
            due(event)
            span = Span()
            sending.send(webhook.pk)
            event.refresh_from_db()
            assert event.state == State.WAITING
            assert span.holds(event.not_before, 0.8 * pause, 1.2 * pause), pause
        due(event)
        sending.send(webhook.pk)
        event.refresh_from_db()
    assert event.state == State.GIVEN_UP
    assert event.trouble == "It answered with an error (500)."
    assert len(server.heard) == event.attempts == 10
    assert timedelta(days=3) < timedelta(seconds=sum(sending.PAUSES)) < timedelta(days=3, hours=6)


def test_the_wait_is_as_long_as_the_other_side_asks_but_never_longer_than_a_day(listening):
    day = 24 * 3600
    for asked, least, most in (("120", 120, 120), ("999999999", day, day), ("soon", 4, 6), ("-5", 4, 6)):
        with serving(says(429, **{"Retry-After": asked})) as server:
            webhook, _secret = listening(url=server.url)
            event, span = event_for(webhook), Span()
            sending.send(webhook.pk)
        event.refresh_from_db()
        assert span.holds(event.not_before, least, most), asked


def test_a_webhook_that_fails_is_asked_with_one_event_at_a_time(listening):
    with serving(says(500)) as server:
        webhook, _secret = listening(url=server.url)
        for _ in range(5):
            event_for(webhook)
        sending.send(webhook.pk)
        sending.send(webhook.pk)
        webhook.refresh_from_db()
        assert len(server.heard) == 1
        assert webhook.failing_since
        assert webhook.resume_at > timezone.now()
        assert webhook.trouble == "It answered with an error (500)."


def test_once_it_answers_all_that_waited_goes_out(listening):
    answers = iter([says(500)])
    with serving(lambda handler: next(answers, says())(handler)) as server:
        webhook, _secret = listening(url=server.url)
        events = [event_for(webhook) for _ in range(5)]
        sending.send(webhook.pk)
        for event in events:
            due(event)
        sending.send(webhook.pk)
    webhook.refresh_from_db()
    assert len(server.heard) == 6
    assert {event.state for event in webhook.sent.all()} == {State.SENT}
    assert (webhook.failing_since, webhook.resume_at, webhook.trouble) == (None, None, "")


def test_one_that_fails_for_days_is_left_alone_longer_and_longer_and_then_switched_off(listening, commits):
    with serving(says(500)) as server:
        webhook, _secret = listening(url=server.url)
        for hours, minutes in ((0, 1 / 12), (1, 30), (10, 60), (100, 60)):
            span, event = Span(), event_for(webhook)
            since = timezone.now() - timedelta(hours=hours)
            Webhook.objects.filter(pk=webhook.pk).update(failing_since=since, resume_at=None)
            sending.send(event.webhook_id)
            webhook.refresh_from_db()
            # half as long as it has been failing, a little longer on a slow machine
            assert span.holds(webhook.resume_at, 0.8 * 60 * minutes, 1.2 * 60 * minutes + 60), hours
        Webhook.objects.filter(pk=webhook.pk).update(
            failing_since=timezone.now() - timedelta(days=5, minutes=1), resume_at=None
        )
        with commits():
            sending.send(event_for(webhook).webhook_id)
    webhook.refresh_from_db()
    assert webhook.disabled_at
    assert webhook.trouble == "Switched off: nothing has arrived for 5 days. It answered with an error (500)."
    assert Activity.objects.about(webhook).get(verb="switched off").by is None
    webhooks.tell("customer.changed", factories.CustomerFactory())
    assert webhook.sent.count() == 5


def test_one_that_says_it_is_gone_is_switched_off_at_once(listening):
    with serving(says(410)) as server:
        webhook, _secret = listening(url=server.url)
        event_for(webhook)
        sending.send(webhook.pk)
    webhook.refresh_from_db()
    assert webhook.disabled_at
    assert webhook.trouble == "Switched off: it answered that it is gone and wants to hear no more (410)."


def test_what_waited_when_it_was_switched_off_goes_out_when_it_is_on_again(listening, admin, commits, nudges):
    with serving() as server:
        webhook, _secret = listening(url=server.url)
        event_for(webhook)
        managing.switch(webhook=webhook, on=False, by=admin)
        sending.send(webhook.pk)
        assert server.heard == []
        with commits():
            managing.switch(webhook=webhook, on=True, by=admin)
        assert nudges[-1] == ("crm.webhooks.jobs.send", webhook.pk)
        sending.send(webhook.pk)
    assert len(server.heard) == 1


def test_a_redirect_is_a_failure_and_is_not_followed(listening):
    with serving() as inside, serving(says(302, b"", Location=inside.url)) as server:
        webhook, _secret = listening(url=server.url)
        event = event_for(webhook)
        sending.send(webhook.pk)
    event.refresh_from_db()
    assert inside.heard == []
    assert event.trouble == "It answered with a redirect (302). Hark follows none."


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "127.0.0.1", "::ffff:10.0.0.1"])
def test_an_address_of_ours_is_refused_when_it_is_made_and_when_it_is_sent(listening, settings, monkeypatch, address):
    """A name that was public when somebody wrote it down, and is not any more."""
    settings.ALLOW_LOOPBACK = False
    leads = ["93.184.215.14"]
    monkeypatch.setattr("socket.getaddrinfo", lambda host, port, **more: [(0, 0, 0, "", (leads[0], port))])
    webhook, _secret = listening(url="https://hooks.example/")
    event, leads[0] = event_for(webhook), address
    sending.send(webhook.pk)
    event.refresh_from_db()
    assert event.trouble == (
        f"hooks.example leads to {address}, which is not on the public internet. Hark sends nothing there."
    )
    with pytest.raises(Exception, match="not on the public internet"):
        listening(url="https://hooks.example/")
    with pytest.raises(Exception, match="not on the public internet"):
        managing.change(
            webhook=webhook, name="x", url="https://x.example/", events=["customer.changed"], by=webhook.created_by
        )


# --- workers


def test_two_workers_do_not_send_the_same_event(listening):
    webhook, _secret = listening()
    event_for(webhook)
    assert sending._claim(webhook.pk)
    assert sending._claim(webhook.pk) is None


def test_what_a_dead_worker_held_is_sent_again_under_the_same_id(listening, commits, nudges):
    with serving() as server:
        webhook, _secret = listening(url=server.url)
        event = event_for(webhook)
        sending._claim(webhook.pk)
        jobs.sweep()
        assert WebhookEvent.objects.get().state == State.SENDING
        WebhookEvent.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        with commits():
            jobs.sweep()
        assert nudges[-1] == ("crm.webhooks.jobs.send", webhook.pk)
        jobs.send(webhook.pk)
    ((headers, _body),) = heard(server)
    assert headers["webhook-id"] == str(event.key)


def test_a_worker_that_comes_back_too_late_changes_nothing(listening):
    webhook, _secret = listening()
    event_for(webhook)
    late = sending._claim(webhook.pk)
    WebhookEvent.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sending.sweep()
    now = sending._claim(webhook.pk)
    sending.settle(late, sending.Outcome(500, "It answered with an error (500)."))
    assert WebhookEvent.objects.get().state == State.SENDING
    Webhook.objects.update(resume_at=None)
    sending.settle(now, sending.Outcome(200))
    assert WebhookEvent.objects.get().state == State.SENT


def test_the_sweep_finds_what_nobody_was_nudged_for(listening, commits, nudges):
    webhook, _secret = listening()
    event = event_for(webhook, not_before=timezone.now() + timedelta(minutes=1))
    nudges.clear()
    with commits():
        jobs.sweep()
    assert nudges == []
    due(event)
    with commits():
        jobs.sweep()
    assert nudges == [("crm.webhooks.jobs.send", webhook.pk)]


def test_a_long_queue_is_worked_off_in_turns(listening, nudges, commits, monkeypatch):
    monkeypatch.setattr(sending, "BUDGET", 0)
    with serving() as server, commits():
        webhook, _secret = listening(url=server.url)
        for _ in range(3):
            event_for(webhook)
        sending.send(webhook.pk)
    assert len(server.heard) == 1
    assert nudges == [("crm.webhooks.jobs.send", webhook.pk)]


# --- people


def test_a_test_is_sent_at_once_and_never_again(listening, admin):
    with serving() as server:
        webhook, secret = listening(url=server.url)
        event = managing.ping(webhook=webhook, by=admin)
        ((_path, headers, body),) = server.heard
    assert standardwebhooks.Webhook(secret).verify(body, headers)["type"] == "ping"
    assert (event.state, event.status) == (State.SENT, 200)
    failed = managing.ping(webhook=webhook, by=admin)
    assert (failed.state, failed.attempts) == (State.GIVEN_UP, 1)
    assert failed.trouble.startswith("127.0.0.1 cannot be reached")
    webhook.refresh_from_db()
    assert webhook.failing_since is None


@pytest.mark.parametrize("state", ["sent", "given_up", "waiting"])
def test_an_event_can_be_sent_again_under_its_id(listening, admin, state):
    with serving() as server:
        webhook, _secret = listening(url=server.url)
        at = timezone.now() if state == "sent" else None
        event = event_for(webhook, state=state, sent_at=at, attempts=10, not_before=timezone.now() + timedelta(days=1))
        managing.replay(event=event, by=admin)
        sending.send(webhook.pk)
        event.refresh_from_db()
    assert [headers["webhook-id"] for headers, _body in heard(server)] == [str(event.key)]
    assert (event.state, event.attempts) == (State.SENT, 1)


def test_what_cannot_be_sent_again_is_refused_in_a_sentence(listening, admin):
    webhook, _secret = listening()
    under_way = event_for(webhook, state="sending", lease_until=timezone.now())
    with pytest.raises(managing.OnItsWay):
        managing.replay(event=under_way, by=admin)
    with pytest.raises(managing.SaysNothing):
        managing.replay(event=event_for(webhook, data={}), by=admin)
    managing.switch(webhook=webhook, on=False, by=admin)
    with pytest.raises(managing.SwitchedOff, match="“Shop” is switched off"):
        managing.replay(event=event_for(webhook), by=admin)


def test_everything_people_do_stands_in_the_log(listening, admin):
    webhook, _secret = listening()
    managing.change(webhook=webhook, name="Shop 2", url=webhook.url, events=["link.proposed"], by=admin)
    managing.rotate(webhook=webhook, by=admin)
    managing.ping(webhook=webhook, by=admin)
    managing.switch(webhook=webhook, on=False, by=admin)
    lines = Activity.objects.about(webhook).order_by("id")
    assert [(line.verb, line.by) for line in lines] == [
        (verb, admin) for verb in ("made", "changed", "given a new secret", "tried", "switched off")
    ]


# --- forgetting


def test_an_erased_customer_is_not_told_of_any_more_and_leaves_the_log(listening):
    webhook, _secret = listening()
    ann, other = event_for(webhook, about=17), event_for(webhook, about=18)
    sent = event_for(webhook, about=17, state="sent", sent_at=timezone.now())
    erased = event_for(webhook, about=17, type="customer.erased", data={"id": 17})
    assert forgetting.forget([17]) == 2
    for event in (ann, other, sent, erased):
        event.refresh_from_db()
    assert [e.data for e in (ann, sent)] == [{}, {}]
    assert [e.state for e in (ann, sent, other, erased)] == ["given_up", "sent", "waiting", "waiting"]
    assert (other.data["name"], erased.data) == ("Ann Mercer", {"id": 17})


def test_what_was_settled_is_dropped_after_a_month(listening):
    webhook, _secret = listening()
    ages = {"sent": 31, "given_up": 31, "waiting": 31}
    for state, days in ages.items():
        at = timezone.now() if state == "sent" else None
        event_for(webhook, state=state, sent_at=at, created_at=timezone.now() - timedelta(days=days))
    event_for(webhook, state="given_up", created_at=timezone.now() - timedelta(days=29))
    forgetting.forget_old()
    assert sorted(WebhookEvent.objects.values_list("state", flat=True)) == ["given_up", "waiting"]
