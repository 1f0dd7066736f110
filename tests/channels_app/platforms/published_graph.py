"""Holds what we ask of the Graph API against what Meta publishes of it: nodes, edges, parameters, types and choices.

Pages and Instagram have no OpenAPI. contracts/graph.json is taken from the definitions from which Meta makes its own
library. It proves the shape of a request, never a round trip; WhatsApp has a schema of its own (test_whatsapp.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx

PUBLISHED: dict[str, Any] = json.loads((Path(__file__).parent / "contracts" / "graph.json").read_text())
CLASSES = {name: known for name, known in PUBLISHED.items() if name != "about"}
EVERYWHERE = {"fields": "string", "limit": "unsigned int", "after": "string"}  # of every edge of the Graph API
# Said in Meta's documentation, and not in those definitions, or there in capital letters alone
DOCUMENTED = {"human_agent", "mark_seen"}
FIELDS_BESIDES = {
    "id",
    "username",
    "follower_count",
    "name",
    "messages",
    "media",
    "replies",
    "comments",
    "image",
    "src",
}
NAME = re.compile(r"[a-z_]+")


def faults_of(request: httpx.Request) -> list[str]:
    """What Meta's own definitions have against a request; nothing where some kind of node takes it."""
    path = request.url.raw_path.decode().partition("?")[0].removeprefix("/v23.0").strip("/")
    if path.startswith("oauth/"):
        return []
    node, _, edge = path.partition("/")
    call = f"{request.method} {edge}".strip()
    able = {name: known["calls"][call] for name, known in CLASSES.items() if call in known["calls"]}
    if not able:
        return [f"no node has {call}"]
    asked = _asked(request)
    found = {name: [*_params(asked, known), *_fields(asked.get("fields", ""))] for name, known in able.items()}
    best = min(found, key=lambda name: len(found[name]))
    return [f"{best} {node}: {fault}" for fault in found[best]]


def _asked(request: httpx.Request) -> dict[str, Any]:
    asked: dict[str, Any] = dict(request.url.params)
    if "json" in request.headers.get("content-type", ""):
        return asked | json.loads(request.content)
    return asked | {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def _params(asked: Mapping[str, Any], call: Mapping[str, Any]) -> Iterator[str]:
    known = {**EVERYWHERE, **call["params"]}
    for name, value in asked.items():
        if name not in known:
            yield f"it has no parameter {name}"
        elif not _fits(value, known[name], call.get("choices", {})):
            yield f"{name} is no {known[name]}: {value!r}"


def _fits(value: Any, kind: str, choices: Mapping[str, list[str]]) -> bool:
    if kind.startswith("list<"):
        return all(_fits(one, kind[5:-1], choices) for one in str(value).split(","))
    if kind in choices:
        return str(value).lower() in {choice.lower() for choice in choices[kind]} | DOCUMENTED
    if kind == "bool":
        return value in ("true", "false", True, False)
    if kind == "unsigned int":
        return str(value).isdecimal()
    return kind == "Object" or kind.endswith("_enum") or isinstance(value, str)


def _fields(asked: str) -> Iterator[str]:
    """Every name in "id,from,comments.limit(5){id,message}", whoever's it is."""
    known = {field for node in CLASSES.values() for field in node["fields"]} | FIELDS_BESIDES
    bare = re.sub(r"\.\w+\([^)]*\)", "", asked)
    yield from (f"nobody has a field {name}" for name in NAME.findall(bare) if name not in known)
