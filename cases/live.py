"""What open pages are told about cases: a row, drawn once by whoever changed it, to all who may see it."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from cases.alike import heads
from cases.models import Case, CaseMessage, HandOver
from cases.templatetags.queue_rows import draw
from channels_app import live
from channels_app.live import News
from channels_app.models import LiveStream
from crm.models import Team, User

MOST_DRAWN = 50  # with those that stand in front of alike ones now, or do no longer
MOST_ROWS = 25  # a batch that changes more is told as a number, and pages ask for their own view of it


def may_follow_case(user: User, pk: int) -> bool:
    return Case.objects.visible_to(user).filter(pk=pk).exists()


def may_follow_user(user: User, pk: int) -> bool:
    """What one is told oneself; and, for who answers, one's own cases, in whatever team they are."""
    return user.pk == pk


def may_follow_team(user: User, pk: int) -> bool:
    return user.answers and Team.objects.visible_to(user).filter(pk=pk).exists()


@dataclass(frozen=True)
class Queues:
    """The open teams whose queue somebody sees, and the streams to follow there: (name, newest number)."""

    teams: Sequence[Team]
    streams: list[tuple[str, int]]


def queues_of(user: User) -> Queues:
    """What a queue follows: its teams' streams, and one's own for cases of other teams.

    One query, which answers `user.team_ids` too: a queue asks for both. A second one the first time ever, from which on
    the streams count.
    """
    newest = LiveStream.objects.filter(name=Concat(Value("team:"), Cast(OuterRef("pk"), CharField())))
    own = LiveStream.objects.filter(name=f"user:{user.pk}")
    found = Team.objects.visible_to(user).annotate(
        number=Subquery(newest.values("newest")), own=Subquery(own.values("newest"))
    )
    teams = list(found)
    if not user.leads:
        user.team_ids = [team.pk for team in teams]
    shown = [team for team in teams if team.closed_at is None]
    numbers = {f"team:{team.pk}": team.number for team in shown} | {f"user:{user.pk}": teams[0].own if teams else None}
    numbers |= live.numbers(silent) if (silent := [name for name, number in numbers.items() if number is None]) else {}
    return Queues(shown, list(numbers.items()))


def cases_changed(
    pks: Iterable[int], *, spoken: Iterable[int] = (), arrived: Iterable[int] = (), handed: Iterable[int] = (),
    also: Iterable[str] = (), by: User | None = None,
) -> None:  # fmt: skip
    """After the commit, tell the queues of the cases' teams, their owners, and whoever has one of them open.

    `spoken`: those in which something was said, so that an open conversation fetches it. `arrived`: those that need us
    and did not before, which a list counts as new. `handed`: those that were just handed to somebody, for whom they
    count as new. `also`: further streams that showed these rows until now.
    """
    wanted = frozenset(pks)
    if wanted:
        tell = functools.partial(_tell, wanted, frozenset(spoken), frozenset(arrived), by)
        transaction.on_commit(functools.partial(tell, frozenset(handed), frozenset(also)))


def _tell(
    pks: frozenset[int], spoken: frozenset[int], arrived: frozenset[int], by: User | None,
    handed: frozenset[int], also: frozenset[str],
) -> None:  # fmt: skip
    drawn, news = set(), []
    if len(pks) > MOST_ROWS:
        heads.settle_later(pks)
        teams = Counter(dict.fromkeys(Case.objects.filter(pk__in=pks).values_list("team_id", flat=True), 0))
        counted = Case.objects.filter(pk__in=arrived).under_one_head()
        teams.update(counted.values_list("team_id", flat=True))
        news = [News(f"team:{team}", "cases", {"count": n}) for team, n in teams.items()]
    else:
        drawn = heads.settle(pks) | pks
    if drawn:
        cases = Case.objects.with_row().filter(pk__in=sorted(drawn)[:MOST_DRAWN]).order_by("pk")
        shown = [case for case in cases if not (case.behind and case.pk in arrived)]  # its head's row says it
        rows = [piece for case in shown for piece in _row(case, case.pk in arrived, also)]
        news += rows + _handed([piece for piece in rows if piece.stream == f"team:{piece.data['team_id']}"], handed)
    news += [News(f"case:{pk}", "message", {"case": pk}) for pk in sorted(spoken)]
    news += [
        News(f"case:{pk}", "pane", {"case": pk, "by": by.pk if by else None, "by_name": str(by or "")})
        for pk in sorted(pks)
    ]
    live.tell(news)


