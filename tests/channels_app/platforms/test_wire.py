"""How platforms speak HTTP: what is asked again, what never is, what an answer means, what nobody gets to see."""

from __future__ import annotations

import gzip
import logging
import socket
import struct
import traceback
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from django.conf import settings as configured

from channels_app.platforms import wire
from channels_app.platforms.abilities import Budget
from channels_app.platforms.errors import (
    AccessExpired,
    Forbidden,
    ParentGone,
    PlatformError,
    RateLimited,
    Rejected,
    TryLater,
    UnknownOutcome,
)
from tests.crm.servers import says, serving

SECRET = "sk-very-secret-0815"
WORDS = "my bag is lost, I am Maria Kent"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch, settings):
    settings.ALLOW_LOOPBACK = True
    monkeypatch.setattr(wire, "PAUSE", 0.0)


class Network:
    """Answers in the order given, the last for ever; an exception breaks the line. `.asked` is what came."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer) if isinstance(answer, int) else answer


def line(*answers, **options):
    network = Network(*answers)
    options = {"headers": {"Authorization": f"Bearer {SECRET}"}} | options
    ours = wire.Wire("Chirp", "https://chirp.example/api", transport=httpx.MockTransport(network), **options)
    return ours, network


def answer(status=429, **headers):
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def in_seconds(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def meant(status, ask="look", **headers):
    """What comes of such an answer; the error itself."""
    ours, _ = line(answer(status, **headers))
    with pytest.raises(PlatformError) as told:
        ours.look("/posts") if ask == "look" else ours.act("POST", "/posts", json={})
    return told.value


# --- looking


def test_a_look_asks_once_where_it_is_answered():
    ours, network = line(httpx.Response(200, json={"posts": []}))
    assert ours.json(ours.look("/posts", {"min_id": "7"})) == {"posts": []}
    (asked,) = network.asked
    assert (asked.method, str(asked.url)) == ("GET", "https://chirp.example/api/posts?min_id=7")
    assert asked.headers["Authorization"] == f"Bearer {SECRET}"
    assert asked.headers["Connection"] == "close"


BROKEN = [
    httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.ReadError("reset"), httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("closed"), httpx.WriteError("reset"), httpx.PoolTimeout("full"),
]  # fmt: skip


@pytest.mark.parametrize("trouble", [*BROKEN, 500, 502, 503, 504], ids=repr)
def test_a_look_that_fails_is_asked_again(trouble):
    ours, network = line(trouble, trouble, 200)
    assert ours.look("/posts").status_code == 200
    assert len(network.asked) == 3


@pytest.mark.parametrize("trouble", [*BROKEN, 500, 503], ids=repr)
def test_a_look_that_fails_three_times_is_for_later(trouble):
    ours, network = line(trouble)
    with pytest.raises(TryLater, match=r"^Chirp (cannot be reached|has trouble of its own)"):
        ours.look("/posts")
    assert len(network.asked) == wire.TRIES == 3


def test_who_says_when_to_come_back_is_not_asked_before():
    ours, network = line(answer(503, retry_after="120"), 200)
    with pytest.raises(TryLater) as told:
        ours.look("/posts")
    assert told.value.after == 120
    assert len(network.asked) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 422, 429])
def test_a_look_that_is_answered_with_no_is_not_asked_again(status):
    ours, network = line(answer(status), 200)
    with pytest.raises(PlatformError):
        ours.look("/posts")
    assert len(network.asked) == 1


def test_nothing_new_is_an_answer():
    ours, _ = line(304)
    assert ours.look("/feed").status_code == 304


# --- acting


@pytest.mark.parametrize("trouble", BROKEN, ids=repr)
def test_an_act_is_written_once_whatever_breaks(trouble):
    ours, network = line(trouble, 200)
    with pytest.raises((TryLater, UnknownOutcome)):
        ours.act("POST", "/posts", json={"text": "Hello"})
    assert len(network.asked) == 1


@pytest.mark.parametrize("trouble", [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")])
def test_an_act_that_was_never_written_may_be_tried_later(trouble):
    ours, _ = line(trouble)
    with pytest.raises(TryLater, match=r"^Chirp cannot be reached\.$"):
        ours.act("POST", "/posts")


@pytest.mark.parametrize(
    "trouble",
    [httpx.ReadError("x"), httpx.ReadTimeout("x"), httpx.WriteError("x"), httpx.WriteTimeout("x"),
     httpx.RemoteProtocolError("x"), httpx.DecodingError("x")],
)  # fmt: skip
def test_an_act_that_was_not_answered_is_unknown(trouble):
    ours, _ = line(trouble)
    with pytest.raises(UnknownOutcome):
        ours.act("POST", "/posts")


@pytest.mark.parametrize("status", [500, 502, 504, 520])
def test_an_act_over_which_the_server_stumbled_is_unknown(status):
    ours, network = line(status, 200)
    with pytest.raises(UnknownOutcome, match=f"stumbled over it .status {status}."):
        ours.act("POST", "/posts")
    assert len(network.asked) == 1


def test_an_act_that_was_put_off_was_not_done():
    told = meant(503, "act", retry_after="7")
    assert (type(told), told.after) == (TryLater, 7)


def test_a_redirect_is_followed_by_nobody():
    ours, network = line(answer(302, location="https://evil.example/"), 200)
    with pytest.raises(Rejected):
        ours.act("POST", "/posts")
    assert len(network.asked) == 1


# --- over a real line


def reset(handler):
    """The connection is torn down after the question was read."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.wfile = handler.rfile = open("/dev/null", "r+b")  # noqa: PTH123, SIM115 - there is nobody to write to
    handler.close_connection = True


