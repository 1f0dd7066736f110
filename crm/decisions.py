"""Whose an identity is: claimed, accepted, rejected, withdrawn, moved; by whom and on what evidence.

An identity has one owner. Whoever decides holds the identity first and the records after it, so that of two who decide
at once one is told what the other did. What takes an identity from one record to another is an entry in the book of
`crm.merging`, and undone there.
"""

from __future__ import annotations

from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import addresses, handoff, merging, webhooks
from crm.errors import Refused
from crm.matching.again import look_again
from crm.merging import Proof, moving
from crm.merging.joining import check
from crm.merging.ledger import AtThisMoment, all_or_nothing, change, lock
from crm.merging.relations import uses
from crm.models import Customer, Identity, IdentityLink, MatchRule, Merge, Move, User
from crm.models.activity import log

State, Method = IdentityLink.State, IdentityLink.Method
AGAINST = (State.REJECTED, State.WITHDRAWN)
# what outweighs that somebody said no before: the customer's own word, or a person who says so now
STRONG = (Method.ASKED, Method.SAID_SO, Method.BY_HAND)
CERTAIN = 1.0  # the score of a claim that no match proposed


class AlreadyDecided(Refused):
    sentence = gettext_lazy("{handle} and {name}: {who} decided on this already. It is {state} now.")


class TwoOwners(Refused):
    sentence = gettext_lazy(
        "{handle} belongs to {owner}, whom we know. Say what is true: it moves, it stays, or they are one person."
    )


class NotLinked(Refused):
    sentence = gettext_lazy("{handle} is not linked to {name} any more, so there is nothing to take back.")


class OnlyThat(Refused):
    sentence = gettext_lazy("{handle} is all we know of {name}, so there is nobody to take it from.")


class SayWhy(Refused):
    sentence = gettext_lazy("Say why: what shows that it is not theirs?")


class SayHow(Refused):
    sentence = gettext_lazy("Say how we know: what they said or wrote, and where.")


class NothingToUndo(Refused):
    sentence = gettext_lazy("{handle} and {name}: nothing was decided that could be undone.")


# --- evidence says so


def claim(
    *, identity: Identity, customer: Customer, method: str, evidence: str, by: User | None = None
) -> IdentityLink:
    """Evidence says that this identity belongs to this customer.

    Where nobody owns it, it is confirmed; where a provisional record does, that record is merged in. Where another
    customer whom we know does, the claim waits for a person, as a proposed link. What somebody said no to stays so
    unless the evidence is the customer's word or a person's; the link returned then says "rejected" or "withdrawn".
    """
    with all_or_nothing():
        identity = _hold(identity)
        customer = customer.survivor
        owner, pair = _owner(identity), _pair(identity, customer)
        if owner and owner.customer_id == customer.pk:
            return owner
        if pair and pair.state in AGAINST and method not in STRONG:
            return pair
        if owner and owner.customer.is_provisional:
            return _join(customer, owner, Proof(identity.pk, method, evidence), by)
        settle = _park if owner else _confirm
        return settle(pair or IdentityLink(identity=identity, customer=customer), method, evidence, by)


def link_by_hand(*, customer: Customer, kind: str, place: str, value: str, evidence: str, by: User) -> IdentityLink:
    """Write down that this address, number or handle is the customer's. `evidence` says how we know.

    Raises SayHow, addresses.NotAnAddress. A proposed link comes back where another customer has it.
    """
    if not evidence.strip():
        raise SayHow
    with all_or_nothing():
        check(customer)
        identity = addresses.identity(kind, place, value, customer.country)
        return claim(identity=identity, customer=customer, method=Method.BY_HAND, evidence=evidence.strip(), by=by)


# --- a proposal is decided


def accept(*, link: IdentityLink, by: User | None, rule: MatchRule | None = None) -> IdentityLink:
    """The proposal is right. The provisional record the identity stands with, if any, is merged into the customer's.

    `rule` is what accepted it where nobody did. Raises AlreadyDecided; TwoOwners where we know whose it is.
    """
    with all_or_nothing():
        link, owner = _to_decide(link)
        evidence = _evidence(link, rule)
        if owner is None:
            return _confirm(link, link.method, evidence, by)
        if not owner.customer.is_provisional:
            raise TwoOwners(handle=link.identity, owner=owner.customer)
        return _join(link.customer, owner, Proof(link.identity_id, link.method, evidence), by)


