"""Webhooks on the page: made with a secret shown once, tried, changed, switched with a way back, their log."""

from __future__ import annotations

import re

import pytest
import standardwebhooks
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.models import Webhook, WebhookEvent
from crm.webhooks import signing
from tests import factories
from tests.crm.servers import says, serving

pytestmark = pytest.mark.django_db
NEW, LIST = reverse("crm:webhook_new"), reverse("crm:webhooks")


@pytest.fixture(autouse=True)
def _at_home(settings):
    settings.ALLOW_LOOPBACK = True


@pytest.fixture
def desk(client):
    client.force_login(factories.UserFactory(role="admin", first_name="Ada", last_name="Moreau"))
    return client


def at(name, row):
    return reverse(f"crm:{name}", args=[row.pk])


def fields(**changes):
    return {"name": "Shop", "url": "http://127.0.0.1:9/hook", "events": ["customer.changed", "case.opened"]} | changes


def secret_in(page):
    return re.search(r'value="(whsec_[^"]+)"', page.content.decode())[1]


def said(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_a_webhook_is_made_and_its_secret_shown_once(desk):
    page = desk.post(NEW, fields())
    webhook, secret = Webhook.objects.get(), secret_in(page)
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert signing.in_force(webhook) == [secret]
    assert webhook.events == ["case.opened", "customer.changed"]
    for url in (LIST, at("webhook", webhook), at("webhook_edit", webhook)):
        assert secret not in desk.get(url).content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "Give it the name of the system that listens."),
        ({"url": ""}, "Where shall Hark send it?"),
        ({"url": "nonsense"}, "Enter a valid URL."),
        ({"url": "ftp://hooks.example/"}, "is not a web address"),
        ({"url": "https://ann:x@127.0.0.1/"}, "Leave user name and password out of the address."),
        ({"url": "https://10.0.0.1/"}, "10.0.0.1 is not on the public internet. Hark sends nothing there."),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "is not on the public internet. Hark sends nothing there."),
        ({"events": []}, "Choose at least one event."),
        ({"events": ["customer.sneezed"]}, "customer.sneezed"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_made(desk, changes, sentence):
    answer = desk.post(NEW, fields(**changes))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == list(changes)
    assert sentence in answer.content.decode()
    assert not Webhook.objects.exists()


def test_a_webhook_is_changed_and_keeps_its_secret(desk):
    webhook = factories.WebhookFactory(url="http://127.0.0.1:9/", failing_since=timezone.now(), trouble="It failed.")
    desk.post(at("webhook_edit", webhook), fields(name="Shop 2"))
    changed = Webhook.objects.get()
    assert (changed.name, changed.url, changed.secret) == ("Shop 2", "http://127.0.0.1:9/hook", webhook.secret)
    assert (changed.failing_since, changed.trouble) == (None, "")
    wrong = desk.post(at("webhook_edit", webhook), fields(url="https://10.0.0.1/"))
    assert wrong.status_code == 422
    assert Webhook.objects.get().url == "http://127.0.0.1:9/hook"


def test_a_test_says_at_once_what_came_of_it(desk):
    with serving() as server:
        webhook = factories.WebhookFactory(url=server.url)
        assert said(desk.post(at("webhook_ping", webhook))) == ["The test arrived: it was answered with 200."]
    with serving(says(500)) as server:
        Webhook.objects.update(url=server.url)
        answer = desk.post(at("webhook_ping", webhook))
    assert said(answer)[-1] == "The test did not arrive. It answered with an error (500)."
    assert "ping" in desk.get(at("webhook", webhook)).content.decode()


def test_a_new_secret_is_shown_once_and_signs(desk):
    with serving() as server:
        webhook = factories.WebhookFactory(url=server.url)
        page = desk.post(at("webhook_rotate", webhook))
        desk.post(at("webhook_ping", webhook))
        ((_path, headers, body),) = server.heard
    assert "signs as well for one more day" in page.content.decode()
    standardwebhooks.Webhook(secret_in(page)).verify(body, headers)


def test_switching_off_can_be_undone(desk):
    webhook = factories.WebhookFactory()
    page = desk.post(at("webhook_switch", webhook), {"on": "0"}, follow=True)
    webhook.refresh_from_db()
    assert webhook.disabled_at
    undo = f"{at('webhook_switch', webhook)}?on=1"
    assert f'action="{undo}"' in page.content.decode()
    desk.post(undo)
    webhook.refresh_from_db()
    assert webhook.disabled_at is None


def test_an_event_is_sent_again_from_its_log(desk):
    event = factories.WebhookEventFactory(state="given_up", attempts=10, trouble="It answered with an error (500).")
    html = desk.get(at("webhook", event.webhook)).content.decode()
    assert "It answered with an error (500)." in html
    assert "Ann Mercer" in html
    assert str(event.key) in html
    answer = desk.post(at("webhook_event_replay", event))
    assert said(answer) == ["“customer.changed” is sent again, under the same id."]
    event.refresh_from_db()
    assert (event.state, event.attempts) == ("waiting", 0)


def test_what_cannot_be_sent_again_has_no_button(desk):
    webhook = factories.WebhookFactory()
    now = timezone.now()
    factories.WebhookEventFactory(webhook=webhook, data={})
    factories.WebhookEventFactory(webhook=webhook, type="ping")
    factories.WebhookEventFactory(webhook=webhook, state="sending", lease_until=now)
    assert "replay/" not in desk.get(at("webhook", webhook)).content.decode()


def test_the_log_can_be_narrowed_by_state(desk):
    webhook = factories.WebhookFactory()
    now = timezone.now()
    for state in ("waiting", "given_up", "sent"):
        factories.WebhookEventFactory(webhook=webhook, state=state, sent_at=now if state == "sent" else None)
    for query, found in (("?state=sent", ["sent"]), ("?state=nonsense", ["sent", "given_up", "waiting"])):
        rows = desk.get(at("webhook", webhook) + query).context["page"].rows
        assert [event.state for event in rows] == found
    html = desk.get(at("webhook", webhook) + "?state=sending").content.decode()
    assert "Nothing in this state." in html


def test_older_events_wait_on_the_next_page_and_come_alone_where_they_are_swapped_in(desk, monkeypatch):
    monkeypatch.setattr("crm.views.webhooks.PAGE", 2)
    webhook = factories.WebhookFactory()
    made = [factories.WebhookEventFactory(webhook=webhook) for _ in range(3)]
    page = desk.get(at("webhook", webhook))
    assert page.context["page"].rows == made[:0:-1]
    url = f"{at('webhook', webhook)}?{page.context['page'].next_query}"
    more = desk.get(url, headers={"HX-Request": "true", "HX-Target": "more"})
    assert more.context["page"].rows == made[:1]
    assert "<html" not in more.content.decode()


def test_the_list_says_how_each_is(desk):
    factories.WebhookFactory(name="Well")
    factories.WebhookFactory(name="Ill", failing_since=timezone.now(), trouble="It answered with an error (503).")
    factories.WebhookFactory(name="Off", disabled_at=timezone.now())
    ill = Webhook.objects.get(name="Ill")
    for _ in range(3):
        factories.WebhookEventFactory(webhook=ill)
    factories.WebhookEventFactory(webhook=ill, state="sent", sent_at=timezone.now())
    page = desk.get(LIST)
    shown = page.context["webhooks"]
    counts = {webhook.name: (webhook.waiting or 0, webhook.last_sent_at is not None) for webhook in shown}
    assert counts == {"Well": (0, False), "Ill": (3, True), "Off": (0, False)}
    for words in ("Failing", "It answered with an error (503).", "Off", "On"):
        assert words in page.content.decode()


def test_an_empty_list_says_what_to_do(desk):
    html = desk.get(LIST).content.decode()
    assert "No system is told anything yet." in html
    assert NEW in html


@pytest.mark.parametrize("page", ["list", "log"])
def test_twenty_rows_cost_as_much_as_one(desk, page):
    webhook, counts = factories.WebhookFactory(), []
    for rows in (1, 20):
        while (Webhook if page == "list" else WebhookEvent).objects.count() < rows:
            if page == "list":
                factories.WebhookEventFactory()
            else:
                factories.WebhookEventFactory(webhook=webhook)
        url = LIST if page == "list" else at("webhook", webhook)
        desk.get(url)
        with CaptureQueriesContext(connection) as queries:
            desk.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6
