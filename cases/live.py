"""What open pages are told about cases: a row, drawn once by whoever changed it, to all who may see it."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable

from django.db import transaction
from django.template.loader import render_to_string

from cases.models import Case, CaseMessage
from channels_app import live
from channels_app.live import News
from crm.models import Team, User

MOST_ROWS = 25  # a batch that changes more is told as a number, and pages ask for their own view of it


def may_follow_case(user: User, pk: int) -> bool:
    return Case.objects.visible_to(user).filter(pk=pk).exists()


def may_follow_team(user: User, pk: int) -> bool:
    return user.answers and Team.objects.visible_to(user).filter(pk=pk).exists()


def cases_changed(pks: Iterable[int], *, spoken: Iterable[int] = (), by: User | None = None, also: Iterable[int] = ()) -> None:
    """After the commit, tell the queues of the cases' teams (and of teams `also`, which lost one) and whoever has a case open.

    `spoken`: those in which something was said, so that an open conversation fetches it.
    """
    wanted, talked, lost = frozenset(pks), frozenset(spoken), frozenset(also)
    if wanted:
        transaction.on_commit(functools.partial(_tell, wanted, talked, by, lost))


def _tell(pks: frozenset[int], spoken: frozenset[int], by: User | None, also: frozenset[int]) -> None:
    teams = Counter(Case.objects.filter(pk__in=pks).values_list("team_id", flat=True))
    if len(pks) > MOST_ROWS:
        news = [News(f"team:{team}", "cases", {"count": n}) for team, n in teams.items()]
    else:
        news = [piece for case in Case.objects.with_row().filter(pk__in=pks) for piece in _about(case, also)]
    news += [News(f"case:{pk}", "message", {"case": pk}) for pk in sorted(spoken)]
    news += [
        News(f"case:{pk}", "pane", {"case": pk, "by": by.pk if by else None, "by_name": str(by or "")})
        for pk in sorted(pks)
    ]
    live.tell(news)


def _about(case: Case, also: Iterable[int]) -> Iterable[News]:
    row = {
        "id": case.pk, "html": render_to_string("cases/_row.html", {"case": case}), "needs_us": case.needs_us,
        "owner_id": case.owner_id, "team_id": case.team_id,
    }  # fmt: skip
    for team in {case.team_id, *also}:
        yield News(f"team:{team}", "case", row)


def delivery_changed(pk: int) -> None:
    """A reply moved on in the outbox: its conversation shows the new state."""
    case = CaseMessage.objects.filter(message__delivery=pk).values_list("case_id", flat=True).first()
    if case:
        live.tell([News(f"case:{case}", "message", {"case": case})])


def register() -> None:
    live.stream_kind("case", may_follow_case)
    live.stream_kind("team", may_follow_team)
    live.when("delivery", delivery_changed)
