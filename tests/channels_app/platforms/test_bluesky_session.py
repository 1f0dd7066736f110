"""The session that opens an account on Bluesky."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import httpx
import pytest

from channels_app.platforms.abilities import Access
from channels_app.platforms.bluesky import BlueskyPlatform
from channels_app.platforms.errors import AccessExpired, AccessRevoked, TryLater
from tests.channels_app.platforms.sky import HANDLES, OTHER, US, Sky, refused


@pytest.fixture
def sky():
    return Sky()


def fresh(sky, **secrets):
    access = Access({"server": "https://pds.example/", "handle": HANDLES[US]}, secrets)
    return BlueskyPlatform(access, httpx.MockTransport(sky.answer))


def again(sky, access):
    return BlueskyPlatform(access, httpx.MockTransport(sky.answer))


def test_an_app_password_opens_a_session_that_can_be_used(sky):
    account = fresh(sky, app_password=sky.password)
    with pytest.raises(AccessExpired):
        account.fetch_since({}, limit=10)
    access = account.renew()
    assert (access.settings["did"], access.settings["server"]) == (US, "https://pds.example")
    assert 7000 < (access.expires_at - datetime.now(UTC)).total_seconds() <= 7200
    health = again(sky, access).check()
    assert (health.handle, health.key, health.scopes, health.expires_at) == (
        HANDLES[US],
        US,
        ("com.atproto.appPass",),
        None,
    )


def test_a_name_is_understood_as_people_write_it(sky):
    access = Access({"server": "https://pds.example", "handle": f" @{HANDLES[US]}"}, {"app_password": sky.password})
    assert again(sky, access).renew().settings["handle"] == HANDLES[US]


def test_without_a_server_it_is_the_one_most_accounts_live_on(sky):
    hosts = []

    def answer(request):
        hosts.append(request.url.host)
        return sky.answer(request)

    access = Access({"handle": HANDLES[US]}, {"app_password": sky.password})
    assert BlueskyPlatform(access, httpx.MockTransport(answer)).renew().settings["server"] == "https://bsky.social"
    assert hosts == ["bsky.social"]


def test_a_session_gives_the_next_without_the_password(sky):
    access = fresh(sky, app_password=sky.password).renew()
    kept = Access(access.settings, {name: access.secrets[name] for name in ("access", "refresh")})
    chain = [kept]
    for _each in range(2):
        chain.append(again(sky, chain[-1]).renew())
    assert all(one.secrets["refresh"] != other.secrets["refresh"] for one, other in pairwise(chain))
    assert again(sky, chain[-1]).check().expires_at > datetime.now(UTC)
    with pytest.raises(AccessExpired):
        again(sky, kept).check()


def test_where_the_session_has_ended_the_password_opens_another(sky):
    access = fresh(sky, app_password=sky.password, refresh="long gone").renew()
    assert again(sky, access).check().key == US


@pytest.mark.parametrize("secrets", [{"refresh": "long gone"}, {"app_password": "wrong"}, {}])
def test_what_opens_nothing_any_more_wants_a_person(sky, secrets):
    with pytest.raises(AccessRevoked) as told:
        fresh(sky, **secrets).renew()
    assert "wrong" not in str(told.value)


@pytest.mark.parametrize("error", ["AuthFactorTokenRequired", "AccountTakedown"])
def test_why_it_is_shut_is_said(sky, error):
    sky.next["com.atproto.server.createSession"] = [refused(error, status=401)]
    with pytest.raises(AccessRevoked, match="Bluesky"):
        fresh(sky, app_password=sky.password).renew()


@pytest.mark.parametrize(
    "answer", [httpx.ReadError("reset"), httpx.Response(500), httpx.Response(200, json={"did": US})]
)
def test_a_session_that_does_not_arrive_is_asked_for_later(sky, answer):
    sky.next["com.atproto.server.createSession"] = [answer]
    with pytest.raises(TryLater) as told:
        fresh(sky, app_password=sky.password).renew()
    assert not isinstance(told.value, AccessRevoked)


def test_a_name_that_is_somebody_elses_by_now_does_not_take_over_the_account(sky):
    access = Access(
        {"server": "https://pds.example", "handle": HANDLES[US], "did": OTHER}, {"app_password": sky.password}
    )
    with pytest.raises(AccessRevoked):
        again(sky, access).renew()


def test_an_account_that_was_put_to_sleep_is_shut(sky):
    sky.next["com.atproto.server.getSession"] = [
        httpx.Response(200, json={"did": US, "active": False, "status": "x y"})
    ]
    with pytest.raises(AccessRevoked, match="no reason given"):
        sky.account().check()


def test_secrets_are_in_no_words_about_it(sky):
    access = fresh(sky, app_password=sky.password).renew()
    account = again(sky, access)
    told = f"{access!r} {account!r} {account.wire!r}"
    assert not [secret for secret in access.secrets.values() if secret in told]
