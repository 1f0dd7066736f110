"""A merge is undone: both records are as they were, and what came later stays where it came."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from crm import handoff, webhooks
from crm.errors import Refused
from crm.matching.again import look_again
from crm.merging import moving, values
from crm.merging.joining import UNDER_WAY, PrivacyAtWork
from crm.merging.ledger import all_or_nothing, is_made, lock
from crm.merging.relations import LINKS, Relation, relations
from crm.merging.restoring import CUSTOMER, later_entries, restore, targets
from crm.merging.staying import came_later
from crm.models import Customer, IdentityLink, Merge, Move, PrivacyRequest, User
from crm.models.activity import log

State = IdentityLink.State


class AlreadyUndone(Refused):
    sentence = _("This was undone already, {when}.")


class UndoThatFirst(Refused):
    sentence = _("{name} (#{pk}) was itself merged into {other} (#{into}) on {when}. Undo that merge first.")


class DecidedSince(Refused):
    sentence = _("{handle} was decided on again on {when}, for {other} (#{pk}). Undo that first.")


class ErasedSince(Refused):
    sentence = _("Record #{pk} was erased since. What it was cannot be brought back.")


class CameSince(Refused):
    sentence = _("More came in for {name} since. Link {handle} again instead: all of it comes along.")


def undo(*, merge: Merge, by: User | None) -> Merge:
    """Put back what went. `merge.stayed` says what did not, as sentences.

    Raises AlreadyUndone, UndoThatFirst, DecidedSince, ErasedSince, CameSince, PrivacyAtWork.
    """
    with all_or_nothing():
        both = lock(merge.survivor_id, merge.absorbed_id)
        merge = Merge.objects.select_for_update(of=("self",)).prefetch_related("identity", "undone_by").get(pk=merge.pk)
        merge.survivor, merge.absorbed = both[merge.survivor_id], both[merge.absorbed_id]
        _check(merge)
        stayed = restore(merge)
        if merge.is_whole:
            Customer.objects.filter(pk=merge.absorbed_id).update(merged_into=None)
        else:
            _close_fresh_record(merge)
        moving.lead_home(merge)
        merge.stayed = [*stayed.sentences(), *came_later(merge)]
        merge.undone_by, merge.undone_at = by, timezone.now()
        merge.save(update_fields=["stayed", "undone_by", "undone_at"])
        _tell(merge)
    return merge


# --- whether it can be


def _check(merge: Merge) -> None:
    if merge.undone_at:
        raise AlreadyUndone(when=_on(merge.undone_at))
    for customer in (merge.survivor, merge.absorbed):
        if customer.erased_at:
            raise ErasedSince(pk=customer.pk)
    both = {"customer__in": (merge.survivor_id, merge.absorbed_id)}
    at_work = PrivacyRequest.objects.filter(state__in=UNDER_WAY, **both).select_related("customer")
    if request := at_work.first():
        raise PrivacyAtWork(name=request.customer)
    _check_others(merge)
    if not merge.is_whole:
        _check_identity(merge)


def _check_others(merge: Merge) -> None:
    """The survivor stands for itself, and so does whoever gets something back."""
    needed = {merge.survivor_id, *targets(merge)}
    if merge.is_whole:
        needed.discard(merge.absorbed_id)
    else:
        needed.add(merge.absorbed_id)
    for customer in Customer.objects.filter(pk__in=needed).order_by("pk"):
        if customer.erased_at:
            raise ErasedSince(pk=customer.pk)
        if customer.merged_into_id:
            raise _undo_first(customer)


def _undo_first(customer: Customer) -> UndoThatFirst:
    other, merge = customer.merged_into, Merge.objects.in_force().whole().filter(absorbed=customer).first()
    when = _on(merge.at) if merge else ""
    return UndoThatFirst(name=customer, pk=customer.pk, other=other, into=customer.merged_into_id, when=when)


def _check_identity(merge: Merge) -> None:
    """An identity goes back only along the way it came."""
    if entry := next(iter(later_entries(merge).values()), None):
        later = Merge.objects.select_related("survivor").get(pk=entry)
        handle, other = merge.identity, later.survivor
        raise DecidedSince(handle=handle, when=_on(later.at), other=other, pk=other.pk)
    fresh = _fresh(merge).first()
    if fresh and (values.whole(merge.survivor) != _with_consent(merge, fresh.became) or _has_more(merge)):
        raise CameSince(name=merge.survivor, handle=merge.identity)


def _fresh(merge: Merge) -> QuerySet[Move]:
    """The line that says the record was opened for this identity, if it was."""
    return Move.objects.filter(merge=merge, kind=CUSTOMER, row=merge.survivor_id, column=Customer._meta.pk.attname)


def _with_consent(merge: Merge, made: Any) -> dict[str, object]:
    """The record as it was opened, with what it took over since then by the same entry."""
    lines = Move.objects.filter(merge=merge, kind=CUSTOMER, row=merge.survivor_id)
    taken = {move.column: move.became for move in lines if not is_made(move, Customer) and move.column in made}
    return {**made, **taken}


def _has_more(merge: Merge) -> bool:
    """Whether the fresh record holds anything but what this entry gave it, proposals aside."""
    if Merge.objects.in_force().whole().filter(survivor=merge.survivor_id).exists():
        return True
    links = LINKS.rows_of(merge.survivor_id).exclude(state=State.PROPOSED)
    return any(_beyond(merge, r, r.rows_of(merge.survivor_id)) for r in relations()) or _beyond(merge, LINKS, links)


def _beyond(merge: Merge, relation: Relation, rows: QuerySet[IdentityLink]) -> bool:
    given = Move.objects.filter(merge=merge, kind=relation.kind).values("row")
    return rows.exclude(pk__in=given).exists()


# --- what else there is to do


def _close_fresh_record(merge: Merge) -> None:
    """A record that was opened for the identity leads to whom it belongs again."""
    if not _fresh(merge).exists():
        return
    owner = IdentityLink.objects.confirmed().filter(identity=merge.identity_id).first()
    Customer.objects.filter(pk=merge.survivor_id).update(merged_into=owner.customer_id if owner else merge.absorbed_id)


def _tell(merge: Merge) -> None:
    what = f"Merge of record #{merge.absorbed_id}" if merge.is_whole else f"Move of {merge.identity}"
    for customer in (merge.survivor, merge.absorbed):
        log("unmerged", customer, by=merge.undone_by, detail=f"{what} was undone")
        handoff.pass_on("customer_changed", customer.pk)
    if merge.is_whole:
        webhooks.tell("customer.unmerged", merge)
    else:
        webhooks.tell_links(merge.links())
    look_again(customers=[merge.survivor_id, merge.absorbed_id])


def _on(moment: object) -> str:
    return date_format(timezone.localtime(moment), "j M Y, H:i")  # type: ignore[arg-type]
