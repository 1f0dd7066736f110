"""What comes in and goes out in the demo: a key and a webhook of another system, an imported list, a copy, an erasure.

Everything by the functions the screens use. The webhook listens while the links are made, so that it has a log, and
is switched off at the end: its address belongs to nobody.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.core.files import File

from config.demo_customers import whom
from crm import tokens
from crm.importing import bringing, running
from crm.models import Customer, Import, PrivacyRequest, Scope, User, Webhook, WebhookEvent
from crm.privacy import asking, working
from crm.webhooks import managing, sending, signing
from crm.webhooks.telling import listeners_changed

DESK = Path(__file__).with_name("demo_desk.csv")
FORGOTTEN = "signalbox_67"
TOLD_OF = ["case.opened", "case.resolved", "customer.merged", "link.confirmed", "link.proposed"]


def listen() -> None:
    """Made by hand: `managing.make` would ask a name server, and refuse an address nobody has."""
    Webhook.objects.create(
        name="Loyalty programme", url="https://loyalty.skylark.example/hooks/hark", events=TOLD_OF,
        secret=signing.sealed(signing.new_secret()), created_by=User.objects.get(username="admin"),
    )  # fmt: skip
    listeners_changed()


def load() -> None:
    _tokens(User.objects.get(username="admin"))
    lead = User.objects.get(username="lead")
    _import(lead)
    _copy_and_erasure(lead)
    _told(User.objects.get(username="admin"))


def _tokens(admin: User) -> None:
    """The shop brings orders each night; who wrote the old connection has left."""
    shop, lead = [Scope.CUSTOMERS_READ, Scope.ORDERS_READ, Scope.ORDERS_WRITE], User.objects.get(username="lead")
    tokens.make(name="Skylark shop", user=lead, scopes=shop, source="skylark-shop", by=admin)
    old, _ = tokens.make(name="Old booking desk", user=lead, scopes=[Scope.CUSTOMERS_READ], by=admin)
    tokens.revoke(token=old, by=admin)


def _import(lead: User) -> None:
    """A list kept at the desk in Leeds: most of it came in, three rows are refused, one address has an owner."""
    with DESK.open("rb") as file:
        run = bringing.bring(
            what=Import.What.CUSTOMERS, source="leeds-desk", file=File(file, "leeds-desk.csv"), by=lead
        )
    columns = run.columns | {"id": ["Number"], "about": ["Remarks"], "city": ["Town"]}
    bringing.name_columns(run=run, columns=columns, by=lead)
    for begin in (running.check, running.start):
        begin(run=run, by=lead)
        run.refresh_from_db()
        running.work_off(run)
        run.refresh_from_db()


def _copy_and_erasure(lead: User) -> None:
    asked = PrivacyRequest.Asker.PERSON
    copy = asking.ask_for_copy(customer=whom()["mira_on_rails"], reason=asked, by=lead)
    gone = Customer.objects.get(links__identity__value=FORGOTTEN)
    erasure = asking.ask_for_erasure(customer=gone, confirmed=str(gone.pk), reason=asked, by=lead)
    for request in (copy, erasure):
        working.work(request.pk)


def _told(admin: User) -> None:
    webhook = Webhook.objects.get()
    *sent, last = WebhookEvent.objects.unsettled().order_by("pk")
    for event in sent:
        event.attempts = 1
        event.confirm(at=event.created_at + timedelta(seconds=2), status=204)
    last.attempts = len(sending.PAUSES) + 1
    last.give_up("It answered with an error (503).", status=503)
    managing.switch(webhook=webhook, on=False, by=admin)
