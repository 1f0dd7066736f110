"""How an account of a Mastodon server becomes a channel."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from channels_app.platforms.abilities import Access
from channels_app.platforms.errors import Rejected, TryLater
from channels_app.platforms.mastodon import MastodonPlatform
from channels_app.platforms.mastodon.joining import SCOPES, server_of
from tests.channels_app.platforms.fake_mastodon import BRAND, SERVER, FakeMastodon

BACK = "https://hark.example/channels/connected/"
REGISTERED = Access({"server": SERVER, "client_id": "c1"}, {"client_secret": "s3cret"})


@pytest.fixture
def server():
    server = FakeMastodon()
    server.answer("POST", "/api/v1/apps", {"client_id": "c1", "client_secret": "s3cret", "name": "Hark"})
    server.answer("POST", "/oauth/token", {"access_token": "k", "token_type": "Bearer", "scope": "read write"})
    server.answer("GET", "/api/v1/accounts/verify_credentials", BRAND)
    limits = {"statuses": {"max_characters": 1000}}
    server.answer("GET", "/api/v1/instance", {"uri": "social.example", "version": "4.3.0", "configuration": limits})
    return server


def exchange(server, code="code"):
    return MastodonPlatform.exchange(REGISTERED, code=code, back=BACK, transport=httpx.MockTransport(server))


def form(request):
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("mastodon.social", "https://mastodon.social"),
        (" https://Mastodon.Social/@brand ", "https://mastodon.social"),
        ("@brand@mastodon.social", "https://mastodon.social"),
        ("http://127.0.0.1:8101", "http://127.0.0.1:8101"),
        ("https://[::1]:8101/", "https://[::1]:8101"),
    ],
)
def test_the_server_is_known_however_it_is_typed(typed, address):
    assert server_of(typed) == address


@pytest.mark.parametrize(
    "typed", ["", "a b", "ftp://x.example", "https://user:pw@x.example", "https://[zz", "x.example:port", "https://"]
)
def test_what_is_no_server_is_refused(typed):
    with pytest.raises(Rejected):
        server_of(typed)


def test_the_server_is_told_of_us(server):
    access = MastodonPlatform.register(SERVER, back=BACK, transport=httpx.MockTransport(server))
    assert access == REGISTERED
    told = form(server.asked[0])
    assert (told["client_name"], told["redirect_uris"], told["scopes"]) == ("Hark", BACK, " ".join(SCOPES))


def test_a_person_agrees_at_their_own_server():
    url = urlsplit(MastodonPlatform.authorize_url(REGISTERED, back=BACK, state="st&te"))
    asked = parse_qs(url.query)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{SERVER}/oauth/authorize"
    assert (asked["state"], asked["client_id"], asked["redirect_uri"]) == (["st&te"], ["c1"], [BACK])
    assert "s3cret" not in url.query


def test_a_code_becomes_a_key_and_who_it_speaks_as(server):
    access = exchange(server)
    assert access.secrets == {"client_secret": "s3cret", "access_token": "k"}
    assert access.settings == {
        "server": SERVER, "client_id": "c1", "scopes": "read write", "account_id": "1", "text_limit": "1000",
        "handle": "brand@social.example", "domain": "social.example", "version": "4.3.0",
    }  # fmt: skip
    assert form(server.asked[0])["code"] == "code"
    assert server.asked[1].headers["Authorization"] == "Bearer k"
    assert "s3cret" not in repr(access)


def test_a_server_without_a_page_about_itself_goes_by_its_address(server):
    server.answer("GET", "/api/v1/instance", {}, 404)
    assert exchange(server).settings["domain"] == "social.example"


def test_a_server_whose_people_have_another_name_than_its_address_is_called_by_theirs(server):
    server.answer("GET", "/api/v1/instance", {"uri": "https://skylark.example"})
    assert exchange(server).settings["handle"] == "brand@skylark.example"


@pytest.mark.parametrize("status", [400, 401, 422])
def test_a_code_that_does_not_hold_means_to_begin_again(server, status):
    server.answer("POST", "/oauth/token", {"error": "invalid_grant"}, status)
    with pytest.raises(Rejected, match="from the beginning"):
        exchange(server)


@pytest.mark.parametrize("told", [{}, {"access_token": None}, []])
def test_no_key_is_no_key(server, told):
    server.answer("POST", "/oauth/token", told)
    with pytest.raises(TryLater):
        exchange(server)


@pytest.mark.parametrize("told", [{}, {"id": "1"}])
def test_a_server_that_does_not_say_who_we_are_is_not_connected(server, told):
    server.answer("GET", "/api/v1/accounts/verify_credentials", told)
    with pytest.raises(TryLater):
        exchange(server)


def test_what_is_no_mastodon_server_is_refused(server):
    server.answer("POST", "/api/v1/apps", {}, 404)
    with pytest.raises(Rejected, match="does not speak"):
        MastodonPlatform.register(SERVER, back=BACK, transport=httpx.MockTransport(server))


def test_a_key_is_given_back_and_twice_is_once(server):
    access = Access(REGISTERED.settings, {"client_secret": "s3cret", "access_token": "k"})
    server.answer("POST", "/oauth/revoke", {})
    MastodonPlatform.revoke(access, transport=httpx.MockTransport(server))
    assert form(server.asked[0])["token"] == "k"
    server.answer("POST", "/oauth/revoke", {"error": "unauthorized_client"}, 403)
    MastodonPlatform.revoke(access, transport=httpx.MockTransport(server))
