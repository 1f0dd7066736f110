"""Looking again: what stands above a question, what became of a post, how its author shows themselves now.

Networks tell of answers, and not always of what these answer, nor of what was edited or deleted since. So we look, a
few posts at a time, the one nobody has looked at for longest first, and with no more than a third of what the network
lets us ask. What is worth it is said by who shows it (`worth_it`): posts of cases that are open.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar, cast

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from channels_app import access, health, inbox, locks, storing
from channels_app.above import JOB, able
from channels_app.models import Channel, Look, Message, RawEvent
from channels_app.platforms.abilities import Budget, Looks, left_of
from channels_app.platforms.base import Author, Event, EventKind, web_address
from channels_app.platforms.errors import AccessExpired, AccessRevoked, PlatformError, RateLimited, Rejected
from crm.models import Identity

log = structlog.get_logger(__name__)

FEW = 20  # of each kind in one run
LEASE = timedelta(minutes=2)  # in which one worker fetches what stands above a post
TRIED_FOR = timedelta(hours=1)  # then what stands above is not to be had
BACK = timedelta(days=14)  # older posts are not read again
SELDOM = 360  # times less often than its channel is asked, is one post read again: half an hour on most networks
A_WEEK = timedelta(days=7)  # between two looks at a profile
FAILURES = 3  # in a row: then it is not the post that cannot be had, but the network
ALL_FAIL = (RateLimited, AccessExpired, AccessRevoked)  # whatever else is asked would fail as well
Answer = TypeVar("Answer")

__all__ = ["JOB", "channels", "look", "worth_it"]
_worth: list[Callable[[], QuerySet[Message]]] = []


class Enough(Exception):
    """A third of what may be asked is spent: the rest is for what is said to us, and for our answers."""


def worth_it(messages: Callable[[], QuerySet[Message]]) -> None:
    """Register which messages somebody still works with."""
    if messages not in _worth:
        _worth.append(messages)


# --- a run


def channels() -> list[int]:
    """Those that may be looked at. One query."""
    open_ = Channel.objects.listening().filter(broken_at=None, platform__in=able())
    return list(open_.order_by("pk").values_list("pk", flat=True))


class Line:
    """What one run asks of a network, until enough was asked."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.budget = _kept(channel)

    def must_have_some(self) -> None:
        budget = self.budget
        if budget and budget.left is not None and budget.limit and budget.left < budget.limit * 2 // 3:
            raise Enough

    def ask(self, ask: Callable[[Looks], Answer]) -> Answer:
        """Raises PlatformError; and Enough, before it asks where too little is left."""
        self.must_have_some()
        answer, self.budget = access.through(self.channel, lambda p: (ask(cast(Looks, p)), left_of(p)))
        return answer


def _kept(channel: Channel) -> Budget | None:
    """What was left when the channel was asked last; None where that is over."""
    kept = channel.budget
    resets_at = datetime.fromisoformat(kept["resets_at"]) if kept.get("resets_at") else None
    if resets_at is None or resets_at < timezone.now():
        return None
    return Budget(limit=kept.get("limit"), left=kept.get("left"), resets_at=resets_at)


def look(channel_id: int) -> None:
    """A few of each; what is not reached waits for the next run."""
    channel = Channel.objects.listening().filter(pk=channel_id, broken_at=None, platform__in=able()).first()
    if channel is None:
        return
    line = Line(channel)
    for step in (look_up, read_again, read_profiles):
        try:
            line.must_have_some()
            step(line)
        except Enough:
            log.info("enough was asked for now", channel=channel.key)
            return
        except PlatformError as error:
            log.info("the network cannot be looked at just now", channel=channel.key, error=type(error).__name__)
            if isinstance(error, ALL_FAIL):
                return


# --- what stands above


def look_up(line: Line) -> int:
    """Fetch what stands above the questions that wait for it. Returns for how many. Raises PlatformError, Enough."""
    now, done = timezone.now(), 0
    due = Look.objects.filter(message__channel=line.channel, above_since__lte=now).order_by("above_since", "pk")
    for found in due.select_related("message")[:FEW]:
        if Look.objects.filter(pk=found.pk, above_since=found.above_since).update(above_since=now + LEASE):
            _look_above(line, found.message)
            done += 1
    return done


def _look_above(line: Line, message: Message) -> None:
    try:
        above = line.ask(lambda platform: platform.fetch_context(message.external_id or ""))
    except Rejected:  # it is not for us: that is an answer too
        above = []
    except PlatformError:
        if message.stored_at < timezone.now() - TRIED_FOR:
            _looked_up(message)
        raise
    with transaction.atomic():
        _looked_up(message)
        inbox.keep(channel=line.channel, payloads=above, overheard=True)


