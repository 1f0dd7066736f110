"""Requests are worked off step by step, by one worker at a time, and found again when that worker died."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext as _
from rq.timeouts import BaseTimeoutException

from crm import handoff
from crm.errors import Refused
from crm.locks import alone
from crm.models import PrivacyRequest, User
from crm.privacy import asking, erasing, exporting, receipts

log = structlog.get_logger(__name__)

LOCK = 11  # the first half of our advisory locks; the second is the request's number
WORK: dict[str, Callable[[PrivacyRequest], None]] = {
    PrivacyRequest.Kind.EXPORT: exporting.export,
    PrivacyRequest.Kind.ERASURE: erasing.erase,
}
LATER = (OperationalError, InterfaceError, BaseTimeoutException)  # the machine, not the request: tried again


def work(pk: int) -> None:
    """Do what is asked for, from wherever it stopped. Nothing where it is done, or another worker has it."""
    with alone(LOCK, pk) as mine:
        request = PrivacyRequest.objects.select_related("customer").get(pk=pk)
        if not mine or not request.is_under_way:
            return
        try:
            WORK[request.kind](request)
        except LATER:
            raise
        except Refused as refusal:
            _leave(pk, PrivacyRequest.State.WAITING, str(refusal))
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]  # not what it says, which may quote the customer
            log.error("a privacy request broke off", request=pk, step=request.step, error=type(error).__name__,
                      where=f"{where.filename}:{where.lineno}")  # fmt: skip
            why = _("Hark could not go on ({error}). Try again, or ask who runs Hark.")
            _leave(pk, PrivacyRequest.State.FAILED, why.format(error=type(error).__name__))


def _leave(pk: int, state: str, why: str) -> None:
    """It stands as it is: waiting for another try each minute, or for a person."""
    PrivacyRequest.objects.under_way().filter(pk=pk).update(state=state, trouble=why[:300])


def erase_again(one: receipts.Back, *, by: User) -> PrivacyRequest:
    """The same erasure once more, here and now: of somebody whom a restored backup brought back."""
    number, who = str(one.customer.pk), one.by or by
    request = asking.ask_for_erasure(customer=one.customer, confirmed=number, reason=one.reason, by=who)
    work(request.pk)
    request.refresh_from_db()
    return request


def sweep() -> None:
    """Each minute: nudge what waits or was left by a worker that died."""
    for pk in PrivacyRequest.objects.under_way().order_by("pk").values_list("pk", flat=True):
        handoff.nudge(asking.JOB, pk, queue="default")
