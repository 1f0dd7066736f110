"""Somebody wants to buy: handed from care to sales with the post that says so, taken, and ended with what became of it.

The lead belongs to the sales person of the customer's account, or to nobody: then every sales person sees it and the
first to take it has it. The case stays where it is. Each move is one conditional UPDATE; who comes second is told who
was first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import live, told
from cases.models import Case, Lead
from channels_app.models import Message
from crm import consent, hours, notices
from crm.errors import Refused
from crm.models import Absence, Account, Activity, Customer, Notice, Purpose, Stakeholder, User
from crm.models.staff import Role

State = Lead.State
DAY, WORKING_DAY = timedelta(days=1), timedelta(hours=8)  # by then somebody has spoken to them
REOPENED_FOR = timedelta(days=7)
AT_ONCE = 200  # leads of people who left, freed in one go


class NothingWanted(Refused):
    sentence = _("Write what they want to buy.")


class TooLong(Refused):
    sentence = _("Write what they want to buy in fewer words: in 300 characters at most.")


class NotTheirPost(Refused):
    sentence = _("Choose a post of the customer in this case.")


class JoinedAlready(Refused):
    sentence = _("This case was joined to another. Hand that one to sales.")


class HandedAlready(Refused):
    sentence = _("This case is with sales already: {who}.")


class NotSales(Refused):
    sentence = _("{person} does not sell, so cannot have a lead.")


class TakenAlready(Refused):
    sentence = _("{owner} has this lead already.")


class LeadIsOver(Refused):
    sentence = _("This lead has ended: {state}.")


class NotYourLead(Refused):
    sentence = _("Only {owner}, who has this lead, or a team lead can do that.")


class TakeItFirst(Refused):
    sentence = _("Nobody has this lead. Take it first.")


class NoOutcome(Refused):
    sentence = _("Write what became of it: care reads it in the case.")


class NotEnded(Refused):
    sentence = _("This lead is open; there is nothing to take up again.")


class TooLongAgo(Refused):
    sentence = _("This lead ended more than a week ago. Hand the case to sales again instead.")


# --- from care to sales


@transaction.atomic
def hand(*, case: Case, message: Message | None, what: str, by: User) -> Lead:
    """Hand it to the sales person of their account, or to all of sales. One open lead for a case.

    `message`: the post in which they say so, one of theirs in this case. Whoever asked never to be contacted, or was
    erased, is handed to nobody.
    """
    case = Case.objects.locked(case.pk, "customer")
    what = _words(what, 300)
    _check(case, message, what)
    account, owner = _whose(case.customer)
    lead = Lead.objects.create(
        case=case, message=message, customer=case.customer, account=account, what=what, owner=owner, handed_by=by,
        due_at=_due(owner, timezone.now()),
    )  # fmt: skip
    if owner:
        said = gettext("%(who)s hands you a sales lead from case #%(case)s.")
    else:
        said = gettext("%(who)s hands a lead from case #%(case)s to sales. Nobody has it yet.")
    _happened(lead, "handed to sales", by, said, [owner] if owner else who_sells(), detail=str(owner or ""))
    return lead


def _check(case: Case, message: Message | None, what: str) -> None:
    if not what:
        raise NothingWanted
    if case.state == Case.State.MERGED:
        raise JoinedAlready
    if message and (message.is_ours or message.erased_at or not case.entries.filter(message=message).exists()):
        raise NotTheirPost
    consent.must_contact(case.customer, Purpose.CARE_REPLY)
    if standing := case.leads.open().select_related("owner").first():
        raise HandedAlready(who=standing.owner or gettext("nobody has taken it yet"))


def _whose(customer: Customer) -> tuple[Account | None, User | None]:
    """Their weightiest account that has a sales person who is here, else their weightiest one. Two queries."""
    stakes = Stakeholder.objects.of_customer(customer).weightiest_first().select_related("account__owner")
    accounts = [stake.account for stake in stakes]
    owners = [account.owner_id for account in accounts if account.owner and sells(account.owner)]
    away = set(Absence.objects.at(timezone.now()).filter(user__in=owners).values_list("user", flat=True))
    here = [account for account in accounts if account.owner_id in owners and account.owner_id not in away]
    chosen = next(iter(here or accounts), None)
    return chosen, chosen.owner if chosen and here else None


def _due(owner: User | None, now: datetime) -> datetime:
    """After a working day of the owner's own shift; where there is none, a day later."""
    if owner is None or owner.shift is None:
        return now + DAY
    try:
        return hours.after(owner.shift, now, int(WORKING_DAY.total_seconds()))
    except hours.NeverOpen:
        return now + DAY


