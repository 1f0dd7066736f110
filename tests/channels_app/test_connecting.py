"""An account becomes a channel: through every network's own way, once, and with nothing told to who should not know."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace

import httpx
import pytest
from django.contrib.sessions.models import Session
from django.core import signing
from django.urls import reverse

from channels_app.connecting.kinds import KINDS
from channels_app.models import App, Channel, Credential
from crm.models import Activity
from tests import factories
from tests.channels_app.internet import (
    INSTAGRAM,
    ON_X,
    PAGE,
    PASSWORD,
    PHONE,
    SECRETS,
    TYPED,
    back,
    connected,
    internet,
    mail,
    state_in,
    until_found,
    words,
)

pytestmark = pytest.mark.django_db
__all__ = ["internet"]
every_network = pytest.mark.parametrize("kind", TYPED)


@pytest.fixture
def admin(db):
    return factories.UserFactory(username="ada", role="admin", is_staff=True, is_superuser=True)


@pytest.fixture
def desk(client, admin, internet):
    client.force_login(admin)
    return client


def html(response) -> str:
    return response.content.decode()


# --- the way through the pages


def test_every_network_has_a_card_that_says_what_it_can_and_how_it_was_tested(desk):
    said = html(desk.get(reverse("channels_app:connect")))
    for kind in KINDS.values():
        assert f'href="/channels/connect/{kind.name}/"' in said
    assert said.count("Tested live") == 5
    assert said.count("Tested by contract only") == 4
    assert "It only listens: nobody can answer from here." in said


@every_network
def test_an_account_is_connected(desk, admin, kind):
    channel = connected(desk, kind)
    assert (channel.platform, channel.brand, channel.key) == (kind, "Skylark", f"skylark-{kind}")
    held = channel.credential
    assert held.account == {
        "mastodon": "https://social.example#1", "bluesky": "did:plc:skylark", "feed": "https://feed.example/rss",
        "wordpress": "https://blog.example#7", "own_channel": "", "facebook": PAGE, "instagram": INSTAGRAM,
        "whatsapp": PHONE, "x": ON_X,
    }[kind]  # fmt: skip
    assert held.connected_by == admin
    assert [line.by for line in Activity.objects.about(channel).filter(verb="connected")] == [admin]
    page = desk.get(reverse("channels_app:channel", args=[channel.pk]))
    assert (page.status_code, "Listening" in html(page)) == (200, True)


def test_a_mailbox_is_connected(desk, settings):
    settings.ALLOW_LOOPBACK = True
    with mail() as typed:
        channel = connected(desk, "email", typed)
    assert (channel.our_handle, channel.credential.account) == ("care@skylark.example", "care@skylark.example")
    assert channel.access().secrets == {"password": PASSWORD}
    assert channel.access().settings["plus_addresses"] == "yes"


def test_a_feed_can_be_reached_by_what_people_type(desk):
    assert connected(desk, "feed", {"url": "feed.example/rss"}).our_handle == "Skylark reviews"


def test_it_is_asked_for_posts_at_once(desk, nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        channel = connected(desk, "mastodon")
    assert ("channels_app.jobs.poll", channel.pk) in nudges


def test_facebook_is_told_to_call_us(desk, internet):
    connected(desk, "facebook")
    assert f"/{PAGE}/subscribed_apps" in str(internet.asked[-1].url)


def test_where_it_cannot_be_told_the_channel_stands_and_says_so(desk, internet):
    whole = internet.meta
    internet.hosts["graph.facebook.com"] = lambda request: (
        httpx.Response(400, json={"error": {"code": 200, "message": "no"}})
        if "subscribed" in str(request.url) else whole(request)
    )  # fmt: skip
    channel = connected(desk, "facebook")
    assert channel.trouble
    assert "does not call Hark yet" in html(desk.get(reverse("channels_app:channel", args=[channel.pk])))


def test_rights_that_were_not_given_are_named_before_and_after(desk):
    found = until_found(desk, "facebook")
    assert "pages_manage_engagement" in words(html(desk.get(found["Location"])))
    channel = connected(desk, "instagram")
    page = words(html(desk.get(reverse("channels_app:channel", args=[channel.pk]))))
    assert "These rights are missing" in page
    assert "instagram_manage_comments" in page


def test_the_rights_asked_for_stand_on_the_page_that_sends_to_the_network(desk):
    page = desk.post("/channels/connect/mastodon/", TYPED["mastodon"]())
    assert "write:statuses" in html(page)
    assert page.context["url"].startswith("https://social.example/oauth/authorize?")


def test_without_an_app_meta_asks_for_one_first(desk):
    assert "An app comes first." in html(desk.get("/channels/connect/facebook/"))
    assert App.objects.count() == 0


# --- what is wrong is said, and what was typed stays


def test_what_the_network_says_stands_on_the_form_and_only_the_secret_is_typed_again(desk):
    response = desk.post("/channels/connect/bluesky/", TYPED["bluesky"]() | {"app_password": "wrong-word"})
    assert response.status_code == 422
    page = html(response)
    assert "Bluesky does not accept the name and the app password." in page
    assert 'value="skylark.example"' in page
    assert "wrong-word" not in page


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        ("mastodon", {"server": "no server"}, "This is not the address of a server"),
        ("mastodon", {"server": "http://social.example"}, "must begin with https://"),
        ("mastodon", {"server": "10.0.0.7"}, "not on the public internet"),
        ("feed", {"url": "https://127.0.0.1/feed"}, "not on the public internet"),
        ("wordpress", {"url": "https://[::1]/", "user": "u", "password": "p"}, "not on the public internet"),
        ("bluesky", {"server": "https://169.254.169.254", "handle": "a", "app_password": "b"}, "not on the public"),
        ("own_channel", {"url": "https://localhost/"}, "not on the public internet"),
        ("feed", {"url": "https://nowhere.invalid/"}, "no address belongs to it"),
    ],
)
def test_an_address_that_may_not_be_asked_is_refused_beside_its_field(desk, internet, kind, typed, said):
    response = desk.post(f"/channels/connect/{kind}/", typed)
    assert response.status_code == 422
    assert said in html(response)
    assert internet.asked == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"imap_host": "10.1.2.3"}, "not on the public internet"),
        ({"imap_security": "none", "imap_host": "mail.example"}, "choose TLS"),
        ({"smtp_host": "a b"}, "not the name of a server"),
    ],
)
def test_mail_hosts_are_judged_as_well(desk, changed, said):
    typed = {
        "address": "care@skylark.example", "password": "p", "imap_host": "imap.example", "imap_security": "tls",
        "folder": "INBOX", "backfill_days": 1, "smtp_host": "smtp.example", "smtp_security": "tls",
    }  # fmt: skip
    response = desk.post("/channels/connect/email/", typed | changed)
    assert (response.status_code, said in html(response)) == (422, True)


def test_a_wrong_mail_password_is_said(desk, settings):
    settings.ALLOW_LOOPBACK = True
    with mail() as typed:
        response = desk.post("/channels/connect/email/", typed | {"password": "not this"})
    assert response.status_code == 422
    assert response.context["form"].non_field_errors()
    assert not Channel.objects.exists()


@every_network
def test_the_same_account_twice_is_refused_with_the_way_to_it(desk, kind):
    first, typed = connected(desk, kind), TYPED[kind]()
    if kind == "own_channel":
        return  # each is another system
    found = until_found(desk, kind, typed)
    response = desk.post(found["Location"], {"name": "Again", "team": first.team_id})
    assert response.status_code == 422
    assert f"connected already, as “{first.name}”" in html(response)
    assert f'href="/channels/{first.pk}/"' in html(response)
    assert Channel.objects.count() == 1


def test_the_database_holds_an_account_once_whoever_is_quicker(desk):
    from channels_app.connecting import connecting
    from channels_app.connecting.found import Found
    from channels_app.platforms.abilities import Access, Health

    found = Found(KINDS["feed"], Access({"url": "https://feed.example/rss"}), Health("F", "https://feed.example/rss"))
    team = factories.TeamFactory()
    connected(desk, "feed")
    given = {"name": "x", "team": team, "owner": None, "brand": "", "by": factories.UserFactory()}
    with pytest.raises(Exception, match="an_account_is_connected_once_per_app"):
        connecting._made(found, **given)


# --- there and back


def test_a_state_is_good_for_one_return(desk):
    state = state_in(desk.post("/channels/connect/mastodon/", TYPED["mastodon"]()))
    assert "/found/" in back(desk, code="c", state=state)["Location"]
    again = desk.get(reverse("channels_app:connected"), {"code": "c", "state": state}, follow=True)
    assert "was used already" in html(again)


def test_a_state_opens_nothing_in_another_session(desk, client_of):
    state = state_in(desk.post("/channels/connect/mastodon/", TYPED["mastodon"]()))
    other = client_of(factories.UserFactory(role="admin"))
    response = back(other, code="c", state=state)
    assert response["Location"] == reverse("channels_app:connect")
    assert "/found/" in back(desk, code="c", state=state)["Location"]


@pytest.fixture
def client_of():
    from django.test import Client

    def signed_in(person):
        client = Client()
        client.force_login(person)
        return client

    return signed_in


def test_after_ten_minutes_it_is_too_late(desk, monkeypatch):
    state = state_in(desk.post("/channels/connect/mastodon/", TYPED["mastodon"]()))
    found = until_found(desk, "feed")
    later = time.time() + 601
    monkeypatch.setattr(signing, "time", SimpleNamespace(time=lambda: later))
    assert back(desk, code="c", state=state)["Location"] == reverse("channels_app:connect")
    assert "This has run out" in html(desk.get(found["Location"], follow=True))


def test_a_state_nobody_here_wrote_is_refused(desk, internet):
    desk.post("/channels/connect/mastodon/", TYPED["mastodon"]())
    before = len(internet.asked)
    assert back(desk, code="c", state="made-up:1:x")["Location"] == reverse("channels_app:connect")
    assert len(internet.asked) == before


def test_who_says_no_at_the_network_reads_what_that_means(desk):
    state = state_in(desk.post("/channels/connect/mastodon/", TYPED["mastodon"]()))
    page = desk.get("/channels/connected/", {"error": "access_denied", "state": state}, follow=True)
    assert "Mastodon did not let Hark in" in html(page)
    assert not Channel.objects.exists()


def test_a_code_that_does_not_hold_is_said(desk, internet):
    state = state_in(desk.post("/channels/connect/mastodon/", TYPED["mastodon"]()))
    internet.mastodon.answer("POST", "/oauth/token", {"error": "invalid_grant"}, status=400)
    page = desk.get("/channels/connected/", {"code": "old", "state": state}, follow=True)
    assert "Connect the channel again from the beginning" in html(page)


def test_x_gets_the_proof_that_fits_what_it_was_asked(desk, internet):
    """PKCE: what is sent with the code hashes to what stood in the address."""
    import base64
    import hashlib
    from urllib.parse import parse_qs, urlsplit

    page = desk.post("/channels/connect/x/", TYPED["x"]())
    asked = parse_qs(urlsplit(page.context["url"]).query)
    back(desk, code="c", state=asked["state"][0])
    told = parse_qs(next(one for one in internet.asked if one.url.path == "/2/oauth2/token").content.decode())
    digest = hashlib.sha256(told["code_verifier"][0].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"][0]


# --- secrets


@every_network
def test_no_secret_is_shown_stored_in_the_clear_or_logged(desk, kind, caplog, capsys):
    """Through the whole way: every page, the session, the log of activity, logs, every column, the admin."""
    pages: list[str] = []
    ask = desk.request

    def remembering(**request):
        response = ask(**request)
        pages.append(response.content.decode())
        return response

    desk.request = remembering
    caplog.set_level("DEBUG")
    channel = connected(desk, kind)
    shown = [secret for page in pages for secret in re.findall(r"whsec_[\w+/=]{20,}", page)]
    pages = [page for page in pages if not shown or shown[0] not in page]  # the one page it is for
    for name in ("channel", "reconnect", "channel_change"):
        desk.get(reverse(f"channels_app:{name}", args=[channel.pk]))
    desk.get(reverse("admin:channels_app_credential_change", args=[channel.credential.pk]))
    for app in App.objects.all():
        desk.get(reverse("admin:channels_app_app_change", args=[app.pk]))
    said = capsys.readouterr()
    sessions = [str(s.get_decoded()) for s in Session.objects.all()]
    rows = [str(row) for model in (Channel, Credential, App, Activity) for row in model.objects.values()]
    objects = [repr(channel), repr(channel.credential), repr(channel.access())]
    places = [*pages, *sessions, *rows, *objects, caplog.text, said.out, said.err]
    for secret in [*SECRETS[kind], *shown]:
        for place in places:
            clear = place.replace("HARK_SECRET#whsec_", "")
            assert secret not in clear, (secret, clear[max(0, clear.find(secret) - 200) :][:400])


def test_the_secret_of_ones_own_channel_is_shown_once_with_how_to_use_it(desk):
    found = until_found(desk, "own_channel")
    page = html(desk.post(found["Location"], {"name": "Chat", "team": factories.TeamFactory().pk}))
    [secret] = set(re.findall(r"whsec_[\w+/=]{20,}", page))
    channel = Channel.objects.get()
    assert channel.access().secrets["secret"] == secret
    app = channel.credential.app
    assert (f"/hooks/{app.hook}/" in page, "openssl dgst" in page) == (True, True)
    assert secret not in html(desk.get(reverse("channels_app:channel", args=[channel.pk])))


def test_the_example_is_the_one_of_the_documentation():
    from pathlib import Path

    root = Path(__file__).parents[2]
    example = (root / "templates/channels/_own_example.txt").read_text().strip()
    assert example in (root / "docs/own-channel.md").read_text()
