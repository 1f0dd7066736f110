"""Two records become one: everything of the one goes to the other, and each single thing that went is written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import handoff, webhooks
from crm.errors import Refused
from crm.matching.again import look_again
from crm.merging import facts, links
from crm.merging.ledger import all_or_nothing, carry, change, lock, made, marks, note
from crm.merging.links import Proof
from crm.merging.relations import relations
from crm.models import ConsentChange, Customer, Merge, PrivacyRequest, User
from crm.models.activity import log

UNDER_WAY = (PrivacyRequest.State.WAITING, PrivacyRequest.State.RUNNING)


class SameRecord(Refused):
    sentence = gettext_lazy("That is one and the same record. Choose another to merge it with.")


class AlreadyMerged(Refused):
    sentence = gettext_lazy("{name} (#{pk}) was merged into {survivor} (#{into}) already. Go on with that record.")


class Erased(Refused):
    sentence = gettext_lazy("Record #{pk} was erased. There is nothing left in it to merge.")


class PrivacyAtWork(Refused):
    sentence = gettext_lazy("A copy or an erasure of what we hold on {name} is under way. Merge when it is done.")


def merge(
    *,
    survivor: Customer,
    absorbed: Customer,
    choices: Mapping[str, str] | None = None,
    by: User | None,
    reason: str = "",
    proof: Proof | None = None,
) -> Merge:
    """Make `absorbed` part of `survivor`. `choices` says whose value stands: field → "survivor" or "absorbed".

    `proof` is the identity that shows it, where one does. Raises SameRecord, AlreadyMerged, Erased, PrivacyAtWork.
    """
    if survivor.pk == absorbed.pk:
        raise SameRecord
    with all_or_nothing():
        both = lock(survivor.pk, absorbed.pk)
        survivor, absorbed = both[survivor.pk], both[absorbed.pk]
        check(survivor, absorbed)
        done = Merge.objects.create(survivor=survivor, absorbed=absorbed, by=by, reason=reason[:500], marks=marks())
        _facts(done, survivor, absorbed, choices or {})
        links.bring(done, survivor, absorbed, proof)
        for relation in relations():
            carry(done, relation, relation.free_to_go(absorbed.pk, survivor.pk), to=survivor.pk)
        Customer.objects.filter(pk=absorbed.pk).update(merged_into=survivor)
        _tell(done)
    return done


def check(*customers: Customer) -> None:
    """That these records stand, and nobody is at work on them."""
    for customer in customers:
        if customer.erased_at:
            raise Erased(pk=customer.pk)
        if customer.merged_into_id:
            survivor = customer.survivor
            raise AlreadyMerged(name=customer, pk=customer.pk, survivor=survivor, into=survivor.pk)
    at_work = PrivacyRequest.objects.filter(customer__in=customers, state__in=UNDER_WAY).select_related("customer")
    if request := at_work.first():
        raise PrivacyAtWork(name=request.customer)


def _facts(done: Merge, survivor: Customer, absorbed: Customer, choices: Mapping[str, str]) -> None:
    change(done, survivor, **facts.outcome(survivor, absorbed, choices))
    why = _("Record #{pk}, which was merged in, says so: the stricter holds.").format(pk=absorbed.pk)
    rule(done, survivor, absorbed, why)


def rule(done: Merge, of: Customer, like: Customer, why: str, only: Iterable[str] | None = None) -> None:
    """Let what is no choice hold for `of` as strictly as for `like`. `why` becomes the history's "how we know"."""
    for column in facts.ruled() if only is None else only:
        theirs = facts.value(like, column)
        if theirs is None:
            continue
        ours = facts.value(of, column)
        stands = facts.stricter(column, ours, theirs)
        note(done, of, column, ours, stands)  # also where it stays: another merge may be undone
        if stands != ours:
            facts.put(of, column, stands)
            _say(done, of, column, stands, why)


def _say(done: Merge, customer: Customer, column: str, stands: object, why: str) -> None:
    """In the history of consent, where it is one."""
    if column not in ("created_at", "known_at"):
        purpose, to = facts.change_to(column, stands)
        said = {"purpose": purpose, "to": to, "how": why[:300], "by": done.by, "at": done.at}
        made(done, ConsentChange.objects.create(customer=customer, **said))


def _tell(done: Merge) -> None:
    """Those whose business it is: the log of both records, and the pages of their open cases."""
    why = f": {done.reason}" if done.reason else ""
    log("merged", done.survivor, by=done.by, detail=f"Record #{done.absorbed_id} was merged in{why}")
    log("merged", done.absorbed, by=done.by, detail=f"Merged into record #{done.survivor_id}{why}")
    webhooks.tell("customer.merged", done)
    for customer in (done.survivor_id, done.absorbed_id):
        handoff.pass_on("customer_changed", customer)
    look_again(customers=[done.survivor_id])
