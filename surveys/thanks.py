"""What we say to who has answered: who will call and by when, and what changed because of what they said before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from crm import consent
from crm.models import Consent, Customer, Purpose, Stakeholder, User
from surveys.models import ActionPlan, Group, Response, SurveySettings

MOST_CHANGES = 3


@dataclass(frozen=True)
class Call:
    """A promise: `who` in words, on the page and for us; `user` where it is one of us by name. By the end of `by`."""

    who: str
    by: date
    user: User | None = None


def call(response: Response) -> Call | None:
    """Who calls them and by when. None where they have not said that we may: then nothing is promised.

    Detractors and passives hear from the sales person of their account (M50), promoters from an executive (M49);
    whoever has no account, from care.
    """
    customer = response.invitation.customer.survivor
    if response.finished_at is None or not _agreed(customer):
        return None
    by = timezone.localdate(response.finished_at) + timedelta(days=SurveySettings.current().call_days)
    if response.group == Group.PROMOTER and _executives():
        return Call(_("one of our executives"), by)
    if owner := _sales_person(customer):
        return Call(_("{name}, who looks after you").format(name=owner), by, owner)
    return Call(_("our customer care"), by)


def _agreed(customer: Customer) -> bool:
    said = Consent.objects.filter(customer=customer, purpose=Purpose.CALL, state=Consent.State.GIVEN)
    return said.exists() and bool(consent.may_contact(customer, Purpose.CALL))


def _executives() -> bool:
    return User.objects.filter(role="executive", is_active=True).exists()


def _sales_person(customer: Customer) -> User | None:
    """Of the account in which they weigh most."""
    stakes = Stakeholder.objects.of_customer(customer).weightiest_first().select_related("account__owner")
    return next((s.account.owner for s in stakes if s.account.owner and s.account.owner.is_active), None)


def changes(response: Response) -> list[ActionPlan]:
    """What was done because of what they have told us, the newest first."""
    customer = response.invitation.customer.survivor
    done = ActionPlan.objects.filter(state=ActionPlan.State.DONE, answers__response__invitation__customer=customer)
    return list(done.distinct().order_by("-ended_at", "-id")[:MOST_CHANGES])