def on(server):
    return wire.Wire("Chirp", server.url, {"Authorization": f"Bearer {SECRET}"})


def test_a_reset_after_the_request_was_written_is_unknown_and_it_is_written_once():
    with serving(reset) as server:
        with pytest.raises(UnknownOutcome):
            on(server).act("POST", "/posts", json={"text": "Hello"})
        assert [body for _, _, body in server.heard] == [b'{"text":"Hello"}']


def test_a_look_survives_two_resets():
    answers = iter([reset, reset, says(200, b"{}")])
    with serving(lambda handler: next(answers)(handler)) as server:
        assert on(server).look("/posts").status_code == 200
        assert len(server.heard) == 3


def test_where_nobody_listens_nothing_was_written():
    with serving() as server:
        pass
    with pytest.raises(TryLater):
        on(server).act("POST", "/posts", json={})


def test_a_server_that_takes_it_and_says_nothing_leaves_it_unknown():
    with serving(lambda handler: handler.server.over.wait(5)) as server:
        slow = on(server)
        slow.timeout = httpx.Timeout(0.2)
        with pytest.raises(UnknownOutcome):
            slow.act("POST", "/posts", json={})
        server.over.set()


def endless(packed=b""):
    def answer(handler):
        handler.send_response(200)
        if packed:
            handler.send_header("content-encoding", "gzip")
        handler.end_headers()
        with suppress(OSError):
            handler.wfile.write(packed)
            while not packed:
                handler.wfile.write(b"x" * 10_000)

    return answer


@pytest.mark.parametrize("packed", [b"", gzip.compress(b"x" * 5_000_000)], ids=["endless", "packed"])
def test_an_answer_without_end_is_let_go(packed, monkeypatch):
    monkeypatch.setattr(wire, "MOST_BYTES", 1_000_000)
    with serving(endless(packed)) as server:
        with pytest.raises(TryLater):
            on(server).look("/posts")
        with pytest.raises(UnknownOutcome):
            on(server).act("POST", "/posts")
        assert len(server.heard) == wire.TRIES + 1


def test_an_answer_that_drips_is_let_go(monkeypatch):
    monkeypatch.setattr(wire, "MOST_SECONDS", -1.0)
    ours, _ = line(httpx.Response(200, content=b"{}"))
    with pytest.raises(UnknownOutcome):
        ours.act("POST", "/posts")


def test_no_address_inside_the_house_is_asked(settings):
    settings.ALLOW_LOOPBACK = False
    with serving() as server:
        for base in (server.url, "https://169.254.169.254/latest", "https://[::1]/", "https://10.0.0.1/"):
            with pytest.raises(TryLater) as told:
                wire.Wire("Chirp", base).look("/posts")
            assert told.value.after == wire.LONGEST_PAUSE
        assert server.heard == []


def test_the_internet_is_asked_by_https_alone():
    with pytest.raises(TryLater, match="https://"):
        wire.Wire("Chirp", "http://93.184.216.34").act("POST", "/posts")


def test_a_packed_answer_is_unpacked():
    with serving(says(200, gzip.compress(b'{"a": 1}'), **{"content-encoding": "gzip", "x-more": "yes"})) as server:
        found = on(server).look("/posts")
    assert found.json() == {"a": 1}
    assert found.headers["x-more"] == "yes"


def test_headers_of_any_letters_are_an_answer():
    with serving(says(200, b"{}", **{"x-who": "Zoé"})) as server:
        assert on(server).act("POST", "/posts").status_code == 200


def test_what_only_looks_packed_cannot_be_had():
    with serving(says(200, b"plain", **{"content-encoding": "gzip"})) as server, pytest.raises(TryLater):
        on(server).look("/posts")


