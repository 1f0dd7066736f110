"""Listening beyond mentions: words we search for on a network, and what was found of those who never wrote to us.

A search is asked in its network's pace, and spends a third of what the network lets us ask. What it finds is kept,
stored and read like every post, and is marked: nobody said it to us, so it calls nobody by itself (cases/routing). The
mark goes once it turns out to be said to us after all (channels_app/overheard.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app import access, health, inbox
from channels_app.models import Channel, Message, Search
from channels_app.platforms import registry
from channels_app.platforms.abilities import Searches, left_of
from channels_app.platforms.base import Event, EventKind
from channels_app.platforms.errors import PlatformError, TryLater
from crm import handoff
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log as log_activity

if TYPE_CHECKING:
    from channels_app.models.heard import SearchQuerySet
    from channels_app.platforms.abilities import Budget
    from channels_app.platforms.base import Page, Platform

log = structlog.get_logger(__name__)

JOB = "channels_app.jobs.listen"
LEASE = timedelta(minutes=2)  # in which one worker asks a search: nobody else does
SELDOM = 12  # times less often than the channel itself is asked
AFTER_TROUBLE = timedelta(minutes=5)
LIMIT = 100  # hits of one question
SHOWN = 20  # of a trial
AT_ONCE = 20  # searches begun in one run of the clock


class CannotSearch(Refused):
    sentence = _("{channel} cannot be searched for words.")


class SaidTwice(Refused):
    sentence = _("We listen for these words on {channel} already.")


class NoWords(Refused):
    sentence = _("Say what to listen for: a search has a name and words.")


class NotFoundBySearch(Refused):
    sentence = _("No search found this: it was said to us, and stands in the queue.")


def channels() -> list[Channel]:
    """Those on whose network words can be searched for."""
    able = [kind for kind, platform in registry.PLATFORMS.items() if platform.capabilities.search]
    return list(Channel.objects.listening().filter(platform__in=able))


# --- what is listened for


@transaction.atomic
def keep(*, search: Search, by: User) -> Search:
    """Save a search that is new or was changed; other words begin anew. Raises CannotSearch, NoWords, SaidTwice."""
    search.name, search.words = " ".join(search.name.split()), " ".join(search.words.split())
    if not (search.name and search.words):
        raise NoWords
    if not search.channel.capabilities.search:
        raise CannotSearch(channel=search.channel)
    before = Search.objects.select_for_update().filter(pk=search.pk).first() if search.pk else None
    if before is None:
        search.made_by = by
    if before is None or (before.words, before.channel_id) != (search.words, search.channel_id):
        search.cursor, search.next_at, search.trouble = {}, timezone.now(), ""
    try:
        with transaction.atomic():
            search.save()
    except IntegrityError:
        raise SaidTwice(channel=search.channel) from None
    log_activity("search changed" if before else "search made", search, by=by, detail=search.words)
    return search


@transaction.atomic
def pause(*, search: Search, by: User) -> None:
    """It is not asked any more; what it found stays."""
    if Search.objects.filter(pk=search.pk, paused_at=None).update(paused_at=timezone.now()):
        log_activity("search paused", search, by=by)


@transaction.atomic
def resume(*, search: Search, by: User) -> None:
    """It goes on where it stopped."""
    if Search.objects.filter(pk=search.pk, paused_at__isnull=False).update(paused_at=None, next_at=timezone.now()):
        log_activity("search resumed", search, by=by)


@dataclass(frozen=True)
class Trial:
    """What a search would find now, newest first; or the network's sentence why nothing can be said."""

    events: Sequence[Event] = ()
    more: bool = False
    trouble: str = ""


def try_out(channel: Channel, words: str) -> Trial:
    """Asks the network and keeps nothing. Raises CannotSearch."""
    if not channel.capabilities.search:
        raise CannotSearch(channel=channel)

    def ask(platform: Platform) -> Trial:
        page = cast(Searches, platform).search(words, {}, limit=LIMIT)
        events = [event for payload in page.payloads for event in platform.parse(payload.body)]
        said = sorted((e for e in events if e.kind is not EventKind.DELETE), key=lambda e: e.occurred_at, reverse=True)
        return Trial(said[:SHOWN], page.more or len(said) > SHOWN)

    try:
        return access.through(channel, ask)
    except PlatformError as error:
        return Trial(trouble=str(error))


# --- asking


def claim_due(now: datetime) -> list[int]:
    """The searches to be asked now; each is nobody else's for a while. Two queries."""
    with transaction.atomic():
        due = _running().filter(next_at__lte=now).order_by("next_at", "pk").select_for_update(
            of=("self",), skip_locked=True
        )  # fmt: skip
        mine = list(due.values_list("pk", flat=True)[:AT_ONCE])
        Search.objects.filter(pk__in=mine).update(next_at=now + LEASE)
    return mine


def _running() -> SearchQuerySet:
    able = [kind for kind, platform in registry.PLATFORMS.items() if platform.capabilities.search]
    return Search.objects.running().filter(channel__platform__in=able)


def ask(pk: int) -> None:
    """Ask one search, and keep what is new. What is wrong stands on it, in the network's words."""
    search = _running().select_related("channel").filter(pk=pk).first()
    if search is None:
        return

    def found(platform: Platform) -> tuple[Page, Budget | None]:
        page = cast(Searches, platform).search(search.words, search.cursor, limit=LIMIT)
        return page, left_of(platform)

    try:
        page, budget = access.through(search.channel, found)
    except PlatformError as error:
        wait = max(AFTER_TROUBLE, timedelta(seconds=error.after if isinstance(error, TryLater) else 0))
        _same(search).update(trouble=str(error)[:300], asked_at=timezone.now(), next_at=timezone.now() + wait)
    else:
        _keep(search, page, budget)


@transaction.atomic
def _keep(search: Search, page: Page, budget: Budget | None) -> None:
    """Unless other words are searched for meanwhile, or another worker has these already."""
    now = timezone.now()
    wait = timedelta() if page.more else health.pace(search.channel) * SELDOM
    wait = max(wait, spared(budget, now))
    moved = _same(search).update(cursor=page.cursor, asked_at=now, next_at=now + wait, trouble="")
    if moved:
        inbox.keep(channel=search.channel, payloads=page.payloads, overheard=True, found_by=search)
        if not wait:
            handoff.nudge(JOB, search.pk)


def _same(search: Search) -> SearchQuerySet:
    return Search.objects.filter(pk=search.pk, words=search.words, cursor=search.cursor)


def spared(budget: Budget | None, now: datetime) -> timedelta:
    """How long to wait so that searches take a third of a budget at most: the rest is for what is said to us."""
    if not budget or budget.left is None or not budget.resets_at or not budget.limit:
        return timedelta()
    rest = max(budget.resets_at - now, timedelta())
    ours = budget.left - budget.limit * 2 // 3
    return rest / ours if ours > 0 else rest


# --- what was found


@transaction.atomic
def dismiss(*, message: Message, by: User) -> None:
    """Somebody looked at it: it is not for us. It stays stored, and can be brought back. Raises NotFoundBySearch."""
    if message.found_by_id is None:
        raise NotFoundBySearch
    if Message.objects.filter(pk=message.pk, dismissed_at=None).update(dismissed_at=timezone.now()):
        log_activity("not for us", message, by=by)


@transaction.atomic
def bring_back(*, message: Message, by: User) -> None:
    if Message.objects.filter(pk=message.pk, dismissed_at__isnull=False).update(dismissed_at=None):
        log_activity("looked at again", message, by=by)
