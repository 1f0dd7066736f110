"""Kill -9 in the middle of an import, of its check and of its undoing: afterwards each row has come in exactly once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.base import ContentFile
from django.db import transaction

from crm.importing import bringing, running, undoing
from crm.models import Customer, Identity, IdentityLink, Import, ImportChange
from tests import factories
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes

ROWS = 3_000
AGAIN = ROWS // 50  # rows that bring an id once more, and an address that somebody else has


@pytest.fixture
def run(stack: Stack, settings) -> Import:
    """An import whose columns are named; its file lies where the stack's processes look for it."""
    settings.MEDIA_ROOT = stack.state / "files"
    lines = ["id,name,email,tier"]
    for n in range(ROWS - AGAIN):
        lines.append(f"{n},Customer {n},customer.{n}@example.com,{'gold' if n % 40 == 39 else 'key'}")
    lines += [f"{40 * n},Renamed {n},customer.{40 * n + 1}@example.com,key" for n in range(AGAIN)]
    lead = factories.UserFactory(role="lead")
    file = ContentFile("\n".join(lines).encode(), name="customers.csv")
    return bringing.bring(what="customers", source="crm", file=file, by=lead)


def in_the_middle(stack: Stack, run: Import, act: Callable[[], object], share: float) -> None:
    """Act when so much of it is done; proves that the rest was not."""

    def done() -> int:
        run.refresh_from_db()
        return run.done

    stack.wait_until(f"{share:.0%} is done", lambda: done() >= ROWS * share)
    act()
    assert done() < ROWS


def until(stack: Stack, run: Import, state: str) -> None:
    def there() -> bool:
        run.refresh_from_db()
        assert run.state != Import.State.BROKEN, run.trouble
        return run.state == state

    stack.wait_until(f"it is {state}", there)


def every_row_is_accounted_for(run: Import) -> None:
    refused = sum(1 for n in range(ROWS - AGAIN) if n % 40 == 39)
    assert (run.rows, run.made, run.refused) == (ROWS, ROWS - AGAIN - refused, refused)
    assert (run.changed, run.parked, run.errors.count()) == (AGAIN, AGAIN, refused)


def test_an_import_killed_again_and_again_brings_each_row_once(stack: Stack, run: Import):
    stack.start("worker", "cron")
    running.check(run=run, by=run.by)
    in_the_middle(stack, run, lambda: stack.kill9("worker"), 0.2)
    stack.restart("worker")
    until(stack, run, "checked")
    assert (run.rows, run.made + run.refused, run.errors.count()) == (ROWS, ROWS, run.refused)
    assert not Customer.objects.exists()

    running.start(run=run, by=run.by)
    for share in (0.2, 0.5):
        in_the_middle(stack, run, lambda: stack.kill9("worker"), share)
        stack.restart("worker")
    until(stack, run, "done")
    every_row_is_accounted_for(run)
    assert Customer.objects.count() == run.made
    assert Identity.objects.filter(kind="external").count() == run.made
    assert Identity.objects.filter(kind="email").count() == run.made
    assert IdentityLink.objects.filter(state="proposed", method="import").count() == AGAIN
    assert ImportChange.objects.filter(kind="crm.customer", before__isnull=True).count() == run.made
    stack.wait_until("the file is let go", lambda: not Import.objects.get(pk=run.pk).file)


def test_of_an_undoing_that_is_killed_nothing_is_half_done(stack: Stack, run: Import):
    stack.start("worker", "cron")
    Import.objects.filter(pk=run.pk).update(state="checked")
    running.start(run=run, by=run.by)
    until(stack, run, "done")
    undoing.undo(run=run, by=run.by)
    stack.wait_until("the worker is at it", lambda: is_undoing(run))
    stack.kill9("worker")
    run.refresh_from_db()
    assert (run.state, Customer.objects.count()) == ("undoing", run.made)
    stack.restart("worker")
    until(stack, run, "undone")
    assert not Customer.objects.exists()
    assert not Identity.objects.exists()


def is_undoing(run: Import) -> bool:
    """Somebody holds its row, and so is in the middle of the one transaction that undoes it."""
    with transaction.atomic():
        return not Import.objects.select_for_update(skip_locked=True).filter(pk=run.pk).exists()
