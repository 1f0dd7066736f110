"""What X publishes of its API (contracts/x_requests.json, an extract): every request of ours is held against it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs

CONTRACT = json.loads((Path(__file__).parent / "contracts" / "x_requests.json").read_text())
TOKEN = CONTRACT["oauth2"]["tokenUrl"]
SERVER = "https://api.x.com"


def must_be_as_published(request: httpx.Request) -> dict[str, Any]:
    """The operation it is. Raises AssertionError where X publishes none such, or it takes something else."""
    address = str(request.url.copy_with(query=None))
    assert address.startswith(f"{SERVER}/2/"), address
    operation, in_path = _operation(request.method.lower(), address.removeprefix(SERVER))
    taken = {one["name"]: one for one in map(_resolved, operation["parameters"])}
    asked = in_path | dict(request.url.params)
    assert len(asked) == len(in_path) + len(request.url.params.multi_items()), "a parameter twice"
    assert asked.keys() <= taken.keys(), f"X takes no {asked.keys() - taken.keys()}"
    assert {name for name, one in taken.items() if one["required"]} <= asked.keys()
    for name, text in asked.items():
        _must_fit(_typed(text, taken[name]["schema"]), taken[name]["schema"])
    _must_have_the_body(request, operation.get("requestBody"))
    return operation


def _operation(method: str, path: str) -> tuple[dict[str, Any], dict[str, str]]:
    # a name before a place for any name: /2/users/me is no user
    for template in sorted(CONTRACT["paths"], key=lambda one: one.count("{")):
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
        if (found := re.fullmatch(pattern, path)) and method in CONTRACT["paths"][template]:
            return CONTRACT["paths"][template][method], found.groupdict()
    raise AssertionError(f"X publishes no {method} {path}")


def _resolved(parameter: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    return CONTRACT["components"]["parameters"][name] if name else parameter


def _typed(text: str, schema: dict[str, Any]) -> Any:
    match schema.get("type"):
        case "integer":
            return int(text)
        case "boolean":
            return {"true": True, "false": False}[text]
        case "array":
            return text.split(",")
    return text


def _must_have_the_body(request: httpx.Request, schema: dict[str, Any] | None) -> None:
    if schema is None:
        assert request.content == b"", "X takes no body"
    else:
        assert request.headers["content-type"] == "application/json"
        _must_fit(json.loads(request.content), schema)


def _must_fit(value: Any, schema: dict[str, Any]) -> None:
    whole = {"components": CONTRACT["components"], "allOf": [schema]}
    try:
        jsonschema_rs.Draft202012Validator(whole).validate(value)
    except jsonschema_rs.ValidationError as error:
        raise AssertionError(f"X does not take this: {error.message}") from error


class X:
    """Answers as `answers` says: "GET /2/users/me" → bodies in turn, the last for ever. Holds each request against
    what X publishes. `.asked` is what came.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {}
        self.asked: list[httpx.Request] = []

    def says(self, what: str, *answers: Any) -> X:
        self.answers[what] = list(answers)
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        if str(request.url) != TOKEN:
            must_be_as_published(request)
        queue = self.answers[f"{request.method} {request.url.path}"]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    @property
    def last(self) -> httpx.Request:
        return self.asked[-1]

    @property
    def body(self) -> Any:
        return json.loads(self.last.content)