def _looked_up(message: Message) -> None:
    Look.objects.filter(pk=message.pk).update(above_since=None)


# --- what became of it


def read_again(line: Line) -> int:
    """Read posts again whose edits or deletions nobody tells us of. Returns how many were had. Raises PlatformError,
    Enough. One that fails alone is passed over.
    """
    can = line.channel.capabilities
    if can.deletes_seen and can.edits_seen:
        return 0
    failed = done = 0
    for message in list(_due(line.channel)[:FEW]):
        try:
            _read(line, message)
        except ALL_FAIL:
            raise
        except PlatformError:
            failed += 1
            if failed == FAILURES:
                raise
        else:
            failed, done = 0, done + 1
    return done


def _due(channel: Channel) -> QuerySet[Message]:
    """Posts of others where all can read, the one looked at longest ago first."""
    now = timezone.now()
    before = now - health.pace(channel) * SELDOM
    posts = _worthy(channel).filter(
        Q(look=None) | Q(look__looked_at=None) | Q(look__looked_at__lt=before),
        deleted_at=None, erased_at=None, occurred_at__gt=now - BACK, stored_at__lt=before,
    )  # fmt: skip
    return posts.order_by(F("look__looked_at").asc(nulls_first=True), "pk")


def _worthy(channel: Channel) -> QuerySet[Message]:
    wanted = Q(pk__in=[])
    for messages in _worth:
        wanted |= Q(pk__in=messages().order_by().values("pk"))
    return Message.objects.filter(
        wanted, channel=channel, direction=Message.Direction.IN, private=False, external_id__isnull=False
    )


def _read(line: Line, message: Message) -> None:
    """As it is now comes in like everything else; what is gone is marked as deleted.

    Noted before it is asked for: one that always fails is the last in line afterwards, not the first again.
    """
    line.must_have_some()
    Look.objects.bulk_create(
        [Look(message=message, looked_at=timezone.now())],
        update_conflicts=True, unique_fields=["message"], update_fields=["looked_at"],
    )  # fmt: skip
    try:
        now = line.ask(lambda platform: platform.fetch_item(message.external_id or ""))
    except Rejected:
        return
    if now is None:
        _gone(line.channel, message)
    else:
        inbox.keep(channel=line.channel, payloads=[now], overheard=True)


@transaction.atomic
def _gone(channel: Channel, message: Message) -> None:
    """As if the network had told us."""
    locks.intake(channel)
    raw = RawEvent(channel=channel, body=b"", origin="looked again: it is gone", overheard=True)
    event = Event(kind=EventKind.DELETE, external_id=message.external_id or "", occurred_at=timezone.now())
    storing.store(channel, [(raw, event)])
    raw.save()


# --- how they show themselves


def read_profiles(line: Line) -> int:
    """Refresh handle, name and reach of who speaks in what is worth it. Returns how many. Raises PlatformError."""
    before = timezone.now() - A_WEEK
    authors = Identity.objects.filter(
        Q(looked_at=None, first_seen_at__lt=before) | Q(looked_at__lt=before), erased_at=None,
        kind=Identity.Kind.HANDLE, pk__in=_worthy(line.channel).order_by().values("identity"),
    )  # fmt: skip
    found = list(authors.order_by(F("looked_at").asc(nulls_first=True), "pk")[:FEW])
    for identity in found:
        _refresh(line, identity)
    return len(found)


def _refresh(line: Line, identity: Identity) -> None:
    Identity.objects.filter(pk=identity.pk).update(looked_at=timezone.now())
    try:
        author = line.ask(lambda platform: platform.profile(identity.value))
    except Rejected:
        return
    if author:
        changes = {name: now for name, now in shown(author).items() if now and now != getattr(identity, name)}
        if changes.keys() - {"reach"}:  # for whom it belongs to is looked anew
            changes["matched_at"] = None
        if changes:
            Identity.objects.filter(pk=identity.pk, erased_at=None).update(**changes)


def shown(author: Author) -> dict[str, object]:
    """As `linking` stores it; what the network does not say stays as it was."""
    return {
        "handle": author.handle[:255], "display_name": author.name[:255], "reach": author.reach,
        "profile_url": web_address(author.profile_url), "location": author.location[:120],
        "profile_links": [link for link in map(web_address, author.links) if link][:20],
    }  # fmt: skip
