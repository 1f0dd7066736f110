"""All ways of finding, put together: the best hits first, each customer once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from crm.finding import identities, names, slips
from crm.finding.hits import Closeness, Hit
from crm.finding.reading import read
from crm.finding.windows import Search, TookTooLong, bounded
from crm.models import Customer
from crm.models.customers import CustomerQuerySet

Way = Callable[[Search], Iterable[Hit]]

MOST = 200  # shown: whoever wants to see more adds a word
MOST_TAKEN = 2_000  # of a list that is taken away
WAYS: list[Way] = [names.by_name, identities.by_key, identities.by_phone]
PARTS: list[Way] = [identities.by_part, names.by_former_name]
SLIPS: list[Way] = [slips.by_slip]  # where nobody is called or reached by what was typed
ADDED: list[Way] = []


@dataclass(frozen=True)
class Found:
    """`hits`, the closest first; `cut` says that there are more; `gave_up` that it would have taken too long."""

    hits: Sequence[Hit] = ()
    cut: bool = False
    gave_up: bool = False


def add_way(way: Way) -> None:
    """For an app that knows more of customers: called from its AppConfig.ready()."""
    ADDED.append(way)


def closest(customers: CustomerQuerySet, text: str, *, most: int = MOST, narrowed: bool | None = None) -> Found:
    """Whom of `customers` the text means, at most `most` of them. Records that were merged or erased are never among
    them; the name of one that was merged leads to its survivor.

    `narrowed` says that a filter stands before the customers. At most some twenty queries, each answered by an index.
    """
    if customers.query.is_empty():
        return Found()
    try:
        with bounded():
            if narrowed is None:
                narrowed = bool(customers.query.where)
            search = Search(read(text), customers.standing(), narrowed, most)
            return _ranked(_gathered(search), most)
    except TookTooLong:
        return Found(gave_up=True)


def _gathered(search: Search) -> dict[int, Hit]:
    """The best hit of each customer. What is less close is only asked for while there is room for it."""
    best: dict[int, Hit] = {}
    for ways in (WAYS, PARTS, SLIPS, ADDED):
        if ways is not SLIPS or all(hit.closeness < Closeness.BEGINS for hit in best.values()):
            _take(best, ways, search)
        if len(best) >= search.most:
            break
    return best


def _take(best: dict[int, Hit], ways: Iterable[Way], search: Search) -> None:
    for way in ways:
        for hit in way(search):
            if hit.customer not in best or best[hit.customer].closeness < hit.closeness:
                best[hit.customer] = hit


def _ranked(best: dict[int, Hit], most: int) -> Found:
    hits = sorted(best.values(), key=lambda hit: (-hit.closeness, -hit.customer))
    return Found(hits[:most], len(hits) >= most)


def on_page(found: Found, after: str, size: int) -> tuple[list[Hit], str]:
    """The `size` hits after the place `after`, and the place to go on from, "" at the end."""
    closeness, _, pk = after.partition("~")
    hits = list(found.hits)
    if closeness.isdecimal() and pk.isdecimal():
        place = (-int(closeness), -int(pk))
        hits = [hit for hit in hits if (-hit.closeness, -hit.customer) > place]
    rest = hits[size:]
    return hits[:size], f"{hits[size - 1].closeness}~{hits[size - 1].customer}" if rest else ""


def rows(hits: Sequence[Hit]) -> list[Customer]:
    """The customers of the hits, in their order, each with `why` it was found and with its handles."""
    found = Customer.objects.with_handles().in_bulk([hit.customer for hit in hits])
    standing = [hit for hit in hits if hit.customer in found]
    for hit in standing:
        found[hit.customer].why = hit.why  # type: ignore[attr-defined]
    return [found[hit.customer] for hit in standing]
