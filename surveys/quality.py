"""Answers that may not be meant (M43): flagged with the reason, never dropped, and decided on by a person.

Figures are shown with and without what is flagged: `Response.objects.trusted()`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.errors import Refused
from crm.models import User
from crm.models.activity import log
from surveys import reading_time, standing
from surveys.models import Flag, Question, Response
from surveys.standing import Standing

STRAIGHT_FROM = 4  # scales with the same number
FAST_SHARE = 3  # quicker than one part in three of the time it takes to read
LATE_FROM = 70  # percent done when they left
DEVICE_FROM = 3  # responses of one wave
SWEPT_FOR = timedelta(days=3)  # after the end of a link; the sweep runs more often
BATCH = 500

Found = dict[tuple[int, str], str]  # (response, kind) → why


class DecidedAlready(Refused):
    sentence = gettext_lazy("Somebody has decided that already. Look at the page again.")


# --- what is odd


@transaction.atomic
def flag(responses: Sequence[Response]) -> list[Flag]:
    """Look at these, and flag what is odd; what is so no longer loses its flag. Returns the new flags.

    A fixed number of queries. Other responses from the same device are flagged along with them.
    """
    found: Found = {}
    for stands in _standings(responses):
        response = stands.response
        assert response is not None  # it is where the standing comes from
        for kind, why in _odd(stands, response, timezone.now()):
            found[response.pk, kind] = why
    found |= _shared_devices(responses)
    touched = {pk for pk, _kind in found} | {one.pk for one in responses}
    held = set(Flag.objects.filter(response__in=touched).values_list("response", "kind"))
    _forget(responses, held - set(found))
    new = [Flag(response_id=pk, kind=kind, why=why) for (pk, kind), why in found.items() if (pk, kind) not in held]
    return Flag.objects.bulk_create(new, ignore_conflicts=True)


def _forget(responses: Sequence[Response], gone: set[tuple[int, str]]) -> None:
    looked_at = {one.pk for one in responses}
    untrue = [Q(response=pk, kind=kind) for pk, kind in gone if pk in looked_at]
    if untrue:
        Flag.objects.filter(Q(*untrue, _connector=Q.OR)).delete()


def _standings(responses: Sequence[Response]) -> list[Standing]:
    rows = Response.objects.filter(pk__in=[one.pk for one in responses]).select_related("invitation__customer")
    return standing.of_many([row.invitation for row in rows], timezone.now())


def _odd(stands: Standing, response: Response, now: datetime) -> Iterator[tuple[str, str]]:
    for kind, why in (
        (Flag.Kind.STRAIGHT, _straight(stands)),
        (Flag.Kind.FAST, _fast(stands, response)),
        (Flag.Kind.LATE, _late(stands, response, now)),
    ):
        if why:
            yield kind, why


def _straight(stands: Standing) -> str:
    scales = [row.number for row in stands.answers.values() if row.question.kind == Question.Kind.SCALE]
    numbers = [number for number in scales if number is not None]
    if len(numbers) < STRAIGHT_FROM or len(set(numbers)) > 1:
        return ""
    return _("The same number, {n}, on all {scales} scales.").format(n=numbers[0], scales=len(numbers))


def _fast(stands: Standing, response: Response) -> str:
    """Only what was timed is compared, and only with the time to read it: nobody is fast for writing little."""
    timed = [row for row in stands.answers.values() if row.seconds is not None]
    took = sum(row.seconds or 0 for row in timed)
    reading = sum(reading_time.seconds(row.question, response.language) for row in timed)
    if response.finished_at is None or not timed or took * FAST_SHARE >= reading:
        return ""
    return _("Done in {took:.0f} s; to read it takes about {reading:.0f} s.").format(took=took, reading=reading)


def _late(stands: Standing, response: Response, now: datetime) -> str:
    over = not stands.invitation.is_open or stands.invitation.expires_at <= now
    if response.finished_at or not over or (percent := stands.percent) < LATE_FROM:
        return ""
    return _("Left with {percent} % done, and did not come back.").format(percent=percent)


def _shared_devices(responses: Sequence[Response]) -> Found:
    """The hash of a device is made for one wave, so the same hash is the same wave."""
    hashes = {one.device for one in responses if one.device}
    rows = Response.objects.filter(device__in=hashes).values_list("device", "pk") if hashes else ()
    together: dict[str, list[int]] = defaultdict(list)
    for device, pk in rows:
        together[device].append(pk)
    why = _("{n} answers of this wave came from the same device.")
    return {
        (pk, Flag.Kind.DEVICE): why.format(n=len(pks))
        for pks in together.values() if len(pks) >= DEVICE_FROM for pk in pks
    }  # fmt: skip


def sweep(now: datetime | None = None) -> int:
    """Flag those who left near the end, once their link has ended. Safe to run twice. Returns how many it looked at."""
    now = now or timezone.now()
    ended = Q(invitation__ended_at__gt=now - SWEPT_FOR) | Q(
        invitation__expires_at__gt=now - SWEPT_FOR, invitation__expires_at__lte=now
    )
    left = Response.objects.filter(ended, finished_at=None).order_by("pk")
    seen, after = 0, 0
    while batch := list(left.filter(pk__gt=after)[:BATCH]):
        flag(batch)
        seen, after = seen + len(batch), batch[-1].pk
    return seen


# --- what a person makes of it


@transaction.atomic
def let_in(*, response: Response, by: User) -> Response:
    """It counts, whatever its flags say. Raises DecidedAlready."""
    return _decide(response, by, "let in", let_in_at=timezone.now(), let_in_by=by, left_out_at=None, left_out_by=None)


@transaction.atomic
def leave_out(*, response: Response, by: User) -> Response:
    """It does not count among the trusted ones. Raises DecidedAlready."""
    return _decide(response, by, "left out", left_out_at=timezone.now(), left_out_by=by, let_in_at=None, let_in_by=None)


@transaction.atomic
def undecide(*, response: Response, by: User) -> Response:
    """As if nobody had decided: its flags say whether it counts. Raises DecidedAlready."""
    return _decide(response, by, "undecided", left_out_at=None, left_out_by=None, let_in_at=None, let_in_by=None)


def _decide(response: Response, by: User, verb: str, **facts: datetime | User | None) -> Response:
    """One conditional update: what was decided since the page was drawn stands."""
    seen = Response.objects.filter(
        pk=response.pk, left_out_at=response.left_out_at, let_in_at=response.let_in_at
    )  # fmt: skip
    if not seen.update(**facts):
        raise DecidedAlready
    for name, value in facts.items():
        setattr(response, name, value)
    log(verb, response, by=by)
    return response
