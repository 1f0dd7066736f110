"""One identity alone goes to another record, and what stands under it goes along."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from crm import webhooks
from crm.merging import facts
from crm.merging.joining import rule
from crm.merging.ledger import carry, change, made, marks
from crm.merging.relations import LINKS, followers
from crm.models import Consent, Customer, Identity, IdentityLink, Merge, Move, User

State = IdentityLink.State


def begin(link: IdentityLink, to: Customer, *, by: User | None, reason: str) -> Merge:
    """Take the identity from whom `link` gives it to; the entry under which the rest is written down."""
    entry = Merge.objects.create(
        survivor=to, absorbed=link.customer, identity=link.identity, by=by, reason=reason[:500], marks=marks()
    )
    change(entry, link, state=State.WITHDRAWN, decided_by_id=entry.by_id, decided_at=entry.at)
    return entry


def follow(entry: Merge) -> None:
    """Bring the rows that stand under the identity, but those of which the other record has the same."""
    identity = entry.identity_id or 0
    holders = [entry.absorbed_id, *opened_for([identity]).values_list("survivor", flat=True)]
    for relation in followers():
        for holder in holders:
            kept = relation.kept_back(holder, entry.survivor_id)
            theirs = relation.of_identity(holder, identity).exclude(pk__in=kept.values("pk"))
            carry(entry, relation, theirs, to=entry.survivor_id)
    lead_home(entry)


def opened_for(identities: Any) -> QuerySet[Merge]:
    """The undone entries by which a fresh record was opened for one of these, which is closed again since."""
    itself = {"merge": OuterRef("pk"), "row": OuterRef("survivor")}
    fresh = Move.objects.filter(kind=Customer._meta.label_lower, column=Customer._meta.pk.attname, **itself)
    undone = Merge.objects.filter(undone_at__isnull=False, identity__in=identities)
    return undone.filter(Exists(fresh), survivor__merged_into__isnull=False).order_by("pk")


def lead_home(entry: Merge) -> None:
    """Closed fresh records of the handles that changed hands lead to who has them now: rows may wait there."""
    moved = IdentityLink.objects.filter(pk__in=Move.objects.filter(merge=entry, kind=LINKS.kind).values("row"))
    for opened in opened_for(moved.values("identity")):
        owner = IdentityLink.objects.confirmed().filter(identity=opened.identity_id).values("customer")
        Customer.objects.filter(pk=opened.survivor_id).update(merged_into=Coalesce(Subquery(owner), "merged_into"))


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
