"""Looking anew: what was known of a customer has changed, so whoever they may be is looked for once more."""

from __future__ import annotations

from collections.abc import Collection

from crm import handoff
from crm.models import Identity, IdentityLink

PROPOSE = "crm.jobs.propose"


def look_again(*, customers: Collection[int]) -> None:
    """For these customers (pks), soon."""
    forget(customers)
    handoff.nudge(PROPOSE, queue="default")


def forget(customers: Collection[int]) -> None:
    """That their identities were looked for."""
    links = IdentityLink.objects.confirmed().filter(customer__in=customers)
    Identity.objects.filter(pk__in=links.values("identity")).exclude(matched_at=None).update(matched_at=None)
