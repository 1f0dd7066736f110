"""For load balancers and people who run Hark: is it alive, is it ready, and what is behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from redis import RedisError

from channels_app.models import Delivery, Message, RawEvent
from crm.handoff import wire
from crm.models import Webhook
from crm.web import public

BEHIND_SECONDS = 300


@public
def alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("alive\n", content_type="text/plain")


@public
def ready(request: HttpRequest) -> HttpResponse:
    """200 when servers answer, migrations are applied and nothing has waited for long; else 503 with what is wrong."""
    report = {name: _answer(check) for name, check in CHECKS.items()}
    well = all(answer == "ok" for answer in report.values())
    return JsonResponse(report, status=200 if well else 503)


def _answer(check: Callable[[], str]) -> str:
    try:
        return check()
    except (DatabaseError, RedisError, OSError) as error:
        return f"cannot be reached ({type(error).__name__})"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")  # a connection from the pool may have died since
    return "ok"


def _redis() -> str:
    wire().ping()
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "ok" if not missing else f"{len(missing)} not applied: run bin/manage migrate"


def _backlog() -> str:
    """The age of the oldest thing that waits for its next step, looked up on the partial indexes."""
    waiting: dict[str, Any] = {
        "raw payloads": RawEvent.objects.pending().order_by("id").values_list("received_at", flat=True).first(),
        "messages": Message.objects.filter(routed_at=None).order_by("id").values_list("stored_at", flat=True).first(),
        "replies": Delivery.objects.due(timezone.now())
        .order_by("not_before")
        .values_list("not_before", flat=True)
        .first(),
        "webhooks": Webhook.objects.kept_waiting(timezone.now()).first(),
    }
    late = {name: _seconds(at) for name, at in waiting.items() if at and _seconds(at) > BEHIND_SECONDS}
    return "ok" if not late else "; ".join(f"{name} wait for {seconds} s" for name, seconds in late.items())


def _seconds(at: datetime) -> int:
    return int((timezone.now() - at).total_seconds())


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database, "redis": _redis, "migrations": _migrations, "backlog": _backlog,
}  # fmt: skip
