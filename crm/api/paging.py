"""Lists: filters that are known, and pages cut by the last number seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from pydantic import BaseModel, Field, ValidationInfo, model_validator

from crm.api.kinds import LARGEST

M = TypeVar("M", bound=Model)
T = TypeVar("T", bound=BaseModel)

MOST = 200


class Asked(BaseModel):
    """What may be asked for. A parameter nobody knows is refused: a mistyped filter would find everything."""

    @model_validator(mode="before")
    @classmethod
    def only_known(cls, data: Any, info: ValidationInfo) -> Any:
        asked = info.context["request"].GET if info.context else {}
        if unknown := sorted(set(asked) - set(cls.model_fields)):
            raise ValueError(f"There is no parameter {', '.join(unknown)}")
        return data


class Filter(Asked):
    """What a list may be asked for."""

    after: Annotated[int, Field(ge=0, le=LARGEST, description="Go on after this id: “next” of the page before.")] = 0
    limit: Annotated[int, Field(ge=1, le=MOST, description="Rows on a page.")] = 50


class Page(BaseModel, Generic[T]):
    """A page of a list, by ascending id."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__.removesuffix('Out')}Page"

    items: list[T]
    next: int | None = Field(description="Ask again with “after” set to this; empty on the last page.")


def page(rows: QuerySet[M], asked: Filter, shown: Callable[[M], T], kind: type[Page[T]]) -> Page[T]:
    """Cut one page. The rows are found on the primary key or on the index of a filter, never by skipping."""
    found = list(rows.filter(pk__gt=asked.after).order_by("pk")[: asked.limit + 1])
    following = found[asked.limit - 1].pk if len(found) > asked.limit else None
    return kind(items=[shown(row) for row in found[: asked.limit]], next=following)