def move(*, link: IdentityLink, by: User) -> IdentityLink:
    """The proposal is right, and the owner we know was not: the identity goes over, with what stands under it."""
    with all_or_nothing():
        link, owner = _to_decide(link)
        if owner is None or owner.customer.is_provisional:
            return accept(link=link, by=by)
        check(owner.customer)
        entry = moving.begin(owner, link.customer, by=by, reason=_evidence(link))
        change(entry, link, state=State.CONFIRMED, decided_by_id=by.pk, decided_at=entry.at)
        moving.follow(entry)
        _moved(entry, link)
    return link


def reject(*, link: IdentityLink, by: User | None) -> IdentityLink:
    """The proposal is wrong, and is never made again; the identity stays where it is. Raises AlreadyDecided."""
    decision = {"state": State.REJECTED, "decided_by": by, "decided_at": timezone.now()}
    if not IdentityLink.objects.filter(pk=link.pk, state=State.PROPOSED).update(**decision):
        raise _already(link)
    link.refresh_from_db()
    return _tell("rejected", link, by)


def reconsider(*, link: IdentityLink, by: User) -> IdentityLink:
    """A rejection is taken back: the proposal waits again. Raises NothingToUndo."""
    waiting = {"state": State.PROPOSED, "decided_by": None, "decided_at": None}
    score = Coalesce(F("score"), Value(0.0))
    if not IdentityLink.objects.filter(pk=link.pk, state=State.REJECTED).update(score=score, **waiting):
        raise NothingToUndo(handle=link.identity, name=link.customer)
    link.refresh_from_db()
    return _tell("reconsidered", link, by)


# --- a link is taken back


def withdraw(*, link: IdentityLink, by: User, why: str) -> IdentityLink:
    """The identity is not this customer's. It gets a fresh provisional record, and what stands under it goes along.

    Returns the link to that record. Raises SayWhy, NotLinked, OnlyThat.
    """
    why = why.strip()
    if not why:
        raise SayWhy
    with all_or_nothing():
        identity = _hold(link.identity)
        link = IdentityLink.objects.select_related("identity", "customer").get(pk=link.pk)
        if link.state != State.CONFIRMED:
            raise NotLinked(handle=link.identity, name=link.customer)
        check(*lock(link.customer_id).values())
        if link.customer.is_provisional and not link.customer.links.confirmed().exclude(pk=link.pk).exists():
            raise OnlyThat(handle=link.identity, name=link.customer)
        entry = moving.begin(link, moving.fresh_record(identity), by=by, reason=why)
        fresh = moving.settle_fresh(entry, _("Taken from record #{pk}: {why}").format(pk=link.customer_id, why=why))
        moving.follow(entry)
        _moved(entry, link)
    return fresh


def undo(*, link: IdentityLink, by: User) -> Merge | IdentityLink:
    """Undo what was decided last on this link, and all that came of it.

    Raises NothingToUndo, and what merging.undo raises.
    """
    if link.state == State.REJECTED:
        return reconsider(link=link, by=by)
    if entry := last_entry(link):
        return merging.undo(merge=entry, by=by)
    if link.state == State.CONFIRMED and link.decided_at:
        return _unconfirm(link, by)
    raise NothingToUndo(handle=link.identity, name=link.customer)


def last_entry(link: IdentityLink) -> Merge | None:
    """The entry in the book that made the link what it is, if one did."""
    if link.decided_at is None:
        return None
    lines = Move.objects.filter(kind=IdentityLink._meta.label_lower, row=link.pk, merge__undone_at=None)
    line = lines.filter(merge__at=link.decided_at).select_related("merge").order_by("-merge").first()
    return line.merge if line else None


def _unconfirm(link: IdentityLink, by: User) -> IdentityLink:
    """As it was before somebody gave an identity that was nobody's to this customer."""
    with all_or_nothing():
        identity = _hold(link.identity)
        if _in_use(identity):
            return withdraw(link=link, by=by, why=_("The link was undone."))
        if link.score is not None:
            waiting = {"state": State.PROPOSED, "decided_by": None, "decided_at": None}
            IdentityLink.objects.filter(pk=link.pk, state=State.CONFIRMED).update(**waiting)
        elif link.created_at == link.decided_at:
            IdentityLink.objects.filter(pk=link.pk).delete()
        else:
            IdentityLink.objects.filter(pk=link.pk).update(state=State.WITHDRAWN, decided_by=by)
        return _tell("unlinked", link, by)


def _in_use(identity: Identity) -> bool:
    """Whether anything stands under it: then it must have an owner."""
    return any(use.rows_of(identity.pk).exists() for use in uses())


# --- the parts


def _hold(identity: Identity) -> Identity:
    """The identity, ours to decide on until the transaction ends."""
    return Identity.objects.select_for_update(no_key=True).get(pk=identity.pk)


