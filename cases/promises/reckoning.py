"""When hours change, the promises that run are due at other times: reckoned again by a job, in batches.

What was promised stays promised: a clock keeps its seconds, only the hours in which they pass are new. Whatever changed
a calendar or a channel's promise left a line in the activity log, the job leaves one behind it; so the sweep finds what
a lost job left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from cases import live, writing
from cases.models import Case, Clock
from cases.promises import terms
from cases.promises.settling import CASE, READ, write_cases
from channels_app import locks
from channels_app.models import Channel, ChannelPromise
from crm import handoff
from crm.models import Activity, Calendar

BATCH = 500
JOB = "cases.jobs.recompute_promises"
RECKONED = "reckoned again"
KINDS = {model._meta.label_lower: model for model in (Calendar, ChannelPromise)}


def recompute(channel_ids: Iterable[int]) -> int:
    """Reckon the running clocks of these channels again. Returns how many moved; safe to run twice, or to break off.

    It starts from what is stored, so that whoever comes first moves a clock and who comes second finds it moved.
    """
    channels, moved = set(channel_ids), 0
    reached = list(_changed_since().items())
    _let_routing_end(channels)
    place = 0
    while batch := _batch(channels, place):
        place, moved = batch[-1], moved + _recompute_batch(batch)
    _note(reached, channels)
    return moved


@transaction.atomic
def _let_routing_end(channels: set[int]) -> None:
    """What is being routed may have read the hours as they were; what is routed from now on reads the new ones."""
    for channel in Channel.objects.filter(pk__in=channels).order_by("pk"):
        locks.routing(channel)


def _batch(channels: set[int], after: int) -> list[int]:
    running = Case.objects.filter(channel__in=channels, due_at__isnull=False, pk__gt=after)
    return list(running.order_by("pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _recompute_batch(pks: list[int]) -> int:
    cases = list(Case.objects.filter(pk__in=pks).order_by("pk").select_for_update(of=("self",)).values(*READ))
    promised = terms.of_channels({case["channel_id"]: case["channel__platform"] for case in cases})
    channel_of = {case["pk"]: case["channel_id"] for case in cases}
    clocks = defaultdict(list)
    for clock in Clock.objects.running().filter(case__in=pks).order_by("pk").select_for_update(of=("self",)):
        clocks[clock.case_id].append(clock)
    every = [clock for of_case in clocks.values() for clock in of_case]
    moved = [c for c in every if (found := promised.get(channel_of[c.case_id])) and _moves(c, found)]
    writing.write(moved, ["due_at", "risk_at", "risk_told_at"])
    live.cases_changed(write_cases([{name: case[name] for name in ("pk", *CASE)} for case in cases], clocks))
    return len(moved)


def _moves(clock: Clock, promised: terms.Terms) -> bool:
    """Where its risk comes to lie ahead again, it will be told again."""
    before = clock.due_at, clock.risk_at
    if clock.running_since:
        promised.run(clock, clock.running_since)
    if clock.risk_at and clock.risk_at > timezone.now():
        clock.risk_told_at = None
    return (clock.due_at, clock.risk_at) != before


# --- which changes wait for it


def sweep() -> None:
    """Each minute: the channels whose hours have changed since their clocks were last reckoned."""
    if channels := channels_of(_changed_since()):
        handoff.nudge(JOB, *sorted(channels), queue="default")


def channels_of(subjects: Iterable[tuple[str, int]]) -> set[int]:
    """The channels that these calendars and promises (kind, pk) concern."""
    of_kind = defaultdict(list)
    for kind, pk in subjects:
        of_kind[KINDS[kind]].append(pk)
    concerned = Q(calendar__in=of_kind[Calendar]) | Q(pk__in=of_kind[ChannelPromise])
    return set(ChannelPromise.objects.filter(concerned).values_list("channel", flat=True))


def _changed_since() -> dict[tuple[str, int], int]:
    """Calendars and promises with a line in the log that is newer than our own: (kind, pk) → the newest of both."""
    lines = Activity.objects.filter(subject_kind__in=KINDS).values("subject_kind", "subject_id")
    newest = lines.annotate(
        changed=Max("id", filter=~Q(verb=RECKONED)), reckoned=Max("id", filter=Q(verb=RECKONED))
    ).values_list("subject_kind", "subject_id", "changed", "reckoned")
    return {(kind, pk): changed for kind, pk, changed, reckoned in newest if changed and changed > (reckoned or 0)}


def _note(reached: Iterable[tuple[tuple[str, int], int]], channels: set[int]) -> None:
    """What had changed when we began is reckoned; what changed while we did waits for the next run."""
    now = _changed_since()
    done = [key for key, line in reached if now.get(key) == line and channels_of([key]) <= channels]
    Activity.objects.bulk_create(
        [Activity(verb=RECKONED, subject_kind=kind, subject_id=pk, by=None) for kind, pk in done]
    )
