"""What open pages are told about cases: a row, drawn once by whoever changed it, to all who may see it."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable

from django.db import transaction
from django.db.models import CharField, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.template.loader import render_to_string
from django.utils import timezone

from cases.models import Case, CaseMessage
from channels_app import live
from channels_app.live import News
from channels_app.models import LiveStream
from crm.models import Team, User

MOST_ROWS = 25  # a batch that changes more is told as a number, and pages ask for their own view of it


def may_follow_case(user: User, pk: int) -> bool:
    return Case.objects.visible_to(user).filter(pk=pk).exists()


def may_follow_team(user: User, pk: int) -> bool:
    return user.answers and Team.objects.visible_to(user).filter(pk=pk).exists()


def queues_of(user: User) -> list[Team]:
    """The open teams whose queue `user` sees, each with `number`, the newest of its stream.

    One query, which answers `user.team_ids` too: a queue asks for both. A second one when a team's queue is opened for
    the first time ever: its stream counts from then on.
    """
    name = Concat(Value("team:"), Cast(OuterRef("pk"), CharField()))
    newest = LiveStream.objects.filter(name=name).values("newest")
    teams = list(Team.objects.visible_to(user).annotate(number=Subquery(newest)))
    if unheard := [team for team in teams if team.number is None]:
        begun = live.numbers(f"team:{team.pk}" for team in unheard)
        for team in unheard:
            team.number = begun[f"team:{team.pk}"]
    if not user.leads:
        user.team_ids = [team.pk for team in teams]
    return [team for team in teams if team.closed_at is None]


def cases_changed(pks: Iterable[int], *, spoken: Iterable[int] = (), by: User | None = None) -> None:
    """After the commit, tell the queues of the cases' teams, and whoever has one of them open.

    `spoken`: those in which something was said, so that an open conversation fetches it.
    """
    wanted, talked = frozenset(pks), frozenset(spoken)
    if wanted:
        transaction.on_commit(functools.partial(_tell, wanted, talked, by))


def _tell(pks: frozenset[int], spoken: frozenset[int], by: User | None) -> None:
    teams = Counter(Case.objects.filter(pk__in=pks).values_list("team_id", flat=True))
    if len(pks) > MOST_ROWS:
        news = [News(f"team:{team}", "cases", {"count": n}) for team, n in teams.items()]
    else:
        news = [_row(case) for case in Case.objects.with_row().filter(pk__in=pks).order_by("pk")]
    news += [News(f"case:{pk}", "message", {"case": pk}) for pk in sorted(spoken)]
    news += [
        News(f"case:{pk}", "pane", {"case": pk, "by": by.pk if by else None, "by_name": str(by or "")})
        for pk in sorted(pks)
    ]
    live.tell(news)


def _row(case: Case) -> News:
    with timezone.override("UTC"):  # nobody's own zone: the browser of each reader turns times into theirs
        html = render_to_string("cases/_row.html", {"case": case})
    row = {
        "id": case.pk, "html": html, "needs_us": case.needs_us, "owner_id": case.owner_id, "team_id": case.team_id,
    }  # fmt: skip
    return News(f"team:{case.team_id}", "case", row)


def delivery_changed(pk: int) -> None:
    """A reply moved on in the outbox: its conversation shows the new state."""
    case = CaseMessage.objects.filter(message__delivery=pk).values_list("case_id", flat=True).first()
    if case:
        live.tell([News(f"case:{case}", "message", {"case": case})])


def register() -> None:
    live.stream_kind("case", may_follow_case)
    live.stream_kind("team", may_follow_team)
    live.when("delivery", delivery_changed)