# --- who has it


@transaction.atomic
def take(*, lead: Lead, by: User) -> Lead:
    """`by` speaks to them: of a lead that nobody has, or that is theirs and waits."""
    if not sells(by):
        raise NotSales(person=by)
    free = Lead.objects.open().filter(Q(owner=None) | Q(owner=by, state=State.NEW), pk=lead.pk)
    won = free.update(owner=by, state=State.TALKING)
    lead.refresh_from_db()
    if won:
        said = gettext("%(who)s takes the sales lead from case #%(case)s.")
        _happened(lead, "lead taken", by, said, _care(lead))
    elif not lead.is_open or lead.owner_id != by.pk:
        raise _why_not(lead)
    return lead


@transaction.atomic
def give(*, lead: Lead, to: User, by: User) -> Lead:
    """To a colleague in sales: by who has it, or by a team lead."""
    if not sells(to):
        raise NotSales(person=to)
    _check_may_move(lead, by)
    given = Lead.objects.open().filter(pk=lead.pk, owner=lead.owner_id).exclude(owner=to)
    if lead.owner_id is None:
        given = Lead.objects.of_nobody().filter(pk=lead.pk)
    before, moved = lead.owner_id, given.update(owner=to)
    lead.refresh_from_db()
    if not moved:
        raise _why_not(lead)
    said = gettext("%(who)s gives you the sales lead from case #%(case)s.")
    _happened(lead, "lead given", by, said, [to], detail=str(to))
    if before and before != by.pk:
        lost = gettext("%(who)s gives the sales lead from case #%(case)s, which was yours, to somebody else.")
        _tell(lead, lost, [before], by)
    return lead


@transaction.atomic
def free_of_who_left() -> list[int]:
    """Open leads of people who no longer sell are nobody's again, and all of sales is told. Returns the pks."""
    here = who_sells().values("pk")
    gone = (
        Lead.objects.open().filter(owner__isnull=False).exclude(owner__in=here).select_related("owner", "case__owner")
    )
    found = list(gone.order_by("pk").select_for_update(of=("self",), skip_locked=True)[:AT_ONCE])
    if found:
        Lead.objects.filter(pk__in=[lead.pk for lead in found]).update(owner=None, state=State.NEW)
        _log([(lead, str(lead.owner)) for lead in found], "lead freed", None)
        said = gettext("Whoever had the sales lead from case #%(case)s no longer sells. Nobody has it now.")
        sellers = [user.pk for user in who_sells()]
        notices.tell_each([_word(lead, said % {"case": lead.case_id}, user) for lead in found for user in sellers])
        live.cases_changed({lead.case_id for lead in found})
    return [lead.pk for lead in found]


# --- and what became of it


def win(*, lead: Lead, outcome: str, by: User) -> Lead:
    """They bought."""
    said = gettext("%(who)s won the sales lead from case #%(case)s.")
    return _end(lead, State.WON, outcome, by, "lead won", said)


def lose(*, lead: Lead, outcome: str, by: User) -> Lead:
    """They did not."""
    said = gettext("%(who)s did not win the sales lead from case #%(case)s. What became of it stands there.")
    return _end(lead, State.LOST, outcome, by, "lead lost", said)


def give_back(*, lead: Lead, why: str, by: User) -> Lead:
    """To care, since it is nothing for sales: by who has it; of nobody's lead by any who sells, or who handed it."""
    said = gettext("%(who)s gives the lead from case #%(case)s back to care. Why stands there.")
    return _end(lead, State.RETURNED, why, by, "lead returned", said)


@transaction.atomic
def _end(lead: Lead, state: str, outcome: str, by: User, verb: str, said: str) -> Lead:
    """One conditional UPDATE: ended once, by who may, with words."""
    outcome = _words(outcome, 500)
    if not outcome:
        raise NoOutcome
    if state == State.RETURNED and lead.owner_id is None:
        if not (sells(by) or by.leads or by.pk == lead.handed_by_id):
            raise TakeItFirst
    else:
        _check_may_move(lead, by)
    standing = Lead.objects.open().filter(pk=lead.pk)
    standing = standing.filter(owner=lead.owner_id) if lead.owner_id else standing.filter(owner=None)
    ended = standing.update(state=state, outcome=outcome, ended_at=timezone.now())
    lead.refresh_from_db()
    if not ended:
        raise _why_not(lead)
    _happened(lead, verb, by, said, [*_care(lead), *([lead.owner] if lead.owner else [])])
    return lead


