"""A column's value as JSON and back, exactly: dates and times to the microsecond, in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import models


def written(field: Any, value: Any) -> Any:
    """The value as JSON keeps it. Times sort as they are written."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value if isinstance(field, models.JSONField) or isinstance(value, str | int | float | None) else str(value)


def read(field: Any, kept: Any) -> Any:
    return None if kept is None else kept if isinstance(field, models.JSONField) else field.to_python(kept)


def whole(row: models.Model) -> dict[str, Any]:
    """All columns of a row but those the database works out."""
    columns = (f for f in row._meta.concrete_fields if not f.generated)
    return {f.attname: written(f, getattr(row, f.attname)) for f in columns}
