"""Is it alive, is it ready, and what is behind."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from channels_app.models import Message
from config.health import BEHIND_SECONDS
from crm import handoff
from tests import factories

pytestmark = pytest.mark.django_db
WELL = {"database": "ok", "redis": "ok", "migrations": "ok", "backlog": "ok"}
LONG_AGO = timedelta(seconds=BEHIND_SECONDS + 60)


def ready(client):
    response = client.get("/readyz")
    return response.status_code, response.json()


def test_alive_asks_no_server_at_all(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"alive\n")


def test_ready_when_servers_answer_migrations_are_applied_and_nothing_is_behind(client):
    assert ready(client) == (200, WELL)


def test_a_little_waiting_is_no_backlog(client, channel):
    factories.RawEventFactory(channel=channel)
    factories.MessageFactory(routed_at=None)
    factories.DeliveryFactory()
    assert ready(client) == (200, WELL)


def test_payloads_that_nobody_reads_are_a_backlog(client, channel):
    factories.RawEventFactory(channel=channel, received_at=timezone.now() - LONG_AGO)
    status, report = ready(client)
    assert status == 503
    assert report["backlog"].startswith("raw payloads wait for 36")


def test_messages_that_get_no_case_are_a_backlog(client):
    Message.objects.filter(pk=factories.MessageFactory(routed_at=None).pk).update(stored_at=timezone.now() - LONG_AGO)
    status, report = ready(client)
    assert (status, report["backlog"][:22]) == (503, "messages wait for 360 ")


def test_replies_that_do_not_leave_are_a_backlog(client):
    factories.DeliveryFactory(not_before=timezone.now() - LONG_AGO)
    status, report = ready(client)
    assert (status, report["backlog"][:21]) == (503, "replies wait for 360 ")


def test_webhooks_that_nobody_sends_are_a_backlog(client):
    factories.WebhookEventFactory(not_before=timezone.now() - LONG_AGO)
    status, report = ready(client)
    assert (status, report["backlog"][:22]) == (503, "webhooks wait for 360 ")


def test_a_webhook_that_fails_or_is_off_is_not_our_backlog(client):
    for state in ("failing_since", "disabled_at"):
        factories.WebhookEventFactory(not_before=timezone.now() - LONG_AGO, **{f"webhook__{state}": timezone.now()})
    assert ready(client) == (200, WELL)


def test_a_dead_letter_and_a_reply_put_off_are_not_behind(client, channel):
    factories.RawEventFactory(
        channel=channel, received_at=timezone.now() - LONG_AGO, state="rejected", reason="Nonsense."
    )
    factories.DeliveryFactory(not_before=timezone.now() + LONG_AGO, created_at=timezone.now() - LONG_AGO)
    assert ready(client) == (200, WELL)


def test_a_migration_that_is_not_applied_is_told_with_what_to_do(client):
    MigrationRecorder.Migration.objects.filter(app="cases").latest("id").delete()
    status, report = ready(client)
    assert (status, report["migrations"]) == (503, "1 not applied: run bin/manage migrate")


def test_redis_that_does_not_answer_is_told(client, settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    handoff.wire.cache_clear()
    try:
        status, report = ready(client)
    finally:
        handoff.wire.cache_clear()
    assert status == 503
    assert report["redis"] == "cannot be reached (ConnectionError)"
    assert report["database"] == "ok"


def test_a_database_that_does_not_answer_is_told_and_is_no_error_page(client):
    def gone(*query):
        raise OperationalError

    with connection.execute_wrapper(gone):
        status, report = ready(client)
    assert status == 503
    assert report["database"] == "cannot be reached (OperationalError)"
    assert report["redis"] == "ok"


def test_the_backlog_is_looked_up_on_indexes_not_counted(client, django_assert_max_num_queries):
    with django_assert_max_num_queries(9) as captured:
        client.get("/readyz")
    assert not [query["sql"] for query in captured if "COUNT(" in query["sql"]]
