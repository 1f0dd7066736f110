"""By what they go by: a handle, a part of an e-mail, a phone number in any way of writing, an id in another system."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from crm.finding.hits import Closeness, Hit
from crm.finding.reading import Asked, is_selective
from crm.finding.windows import Search
from crm.models import Identity, IdentityLink

TAIL = 8  # digits at the end that are the same however a number is dialled

KINDS = Identity.Kind


class Row(NamedTuple):
    customer: int
    identity: int
    kind: str
    place: str
    handle: str
    value: str


COLUMNS = ("customer", "identity", *(f"identity__{field}" for field in ("kind", "place", "handle", "value")))


def by_key(search: Search) -> Iterable[Hit]:
    """Exactly this handle, address or id, as it is written or as its network or system itself keeps it."""
    whole = search.asked.whole
    if not whole:
        return []
    exactly = Identity.objects.filter(Q(handle__iexact=whole) | Q(value=whole))
    rows = linked(search, exactly).order_by("-identity_id")[: search.most]
    return [Hit(row.customer, Closeness.KEY, says(row)) for row in map(Row._make, rows)]


def by_part(search: Search) -> Iterable[Hit]:
    """A part of a handle, address or id; its beginning where that is too short to be looked for anywhere in it."""
    asked = search.asked
    if not asked.parts or (asked.digits and len(asked.parts) > 1):  # a number in groups of digits is not text
        return []
    within = _within(asked.parts)
    rows = _links(search, within) if within else []
    if not within or len(rows) == search.most:
        rows += _links(search, Q(handle__istartswith=asked.whole))
    return [_hit(row, asked) for row in rows]


def _within(parts: Iterable[str]) -> Q | None:
    """Each part stands in it; None where no part is long enough to be looked for in the middle of a handle."""
    found = Q()
    for part in parts:
        found &= Q(handle__icontains=part)
    return found if any(map(is_selective, parts)) else None


def _links(search: Search, condition: Q) -> list[Row]:
    """The newest confirmed links to identities of this kind."""
    rows = search.newest(Identity.objects.filter(condition), lambda found: linked(search, found), "identity_id")
    return [Row(*row) for row in rows]


def linked(search: Search, identities: QuerySet[Identity]) -> QuerySet[IdentityLink, tuple[Any, ...]]:
    """For each customer the link to the newest of these identities: who has many must not push others out."""
    links = IdentityLink.objects.confirmed().filter(customer__in=search.customers.order_by().values("pk"))
    newest = links.filter(identity__in=identities).order_by("customer_id", "-identity_id").distinct("customer_id")
    return IdentityLink.objects.filter(pk__in=newest.values("pk")).values_list(*COLUMNS)


def _hit(row: Row, asked: Asked) -> Hit:
    return Hit(row.customer, _closeness(row, asked.whole.casefold()), says(row))


def _closeness(row: Row, whole: str) -> int:
    handle = row.handle.casefold()
    if whole in (handle, row.value.casefold()):
        return Closeness.KEY
    return Closeness.HANDLE if handle.startswith(whole) else Closeness.WITHIN


def says(row: Row) -> str:
    shown = row.handle or row.value
    if row.kind == KINDS.HANDLE:
        return _("Handle @{handle}").format(handle=shown)
    if row.kind == KINDS.EXTERNAL:
        return _("Id {number} in {system}").format(number=shown, system=row.place)
    return f"{KINDS(row.kind).label} {shown}"


def by_phone(search: Search) -> Iterable[Hit]:
    """The number as it is kept holds these digits; else it ends with the last of them."""
    ways = search.asked.digits
    for digits in (*ways, *(way[-TAIL:] for way in ways[:1] if len(way) > TAIL)):
        if rows := _links(search, Q(kind=KINDS.PHONE, value__contains=digits)):
            return [Hit(row.customer, _of_number(row.value, digits), says(row)) for row in rows]
    return []


def _of_number(value: str, digits: str) -> int:
    kept = value.lstrip("+")
    if kept == digits:
        return Closeness.KEY
    return (
        Closeness.WORDS if kept.endswith(digits) else Closeness.HANDLE if kept.startswith(digits) else Closeness.WITHIN
    )
