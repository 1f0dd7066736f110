"""Whose call it is: by a signature over the bytes as they came, on every network that calls us."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async

from channels_app.hooks import known
from channels_app.models import App, Channel, RawEvent
from channels_app.platforms.abilities import Access
from channels_app.platforms.generic import proof
from tests import factories
from tests.channels_app import called
from tests.channels_app.called import own_event, own_signature

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, US = "1234567890", "930524282358325248"
NOW_SECRET, BEFORE = ("whsec_" + "bm93" * 11, "whsec_" + "YmVm" * 11)


@dataclass
class Network:
    """`sign(body)` as the network does; `before(body)` with the secret that is being replaced."""

    app: App
    body: bytes
    sign: Callable[..., dict[str, str]]
    before: Callable[[bytes], dict[str, str]]
    header: str


def meta() -> Network:
    app = factories.AppFactory(secrets=called.META)
    called.account(app, "facebook", PAGE)
    body = called.envelope(called.private(PAGE, "m_1", text="Überall 🧳"))
    return Network(
        app, body, called.meta_signature, lambda b: called.meta_signature(b, "old"), "X-Hub-Signature-256"
    )  # fmt: skip


def x() -> Network:
    app = factories.AppFactory(network="x", secrets=called.X)
    called.account(app, "x", US)
    name = "X-Twitter-Webhooks-Signature-OAuth2"
    return Network(app, called.mention(US, 1), called.x_signature, lambda b: called.x_signature(b, "c old"), name)


def own() -> Network:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    app = factories.AppFactory(
        network="own_channel", secrets={"secret": NOW_SECRET, "before": BEFORE, "until": until}
    )  # fmt: skip
    factories.CredentialFactory(app=app, channel=factories.ChannelFactory(platform="own_channel"))
    return Network(
        app, own_event(1), lambda b: own_signature(b, NOW_SECRET), lambda b: own_signature(b, BEFORE),
        "webhook-signature",
    )  # fmt: skip


@pytest.fixture(params=[meta, x, own])
def network(request, db):
    return request.param()


@database_sync_to_async
def kept():
    return [bytes(raw.body) for raw in RawEvent.objects.order_by("id")]


@database_sync_to_async
def refused_at(network):
    return App.objects.get(pk=network.app.pk).refused_at


async def post(server, network, headers, body=None):
    return (await server.post(network.app, network.body if body is None else body, headers)).status


async def test_a_right_signature_is_believed_and_the_channel_has_what_came(server, network):
    assert await post(server, network, network.sign(network.body)) == 200
    assert len(await kept()) == 1
    assert await refused_at(network) is None


async def test_the_secret_before_holds_while_it_is_replaced(server, network):
    assert await post(server, network, network.before(network.body)) == 200
    assert len(await kept()) == 1


async def nothing_is_kept_but_when(server, network, headers, body=None):
    assert await post(server, network, headers, body) == 401
    assert await kept() == []
    assert await refused_at(network)
    assert await database_sync_to_async(Channel.objects.filter(last_in_at__isnull=False).exists)() is False


async def test_a_call_without_a_signature_is_refused(server, network):
    await nothing_is_kept_but_when(server, network, {})


@pytest.mark.parametrize("said", ["", "sha256=", "v1,", "sha256=" + "0" * 64, "caf\xe9 \xff", "x" * 10_000])
async def test_a_wrong_signature_is_refused(server, network, said):
    await nothing_is_kept_but_when(server, network, network.sign(network.body) | {network.header: said})


async def test_the_signature_of_other_bytes_is_refused_even_where_they_say_the_same(server, network):
    other = network.body.replace(b": ", b":", 1)
    assert other != network.body
    await nothing_is_kept_but_when(server, network, network.sign(network.body), other)


async def test_the_signature_of_another_network_is_refused(server, network):
    strangers = called.meta_signature(network.body, "theirs") | called.x_signature(network.body, "theirs")
    strangers |= own_signature(network.body, "whsec_" + "dGhl" * 11)
    await nothing_is_kept_but_when(server, network, strangers)


async def test_a_secret_that_was_replaced_is_used_at_once_and_the_old_one_no_longer(server, network):
    """What is remembered of the app is older than the secret: it is read anew, once a second at most."""
    assert await post(server, network, network.before(network.body)) == 200
    fresh = {"app_secret": "new", "client_secret": "new", "secret": "whsec_" + "bmV3" * 11}
    network.app.seal(fresh)
    await network.app.asave()
    server.hooks.directory._read_at -= known.DOUBT_SECONDS
    signed = {
        "meta": lambda b: called.meta_signature(b, "new"), "x": lambda b: called.x_signature(b, "new"),
        "own_channel": lambda b: own_signature(b, fresh["secret"]),
    }[network.app.network](network.body)  # fmt: skip
    assert await post(server, network, signed) == 200
    assert await post(server, network, network.before(network.body)) == 401


async def test_the_address_of_one_app_takes_no_call_for_another(server, network):
    other = await database_sync_to_async(factories.AppFactory)(
        network=network.app.network, name="Another", secrets={"app_secret": "z", "client_secret": "z", "secret": BEFORE}
    )
    answer = await server.post(other, network.body, network.sign(network.body))
    assert (answer.status, await kept()) == (401, [])


async def test_x_is_believed_by_its_older_signature_too(server):
    network = await database_sync_to_async(x)()
    older = called.x_signature(network.body, "k", "X-Twitter-Webhooks-Signature")
    assert await post(server, network, older) == 200


async def test_of_an_own_channel_a_secret_before_holds_until_its_day_is_over(server):
    network = await database_sync_to_async(own)()
    access = proof.with_new_secret(Access(secrets={"secret": BEFORE}), now=datetime.now(UTC) - timedelta(days=2))
    network.app.seal(dict(access.secrets))
    await network.app.asave()
    assert await post(server, network, network.before(network.body)) == 401


async def test_of_an_own_channel_an_old_call_is_not_taken_again(server):
    network = await database_sync_to_async(own)()
    late = {"webhook-id": str(uuid.uuid4()), "webhook-timestamp": "1700000000"}
    assert await post(server, network, network.sign(network.body) | late) == 401
