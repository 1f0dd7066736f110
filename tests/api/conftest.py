"""Another system before the API: a client that signs in with a token."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests import factories


class Caller:
    """`caller.get("/customers", limit=2)` and the like, at /api/v1, with this token. `.json` of the answer is read."""

    def __init__(self, token, text):
        self.token, self.headers = token, {"Authorization": f"Bearer {text}"}
        self.client = Client()

    def get(self, path: str, **query: Any):
        return self.client.get(f"/api/v1{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str):
        return self._send("post", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str):
        return self._send("patch", path, body, headers)

    def _send(self, method, path, body, headers):
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        ask = getattr(self.client, method)
        return ask(f"/api/v1{path}", data, content_type="application/json", headers=self.headers | named)


@pytest.fixture
def calling(db):
    """`calling("agent", Scope.CUSTOMERS_READ)` is a system whose token acts for a person in that role."""
    made = iter(range(10_000))

    def call(role: str = "admin", *scopes: str, user=None, **token: Any) -> Caller:
        text = f"hark_{next(made):07}-a-token-in-a-test"
        person = user or factories.UserFactory(role=role)
        wanted = {"scopes": list(scopes)} if scopes else {}
        return Caller(factories.ApiTokenFactory(user=person, text=text, **wanted, **token), text)

    return call


@pytest.fixture
def shop(calling):
    """The system of a shop, whose token may do everything."""
    return calling()