@transaction.atomic
def reopen(*, lead: Lead, by: User) -> Lead:
    """Undo its end: as it was, with who had it, unless the case was handed to sales again meanwhile."""
    case = Case.objects.locked(lead.case_id, "customer")
    _check_may_move(lead, by, or_whoever=lead.state == State.RETURNED and by.pk == lead.handed_by_id)
    consent.must_contact(lead.customer, Purpose.CARE_REPLY)
    if other := case.leads.open().exclude(pk=lead.pk).select_related("owner").first():
        raise HandedAlready(who=other.owner or gettext("nobody has taken it yet"))
    ended = Lead.objects.ended().filter(pk=lead.pk, ended_at__gt=timezone.now() - REOPENED_FOR)
    state = State.TALKING if lead.owner_id else State.NEW
    done = ended.update(state=state, outcome="", ended_at=None)
    lead.refresh_from_db()
    if not done:
        raise NotEnded if lead.is_open else TooLongAgo
    said = gettext("%(who)s takes the sales lead from case #%(case)s up again.")
    _happened(lead, "lead reopened", by, said, [*_care(lead), *([lead.owner] if lead.owner else [])])
    return lead


# --- what they share


def sells(user: User) -> bool:
    return user.is_active and user.role == Role.SALES


def who_sells() -> QuerySet[User]:
    return User.objects.filter(is_active=True, role=Role.SALES)


def _words(text: str, most: int) -> str:
    return text.replace("\x00", "").strip()[:most]


def _check_may_move(lead: Lead, by: User, *, or_whoever: bool = False) -> None:
    """Who has it, or a team lead; of what nobody has, nobody but a team lead."""
    if by.leads or or_whoever or (lead.owner_id is not None and lead.owner_id == by.pk):
        return
    raise NotYourLead(owner=lead.owner) if lead.owner else TakeItFirst()


def _why_not(lead: Lead) -> Refused:
    """What stood in the way of a move, as the lead is now."""
    if not lead.is_open:
        return LeadIsOver(state=lead.get_state_display().lower())
    return TakenAlready(owner=lead.owner) if lead.owner else TakeItFirst()


def _care(lead: Lead) -> list[User]:
    """Who handed it over, and who has the case: they speak to the customer as well."""
    owner = lead.case.owner
    return [lead.handed_by, *([owner] if owner and owner.pk != lead.handed_by_id else [])]


def _happened(lead: Lead, verb: str, by: User, said: str, whom: Iterable[User], *, detail: str = "") -> None:
    """To the log, to whom it concerns, and to whoever has the case open."""
    _log([(lead, detail)], verb, by)
    _tell(lead, said, [user.pk for user in whom], by)
    told.changed([lead.case_id])
    live.cases_changed([lead.case_id], by=by)


def _log(done: Iterable[tuple[Lead, str]], verb: str, by: User | None) -> None:
    """One line with the lead and one with its case. `detail` names people of ours, never the customer."""
    subjects = [
        (kind, pk, detail)
        for lead, detail in done
        for kind, pk in (("cases.lead", lead.pk), ("cases.case", lead.case_id))
    ]
    Activity.objects.bulk_create(
        [Activity(verb=verb, subject_kind=kind, subject_id=pk, by=by, detail=text) for kind, pk, text in subjects]
    )


def _tell(lead: Lead, said: str, whom: Iterable[int], by: User) -> None:
    """Care reads it in the case; sales on the lead's own page."""
    text = said % {"who": by, "case": lead.case_id}
    notices.tell_each([_word(lead, text, user) for user in whom], by=by)


def _word(lead: Lead, text: str, user: int) -> notices.Word:
    in_case = user == lead.handed_by_id or (lead.owner_id != user and user == lead.case.owner_id)
    page = reverse("cases:case", args=[lead.case_id]) if in_case else lead.get_absolute_url()
    return notices.Word(user, Notice.Kind.LEAD, text, page, lead)
