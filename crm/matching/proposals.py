"""Proposing: this identity, now with the record its first contact opened, may belong to that customer.

A proposal is an IdentityLink in the state proposed (docs/adr/0007). It is carried by an identity of the record we know
less of: of one we only have a handle of, else of the newer one. A person decides; see `rules` for the one exception.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from crm import handoff, webhooks
from crm.matching import again, loading, refusals, rules
from crm.matching.candidates import Looked, look
from crm.matching.learning import count_all
from crm.matching.records import Match, Record
from crm.matching.scoring import passes
from crm.models import Commonness, Identity, IdentityLink

log = structlog.get_logger(__name__)

BATCH = 50  # identities a run looks for: a second or two, so that a worker is soon free for what people wait for
State, Method = IdentityLink.State, IdentityLink.Method

# whose identity carries it (a customer's pk; below 0, that of an identity which is nobody's), and to which customer
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Work:
    """One run: what was looked for, and the identities each record may carry a proposal with, by the pairs' numbers."""

    looked: Mapping[int, Looked]
    wanted: Mapping[Pair, Match]
    held: Mapping[int, list[int]]

    @property
    def bearers(self) -> dict[int, int]:
        return {identity: number for number, identities in self.held.items() for identity in identities}


@transaction.atomic
def propose(identities: Sequence[int]) -> list[IdentityLink]:
    """Look for whom these identities (pks) may belong to, and propose it. Returns the new proposals.

    What was proposed before, was not decided and no longer holds is taken back. A fixed number of queries.
    """
    work = _look(identities)
    Identity.objects.filter(pk__in=identities).update(matched_at=timezone.now())
    again.forget(_provisional(work.looked))
    known = _refresh(work)
    new = _add(work, [pair for pair in work.wanted if pair not in known])
    waiting = {link.pk for link in rules.settle([*known.values(), *new])}
    proposed = [link for link in new if link.pk in waiting]
    webhooks.tell("link.proposed", *proposed)
    return proposed


def propose_for_new() -> int:
    """Work off one batch of identities nobody looked at, the newest first. Returns how many it took."""
    if not Commonness.objects.exists():
        count_all()
    with transaction.atomic():
        waiting = Identity.objects.to_match().order_by("-id").select_for_update(skip_locked=True, no_key=True)
        batch = list(waiting.values_list("pk", flat=True)[:BATCH])
        _propose_all(batch)
    if len(batch) == BATCH:
        handoff.nudge(again.PROPOSE, queue="default")
    return len(batch)


def _propose_all(identities: Sequence[int]) -> None:
    """All at once; where something in one breaks that, one by one, so that only the one at fault is passed over."""
    try:
        propose(identities)
    except (OperationalError, InterfaceError):  # the database, not an identity
        raise
    except Exception as error:
        if len(identities) == 1:
            log.error("no match could be looked for", identity=identities[0], error=type(error).__name__)
            Identity.objects.filter(pk__in=identities).update(matched_at=timezone.now())
            return
        for identity in identities:
            _propose_all([identity])


# --- looking


def _look(identities: Sequence[int]) -> Work:
    bearers = loading.bearers(identities)
    records = loading.of_customers(set(bearers.values()))
    alone = loading.lone(Identity.objects.filter(pk__in=set(identities) - set(bearers), erased_at=None))
    refused = dict(refusals.of_customers(records))
    refused |= {-pk: never for pk, never in refusals.of_identities(alone).items()}
    looked = look(records | {-pk: record for pk, record in alone.items()}, refused)
    wanted = _wanted(looked)
    carriers = {number for number, _ in wanted} | set(looked)
    held = {number: [-number] for number in carriers if number < 0}
    return Work(looked, wanted, held | _held({number for number in carriers if number > 0}))


def _wanted(looked: Mapping[int, Looked]) -> dict[Pair, Match]:
    """Each pair once, though both may have been looked for."""
    wanted: dict[Pair, Match] = {}
    for number, found in looked.items():
        if found.chosen:
            wanted[_pair(number, found.record, found.chosen.record)] = found.chosen.match
    return wanted


def _pair(number: int, record: Record, other: Record) -> Pair:
    """Who carries, and to whom it leads: from the one we know less of, else from the newer."""
    if number < 0 or record.is_known != other.is_known or record.pk > other.pk:
        return (number, other.pk)
    return (other.pk, number)


def _held(customers: Collection[int]) -> dict[int, list[int]]:
    """The identities of each customer, handles first."""
    links = IdentityLink.objects.confirmed().filter(customer__in=customers)
    held: dict[int, list[int]] = defaultdict(list)
    ordered = sorted(
        links.values_list("customer", "identity__kind", "identity"), key=lambda row: (row[1] != "handle", row[2])
    )
    for customer, _kind, identity in ordered:
        held[customer].append(identity)
    return held


def _provisional(looked: Mapping[int, Looked]) -> set[int]:
    """Records we only have a handle of who may be one of those we looked for: they are to look for themselves."""
    likely = (
        one.record
        for found in looked.values()
        if found.record.is_known
        for one in found.candidates
        if passes(one.match)
    )
    return {record.pk for record in likely if not record.is_known} - set(looked)


# --- writing


def _refresh(work: Work) -> dict[Pair, IdentityLink]:
    """Bring what is proposed already up to date, and take back what no longer holds. Returns what stands."""
    bearers, gone = work.bearers, []
    known: dict[Pair, IdentityLink] = {}
    for link in IdentityLink.objects.filter(state=State.PROPOSED, identity__in=bearers).order_by("id"):
        pair = (bearers[link.identity_id], link.customer_id)
        if pair in work.wanted:
            known[pair] = _explain(link, work.wanted[pair])
        elif link.method == Method.MATCHED and pair[0] in work.looked:
            gone.append(link.pk)
    IdentityLink.objects.bulk_update(known.values(), ["score", "points", "evidence"])
    IdentityLink.objects.filter(pk__in=gone, state=State.PROPOSED).delete()
    return known


def _add(work: Work, pairs: Iterable[Pair]) -> list[IdentityLink]:
    links = []
    for carrier, customer in pairs:
        for identity in work.held.get(carrier, [])[:1]:
            link = IdentityLink(identity_id=identity, customer_id=customer, state=State.PROPOSED, method=Method.MATCHED)
            links.append(_explain(link, work.wanted[carrier, customer]))
    IdentityLink.objects.bulk_create(links, ignore_conflicts=True)
    made = IdentityLink.objects.filter(identity__in=[link.identity_id for link in links], state=State.PROPOSED)
    pairs_made = {(link.identity_id, link.customer_id) for link in links}
    return [link for link in made.order_by("id") if (link.identity_id, link.customer_id) in pairs_made]


def _explain(link: IdentityLink, found: Match) -> IdentityLink:
    link.score = round(found.score, 4)
    link.points = [{"says": point.says, "weight": round(point.weight, 2)} for point in found.points]
    if link.method == Method.MATCHED:
        link.evidence = next((point.says for point in found.points if point.weight > 0), "")[:500]
    return link
