"""Two cases become one: what hangs on the one that goes hangs on the survivor from then on."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import deeds, handover_ends, live, promises, repeats, told
from cases.joining import linking, moving
from cases.joining.turns import stand_for, turn_of
from cases.models import Case, CaseThread, Deed, HandOver, Offer
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log

# how a survivor stands, as a deed keeps it: no words
TURN = (
    "state", "owner_id", "snoozed_until", "waiting_since", "last_message_at", "first_answered_at", "sentiment",
    "intent", "topic", "urgency",
)  # fmt: skip
KEPT = (*TURN, "opened_at", "priority", "rule_id", "extra_points", "reasons", "mood_at_start")


class WithItself(Refused):
    sentence = _("That is this case itself. Choose another one.")


class CannotMerge(Refused):
    sentence = _("Case #{case} is {state}. Only cases that are not resolved can be merged.")


class DifferentCustomers(Refused):
    sentence = _(
        "These cases are of two customers, {one} and {other}. If they are one person, merge the customers first."
    )


class HandedOver(Refused):
    sentence = _("Case #{case} is being handed over. Decide on that first, then merge.")


@transaction.atomic
def merge(*, case: Case, into: Case, by: User) -> Case:
    """`case` becomes part of `into`, which keeps its subject. Both are open, of one customer. Returns the survivor."""
    if case.pk == into.pk:
        raise WithItself
    locked = _locked(case.pk, into.pk)
    loser, survivor = locked[case.pk], locked[into.pk]
    for each in (loser, survivor):
        if not each.is_unresolved:
            raise CannotMerge(case=each.pk, state=each.get_state_display().lower())
    if loser.customer_id != survivor.customer_id:
        raise DifferentCustomers(one=loser.customer, other=survivor.customer)
    if HandOver.objects.filter(case=loser, state=HandOver.State.PENDING).exists():
        raise HandedOver(case=loser.pk)
    _merge(loser, survivor, by)
    return survivor


def _locked(*pks: int) -> dict[int, Case]:
    rows = Case.objects.filter(pk__in=pks).prefetch_related("customer").order_by("pk").select_for_update(of=("self",))
    return {case.pk: case for case in rows}


def _merge(loser: Case, survivor: Case, by: User) -> None:
    before = [deeds.facts_of(each, KEPT) | {"id": each.pk} for each in (survivor, loser)]
    moved = join(loser, into=survivor, by=by)
    after = deeds.facts_of(survivor, KEPT) | {"id": survivor.pk, "loser": loser.pk, "moved": moved}
    deeds.write("merge", before, [after], by)


def join(case: Case, *, into: Case, by: User | None) -> moving.Moved:
    """The one way two cases become one. Both are locked. Returns what was moved, so that it can go back.

    By hand (`by`) what is unanswered in either needs us; where two threads turned out to be one conversation (`by` is
    None), what was said last decides, and the older one says what it is about.
    """
    moved = moving.move(case, into)
    if (relinked := linking.carry_over(case, into)) and by:
        moved["links"] = relinked
    if thread := _follow(case, into):
        moved["thread"] = thread
    _withdraw(case, by)
    if by:
        stand_for(into, case)
    else:
        into.take_over(case)
    case.state, case.merged_into, case.owner, case.snoozed_until = Case.State.MERGED, into, None, None
    case.save(update_fields=["state", "merged_into", "owner", "snoozed_until"])
    into.save()
    log("merged", case, by=by, detail=f"Joined to #{into.pk}." if by else f"Same conversation as #{into.pk}.")
    log("joined", into, by=by, detail=f"#{case.pk} is part of this case now.")
    _tell(case, into, by)
    return moved


def _follow(case: Case, into: Case) -> int | None:
    """What comes on the thread of the one that goes comes to the survivor. None where it does anyway."""
    if case.thread_id == into.thread_id:
        return None
    further, made = CaseThread.objects.get_or_create(thread_id=case.thread_id, defaults={"case": into})
    return further.pk if made else None


def _withdraw(case: Case, by: User | None) -> None:
    """Nobody is asked to take a case that is none any more."""
    offered = Offer.objects.filter(case=case, state=Offer.State.OFFERED)
    offered.update(state=Offer.State.WITHDRAWN, decided_at=timezone.now())
    handover_ends.end([case.pk], why=gettext("The case became part of another."), by=by)


def _tell(one: Case, other: Case, by: User | None) -> None:
    pks = [one.pk, other.pk]
    repeats.recount(pks)
    promises.settle(pks)
    told.changed(pks)
    live.cases_changed(pks, spoken=pks, by=by)


# --- apart again


@deeds.undoes("merge")
def _undo(deed: Deed, by: User) -> int:
    """Each as it was. What came in since stays with the survivor; so does what somebody changed there since."""
    was, lost = deed.before
    (left,) = deed.after
    cases = _locked(was["id"], lost["id"])
    survivor, loser = cases[was["id"]], cases[lost["id"]]
    if loser.merged_into_id != survivor.pk:
        raise deeds.ChangedSince
    moving.move_back(left["moved"], survivor, loser)
    linking.put_back(left["moved"].get("links", []))
    CaseThread.objects.filter(pk=left["moved"].get("thread"), case=survivor).delete()
    loser.merged_into = None
    deeds.restore(loser, lost)
    loser.save()
    give_back(survivor, was, left)
    repeats.recount([survivor.pk, loser.pk])
    deeds.tell([survivor.pk, loser.pk], deed.action, by, [])
    live.cases_changed([survivor.pk, loser.pk], spoken=[survivor.pk, loser.pk], by=by)
    return 2


def give_back(case: Case, was: dict[str, Any], left: dict[str, Any]) -> None:
    """Fields nobody has touched since get their value of before; whose turn it is, only as a whole."""
    current = deeds.facts_of(case, KEPT)
    untouched = {name for name in KEPT if name in left and current[name] == left[name]}  # an older deed has fewer
    if not untouched.issuperset(left.keys() & set(TURN)):
        untouched -= set(TURN)
    deeds.restore(case, {name: was[name] for name in untouched})
    if "state" not in untouched:
        turn_of(case)
    case.save()
