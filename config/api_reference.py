"""The reference page's rows, read off the OpenAPI document: nothing on the page can differ from what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.utils.translation import gettext as _

from crm.models import Scope
from crm.models.staff import Role

Node = Mapping[str, Any]
SHOWN = 8  # of many words a value may be


@dataclass(frozen=True)
class Field:
    """`kind` in words; `page` names the record it is, where it is one."""

    name: str
    kind: str
    says: str
    needed: bool = False
    page: str = ""
    where: str = ""


@dataclass(frozen=True)
class Variant:
    """One of the forms a body may have."""

    title: str
    says: str
    fields: list[Field]


@dataclass(frozen=True)
class Answer:
    status: int
    says: str
    page: str = ""


@dataclass(frozen=True)
class Endpoint:
    id: str
    method: str
    path: str
    title: str
    says: str
    scope: Scope
    roles: list[str]
    parameters: list[Field]
    body: list[Variant]
    answers: list[Answer]
    example: str


@dataclass(frozen=True)
class Reference:
    """`groups`: endpoints by what they concern; `records`: what answers are made of."""

    groups: dict[str, list[Endpoint]]
    records: list[Variant]


def reference(document: Node) -> Reference:
    groups: dict[str, list[Endpoint]] = {}
    for path, methods in document["paths"].items():
        for method, details in methods.items():
            groups.setdefault(details["tags"][0], []).append(_endpoint(document, method.upper(), path, details))
    schemas = document["components"]["schemas"]
    records = [_variant(document, name, node) for name, node in schemas.items() if _is_answer(name)]
    return Reference(groups, records)


def _is_answer(name: str) -> bool:
    return name.endswith(("Out", "Messages", "Problem", "Wrong"))


def _endpoint(document: Node, method: str, path: str, details: Node) -> Endpoint:
    ((scope,),) = [need["token"] for need in details["security"]]
    sent = details.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return Endpoint(
        id=details["operationId"], method=method, path=path, title=details["summary"],
        says=" ".join(details.get("description", "").split()), scope=Scope(scope),
        roles=[str(Role(role).label) for role in details["x-roles"]],
        parameters=[_parameter(each) for each in details["parameters"]],
        body=[_variant(document, *_resolved(document, node)) for node in _variants(sent)],
        answers=[_answer(int(status), answer) for status, answer in details["responses"].items()],
        example=_example(document, method, path, sent),
    )  # fmt: skip


def _parameter(each: Node) -> Field:
    return Field(each["name"], _kind(each["schema"]), each.get("description", ""), each["required"], where=each["in"])


def _answer(status: int, answer: Node) -> Answer:
    says = answer["description"] if status >= 400 else str(HTTPStatus(status).phrase)
    content: Node = next(iter(answer["content"].values()))
    return Answer(status, says, _name(content["schema"]))


# --- schemas


def _name(node: Node) -> str:
    return str(node.get("$ref", "")).rpartition("/")[2]


def _resolved(document: Node, node: Node) -> tuple[str, Node]:
    name = _name(node)
    return (name, document["components"]["schemas"][name]) if name else (str(node.get("title", "")), node)


def _variants(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return list(node.get("oneOf") or [node])


def _variant(document: Node, name: str, node: Node) -> Variant:
    needed = set(node.get("required", []))
    fields = [_field(key, each, key in needed) for key, each in node.get("properties", {}).items()]
    return Variant(name, " ".join(str(node.get("description", "")).split()), fields)


def _field(name: str, node: Node, needed: bool) -> Field:
    of = node.get("items", node)
    page = _name(of) or next((_name(each) for each in of.get("allOf", ())), "")
    return Field(name, _kind(node), _says(node), needed, page)


def _says(node: Node) -> str:
    return str(
        node.get("description") or next((each["description"] for each in _kinds(node) if "description" in each), "")
    )


def _kinds(node: Node) -> list[Node]:
    return list(node.get("anyOf", [node]))


def _kind(node: Node) -> str:
    return " · ".join(filter(None, [" | ".join(_words(each) for each in _kinds(node)), *_limits(node)]))


def _words(node: Node) -> str:
    if "enum" in node:
        shown = ", ".join(map(str, node["enum"][:SHOWN]))
        return f"{shown} …" if len(node["enum"]) > SHOWN else shown
    if "const" in node:
        return str(node["const"])
    if node.get("type") == "array":
        return _("list of %(kind)s") % {"kind": _words(node["items"])}
    return _name(node) or str(node.get("format") or node.get("type") or _("record"))


def _limits(node: Node) -> Iterator[str]:
    for each in _kinds(node):
        if each.get("maxLength"):
            yield _("up to %(n)s characters") % {"n": each["maxLength"]}
        if each.get("maximum") and each["maximum"] < 10**6:
            yield _("up to %(n)s") % {"n": each["maximum"]}


# --- examples


def _example(document: Node, method: str, path: str, sent: Node | None) -> str:
    url = document["servers"][0]["url"] + path.replace("{pk}", "17").replace("{link}", "4")
    lines = [f"curl {url}", '-H "Authorization: Bearer $HARK_TOKEN"']
    if sent is not None:
        lines[0] = f"curl -X {method} {url}"
        lines.append('-H "Content-Type: application/json"')
        lines.append(f"-d '{json.dumps(_sample(document, sent), ensure_ascii=False)}'")
    return " \\\n  ".join(lines)


def _sample(document: Node, sent: Node) -> dict[str, Any]:
    """What is needed, and the first things that may be said besides."""
    _title, node = _resolved(document, _variants(sent)[0])
    needed = node.get("required", [])
    named = {name: _value(each) for name, each in node["properties"].items()}
    spoken = {name: value for name, value in named.items() if value is not None or name in needed}
    return {
        name: spoken[name] for name in [*needed, *(name for name in spoken if name not in needed)][: len(needed) + 3]
    }


def _value(node: Node) -> Any:
    """An example where there is one, else one of the words it may be."""
    for each in [node, *_kinds(node)]:
        if each.get("examples"):
            return each["examples"][0]
        if "enum" in each:
            return each["enum"][0]
        if "const" in each:
            return each["const"]
    return None