def customers_changed(pks: Iterable[int]) -> None:
    """Who the customer is, or what we may do, is not what open pages of these cases say: they fetch it."""
    live.tell([News(f"case:{pk}", "customer", {"case": pk}) for pk in pks])


def _handed(rows: list[News], fresh: frozenset[int]) -> list[News]:
    """The same rows for those to whom a case is handed and who have not accepted it, whatever their team. One query."""
    row = {piece.data["id"]: piece.data for piece in rows}
    pending = HandOver.objects.pending().filter(case__in=row).order_by("pk")
    news = []
    for case, giver, to, team in pending.values_list("case", "by", "to", "team"):
        data = row[case] | {"handed_by": giver if case in fresh else None}
        news.append(News(f"user:{to}" if to else f"team:{team}", "case", data))
    return news


def _row(case: Case, arrived: bool, also: Iterable[str]) -> Iterable[News]:
    """For its team, and for its owner, who may be of another."""
    with timezone.override("UTC"):  # nobody's own zone: the browser of each reader turns times into theirs
        html = draw([case])
    row = {
        "id": case.pk, "html": html, "needs_us": case.needs_us, "owner_id": case.owner_id, "team_id": case.team_id,
        "arrived": arrived and not case.behind, "behind": case.behind,
    }  # fmt: skip
    yield News(f"team:{case.team_id}", "case", row)
    if case.owner and case.owner.answers:  # whoever does no longer hears of notices only
        yield News(f"user:{case.owner_id}", "case", row)
    yield from (News(stream, "case", row) for stream in sorted(also) if stream != f"team:{case.team_id}")


def may_follow_hits(user: User, pk: int) -> bool:
    return user.answers


def hits_changed(channel_id: int) -> None:
    """What searches found through this channel: another one is there, or somebody has decided about one."""
    live.tell([News(f"hits:{channel_id}", "hits", {})])


def beside_cases(threads: Iterable[int]) -> None:
    """Something stands now in these conversations that is not said to us: open cases show it beside what is."""
    wanted = set(threads)
    cases = Case.objects.unresolved().filter(Q(thread__in=wanted) | Q(threads__thread__in=wanted))
    pks = sorted(set(cases.values_list("pk", flat=True)[:MOST_ROWS]))
    live.tell([News(f"case:{pk}", "message", {"case": pk}) for pk in pks])


def case_gone(case: Case) -> None:
    """It is about to be deleted: rows of it go from the lists that show them. The record is of no use afterwards."""
    shown = Case.objects.with_row().get(pk=case.pk)
    shown.state = Case.State.MERGED
    live.tell(list(_row(shown, False, ())))


def deliveries_changed(pks: Sequence[int]) -> None:
    """Replies moved on in the outbox: their conversations show the new state. One query."""
    _said_anew(CaseMessage.objects.filter(message__delivery__in=pks))


def messages_changed(pks: Sequence[int]) -> None:
    """Something about messages is there by now, such as a file that came with one. One query."""
    _said_anew(CaseMessage.objects.filter(message__in=pks))


def _said_anew(entries: QuerySet[CaseMessage]) -> None:
    cases = sorted(set(entries.values_list("case_id", flat=True)))
    live.tell([News(f"case:{case}", "message", {"case": case}) for case in cases])


def register() -> None:
    live.stream_kind("case", may_follow_case)
    live.stream_kind("hits", may_follow_hits)
    live.stream_kind("team", may_follow_team)
    live.stream_kind("user", may_follow_user)
    live.when("delivery", deliveries_changed)
    live.when("file", messages_changed)
    live.when("message", messages_changed)
