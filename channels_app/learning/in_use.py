"""The reader of a channel: with the model in use, the words of its brand, and the languages spoken in the house.

Each process keeps its readers, and asks before a batch whether they still are those in use: one query. So a model put
live, or a word added, is in use everywhere with the next batch, without a restart. A model whose file is broken is not
used: the one before it is, or the one Hark came with, and the log and the leads' page say so.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from typing import NamedTuple

import structlog
from django.db import connection

from channels_app.models import Channel, FittedModel, LexiconWord
from channels_app.reading import Reader
from channels_app.reading.linear import BrokenModel, LinearModel, bundled
from channels_app.reading.reader import NO_MODEL
from channels_app.reading.words import Word, Words
from crm.models.staff import CARE_ROLES

log = structlog.get_logger(__name__)

MOST_READERS = 64  # kept by a process; they share their model
STAMP = """
SELECT
    (SELECT id FROM channels_app_fittedmodel WHERE is_live),
    word.newest, word.last_removal, word.added, word.removed,
    ARRAY(
        SELECT DISTINCT unnest(CASE WHEN person.languages = '{}' THEN '{en}' ELSE person.languages END)
        FROM crm_user AS person WHERE person.is_active AND person.role = ANY(%(roles)s) ORDER BY 1
    )
FROM (
    SELECT max(id) AS newest, max(removed_at) AS last_removal, count(*) AS added, count(removed_at) AS removed
    FROM channels_app_lexiconword WHERE brand IN ('', %(brand)s)
) AS word
"""


class Stamp(NamedTuple):
    """What a reader depends on: another stamp, another reader. Counted, since of two words the older may be committed
    later."""

    model: int | None
    newest_word: int | None
    last_removal: object
    added: int
    removed: int
    languages: tuple[str, ...]


_readers: OrderedDict[tuple[str, Stamp], Reader] = OrderedDict()
_models: dict[int, LinearModel | BrokenModel] = {}


def reader_of(channel: Channel) -> Reader:
    """As it is in use now. One query where nothing has changed."""
    stamp = _stamp(channel.brand)
    key = channel.brand, stamp
    if key not in _readers:
        _readers[key] = Reader(_model(stamp.model), words_of(channel.brand), _restriction(stamp.languages))
        while len(_readers) > MOST_READERS:
            _readers.popitem(last=False)
    _readers.move_to_end(key)
    return _readers[key]


def reader(brand: str = "") -> Reader:
    """For texts that are no messages: the words of a brand, and any language."""
    stamp = _stamp(brand)
    return Reader(_model(stamp.model), words_of(brand))


def _stamp(brand: str) -> Stamp:
    with connection.cursor() as cursor:
        cursor.execute(STAMP, {"brand": brand, "roles": list(CARE_ROLES)})
        model, newest, removal, added, removed, languages = cursor.fetchone()
    return Stamp(model, newest, removal, added, removed, tuple(languages))


def _restriction(languages: tuple[str, ...]) -> frozenset[str]:
    """Of all teams, since rules send what is French to those who speak it, wherever it came in. Who speaks one language
    hears others too: to tell them apart, there must be two to choose from.
    """
    return frozenset(code.partition("-")[0] for code in languages) if len(languages) > 1 else frozenset()


def words_of(brand: str) -> Words:
    """Those Hark came with, those added everywhere, and those of this brand, of which the last count most."""
    rows = LexiconWord.objects.in_use().filter(brand__in={"", brand}).order_by("brand", "id")
    added = [Word(*row) for row in rows.values_list("language", "aspect", "value", "words", "weight")]
    return Words.bundled().with_added(added) if added else Words.bundled()


# --- the model


def model_in_use() -> LinearModel:
    """The one that reads now, whatever is said to be live."""
    live = FittedModel.objects.without_body().live()
    return _model(live.pk if live else None)


def trouble() -> str:
    """Why another model is in use than ought to be, as a sentence; "" where all is well."""
    live = FittedModel.objects.without_body().live()
    held = _loaded(live.pk) if live else own()
    return str(held) if isinstance(held, BrokenModel) else ""


def _model(pk: int | None) -> LinearModel:
    """This one, or the newest before it that is whole; else the one Hark came with; else none, and word lists alone."""
    while pk is not None:
        held = _loaded(pk)
        if not isinstance(held, BrokenModel):
            return held
        before = FittedModel.objects.without_body().before(FittedModel(pk=pk))
        pk = before.pk if before else None
    held = own()
    return LinearModel(NO_MODEL) if isinstance(held, BrokenModel) else held


@functools.cache
def own() -> LinearModel | BrokenModel:
    """The one Hark came with: one that knows nothing where its file is not there, and why where it is broken."""
    try:
        return bundled() or LinearModel(NO_MODEL)
    except BrokenModel as broken:
        log.error("the model Hark came with is broken and not used", why=str(broken))
        return broken


def _loaded(pk: int) -> LinearModel | BrokenModel:
    """A row's file never changes: loaded once a process, and found broken once."""
    if pk not in _models:
        row = FittedModel.objects.get(pk=pk)
        try:
            _models[pk] = row.load()
        except BrokenModel as broken:
            log.error("a model for reading is broken and not used", model=pk, version=row.version, why=str(broken))
            _models[pk] = broken
        for stale in sorted(_models)[:-4]:
            del _models[stale]
    return _models[pk]


def forget() -> None:
    """As a process that has just begun."""
    own.cache_clear()
    _readers.clear()
    _models.clear()
