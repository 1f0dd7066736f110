"""Whom to hold a record against: the few customers who share something rare with it, found by indexes alone.

Nothing is looked up that many share: a common word is looked up only together with another (as "mariasmith"), a common
date of birth not at all. So a look-up costs the same among a thousand customers and among a million.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations, product

from django.db import connection, transaction

from crm.matching import links
from crm.matching.commonness import World, pieces
from crm.matching.names import short_forms, slips
from crm.matching.records import Record, Words
from crm.models.match_keys import match_keys_sql

COMMON = 50  # customers who share a word: beyond, the word alone leads to nobody
SHORTEST = 3
SHORTEST_IN_HANDLE = 5  # letters of a name to be looked for inside handles: "lee" stands in everything
MOST_PER_KEY = 100
MOST = 40  # candidates of a record: those with most in common
EXACT = 20  # what an address, a page or a whole handle in common counts for, in letters of names in common
ALIKE = 0.4  # trigram similarity of two spellings, before their letters are compared

Wanted = dict[str, set[int]]  # a key → the records that look for it
Spellings = Mapping[str, Words]  # a word → words of other customers' names that are written almost like it


@transaction.atomic
def candidates(records: Mapping[int, Record], world: World) -> dict[int, list[int]]:
    """For each record, by whatever number it has here, the pks of the customers to hold it against.

    Whether they still stand is asked where they are loaded: here it would lead PostgreSQL to another index.
    At most 8 queries, however many records.
    """
    with connection.cursor() as cursor:  # for this transaction; of names PostgreSQL knows neither how rare nor how dear
        cursor.execute("SELECT set_config('enable_seqscan', 'off', true)")
    spelled = _spellings(records.values())
    found: Counter[tuple[int, int]] = Counter()
    for keys_of, sql in WAYS:
        wanted: Wanted = defaultdict(set)
        for number, record in records.items():
            for key in keys_of(record, world, spelled):
                wanted[key].add(number)
        for key, pk in _asked(sql, wanted):
            for number in wanted[key]:
                found[number, pk] += len(key) if sql is BY_NAME else EXACT
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_seqscan', 'on', true)")
    return _best(found, records)


def _asked(sql: str, wanted: Wanted) -> set[tuple[str, int]]:
    if not wanted:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(sql, [sorted(wanted)])
        return set(cursor.fetchall())


def _best(found: Counter[tuple[int, int]], records: Mapping[int, Record]) -> dict[int, list[int]]:
    best: dict[int, list[int]] = {number: [] for number in records}
    for (number, pk), _letters in found.most_common():
        if pk != records[number].pk and len(best[number]) < MOST:
            best[number].append(pk)
    return best


# --- by name


BY_NAME = (
    "SELECT k.key, c.id FROM unnest(%s::text[]) AS k(key) CROSS JOIN LATERAL ("  # noqa: S608 - of constants alone
    f"SELECT c.id FROM crm_customer AS c WHERE {match_keys_sql('c')} @> ARRAY[k.key]"
    f" LIMIT {MOST_PER_KEY}) AS c"
)


def _name_keys(record: Record, world: World, spelled: Spellings) -> Iterator[str]:
    """The keys of `crm.models.match_keys` this record may share: rare words, and two names in one."""
    for alias in record.aliases:
        if not alias.says_nothing:
            yield from _keys_in(alias.key, world)
    first = _with_variants(record.given[:1], spelled)
    last = _with_variants((record.family_key,) if record.family else (), spelled)
    every = {*first, *last, *_with_variants((*record.given, *record.family, *record.also), spelled)}
    yield from (word for word in every if len(word) >= SHORTEST and not _common(word, world))
    yield from (one + two for one, two in product(first, last))
    yield from (two + one for one, two in product(first, last))


def _keys_in(key: str, world: World) -> Iterator[str]:
    """What may be a rare name in a handle, and any two names in it, put together as one key."""
    words = {word for word in pieces(key) if len(word) >= SHORTEST}
    yield from (word for word in words if not _common(word, world))
    known = [word for word in words if _common(word, world)]
    for one, two in combinations(known, 2):
        if one not in two and two not in one:
            for first, last in ((one, two), (two, one)):
                yield from (form + last for form in (first, *_borne(first, world)))


def _borne(word: str, world: World) -> list[str]:
    return [form for form in short_forms(word) if form in world.names]


def _common(word: str, world: World) -> bool:
    return world.names.get(word, 0) > COMMON


def _with_variants(words: Words, spelled: Spellings) -> Words:
    return tuple(dict.fromkeys(form for word in words for form in (word, *spelled.get(word, ()), *short_forms(word))))


def _spellings(records: Iterable[Record]) -> Spellings:
    """Words of names that differ from theirs by a slip: found by their trigrams, then letter by letter."""
    words = {word for record in records for word in (*record.given, *record.family, record.family_key)}
    words = {word for word in words if len(word) > SHORTEST}
    if not words:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.similarity_threshold', %s, true)", [str(ALIKE)])
        cursor.execute(
            "SELECT k.word, n.piece FROM unnest(%s::text[]) AS k(word) JOIN crm_commonness AS n"
            " ON n.kind = 'name' AND n.piece %% k.word AND n.piece <> k.word",
            [sorted(words)],
        )
        near: dict[str, Words] = defaultdict(tuple)
        for word, other in cursor.fetchall():
            if slips(word, other):
                near[word] += (other,)
    return near


# --- by date of birth

BY_BIRTH = (
    "SELECT k.key, c.id FROM unnest(%s::text[]) AS k(key) CROSS JOIN LATERAL (SELECT array_agg(c.id) AS ids FROM ("  # noqa: S608 - of constants alone
    f"SELECT c.id FROM crm_customer AS c WHERE c.born_on = k.key::date LIMIT {MOST_PER_KEY + 1}"
    f") AS c) AS found CROSS JOIN LATERAL unnest(found.ids) AS c(id) WHERE cardinality(found.ids) <= {MOST_PER_KEY}"
)


def _birth_keys(record: Record, world: World, spelled: Spellings) -> Iterator[str]:
    if record.born_on:
        yield record.born_on.isoformat()


# --- by what belongs to them: addresses, handles, pages


def _owners(where: str) -> str:
    """SQL for (key, customer) of the identities that `where` finds for each key."""
    return (
        "SELECT k.key, l.customer_id FROM unnest(%s::text[]) AS k(key) CROSS JOIN LATERAL ("  # noqa: S608 - of constants alone
        f"SELECT i.id FROM crm_identity AS i WHERE {where} LIMIT {MOST_PER_KEY}) AS i"
        " JOIN crm_identitylink AS l ON l.identity_id = i.id"
        " AND (l.state = 'confirmed' OR (l.state = 'proposed' AND l.method <> 'matched'))"
    )


BY_ADDRESS = _owners("i.kind IN ('email', 'phone') AND i.place = '' AND i.value = k.key")
BY_HANDLE = _owners("i.kind = 'handle' AND upper(i.handle) = k.key")
BY_NAME_IN_HANDLE = _owners("i.kind = 'handle' AND upper(i.handle) LIKE k.key")
BY_PAGE = _owners("i.profile_url <> '' AND upper(i.profile_url) = upper(k.key)")
BY_LINK = _owners("i.profile_links <> '[]' AND i.profile_links ? k.key")


def _addresses(record: Record, world: World, spelled: Spellings) -> Iterator[str]:
    yield from record.emails | record.phones


def _handles(record: Record, world: World, spelled: Spellings) -> Iterator[str]:
    yield from (alias.text.upper() for alias in record.aliases if alias.is_handle and not alias.says_nothing)


def _names_in_handles(record: Record, world: World, spelled: Spellings) -> Iterator[str]:
    """Patterns for handles that hold both names, or a rare one."""
    both = (*record.given[:1], record.family_key) if record.given and record.family else ()
    rare = [word for word in (record.family_key, *record.given[:1]) if word and not _common(word, world)]
    for word in {"".join(both), "".join(both[::-1]), *rare}:
        if len(word) >= SHORTEST_IN_HANDLE:
            yield f"%{word.upper()}%"


def _pages(record: Record, world: World, spelled: Spellings) -> Iterator[str]:
    yield from (form for link in record.links for form in links.variants(link))


def _links(record: Record, world: World, spelled: Spellings) -> Iterator[str]:
    yield from (form for page in record.pages for form in links.variants(page))


KeysOf = Callable[[Record, World, Spellings], Iterable[str]]
WAYS: tuple[tuple[KeysOf, str], ...] = (
    (_name_keys, BY_NAME), (_birth_keys, BY_BIRTH), (_addresses, BY_ADDRESS), (_handles, BY_HANDLE),
    (_names_in_handles, BY_NAME_IN_HANDLE), (_pages, BY_PAGE), (_links, BY_LINK),
)  # fmt: skip
