"""Who stands in front of a flood: the most urgent of those that need us, by the order of the queue itself.

Whatever changes a case tells open pages of it (`cases.live`), and asks here first who stands in front now. That is
after the commit: nobody waits for a flood, and what somebody else holds at that moment is left to their own commit.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from cases.models import Case, Flood, FloodMember
from cases.models.states import NEEDS_US

PACE = timedelta(seconds=1)  # how often pages are told that more have come: of a thousand in a minute, sixty times
NEW = Case.State.NEW


def settle(pks: Collection[int]) -> set[int]:
    """Put right who stands in front of the floods of these cases. Returns the pks of the rows to draw anew.

    One query where none is in a flood. That more stand behind a head is told at a PACE; `settle_stale` tells the rest.
    """
    found = FloodMember.objects.filter(case__in=pks)
    facts = found.values_list("flood", "parted_at", "case__behind", "case__state", "case__team", "flood__team")
    floods: dict[int, bool] = {}
    for flood, parted, behind, state, team, home in facts:
        only_came = behind and parted is None and state == NEW and team == home
        floods[flood] = floods.get(flood, False) or not only_came
    return {pk for flood, at_once in sorted(floods.items()) for pk in _settle(flood, at_once)}


def settle_later(pks: Collection[int]) -> None:
    """The same for many at once, such as a file of posts: `settle_stale` does it. One query."""
    of_these = FloodMember.objects.filter(flood=OuterRef("pk"), case__in=pks)
    Flood.objects.filter(Exists(of_these), stale=False).update(stale=True)


def settle_stale() -> set[int]:
    """Those of which pages are not told yet, such as that more came. Every two seconds."""
    since = timezone.now() - PACE
    stale = Flood.objects.stale().exclude(told_at__gt=since).order_by("pk").values_list("pk", flat=True)
    return {pk for flood in list(stale) for pk in _settle(flood, at_once=True)}


def sweep() -> set[int]:
    """Each minute: whoever stands behind a head that is gone, or behind none, stands for themselves."""
    members = FloodMember.objects.in_force().filter(case=OuterRef("pk"))
    lost = Case.objects.filter(~Exists(members), behind=True, state=NEW).order_by("pk").values_list("pk", flat=True)
    freed = _stand(list(lost), behind=False)
    headless = list(Flood.objects.headless().order_by("pk").values_list("pk", flat=True))
    return {*freed, *(pk for flood in headless for pk in _settle(flood, at_once=True))}


@transaction.atomic
def _settle(pk: int, at_once: bool) -> set[int]:
    flood = Flood.objects.select_for_update(no_key=True).filter(pk=pk).first()
    now = timezone.now()
    if flood is None or (not at_once and flood.told_at and now - flood.told_at < PACE):
        return set()
    rows = list(flood.members.that_need_us().in_turn().values_list("case", "case__state", "case__behind", "case__team"))
    here = [(case, state) for case, state, _, team in rows if team == flood.team_id]
    head = here[0][0] if here else None
    hidden = {case for case, state in here[1:] if state == NEW}
    wrong = {case for case, _, behind, _ in rows if behind != (case in hidden)}
    _stand(wrong & hidden, behind=True)
    _stand(wrong - hidden, behind=False)
    is_told = (flood.head_id, flood.behind) == (head, len(hidden))
    drawn = wrong if is_told else wrong | {each for each in (flood.head_id, head) if each}
    flood.head_id, flood.behind, flood.stale, flood.told_at = head, len(hidden), False, now
    flood.save(update_fields=["head", "behind", "stale", "told_at"])
    return drawn


@transaction.atomic
def _stand(pks: Collection[int], *, behind: bool) -> list[int]:
    """Whoever holds one of them settles it after their own commit."""
    if not pks:
        return []
    states = [NEW] if behind else NEEDS_US
    free = Case.objects.filter(pk__in=pks, state__in=states).order_by("pk")
    locked = list(free.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True))
    Case.objects.filter(pk__in=locked).update(behind=behind)
    return locked
