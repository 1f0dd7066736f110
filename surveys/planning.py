"""The plan of a wave, worked off in pieces: one transaction each, which also says how far it has come.

So it can be killed anywhere and goes on where it stopped, and nobody is invited twice.
"""

from __future__ import annotations

import time
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.models.activity import log
from surveys import sampling
from surveys.models import Wave
from surveys.waves import changed, tell_maker

SLICE = 5.0  # seconds a job plans before it stands in line again, so that others come in between


def plan(wave_id: int, *, seconds: float = SLICE) -> bool:
    """Plan for so long; whether there is more to do. Stops where another process is at the same wave."""
    until = time.monotonic() + seconds
    while _step(wave_id):
        if time.monotonic() > until:
            return True
    return False


@transaction.atomic
def _step(wave_id: int) -> bool:
    """The next customers, and that they are done; after the last, when each is asked."""
    wave = Wave.objects.to_plan().select_for_update(skip_locked=True).filter(pk=wave_id).first()
    if wave is None:
        return False
    done = sampling.plan(wave, after=wave.planned_to, size=sampling.CHUNK)
    if done.looked_at == sampling.CHUNK:
        Wave.objects.filter(pk=wave.pk).update(planned_to=done.to)
        changed([wave.pk])
        return True
    _finish(wave)
    return False


def _finish(wave: Wave) -> None:
    now = timezone.now()
    count = sampling.pace(wave, since=max(wave.opens_at, now))
    Wave.objects.filter(pk=wave.pk).update(planned_at=now)
    log("planned", wave, by=None, detail=f"{count} invitations")
    tell_maker(wave, _("The wave “{name}” is planned: its invitations leave when they are due."))
    changed([wave.pk])


def catch_up(now: datetime) -> int:
    """Each hour: invite who has to be asked and could not be when their wave was planned. How many."""
    waves = Wave.objects.running().filter(planned_at__isnull=False, closes_at__gt=now, imported=False)
    return sum(_catch_up(pk, now) for pk in waves.order_by("opens_at").values_list("pk", flat=True))


def _catch_up(wave_id: int, now: datetime) -> int:
    count, after, looked_at = 0, 0, sampling.CHUNK
    while looked_at == sampling.CHUNK:
        with transaction.atomic():
            wave = Wave.objects.running().select_for_update().filter(pk=wave_id).first()
            if wave is None:
                break
            late = sampling.plan_late(wave, after=after, at=max(now, wave.opens_at), size=sampling.CHUNK)
            _count_in(wave, late.fresh)
        count, after, looked_at = count + sum(late.fresh.values()), late.to, late.looked_at
    return count


def _count_in(wave: Wave, fresh: dict[str, int]) -> None:
    """Those who came late count among those who had to be asked, so that the weights still add up."""
    if not fresh:
        return
    before = sampling.due_before(wave).isoformat()
    for name, n in fresh.items():
        lot = wave.strata.setdefault(name, {"there": 0, "due": 0, "drawn": 0, "upto": "", "before": before})
        lot["there"] += n
        lot["due"] += n
    wave.save(update_fields=["strata"])
    changed([wave.pk])
