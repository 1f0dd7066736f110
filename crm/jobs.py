"""Background steps of the ground floor. Each takes a primary key, reads again what is to be done, and may run twice."""

from __future__ import annotations

from django.utils import timezone

from crm import digest as digests
from crm import files, handoff, identify, merging
from crm.importing import running
from crm.matching import again, learning, proposals
from crm.models import Identity, IdentityRequest
from crm.privacy import retention as ages
from crm.privacy import working


def send_code(request_id: int) -> None:
    if request := IdentityRequest.objects.filter(pk=request_id).first():
        identify.send_code(request)


def privacy(request_id: int) -> None:
    working.work(request_id)


def retention() -> None:
    """Each hour. It may take longer than what else stands in that line may wait."""
    handoff.nudge("crm.jobs.keep_no_longer", queue="default")


def keep_no_longer() -> None:
    ages.due()


def match_new() -> None:
    """Every few seconds: nudge the search for whom new handles belong to, behind what people wait for."""
    if Identity.objects.to_match().exists():
        handoff.nudge(again.PROPOSE, queue="default")


def propose() -> None:
    proposals.propose_for_new()


def recount() -> None:
    """Each hour: count anew how common names are, where the counts are old."""
    handoff.nudge("crm.jobs.count_names", queue="default")


def count_names() -> None:
    if learning.stale():
        learning.count_all()


def digest() -> None:
    """Every five minutes: mails with what people have not read, for whom the time has come."""
    handoff.nudge("crm.jobs.mail_digests", queue="default")


def mail_digests() -> None:
    digests.send_due()


def importing(run_id: int) -> None:
    running.work(run_id)


def bring_along() -> None:
    """Each quarter of an hour: what was left with merged records and may go now."""
    merging.bring_along()


def sweep_files() -> None:
    """Each hour: delete files that no row names."""
    files.sweep()


def sweep() -> None:
    """Each minute: find what waits for its next step, and forget what has run out."""
    for pk in IdentityRequest.objects.wanting_a_code(timezone.now()).values_list("pk", flat=True)[:500]:
        handoff.nudge(identify.SEND_CODE, pk)
    identify.expire()
    working.sweep()
    running.sweep()
