"""Which of the cases that are just opened began with nearly the same words as others of their team and brand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from cases.models import Case, DeskSettings, Flood, FloodMember, Opening
from cases.models.alike import BANDS
from cases.models.states import NEEDS_US, TOP
from cases.thanks import MOST_WORDS, is_bare_thanks
from channels_app.models import Channel, Message
from channels_app.reading import alike
from channels_app.reading.alike import Signature, Words

LOCK = 14  # the first half of our advisory locks; the second is the team's number


@dataclass
class Known:
    """Words with which a case began, and who said the same."""

    message: int
    words: Words
    case: int
    rank: int | None  # None where the case does not need us
    team: int
    apart: bool = False
    flood: Flood | None = None
    joined: list[Case] = field(default_factory=list)


def place_of(team: int, channel: Channel) -> str:
    """Within which alike words are put together: handles do not count, so the brand has to."""
    return f"{team}:{channel.brand}"


def group(opened: Sequence[tuple[Message, Case]]) -> None:
    """Put these cases behind the ones they are like. Five queries where they are like none.

    The last step of the transaction that opens them: who opens cases of the same team meanwhile waits here until it is
    committed. So a flood has one head, however many workers route it.
    """
    read = _read(opened)
    days = DeskSettings.current().alike_days if read else 0
    if not days:
        return
    for team in sorted({case.team_id for _, case, _ in read}):
        _wait_for(team)
    book = Book(_known([signature for *_, signature in read], timezone.now() - timedelta(days=days)))
    for message, case, signature in read:
        book.enter(message, case, signature)
    book.save()


def forget() -> int:
    """Each hour: what nobody is compared with any more."""
    since = timezone.now() - timedelta(days=DeskSettings.current().alike_days)
    return Opening.objects.filter(Q(at__lt=since) | Q(message__erased_at__isnull=False)).delete()[0]


def _read(opened: Sequence[tuple[Message, Case]]) -> list[tuple[Message, Case, Signature]]:
    theirs = [(message, case) for message, case in opened if not message.is_ours]
    places = [place_of(case.team_id, case.channel) for _, case in theirs]
    found = alike.signatures([message.text for message, _ in theirs], places)
    said = zip(theirs, found, strict=True)
    return [(*pair, signature) for pair, signature in said if signature and not _is_thanks(pair[0].text, signature)]


def _is_thanks(text: str, signature: Signature) -> bool:
    """Not asked of most, which are longer."""
    return len(signature.words) <= MOST_WORDS and is_bare_thanks(text)


def _wait_for(team: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, team])


def _known(signatures: Sequence[Signature], since: datetime) -> list[tuple[Known, int, Sequence[int]]]:
    """What earlier ones may be like, with its numbers. One query, and two more where there is some."""
    found = _near(signatures, since)
    if not found:
        return []
    entry = "message__case_entry__case"
    columns = ("message", "message__text", entry, f"{entry}__rank", f"{entry}__state", f"{entry}__team", "apart")
    alike_ones = Opening.objects.filter(pk__in=found, message__erased_at=None, message__case_entry__isnull=False)
    rows = list(alike_ones.values_list(*columns, "flood", "same", *BANDS))
    floods = Flood.objects.select_related("head").in_bulk([row[7] for row in rows if row[7]])
    known = []
    for message, text, case, rank, state, team, apart, flood, same, *bands in rows:
        facts = (message, alike.words_of(text), case, rank if state in NEEDS_US else None, team, apart)
        known.append((Known(*facts, flood=floods.get(flood)), same, bands))
    return known


def _near(signatures: Sequence[Signature], since: datetime) -> list[int]:
    """Openings with a number of theirs, by the index of each."""
    bands = list(zip(*(signature.bands for signature in signatures if signature.bands), strict=True))
    numbers = [[signature.same for signature in signatures], *map(list, bands)]
    columns = ("same", *BANDS)[: len(numbers)]
    either = " OR ".join(f"{column} = ANY(%s)" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT message_id FROM cases_opening WHERE at >= %s AND ({either})",  # noqa: S608 - columns are ours
            [since, *numbers],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _insert(fresh: Sequence[tuple[int, Signature]]) -> None:
    """What `bulk_create` does, in a fifth of its time."""
    if not fresh:
        return
    pks, same = [pk for pk, _ in fresh], [signature.same for _, signature in fresh]
    bands = [[signature.bands[at] if signature.bands else None for _, signature in fresh] for at in range(len(BANDS))]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO cases_opening (message_id, same, {', '.join(BANDS)}, at, apart)"  # noqa: S608 - columns are ours
            " SELECT *, %s, false FROM unnest(%s::bigint[], %s::bigint[]" + ", %s::int[]" * len(BANDS) + ")",
            [timezone.now(), pks, same, *bands],
        )


class Book:
    """What is known, found by its numbers; and what comes to it."""

    def __init__(self, known: Iterable[tuple[Known, int, Sequence[int]]]) -> None:
        self._same: dict[int, Known] = {}
        self._bands: dict[int, list[Known]] = defaultdict(list)
        self._fresh: list[tuple[int, Signature]] = []
        for each, same, bands in known:
            self._add(each, same, bands)

    def _add(self, known: Known, same: int, bands: Iterable[int]) -> None:
        self._same.setdefault(same, known)
        for band in bands:
            self._bands[band].append(known)

    def enter(self, message: Message, case: Case, signature: Signature) -> None:
        """To whom it is likest; else others may be like it."""
        known = self._same.get(signature.same) or self._likest(signature)
        if known is None:
            rank = TOP - case.points if case.needs_us else None
            self._add(Known(message.pk, signature.words, case.pk, rank, case.team_id), *signature[1:])
            self._fresh.append((message.pk, signature))
        elif not known.apart and known.case != case.pk:
            known.joined.append(case)

    def _likest(self, signature: Signature) -> Known | None:
        near = {known.message: known for band in signature.bands for known in self._bands.get(band, ())}
        found = [known for known in near.values() if alike.are_alike(known.words, signature.words)]
        return max(found, key=lambda known: alike.likeness(known.words, signature.words), default=None)

    def save(self) -> None:
        """The same number of queries for one as for five hundred."""
        _insert(self._fresh)
        grown = [known for known in {id(k): k for k in self._same.values()}.values() if known.joined]
        if not grown:
            return
        hidden = [case.pk for known in grown for case in _stand_behind(known)]
        floods = [known.flood for known in grown if known.flood]
        Flood.objects.bulk_create([flood for flood in floods if not flood.pk])
        members = [FloodMember(flood=known.flood, case_id=pk) for known in grown for pk in _members(known)]
        FloodMember.objects.bulk_create(members, ignore_conflicts=True)
        if hidden:
            Case.objects.filter(pk__in=hidden).update(behind=True)
        # not its head: whoever is more urgent stands in front once this is committed, by `heads.settle`
        Flood.objects.filter(pk__in=[flood.pk for flood in floods]).update(last_at=timezone.now(), stale=True)


def _members(known: Known) -> list[int]:
    return [known.case, *(case.pk for case in known.joined)]


def _stand_behind(known: Known) -> list[Case]:
    """Those that stand behind its head: all that are no more urgent. Where none needs us any more, the first becomes
    the head. A flood that is not there yet is begun.

    What the rules of opened cases change of that meanwhile is put right after the commit.
    """
    standing = known.flood.head if known.flood else None
    rank = (standing.rank if standing and standing.needs_us else None) if known.flood else known.rank
    head, hidden = known.case, []
    for case in known.joined:
        own = TOP - case.points
        if case.needs_us and (rank is None or own < rank):
            head, rank = case.pk, own
        elif case.state == Case.State.NEW:
            case.behind = True
            hidden.append(case)
    known.flood = known.flood or Flood(opening_id=known.message, team_id=known.joined[0].team_id, head_id=head)
    return hidden
