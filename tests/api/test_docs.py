"""What docs/api.md and the reference show works as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import standardwebhooks
from django.db import connection
from django.test import Client
from django.urls import reverse

from cases.models import Case
from channels_app.models import Message
from config import api_docs
from config.api import operations
from config.api_reference import reference
from config.api_schema import token_of
from crm.api import problems
from crm.models import Account, Customer, IdentityLink, Order, Product, Scope
from crm.webhooks import sending, topics
from tests import factories
from tests.crm.servers import serving

pytestmark = pytest.mark.django_db
TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
TOKEN = "hark_0000000-a-token-in-a-test"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def run(command):
    """What curl would get."""
    words = iter(shlex.split(command.replace("\\\n", " ").replace("$HARK_TOKEN", TOKEN))[1:])
    method, headers, body, url = "get", {}, None, ""
    for word in words:
        if word == "-X":
            method = next(words).lower()
        elif word == "-H":
            name, _colon, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        else:
            url = urlsplit(word)
    kind = headers.pop("Content-Type", None)
    sent = {"data": body, "content_type": kind} if body is not None else {}
    return getattr(Client(), method)(f"{url.path}?{url.query}", **sent, headers=headers)


def test_the_examples_of_the_docs_answer_as_they_say():
    factories.ApiTokenFactory(text=TOKEN)
    shown = blocks("sh")
    assert len(shown) >= 6
    for block in shown:
        status, _line, command = block.partition("\n")
        answer = run(command)
        assert answer.status_code == int(status.removeprefix("# ")), (command, answer.content)


def test_the_signature_is_checked_as_the_docs_say(settings):
    settings.ALLOW_LOOPBACK = True
    with serving() as server:
        webhook = factories.WebhookFactory(url=server.url)
        factories.WebhookEventFactory(webhook=webhook)
        sending.send(webhook.pk)
    ((_path, headers, body),) = server.heard
    names = {"secret": sending.signing.in_force(webhook)[0], "body": body, "headers": headers}
    (example,) = blocks("python")
    exec(example, names)
    assert names["event"]["data"] == {"id": 17, "name": "Ann Mercer"}
    names["body"] = body.replace(b"Ann", b"Eve")
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        exec(example, names)


def test_the_docs_name_every_scope_with_the_roles_it_is_for():
    rows = dict(re.findall(r"^\| `(\w+:\w+)` \|.*\| ([^|]+) \|$", TEXT, re.MULTILINE))
    assert set(rows) == set(Scope.values)
    every = {"agent", "lead", "executive", "sales", "support", "admin"}
    for _name, op in operations():
        guard = token_of(op)
        said = rows[guard.scope.value]
        roles = every - {"support"} if said == "all but support" else set(said.split(", "))
        assert guard.roles == roles, op.path


def test_the_docs_name_every_problem():
    named = set(re.findall(r"`([\w-]+)`", TEXT))
    assert {code for code in problems.KINDS if code not in ("no-such-method", "broken")} <= named


def keep_low_numbers_free(*models):
    """Else a database with few rows in it gives one of them the number that is given by hand."""
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"ALTER TABLE {model._meta.db_table} ALTER COLUMN id RESTART WITH 1000")


def test_every_example_of_the_reference_is_taken():
    """With the records they speak of: the ids the document gives as examples."""
    keep_low_numbers_free(Customer, IdentityLink, Account, Order, Product, Case, Message)
    factories.ApiTokenFactory(text=TOKEN)
    ann = factories.CustomerFactory(pk=17)
    factories.IdentityFactory(kind="external", place="shop", value="C-1001", customer=ann)
    factories.IdentityLinkFactory(pk=4, customer=ann)
    for make in (factories.AccountFactory, factories.OrderFactory, factories.ProductFactory, factories.CaseFactory):
        make(pk=17)
    factories.MessageFactory(pk=17)
    factories.WaveFactory(pk=17)
    for group in reference(api_docs.document("en")).groups.values():
        for endpoint in group:
            answer = run(endpoint.example)
            assert answer.status_code < 300, (endpoint.example, answer.content)


def test_the_reference_shows_every_endpoint_record_and_event(as_user, lead):
    page = as_user(lead).get(reverse("api_docs")).content.decode()
    for _name, op in operations():
        assert f'id="{op.url_name}"' in page
        assert token_of(op).scope.value in page
    for topic in topics.TOPICS:
        assert f"<code>{topic}</code>" in page
    assert 'id="CustomerOut"' in page
    assert "<script>" not in page
    assert " style=" not in page


@pytest.mark.parametrize("role", ["lead", "admin"])
def test_who_may_not_make_tokens_is_told_who_may(client, role):
    client.force_login(factories.UserFactory(role=role))
    page = client.get(reverse("api_docs")).content.decode()
    assert ("An administrator makes tokens." in page) is (role == "lead")
    assert (reverse("crm:api_tokens") in page) is (role == "admin")
