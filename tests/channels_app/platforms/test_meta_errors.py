"""What the errors of the Graph API mean to the outbox, and what is left of our budget."""

import json

import httpx
import pytest

from channels_app.platforms.abilities import Access
from channels_app.platforms.errors import (
    AccessExpired,
    AccessRevoked,
    Duplicate,
    Forbidden,
    ParentGone,
    RateLimited,
    Rejected,
    TryLater,
    UnknownOutcome,
    WindowClosed,
)
from channels_app.platforms.meta.graph import line

from .meta_calls import Graph, access, refusal
from .published_graph import faults_of

MEANINGS = [
    (190, 463, AccessExpired), (190, None, AccessRevoked), (190, 460, AccessRevoked), (102, None, AccessRevoked),
    (4, None, RateLimited), (32, None, RateLimited), (613, None, RateLimited), (80007, None, RateLimited),
    (80002, None, RateLimited), (130429, None, RateLimited), (131056, None, RateLimited),
    (10, 2018278, WindowClosed), (10, 2534022, WindowClosed), (131047, None, WindowClosed),
    (10, 1893063, TryLater), (368, None, TryLater), (10, None, Forbidden), (200, None, Forbidden),
    (299, None, Forbidden), (3, None, Forbidden), (100, 33, ParentGone), (100, 2018218, ParentGone),
    (100, None, Rejected), (506, None, Duplicate), (10900, None, Rejected), (551, None, Rejected),
    (131026, None, Rejected), (1, None, UnknownOutcome), (2, None, UnknownOutcome),
]  # fmt: skip


def wire(*answers):
    return line("Facebook", access(), Graph(*answers))


@pytest.mark.parametrize(("code", "subcode", "means"), MEANINGS)
def test_a_code_means_one_thing_to_the_outbox(code, subcode, means):
    with pytest.raises(means) as raised:
        wire(refusal(code, subcode)).act("POST", "/x")
    assert raised.type is means
    assert "Maria" not in str(raised.value)
    assert "EAAtoken" not in str(raised.value)


def test_what_was_only_looked_at_can_be_looked_at_again():
    with pytest.raises(TryLater) as raised:
        wire(refusal(2)).look("/x")
    assert raised.type is TryLater


def test_an_error_without_a_code_means_what_its_status_says():
    for answer in (httpx.Response(403, text="<html>"), httpx.Response(403, json=[]), httpx.Response(403, json={})):
        with pytest.raises(Forbidden):
            wire(answer).act("POST", "/x")


def test_a_limit_says_until_when_and_of_what():
    use = {"123": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 7}]}
    headers = {"x-business-use-case-usage": json.dumps(use)}
    with pytest.raises(RateLimited) as raised:
        wire(refusal(32, headers=headers)).act("POST", "/x")
    assert (raised.value.after, raised.value.scope) == (420.0, "page")
    with pytest.raises(RateLimited) as raised:
        wire(refusal(131056)).act("POST", "/x")
    assert (raised.value.after, raised.value.scope) == (900.0, "recipient")


def test_the_budget_is_what_is_left_of_what_is_used_up_most():
    app = {"call_count": 28, "total_time": 61, "total_cputime": 5}
    known = wire(httpx.Response(200, json={}, headers={"x-app-usage": json.dumps(app)}))
    known.look("/x")
    assert (known.budget.limit, known.budget.left) == (100, 39)


@pytest.mark.parametrize("told", ["", "nonsense", "[]", '{"call_count": "many"}', '{"call_count": Infinity}'])
def test_a_budget_that_cannot_be_read_is_none_or_whole(told):
    known = wire(httpx.Response(200, json={}, headers={"x-app-usage": told}))
    known.look("/x")
    assert known.budget is None or known.budget.left == 100


def test_instagrams_own_login_has_a_host_of_its_own():
    graph = Graph({})
    line("Instagram", Access({"host": "https://graph.instagram.com"}, {"access_token": "t"}), graph).look("/me")
    assert str(graph.asked[0].url) == "https://graph.instagram.com/v23.0/me"


def test_the_key_stands_in_no_address_and_in_no_repr():
    graph = Graph({})
    known = line("Facebook", access(), graph)
    known.look("/me")
    assert "EAAtoken" not in str(graph.asked[0].url)
    assert "EAAtoken" not in repr(known)


# --- what it is asked is what Meta publishes (every request of tests/channels_app/platforms/test_meta_*.py)


@pytest.mark.parametrize(
    ("method", "path", "data", "fault"),
    [
        ("POST", "/1_2/comments", {"message": "Hello"}, None),
        ("POST", "/1_2/comments", {"text_of_it": "Hello"}, "no parameter text_of_it"),
        ("POST", "/1_2/answers", {"message": "Hello"}, "no node has POST answers"),
        ("POST", "/1_2", {"is_hidden": "perhaps"}, "is_hidden is no bool"),
        ("GET", "/1_2?fields=id,massage", None, "nobody has a field massage"),
        ("POST", "/1/messages", {"messaging_type": "SHOUT"}, "messaging_type is no messaging_type_enum"),
    ],
)
def test_a_request_that_meta_does_not_know_is_noticed(method, path, data, fault):
    found = faults_of(httpx.Request(method, f"https://graph.facebook.com/v23.0{path}", data=data))
    assert found == [] if fault is None else fault in " ".join(found)
