"""How the links of two records become those of one.

A decision of a person outlives the merge: who was rejected for one of them is rejected for both. Two links of one
identity meet in one: the confirmed one stands, then what was decided, then what is only proposed. The other stays
behind with the absorbed record.
"""

from __future__ import annotations

from dataclasses import dataclass

from crm.merging.ledger import carry, change
from crm.merging.relations import LINKS
from crm.models import Customer, IdentityLink, Merge

State = IdentityLink.State
AGAINST = (State.REJECTED, State.WITHDRAWN)
PROOF = ("state", "method", "evidence", "score", "points", "by_id", "created_at", "decided_by_id", "decided_at")
DECISION = ("state", "decided_by_id", "decided_at")


@dataclass(frozen=True)
class Proof:
    """What shows that two records are one: an identity of the absorbed one, how we know, and on what evidence."""

    identity: int
    method: str
    evidence: str


def bring(merge: Merge, survivor: Customer, absorbed: Customer, proof: Proof | None) -> None:
    """Bring the links of `absorbed` over."""
    met = meetings(survivor, absorbed)
    for theirs, ours in met:
        _settle(merge, theirs, ours)
    alone = LINKS.rows_of(absorbed.pk).exclude(pk__in=[theirs.pk for theirs, _ in met])
    carry(merge, LINKS, alone, to=survivor.pk)
    if proof:
        _prove(merge, survivor, proof)


def meetings(survivor: Customer, absorbed: Customer) -> list[tuple[IdentityLink, IdentityLink]]:
    """(their link, our link) for each identity that both have one of."""
    ours = {link.identity_id: link for link in survivor.links.select_related("identity", "decided_by")}
    theirs = absorbed.links.filter(identity__in=ours).select_related("identity", "decided_by").order_by("pk")
    return [(link, ours[link.identity_id]) for link in theirs]


def _settle(merge: Merge, theirs: IdentityLink, ours: IdentityLink) -> None:
    if theirs.state == State.CONFIRMED:
        proof = {name: getattr(theirs, name) for name in PROOF}
        decision = {"decided_by_id": merge.by_id, "decided_at": merge.at}
        change(merge, theirs, state=State.WITHDRAWN, **decision)  # first: an identity has one confirmed owner
        waiting = ours.state == State.PROPOSED
        change(merge, ours, **({"state": State.CONFIRMED, **decision} if waiting else proof))
    elif theirs.state in AGAINST and ours.state == State.PROPOSED:
        change(merge, ours, **{name: getattr(theirs, name) for name in DECISION})


def _prove(merge: Merge, survivor: Customer, proof: Proof) -> None:
    link = survivor.links.get(identity=proof.identity)
    change(
        merge, link, method=proof.method, evidence=proof.evidence[:500], by_id=link.by_id or merge.by_id,
        decided_by_id=merge.by_id, decided_at=merge.at,
    )  # fmt: skip
