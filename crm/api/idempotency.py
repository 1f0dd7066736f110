"""A request that may be sent twice: with the same Idempotency-Key it is done once, and answered the same.

The key's row is locked while the request is at work, and its answer is written in the transaction that does the work.
So a request that died leaves nothing done and its key free; one that was refused likewise.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Concatenate, ParamSpec

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Header, Status
from ninja.responses import Response
from pydantic import Field

from crm.api.auth import Caller
from crm.api.problems import Problem
from crm.models import IdempotencyKey
from crm.webhooks.topics import as_json

P = ParamSpec("P")
Done = Status[Any]
View = Callable[Concatenate[Caller, P], Done]

KEPT = timedelta(hours=24)
REPLAYED = "Idempotency-Replayed"
SAYS = "Any text of your own, a UUID for instance. Within 24 hours the same key gets the same answer, done once."
Key = Annotated[str | None, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$", description=SAYS)]


def once(view: View[P]) -> Callable[..., Any]:
    """For a write that answers with Status(…, schema): in one transaction, and by its key only once."""

    @functools.wraps(view)
    def guarded(request: Caller, *args: Any, idempotency_key: str | None = None, **kwargs: Any) -> Any:
        work: Callable[[], Done] = functools.partial(view, request, *args, **kwargs)
        if idempotency_key is None:
            with transaction.atomic():
                return work()
        return _once(request, idempotency_key, work)

    # with the names of the view's own module: this one does not know them
    guarded.__signature__ = inspect.signature(view, eval_str=True)  # type: ignore[attr-defined]
    guarded._ninja_contribute_args = [  # type: ignore[attr-defined]
        ("idempotency_key", Key, Header(None, alias="Idempotency-Key", description=SAYS))
    ]
    guarded.done_once = True  # type: ignore[attr-defined]
    return guarded


def _once(request: Caller, key: str, work: Callable[[], Done]) -> Done | HttpResponse:
    same = {"token": request.auth, "key": key}
    IdempotencyKey.objects.bulk_create([IdempotencyKey(**same, request_hash="")], ignore_conflicts=True)
    with transaction.atomic():
        # locked by whoever is at work on it; who finds it locked does not wait
        row = IdempotencyKey.objects.select_for_update(skip_locked=True).filter(**same).first()
        if row is None:
            raise Problem(409, _("The request with this key is still being worked on."), code="still-at-work")
        if row.status is not None:
            return _same_answer(row, _digest(request))
        done = work()
        row.request_hash, row.status, row.body = _digest(request), done.status_code, as_json(done.value)
        row.save(update_fields=["request_hash", "status", "body"])
    return done


def _same_answer(row: IdempotencyKey, digest: str) -> HttpResponse:
    if row.request_hash != digest:
        raise Problem(422, _("This key was used for another request. Use a new one."), code="key-used")
    kind = "application/json; charset=utf-8"
    return Response(row.body, status=row.status, content_type=kind, headers={REPLAYED: "true"})


def _digest(request: Caller) -> str:
    return hashlib.sha256(b"\n".join([f"{request.method} {request.path}".encode(), request.body])).hexdigest()


def forget_old() -> int:
    return IdempotencyKey.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
