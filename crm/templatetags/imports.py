"""What a row of a file would become, in words."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.formats import date_format

from crm.importing.fields import CLEAR, FIELDS
from crm.importing.rules import Address

register = template.Library()

SHOWN = 40  # characters


@register.filter
def told(values: dict[str, Any], what: str) -> list[tuple[str, str]]:
    """(label, value) of what a record gives, in the order of the fields."""
    found = [(str(each.label), _said(values[each.name])) for each in FIELDS[what] if each.name in values]
    if what == "customers":
        found += [(_kind(address), address.handle) for address in values.get("addresses", ())]
    return found


def _kind(address: Address) -> str:
    labels = {each.name: str(each.label) for each in FIELDS["customers"]}
    return f"@ {address.place}" if address.kind == "handle" else labels[address.kind]


def _said(value: Any) -> str:
    if value in (None, ""):
        return CLEAR
    if hasattr(value, "hour"):
        return date_format(value, "j M Y, H:i")
    return date_format(value, "j M Y") if hasattr(value, "year") else str(getattr(value, "label", value))


@register.filter
def some_of(cells: list[str]) -> list[str]:
    """A column's first values, the empty ones aside, each cut to a length one takes in."""
    return [cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}…" for cell in cells if cell.strip()][:3]