def _owner(identity: Identity) -> IdentityLink | None:
    return IdentityLink.objects.confirmed().filter(identity=identity).select_related("customer", "identity").first()


def _pair(identity: Identity, customer: Customer) -> IdentityLink | None:
    links = IdentityLink.objects.filter(identity=identity, customer=customer)
    return links.select_related("customer", "identity").first()


def _to_decide(link: IdentityLink) -> tuple[IdentityLink, IdentityLink | None]:
    """The proposal as it is now and the identity's owner, all held. Raises AlreadyDecided."""
    identity = _hold(link.identity)
    owner, seen = _owner(identity), IdentityLink.objects.get(pk=link.pk)
    held = lock(seen.customer_id, owner.customer_id if owner else seen.customer_id)
    now = IdentityLink.objects.select_for_update(of=("self",)).prefetch_related("identity", "customer").get(pk=link.pk)
    if now.state != State.PROPOSED:
        raise _already(now)
    owner = _owner(identity)
    if {now.customer_id, owner.customer_id if owner else now.customer_id} != set(held):
        raise AtThisMoment  # one of them was merged while we waited
    check(now.customer)
    return now, owner


def _already(link: IdentityLink) -> AlreadyDecided:
    now = IdentityLink.objects.select_related("identity", "customer", "decided_by").get(pk=link.pk)
    facts = {"handle": now.identity, "name": now.customer, "state": now.get_state_display().lower()}
    return AlreadyDecided(who=now.decided_by or "Hark", **facts)


def _evidence(link: IdentityLink, rule: MatchRule | None = None) -> str:
    """What speaks for it, in one line; the rule that accepted it, where one did."""
    said = link.evidence or "; ".join(point["says"] for point in link.points if point.get("weight", 0) > 0)
    return (_("By rule: {rule}. {said}").format(rule=rule, said=said) if rule else said)[:500]


def _confirm(link: IdentityLink, method: str, evidence: str, by: User | None) -> IdentityLink:
    """Give the customer an identity that was nobody's."""
    check(*lock(link.customer_id).values())
    now = timezone.now()
    link.created_at = link.created_at if link.pk else now
    link.state, link.method, link.evidence = State.CONFIRMED, method, evidence[:500]
    link.by, link.decided_by, link.decided_at = link.by or by, by, now
    link.save()
    return _tell("linked", link, by)


def _park(link: IdentityLink, method: str, evidence: str, by: User | None) -> IdentityLink:
    """Two claim one identity: a person decides. It counts from now, or the owner's link would overtake it."""
    check(*lock(link.customer_id).values())
    link.state, link.method, link.evidence = State.PROPOSED, method, evidence[:500]
    link.score, link.by, link.created_at = CERTAIN, by, timezone.now()
    link.decided_by = link.decided_at = None
    link.save()
    return _tell("claimed", link, by)


def _join(customer: Customer, owner: IdentityLink, proof: Proof, by: User | None) -> IdentityLink:
    """The provisional record the identity stands with is this customer."""
    reason = _("{handle} is theirs: {evidence}").format(handle=owner.identity, evidence=proof.evidence)
    merging.merge(survivor=customer, absorbed=owner.customer, by=by, reason=reason, proof=proof)
    link = IdentityLink.objects.select_related("identity", "customer").get(
        identity=proof.identity, customer=customer
    )  # fmt: skip
    return _tell("linked", link, by)


def _moved(entry: Merge, link: IdentityLink) -> None:
    """Both records are told of an identity that went over."""
    handle, why = entry.identity, entry.reason
    log("withdrawn", entry.absorbed, by=entry.by, detail=f"{handle} went to record #{entry.survivor_id}: {why}")
    log("linked", entry.survivor, by=entry.by, detail=f"{handle} came from record #{entry.absorbed_id}: {why}")
    webhooks.tell_links(entry.links())
    for customer in (entry.survivor_id, entry.absorbed_id):
        handoff.pass_on("customer_changed", customer)
    look_again(customers=[entry.survivor_id, entry.absorbed_id])


def _tell(verb: str, link: IdentityLink, by: User | None) -> IdentityLink:
    how = f" ({link.get_method_display()})" if link.method else ""
    why = f": {link.evidence}" if link.evidence else ""
    log(verb, link.customer, by=by, detail=f"{link.identity}{how}{why}")
    webhooks.tell_links([link])
    handoff.pass_on("customer_changed", link.customer_id)
    owner = IdentityLink.objects.confirmed().filter(identity=link.identity_id).values_list("customer", flat=True)
    look_again(customers=[link.customer_id, *owner])
    return link
