"""From the row to the other system: claimed with a lease, sent, settled.

It arrives at least once and always under the same id. Who does not answer is asked again for about three days, ever
later; a webhook that fails is asked with one event at a time, so that a dead address costs a worker seconds; one that
fails for days is switched off, and says so.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import handoff
from crm.errors import Refused
from crm.models import Webhook, WebhookEvent
from crm.models.activity import log
from crm.webhooks import guard, signing
from crm.webhooks.telling import SEND, listeners_changed

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)  # longer than guard.SECONDS by far
BUDGET = 20.0  # seconds one job keeps a worker
# Seconds to wait after the first, second, … attempt, as Standard Webhooks recommends: three days in all
PAUSES = (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
LEFT_ALONE = (timedelta(seconds=5), timedelta(hours=1))  # a webhook that fails: at least, at most
FAILS_FOR_GOOD = timedelta(days=5)
GONE = 410


@dataclass(frozen=True)
class Outcome:
    """`trouble` is empty where it arrived. `after` is how long the other side asked us to wait."""

    status: int | None
    trouble: str = ""
    after: timedelta = timedelta()

    @property
    def arrived(self) -> bool:
        return not self.trouble


def send(webhook_id: int) -> None:
    """Send what is due, the longest due first, until one fails or the time is up."""
    stop = time.monotonic() + BUDGET
    while event := _claim(webhook_id):
        outcome = attempt(event)
        settle(event, outcome)
        if not outcome.arrived:
            return
        if time.monotonic() > stop:
            handoff.nudge(SEND, webhook_id, queue="default")
            return


@transaction.atomic
def _claim(webhook_id: int) -> WebhookEvent | None:
    now = timezone.now()
    if not Webhook.objects.to_send_to(now).filter(pk=webhook_id).exists():
        return None
    due = WebhookEvent.objects.due(now).filter(webhook=webhook_id).select_related("webhook")
    event = due.order_by("not_before", "id").select_for_update(skip_locked=True, of=("self",)).first()
    if event:
        event.claim(until=now + LEASE)
    return event


def attempt(event: WebhookEvent) -> Outcome:
    """One request. Nothing here is inside a transaction."""
    body = json.dumps({"type": event.type, "timestamp": event.created_at.isoformat(), "data": event.data})
    try:
        headers = signing.headers(event, body, timezone.now())
        answer = guard.fetch("POST", event.webhook.url, headers=headers, content=body.encode())
    except Refused as refusal:
        return Outcome(None, str(refusal))
    return Outcome(answer.status, _trouble(answer), _asked_to_wait(answer))


def _trouble(answer: guard.Answer) -> str:
    if 200 <= answer.status < 300:
        return ""
    if 300 <= answer.status < 400:
        return _("It answered with a redirect (%(status)s). Hark follows none.") % {"status": answer.status}
    if answer.status == GONE:
        return _("It answered that it is gone and wants to hear no more (410).")
    return _("It answered with an error (%(status)s).") % {"status": answer.status}


def _asked_to_wait(answer: guard.Answer) -> timedelta:
    """Of Retry-After: seconds, or a date. At most a day."""
    text = answer.headers.get("retry-after", "")
    try:
        wait = timedelta(seconds=int(text)) if text.isdecimal() else parsedate_to_datetime(text) - timezone.now()
    except (TypeError, ValueError, OverflowError):
        return timedelta()
    return min(max(wait, timedelta()), timedelta(days=1))


# --- what comes of it


@transaction.atomic
def settle(event: WebhookEvent, outcome: Outcome) -> None:
    """Keep what came of an attempt, unless another worker has taken the event since."""
    now = timezone.now()
    current = WebhookEvent.objects.select_for_update(of=("self",)).get(pk=event.pk)
    if (current.state, current.lease_until) != (event.state, event.lease_until):
        return
    _move(current, outcome, now)
    if outcome.arrived:
        Webhook.objects.filter(pk=event.webhook_id, failing_since__isnull=False).update(
            failing_since=None, resume_at=None, trouble=""
        )
    else:
        logger.info("a webhook failed", webhook=event.webhook_id, row=event.pk, status=outcome.status)
        _fails(event.webhook_id, outcome, now)


def _move(event: WebhookEvent, outcome: Outcome, now: datetime) -> None:
    if outcome.arrived:
        event.confirm(at=now, status=outcome.status)
    elif event.attempts > len(PAUSES):
        event.give_up(outcome.trouble, status=outcome.status)
    else:
        pause = timedelta(seconds=PAUSES[max(event.attempts, 1) - 1] * random.uniform(0.8, 1.2))
        event.wait(until=now + max(pause, outcome.after), why=outcome.trouble, status=outcome.status)


def _fails(webhook_id: int, outcome: Outcome, now: datetime) -> None:
    """Left alone for half as long as it has been failing already. Gone, or failing for days: switched off."""
    failing = Webhook.objects.select_for_update().get(pk=webhook_id)
    since = failing.failing_since or now
    least, most = LEFT_ALONE
    pause = min(max((now - since) / 2, least, outcome.after), max(most, outcome.after))
    failing.failing_since, failing.resume_at = since, now + pause * random.uniform(0.8, 1.2)
    failing.trouble = outcome.trouble[:300]
    failing.save(update_fields=["failing_since", "resume_at", "trouble"])
    if outcome.status == GONE:
        switch_off(failing, _("Switched off: it answered that it is gone and wants to hear no more (410)."))
    elif now - since > FAILS_FOR_GOOD:
        days = {"days": (now - since).days, "why": outcome.trouble}
        switch_off(failing, _("Switched off: nothing has arrived for %(days)s days. %(why)s") % days)


def switch_off(webhook: Webhook, why: str) -> None:
    """By Hark itself. What waits stays, and goes out when somebody switches it on again."""
    if Webhook.objects.listening().filter(pk=webhook.pk).update(disabled_at=timezone.now(), trouble=why[:300]):
        log("switched off", webhook, by=None, detail=why)
        listeners_changed()


def sweep() -> None:
    """Find events whose next step is missing."""
    now = timezone.now()
    WebhookEvent.objects.abandoned(now).update(state=WebhookEvent.State.WAITING, lease_until=None)
    for pk in Webhook.objects.to_send_to(now).values_list("pk", flat=True):
        handoff.nudge(SEND, pk, queue="default")
