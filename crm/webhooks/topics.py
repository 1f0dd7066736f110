"""What other systems can be told of: the name of each event, in words, and what it says about a record.

An app names its own when it starts. A builder takes all records of one deed at once, so that it may ask in batches.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.functional import Promise
from ninja.responses import NinjaJSONEncoder
from pydantic import BaseModel

Built = tuple[int | None, BaseModel]  # pk of the customer it is about, what it says
Builder = Callable[[Sequence[Any]], Iterable[Built]]

PING = "ping"


@dataclass(frozen=True)
class Topic:
    """`records` is the kind of record it is told with."""

    event: str
    says: str | Promise
    records: type[Model]
    build: Builder


TOPICS: dict[str, Topic] = {}


def register(topic: Topic) -> None:
    TOPICS[topic.event] = topic


def choices() -> list[tuple[str, str | Promise]]:
    return [(topic.event, topic.says) for topic in TOPICS.values()]


def said(event: str, records: Sequence[Model]) -> list[tuple[int | None, dict[str, Any]]]:
    """For each record whom it is about and its data as JSON, written as the API writes it."""
    return [(about, as_json(what)) for about, what in TOPICS[event].build(records)]


def as_json(what: BaseModel) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(what.model_dump(), cls=NinjaJSONEncoder))
    return written