def test_each_question_has_a_connection_of_its_own():
    with serving(says(200, b"{}")) as server:
        for _ in range(3):
            on(server).look("/posts")
        assert {headers["Connection"] for _, headers, _ in server.heard} == {"close"}


# --- what an answer means


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AccessExpired), (403, Forbidden), (404, ParentGone), (410, ParentGone), (408, TryLater), (425, TryLater),
     (429, RateLimited), (400, Rejected), (409, Rejected), (413, Rejected), (422, Rejected), (302, Rejected)],
)  # fmt: skip
@pytest.mark.parametrize("ask", ["look", "act"])
def test_a_status_means_the_same_in_looking_and_acting(status, kind, ask):
    assert type(meant(status, ask)) is kind


def test_a_network_may_have_words_of_its_own():
    def means(said):
        return AccessExpired("Chirp says so.") if said.status_code == 400 else None

    ours, _ = line(400, 404, means=means)
    with pytest.raises(AccessExpired):
        ours.look("/posts")
    with pytest.raises(ParentGone):
        ours.look("/posts")


@pytest.mark.parametrize("body", [b"", b"<html>Please sign in</html>", b'{"id": 1', b"\xff\xfe"])
def test_what_is_no_json_is_for_later(body):
    ours, _ = line(httpx.Response(200, content=body))
    with pytest.raises(TryLater, match="cannot be read"):
        ours.json(ours.look("/posts"))


# --- how long to wait


def test_retry_after_is_seconds():
    assert meant(429, retry_after="42").after == 42.0
    assert meant(429, "act", retry_after="1.5").after == 1.5


def test_retry_after_is_a_date():
    assert 85 < meant(429, retry_after=format_datetime(in_seconds(90), usegmt=True)).after <= 90


def test_a_date_without_a_zone_is_in_utc():
    said = format_datetime(in_seconds(90)).replace("+0000", "-0000")
    assert 85 < meant(429, retry_after=said).after <= 90


