"""Records on their way in: by the same rules and in the same words as from a file (crm.importing.records)."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from django.utils.translation import gettext as _
from ninja import Status
from pydantic import BaseModel, Field

from crm.api.auth import Caller
from crm.api.kinds import In, Out
from crm.api.problems import Problem
from crm.api.schemas import LinkOut
from crm.importing import records
from crm.importing.people import HARK

T = TypeVar("T", bound=BaseModel)

Outcome = Literal["made", "changed", "same"]


class SavedOut(Out, Generic[T]):
    """What came of a record."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__.removesuffix('Out')}Saved"

    outcome: Outcome
    record: T
    waiting: Annotated[
        list[LinkOut], Field(description="Identities somebody else we know has too: a person decides whose they are.")
    ]

    @classmethod
    def answer(cls, saved: records.Saved, record: T) -> Status[Any]:
        """201 with what was made, 200 with what was changed or was so already."""
        waiting = [LinkOut.of(link) for link in saved.parked]
        found = cls(outcome=saved.outcome.value, record=record, waiting=waiting)  # type: ignore[arg-type]
        return Status(201 if found.outcome == "made" else 200, found)


def system_of(request: Caller) -> str:
    """The other system whose ids this token uses."""
    if not request.auth.source:
        raise Problem(409, _("This token names no other system, so it has no ids of its own."), code="no-system")
    return request.auth.source


def save(what: str, request: Caller, record: dict[str, Any], *, ours: bool = False) -> records.Saved:
    """`ours`: the ids in the record are our own numbers, and nothing is made."""
    source = HARK if ours else system_of(request)
    return records.save(what, source=source, record=record, by=request.user, origin=f"API: {request.auth.name}")


def fields(body: In, *but: str) -> dict[str, Any]:
    """What the body names, as a record says it: what is null or empty there empties the field."""
    named = body.model_dump(exclude_unset=True, exclude=set(but))
    return {name: records.CLEAR if value is None or value == "" else value for name, value in named.items()}
