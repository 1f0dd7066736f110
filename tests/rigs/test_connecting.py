"""Accounts on servers that others wrote are connected through Hark's own pages, as an administrator does."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from channels_app import jobs
from channels_app.models import Channel, RawEvent
from tests import factories
from tests.rigs.rig import Rig
from tests.rigs.snac import agree

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db):
    client = Client()
    client.force_login(factories.UserFactory(role="admin"))
    return client


def sent(client: Client, url: str, rig: Rig, **changed: str):
    """The form with what opens our account there; through the server's own page, where the network has one."""
    held = rig.access()
    typed = {"backfill_days": "14", "folder": "INBOX", **held.settings, **held.secrets, **changed}
    if held.settings.get("smtp_user") == "":
        typed["smtp_open"] = "on"
    response = client.post(url, typed)
    if "url" not in (response.context or {}):
        return response
    came_back = agree(response.context["url"], "brand", rig.passwords["brand"])
    told = {name: values[0] for name, values in parse_qs(urlsplit(came_back).query).items()}
    return client.get(reverse("channels_app:connected"), told)


def connected(client: Client, rig: Rig) -> Channel:
    response = sent(client, reverse("channels_app:connect_needs", args=[rig.kind]), rig)
    assert response.status_code == 302, response.context["form"].errors
    named = {"name": "Skylark", "brand": "", "team": factories.TeamFactory().pk, "owner": ""}
    assert client.post(response["Location"], named).status_code == 302
    return Channel.objects.get(name="Skylark")


def test_an_account_is_connected_checked_asked_let_go_and_connected_again(admin, rig):
    channel = connected(admin, rig)
    check = reverse("channels_app:channel_check", args=[channel.pk])
    assert "It lets us in." in admin.post(check, follow=True).content.decode()
    rig.post("Connected through the pages")
    rig.wait_until("it comes in", lambda: jobs.poll(channel.pk) or RawEvent.objects.filter(channel=channel).exists())
    again = sent(admin, reverse("channels_app:connect_needs", args=[rig.kind]), rig)
    refused = admin.post(again["Location"], {"name": "Twice", "team": channel.team_id})
    assert "connected already, as “Skylark”" in refused.content.decode()
    admin.post(reverse("channels_app:disconnect", args=[channel.pk]))
    assert Channel.objects.get(pk=channel.pk).access() is None
    assert sent(admin, reverse("channels_app:reconnect", args=[channel.pk]), rig).status_code == 302
    after = Channel.objects.get(pk=channel.pk)
    assert (after.broken_at, after.paused_at, after.trouble) == (None, None, "")


def test_a_wrong_secret_is_said_in_a_sentence(admin, rig):
    if not (secret := set(rig.access().secrets) & {"password", "app_password"}):
        return  # nothing is typed there
    wrong = dict.fromkeys(secret, "not this one")
    response = sent(admin, reverse("channels_app:connect_needs", args=[rig.kind]), rig, **wrong)
    assert response.status_code == 422
    [said] = response.context["form"].non_field_errors()
    assert said.endswith(".")
    assert "not this one" not in response.content.decode()