@pytest.mark.parametrize("said", ["-5", "0", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_what_is_over_already_waits_a_second(said):
    assert meant(429, retry_after=said).after == wire.SHORTEST_PAUSE


@pytest.mark.parametrize("said", ["1e400", "inf", "99999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_nobody_waits_longer_than_an_hour(said):
    assert meant(429, retry_after=said).after == wire.LONGEST_PAUSE


@pytest.mark.parametrize(
    "said", ["", "nan", "soon", "Thu, 99 Foo 2026", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"]
)
def test_what_nobody_understands_is_half_a_minute(said):
    assert meant(429, retry_after=said).after == 30.0


def test_without_retry_after_it_is_when_the_budget_is_there_again():
    iso = in_seconds(60).isoformat().replace("+00:00", "Z")
    epoch = str(int(in_seconds(61).timestamp()))
    for name, said in {"X-RateLimit": iso, "x-rate-limit": epoch, "RateLimit": "60"}.items():
        headers = {f"{name}-Limit": "300", f"{name}-Remaining": "0", f"{name}-Reset": said}
        assert 55 < meant(429, **headers).after <= 61, name


def test_retry_after_counts_more_than_the_budget():
    assert meant(429, retry_after="5", x_ratelimit_remaining="0", x_ratelimit_reset="900").after == 5


def test_a_budget_that_is_not_used_up_says_nothing_about_when():
    assert meant(429, x_ratelimit_remaining="12", x_ratelimit_reset="900").after == 30.0


# --- the budget


def budget(**headers):
    ours, _ = line(answer(200, **headers))
    ours.look("/posts")
    return ours.budget


def test_the_budget_is_noted_with_each_answer():
    noted = budget(x_rate_limit_limit="450", x_rate_limit_remaining="449", x_rate_limit_reset="1795392000")
    assert noted == Budget(450, 449, datetime.fromtimestamp(1795392000, UTC))


def test_it_is_noted_with_a_refusal_too():
    ours, _ = line(answer(429, x_ratelimit_limit="300", x_ratelimit_remaining="0", x_ratelimit_reset="20"))
    with pytest.raises(RateLimited):
        ours.look("/posts")
    assert ours.budget.left == 0


def test_it_may_be_written_with_a_point():
    noted = budget(x_ratelimit_remaining="599.0", x_ratelimit_reset="42.5")
    assert noted.left == 599
    assert in_seconds(30) < noted.resets_at <= in_seconds(43)


def test_an_answer_without_one_leaves_what_was_known():
    ours, _ = line(answer(200, ratelimit_remaining="9"), answer(200))
    ours.look("/posts")
    ours.look("/posts")
    assert ours.budget.left == 9


@pytest.mark.parametrize("said", ["", "nan", "inf", "-inf", "many", "1e999", "99999999999999999"])
def test_a_budget_that_is_nonsense_breaks_nothing(said):
    noted = budget(x_ratelimit_limit=said, x_ratelimit_remaining=said, x_ratelimit_reset=said)
    assert noted.resets_at is None


# --- what nobody gets to see


def everything_told(error):
    """The error, and whatever a log would print of it."""
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 410, 429, 500, 503])
@pytest.mark.parametrize("ask", ["look", "act"])
def test_neither_secrets_nor_words_stand_in_an_error_or_a_log(status, ask, caplog):
    said = httpx.Response(status, text=f"{WORDS} {SECRET}", headers={"X-Echo": SECRET})
    ours, _ = line(said)
    asks = {
        "look": lambda: ours.look("/search", {"q": WORDS, "access_token": SECRET}),
        "act": lambda: ours.act("POST", "/posts", params={"access_token": SECRET}, json={"text": WORDS}),
    }
    with caplog.at_level(logging.DEBUG), pytest.raises(PlatformError) as told:
        asks[ask]()
    shown = everything_told(told.value) + caplog.text + repr(ours) + str(ours)
    assert SECRET not in shown
    assert "Maria" not in shown


def test_nor_where_the_line_breaks(caplog):
    with serving(reset) as server, caplog.at_level(logging.DEBUG), pytest.raises(UnknownOutcome) as told:
        on(server).act("POST", f"/posts?access_token={SECRET}", json={"text": WORDS})
    shown = everything_told(told.value) + caplog.text
    assert SECRET not in shown
    assert "Maria" not in shown


def test_the_client_does_not_log_addresses_and_headers():
    """They hold keys, and the words that are looked for."""
    for name in ("httpx", "httpcore"):
        assert configured.LOGGING["loggers"][name] == {"level": "WARNING"}
        assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING


@pytest.mark.parametrize("broken", [f"Bearer {SECRET}\n", f"Bearer {SECRET}\r\nX: y", f"Bearer {SECRET}é"])
@pytest.mark.parametrize("ask", ["look", "act"])
def test_a_key_that_cannot_be_written_is_told_without_it_and_nothing_was_sent(broken, ask, caplog):
    with serving(says(200, b"{}")) as server:
        ours = wire.Wire("Chirp", server.url, {"Authorization": broken})
        with caplog.at_level(logging.DEBUG), pytest.raises(TryLater) as told:
            ours.look("/posts") if ask == "look" else ours.act("POST", "/posts")
        assert server.heard == []
    assert SECRET not in everything_told(told.value) + caplog.text


def test_a_question_may_have_a_name_and_a_password_of_its_own():
    ours, network = line(httpx.Response(401), headers={})
    with pytest.raises(AccessExpired) as told:
        ours.act("POST", "/token", auth=("client", SECRET), data={"grant_type": "refresh_token"})
    assert network.asked[0].headers["Authorization"].startswith("Basic ")
    assert SECRET not in everything_told(told.value)


@pytest.mark.parametrize("base", ["http://[", "https://chirp.example:port", "chirp.example", "ftp://chirp.example"])
def test_an_address_that_is_none_is_for_later(base):
    ours = wire.Wire("Chirp", base)
    for ask in (lambda: ours.look("/posts"), lambda: ours.act("POST", "/posts")):
        with pytest.raises(TryLater):
            ask()


@pytest.mark.parametrize(
    "named",
    ["https://evil.example/api/posts?page=2", "http://chirp.example/api/posts", "https://chirp.example:8443/posts",
     "https://chirp.example.evil.example/posts", "https://chirp.example@evil.example/posts"],
)  # fmt: skip
def test_an_address_of_somebody_else_does_not_get_our_key(named):
    ours, network = line(200)
    for ask in (lambda: ours.look(named), lambda: ours.act("POST", named)):
        with pytest.raises(Rejected, match="not its own"):
            ask()
    assert network.asked == []


@pytest.mark.parametrize(
    "named", ["//evil.example/posts", "/posts?next=https://evil.example/", "../posts", "a:b/posts"]
)
def test_a_path_stays_with_the_network_however_it_looks(named):
    ours, network = line(200)
    ours.look(named)
    assert [asked.url.host for asked in network.asked] == ["chirp.example"]


def test_the_next_page_of_the_same_network_is_asked():
    ours, network = line(200)
    ours.look("https://chirp.example/api/posts?page=2")
    assert str(network.asked[0].url) == "https://chirp.example/api/posts?page=2"
