"""What we say to who has answered: who will call and by when, and what we did because of what they told us before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import consent
from crm.models import Consent, Customer, Purpose, User
from surveys.models import ActionPlan, FollowUp, GroupRequest, PlanAnswer, Response
from surveys.models import Call as OwedCall

MOST_CHANGES = 3


@dataclass(frozen=True)
class Call:
    """A promise: `who` in words, on the page and for us; `user` where it is one of us by name. By the end of `by`."""

    who: str
    by: date
    user: User | None = None


def call(response: Response) -> Call | None:
    """Who calls them and by when, as it stands: the call that is owed for this response, and the day it is due.

    None where they have not said that we may, where nobody calls or has called already, and where the day has passed:
    then nothing is promised.
    """
    owed = FollowUp.objects.filter(response=response, step=FollowUp.Step.THANK).select_related("call__owner").first()
    if owed is None or not _is_to_come(owed.call) or not _agreed(response.invitation.customer.survivor):
        return None
    by = timezone.localdate(owed.call.due_at)
    owner = owed.call.owner if owed.call.to == OwedCall.To.SALES else None
    return Call(_in_words(owed.call, owner), by, owner)


def _is_to_come(owed: OwedCall) -> bool:
    """Neither over nor late; who is to be called a second time is not told so here."""
    begun = owed.state == OwedCall.State.REACHED
    return owed.is_live and owed.due_at > timezone.now() and not begun


def _in_words(owed: OwedCall, owner: User | None) -> str:
    if owner:
        return _("{name}, who looks after you").format(name=owner)
    if owed.to == OwedCall.To.EXECUTIVE:
        return _("one of our executives")
    return _("our customer care") if owed.to == OwedCall.To.CARE else _("one of us who looks after your company")


def _agreed(customer: Customer) -> bool:
    said = Consent.objects.filter(customer=customer, purpose=Purpose.CALL, state=Consent.State.GIVEN)
    return said.exists() and bool(consent.may_contact(customer, Purpose.CALL))


# --- you asked, we did


@dataclass(frozen=True)
class Change:
    """Something they asked for and we did: the plan, whose outcome they read, and when they first asked."""

    plan: ActionPlan
    asked_at: datetime


def changes(response: Response) -> list[Change]:
    """What was done because of what they have told us, in answers and on the phone, the newest first. Three queries.

    Their own words in calls are not shown: those are our notes.
    """
    customer = response.invitation.customer.survivor.pk
    done = ActionPlan.objects.asked_by(customer).filter(state=ActionPlan.State.DONE)
    plans = list(done.order_by("-ended_at", "-id")[:MOST_CHANGES])
    asked = _asked_at(customer, [plan.pk for plan in plans])
    return [Change(plan, asked[plan.pk]) for plan in plans]


def _asked_at(customer: int, plans: list[int]) -> dict[int, datetime]:
    """When they first asked for each of these."""
    behind = PlanAnswer.objects.filter(plan__in=plans, answer__response__invitation__customer=customer).order_by()
    wrote = behind.values_list("plan").annotate(Min("answer__answered_at"))
    requests = GroupRequest.objects.filter(answer__plan__in=plans, customer=customer).order_by()
    said = requests.values_list("answer__plan").annotate(Min("asked_at"))
    found: dict[int, datetime] = {}
    for plan, at in [*wrote, *said]:
        found[plan] = min(at, found.get(plan, at))
    return found
