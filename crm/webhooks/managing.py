"""What administrators do with webhooks: make, change, switch, try, give a new secret, send again."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import handoff
from crm.errors import Refused
from crm.models import User, Webhook, WebhookEvent
from crm.models.activity import log
from crm.webhooks import guard, sending, signing, topics
from crm.webhooks.telling import SEND, listeners_changed


class OnItsWay(Refused):
    sentence = _("This event is on its way just now.")


class SaysNothing(Refused):
    sentence = _("There is nothing left to send: the customer this was about has been erased.")


class SwitchedOff(Refused):
    sentence = _("“{webhook}” is switched off. Switch it on first.")


@transaction.atomic
def make(*, name: str, url: str, events: Iterable[str], by: User) -> tuple[Webhook, str]:
    """A new webhook and its secret, which nobody sees again. Raises a refusal of `guard` for an address of ours."""
    guard.check(url)
    secret = signing.new_secret()
    webhook = Webhook.objects.create(
        name=name, url=url, events=sorted(set(events)), secret=signing.sealed(secret), created_by=by
    )
    log("made", webhook, by=by, detail=url)
    listeners_changed()
    return webhook, secret


@transaction.atomic
def change(*, webhook: Webhook, name: str, url: str, events: Iterable[str], by: User) -> Webhook:
    """Another address starts with a clean slate."""
    guard.check(url)
    current = Webhook.objects.select_for_update().get(pk=webhook.pk)
    if current.url != url:
        current.failing_since, current.resume_at, current.trouble = None, None, ""
    current.name, current.url, current.events = name, url, sorted(set(events))
    current.save()
    log("changed", current, by=by, detail=url)
    listeners_changed()
    return current


@transaction.atomic
def switch(*, webhook: Webhook, on: bool, by: User) -> Webhook:
    """Off: nothing is told or sent. On again: what waited goes out; what happened meanwhile was never written down."""
    current = Webhook.objects.select_for_update().get(pk=webhook.pk)
    current.disabled_at = None if on else current.disabled_at or timezone.now()
    if on:
        current.failing_since, current.resume_at, current.trouble = None, None, ""
        handoff.nudge(SEND, current.pk, queue="default")
    current.save()
    log("switched on" if on else "switched off", current, by=by)
    listeners_changed()
    return current


@transaction.atomic
def rotate(*, webhook: Webhook, by: User) -> tuple[Webhook, str]:
    """A new secret. The old one signs beside it for a day, so that nothing is lost while the other side changes."""
    current = Webhook.objects.select_for_update().get(pk=webhook.pk)
    secret = signing.new_secret()
    current.secret = signing.replaced(current, secret)
    current.save(update_fields=["secret"])
    log("given a new secret", current, by=by)
    return current, secret


def ping(*, webhook: Webhook, by: User) -> WebhookEvent:
    """Send a test at once and say what came of it. It is not repeated, and does not count as failing."""
    event = WebhookEvent.objects.create(
        webhook=webhook, type=topics.PING, data={"webhook": webhook.name}, attempts=1,
        state=WebhookEvent.State.SENDING, lease_until=timezone.now() + sending.LEASE,
    )  # fmt: skip
    log("tried", webhook, by=by)
    outcome = sending.attempt(event)
    if outcome.arrived:
        event.confirm(at=timezone.now(), status=outcome.status)
    else:
        event.give_up(outcome.trouble, status=outcome.status)
    return event


@transaction.atomic
def replay(*, event: WebhookEvent, by: User) -> WebhookEvent:
    """Send it (again), under the same id, from now on as if it were new."""
    current = WebhookEvent.objects.select_for_update(of=("self",)).select_related("webhook").get(pk=event.pk)
    if current.state == WebhookEvent.State.SENDING:
        raise OnItsWay
    if current.data == {}:
        raise SaysNothing
    if current.webhook.disabled_at:
        raise SwitchedOff(webhook=current.webhook)
    current.again(at=timezone.now())
    log("sent again", current, by=by)
    Webhook.objects.filter(pk=current.webhook_id).update(resume_at=None)
    handoff.nudge(SEND, current.webhook_id, queue="default")
    return current
