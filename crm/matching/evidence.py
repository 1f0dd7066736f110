"""The points of evidence between two records, each a sentence and a weight in log-odds.

A weight is ln(P(seen | one person) / P(seen | two people)), after Fellegi and Sunter, 1969.
How common a thing is comes from the records themselves; how people slip and change comes from the constants here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import log

from django.utils.translation import get_language_info

from crm.matching import links
from crm.matching.commonness import World
from crm.matching.handles import WITH_INITIALS, Told, reading
from crm.matching.names import short_forms, slips
from crm.matching.records import Alias, Point, Record, Words

# so much on top of the odds against any one of n customers: what belongs to one person does so among a million as well
SAME_ADDRESS = 3.0  # twenty to one; the rest are households, switchboards and typing mistakes
DECLARED = 2.0  # seven to one that the page a profile leads to is its owner's own
DECLARED_BOTH_WAYS = 5.0  # others are not linked back
SAME_LINK = 0.5
SAME_HANDLE_MOST = 2.0  # however odd the handle, somebody else may have taken it to be taken for its owner

SLIP_IN_ADDRESS = -2.0
OTHER_ADDRESS = -1.5  # people have two; records that share none are less often one person's
SAME_BIRTHDAY = 8.5  # one in 30,000 days of eighty years, less than ten in a hundred for a wrong date
PART_OF_BIRTHDAY = 4.5  # day, month or year typed wrong
OTHER_BIRTHDAY = -4.5  # a date that is wrong in more than one part: one in a hundred
OTHER_NAME = -3.0  # people marry and choose names; one in twenty
NAME_SLIP = -2.0  # one name in eight is written wrong somewhere, and among many names some lie a letter apart
SHORT_FORM = -1.0
SWAPPED = -1.5  # given and family name in each other's field: one record in five of a careless register
OTHER_CITY = -1.0  # people move
# names, cities and languages come together, so what each says beyond the others is bounded, however rare it is
SECOND_NAME_MOST = 5.0
SAME_CITY_LEAST, SAME_CITY_MOST = 0.3, 3.0
SAME_LANGUAGE, SAME_LANGUAGE_MOST, OTHER_LANGUAGE = 0.25, 0.5, -0.7  # per unit of how rare; people write in two
SAME_HANDLE = -1.5  # one in five has the same handle in two places
OWN_SITE = 2.0  # who puts a name on their site uses it elsewhere too (8 in 10), a namesake hardly does (1 in 10)


def points(one: Record, other: Record, world: World) -> list[Point]:
    """All that speaks for or against `one` and `other` being the same person."""
    found = [
        *_addresses(one, other, world), *_born(one, other), *_city(one, other, world), *_language(one, other, world),
        *_declared(one, other, world), *_called(one, other, world),
    ]  # fmt: skip
    return [point for point in found if abs(point.weight) >= 0.05]


# --- names


def _called(one: Record, other: Record, world: World) -> list[Point]:
    """What they are called: names against names, each one's handles against the other's name, handle against handle.

    These tell one thing in several ways, so only the strongest counts; but each may speak against.
    """
    by_name = list(_names(one, other, world))
    by_handle = max(_handles(one, other, world), key=_sum, default=[])
    best = max(by_name, by_handle, list(_same_handle(one, other, world)), key=_sum)
    against = [point for point in (*by_name, *by_handle) if point.weight < 0]
    return [*(point for point in best if point.weight > 0), *against] if _sum(best) > 0 else by_name or by_handle


def _sum(found: list[Point]) -> float:
    return sum(point.weight for point in found)


def _names(one: Record, other: Record, world: World) -> Iterator[Point]:
    if not one.has_name or not other.has_name:
        return
    straight = _both(_field(one.given, other.given, world), _field(one.family, other.family, world))
    crossed = _both(_field(one.given, other.family, world), _field(one.family, other.given, world))
    if _sum(crossed) + SWAPPED > max(_sum(straight), 0):
        yield from crossed
        yield Point("swapped", "Given and family name stand in each other's place", SWAPPED)
    else:
        yield from straight


def _both(first: Point | None, last: Point | None) -> list[Point]:
    """The points of two parts of a name. Of two that speak for it, the weaker is bounded."""
    found = sorted((point for point in (first, last) if point), key=lambda point: -point.weight)
    return [*found[:1], *(replace(point, weight=min(point.weight, SECOND_NAME_MOST)) for point in found[1:])]


def _field(one: Words, other: Words, world: World) -> Point | None:
    """The same part of two names. Nothing where one of them does not have it."""
    if not one or not other:
        return None
    left, right = "".join(one), "".join(other)
    shown = f"{' '.join(one)} / {' '.join(other)}".title()
    if left == right:
        return Point("name", f"Same name: {' '.join(one).title()}", _rare(left, one, world))
    if (apart := slips(left, right)) is not None:
        weight = min(_rare(left, one, world), _rare(right, other, world)) + NAME_SLIP * apart
        return Point("spelling", f"Name differs by {_letters(apart)}: {shown}", weight)
    if short := _short(one, other):
        return Point("short", f"One name is short for the other: {shown}", -log(world.name_share(short)) + SHORT_FORM)
    if shared := set(one) & set(other):
        return Point("part", f"Part of the name is the same: {shown}", _rare("", tuple(shared), world) + SHORT_FORM)
    return Point("other_name", f"Different names: {shown}", OTHER_NAME)


def _rare(joined: str, parts: Words, world: World) -> float:
    seen = world.names.get(joined, 0) or min(world.names.get(part, 0) for part in parts)
    return -log(world.share(max(seen, 1)))


def _short(one: Words, other: Words) -> str:
    return next((left for left in one[:1] for right in other[:1] if right in short_forms(left)), "")


def _letters(count: int) -> str:
    return {1: "one letter", 2: "two letters"}.get(count, "three letters")


def _handles(one: Record, other: Record, world: World) -> Iterator[list[Point]]:
    for bearer, named in ((one, other), (other, one)):
        if named.has_name:
            for alias in bearer.aliases:
                if not alias.says_nothing and (told := reading(alias, world).told_of(named)):
                    yield list(handle_points(told, named, world))


def handle_points(told: Told, named: Record, world: World) -> Iterator[Point]:
    """What a handle tells, in sentences. The weights sum to the whole."""
    what = f"The {'handle' if told.alias.is_handle else 'display name'} {told.alias.label}"
    given = sum(piece.gain for piece in told.pieces)
    for kinds, sentence in (
        (
            ("family", "part", "given", "also", "second", "short", "initials", "initial after"),
            _named(what, told, world),
        ),
        (("place",), "“{text}” in it is where they are"),
        (("another name",), "“{text}” in it is another name"),
        (("another place",), "“{text}” in it is another place"),
        (("unexplained", "number"), "“{text}” in it is not explained by their name"),
    ):
        if pieces := told.of(*kinds):
            text = " ".join(piece.text for piece in pieces)
            yield Point(kinds[0], sentence.format(text=text), sum(piece.gain for piece in pieces))
    yield Point("reads_otherwise", f"{what} reads as somebody else's as well", told.weight - given)
    if site := next((page for page in sorted(named.pages) if links.own_label(page) == told.core), ""):
        yield Point("own_site", f"Their website carries the same name: {site}", OWN_SITE)


def _named(what: str, told: Told, world: World) -> str:
    kinds = {piece.kind for piece in told.pieces}
    if kinds & WITH_INITIALS:
        return f"{what} holds their name with initials: {{text}}"
    first, last = kinds & {"given", "also", "short", "second"}, kinds & {"family", "part"}
    holds = "first and last name" if first and last else "last name" if last else "first name"
    if len(words := told.of("family", "part", "given", "also", "second")) == 1 and not (first and last):
        bearers = world.bearers(words[0].text)
        rare = "which no other customer has" if bearers < 2 else f"which {bearers:,} customers have"
        return f"{what} holds their {holds}: {{text}}, {rare}"
    return f"{what} holds their {holds}: {{text}}"


def _same_handle(one: Record, other: Record, world: World) -> Iterator[Point]:
    """The same handle, or the same display name of two words or more, in two places. The strongest one."""
    pairs = [(mine, theirs) for mine in one.aliases for theirs in other.aliases if _alike(mine, theirs)]
    if pairs:
        mine, theirs = min(pairs, key=lambda pair: reading(pair[0], world).anybody)
        weight = min(world.odds_against + SAME_HANDLE_MOST, SAME_HANDLE - reading(mine, world).anybody)
        where = f" on {theirs.place.title()}" if theirs.place else ""
        yield Point(
            "same_handle", f"Same {'handle' if mine.is_handle else 'display name'}{where}: {mine.label}", weight
        )


def _alike(mine: Alias, theirs: Alias) -> bool:
    return mine.is_handle == theirs.is_handle and not mine.says_nothing and mine.key == theirs.key


# --- addresses, dates, places


def _addresses(one: Record, other: Record, world: World) -> Iterator[Point]:
    for kind, mine, theirs in (("email", one.emails, other.emails), ("phone", one.phones, other.phones)):
        what = {"email": "e-mail address", "phone": "phone number"}[kind]
        if not mine or not theirs:
            continue
        if shared := mine & theirs:
            yield Point(f"same_{kind}", f"Same {what}: {min(shared)}", world.odds_against + SAME_ADDRESS)
        elif kind == "email" and (near := _nearest(mine, theirs)):
            apart, left, right = near
            says = f"E-mail address differs by {_letters(apart)}: {left} / {right}"
            yield Point("near_email", says, world.odds_against + SAME_ADDRESS + SLIP_IN_ADDRESS * apart)
        else:
            yield Point(
                f"other_{kind}", f"Different {what}es" if kind == "email" else f"Different {what}s", OTHER_ADDRESS
            )


def _nearest(mine: frozenset[str], theirs: frozenset[str]) -> tuple[int, str, str] | None:
    pairs = ((slips(left, right), left, right) for left in sorted(mine) for right in sorted(theirs))
    return min(((apart, left, right) for apart, left, right in pairs if apart), default=None)


def _born(one: Record, other: Record) -> Iterator[Point]:
    if not one.born_on or not other.born_on:
        return
    mine, theirs = one.born_on, other.born_on
    same = (mine.year == theirs.year) + (mine.month == theirs.month) + (mine.day == theirs.day)
    shown = f"{mine.isoformat()} / {theirs.isoformat()}"
    if same == 3:
        yield Point("born", f"Same date of birth: {mine.isoformat()}", SAME_BIRTHDAY)
    elif same == 2:
        yield Point("near_born", f"Dates of birth differ in one part: {shown}", PART_OF_BIRTHDAY)
    elif slips(mine.isoformat(), theirs.isoformat()):
        yield Point("near_born", f"Dates of birth differ by a slip: {shown}", 0.0)
    else:
        yield Point("other_born", f"Different dates of birth: {shown}", OTHER_BIRTHDAY)


def _city(one: Record, other: Record, world: World) -> Iterator[Point]:
    mine, theirs = ([place for place in (record.city, *record.places) if place] for record in (one, other))
    if not mine or not theirs:
        return
    if shared := next((place for place in mine if place in theirs), ""):
        yield Point("city", f"Same city: {shared.title()}", _city_weight(-log(world.city_share(shared))))
    elif (apart := slips(mine[0], theirs[0])) is not None:
        weight = -log(max(world.city_share(mine[0]), world.city_share(theirs[0]))) + NAME_SLIP * apart
        says = f"City differs by {_letters(apart)}: {mine[0].title()} / {theirs[0].title()}"
        yield Point("city", says, _city_weight(weight))
    else:
        yield Point("other_city", f"Different cities: {mine[0].title()} / {theirs[0].title()}", OTHER_CITY)


def _city_weight(weight: float) -> float:
    return min(max(weight, SAME_CITY_LEAST), SAME_CITY_MOST)


def _language(one: Record, other: Record, world: World) -> Iterator[Point]:
    if not one.language or not other.language:
        return
    if one.language == other.language:
        rare = -log(world.share(world.languages.get(one.language, 0)))
        yield Point("language", f"Both write in {_tongue(one.language)}", min(SAME_LANGUAGE * rare, SAME_LANGUAGE_MOST))
    else:
        yield Point(
            "other_language", f"One writes in {_tongue(one.language)}, one in {_tongue(other.language)}", OTHER_LANGUAGE
        )


def _tongue(code: str) -> str:
    try:
        return str(get_language_info(code)["name"])
    except KeyError:
        return f"“{code}”"


def _declared(one: Record, other: Record, world: World) -> Iterator[Point]:
    ways = [sorted(bearer.links & named.pages) for bearer, named in ((one, other), (other, one))]
    if all(ways):
        says = f"Each profile links to the other: {ways[0][0]}, {ways[1][0]}"
        yield Point("declared_both_ways", says, world.odds_against + DECLARED_BOTH_WAYS)
    elif found := next((way for way in ways if way), None):
        yield Point("declared", f"The profile links to their page {found[0]}", world.odds_against + DECLARED)
    elif shared := sorted(one.links & other.links):
        yield Point("same_link", f"Both profiles link to {shared[0]}", world.odds_against + SAME_LINK)
