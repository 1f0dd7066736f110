"""One identity alone goes to another record, and what stands under it goes along."""

from __future__ import annotations

from collections.abc import Iterable

from crm import webhooks
from crm.merging import facts
from crm.merging.joining import rule
from crm.merging.ledger import carry, change, made, marks
from crm.merging.relations import followers
from crm.models import Consent, Customer, Identity, IdentityLink, Merge, User

State = IdentityLink.State


def begin(link: IdentityLink, to: Customer, *, by: User | None, reason: str) -> Merge:
    """Take the identity from whom `link` gives it to; the entry under which the rest is written down."""
    entry = Merge.objects.create(
        survivor=to, absorbed=link.customer, identity=link.identity, by=by, reason=reason[:500], marks=marks()
    )
    change(entry, link, state=State.WITHDRAWN, decided_by_id=entry.by_id, decided_at=entry.at)
    return entry


def follow(entry: Merge) -> int:
    """Bring the rows that stand under the identity. Returns how many stayed, since the other record has the same."""
    stayed = 0
    for relation in followers():
        theirs = relation.of_identity(entry.absorbed_id, entry.identity_id or 0)
        kept = relation.kept_back(entry.absorbed_id, entry.survivor_id)
        carry(entry, relation, theirs.exclude(pk__in=kept.values("pk")), to=entry.survivor_id)
        stayed += relation.of_identity(entry.absorbed_id, entry.identity_id or 0).count()
    return stayed


def fresh_record(identity: Identity) -> Customer:
    """A provisional record for an identity that belongs to nobody we know."""
    name = identity.display_name or identity.handle or identity.value
    return Customer.objects.create(name=name[:200], created_at=identity.first_seen_at)


def settle_fresh(entry: Merge, why: str) -> IdentityLink:
    """Link the identity to its fresh record, which takes over what was refused: nobody knows which of them said it."""
    fresh = entry.survivor
    made(entry, fresh)
    link = IdentityLink.objects.create(  # type: ignore[misc]
        identity=entry.identity, customer=fresh, method=IdentityLink.Method.FIRST_CONTACT, evidence=why[:500],
        by=entry.by, created_at=entry.at,
    )  # fmt: skip
    made(entry, link)
    rule(entry, fresh, entry.absorbed, why, only=_refusals(entry.absorbed))
    webhooks.tell("customer.created", fresh)
    return link


def _refusals(customer: Customer) -> Iterable[str]:
    held = facts.consents(customer)
    refused = [column for column, kept in held.items() if kept["state"] == Consent.State.REFUSED]
    return [*refused, "do_not_contact_at"]
