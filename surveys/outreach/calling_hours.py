"""Which hours count for the customers of a country: set, and taken back. `hours` reckons with them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import hours as clock
from crm.errors import Refused
from crm.models import Calendar, User
from crm.models.activity import log
from surveys.models import CallingHours
from surveys.outreach import countries


class NeverThere(Refused):
    sentence = _("“{calendar}” has no hours to come, so nobody could be called. Choose another.")


@transaction.atomic
def keep(*, country: str, calendar: Calendar, by: User) -> CallingHours:
    """These hours from now on; an empty country: wherever none are set. Agreed times stay as they are.

    Raises NeverThere and countries.NotACountry.
    """
    code = "".join(countries.known([country]))
    try:
        clock.next_open(calendar, timezone.now())
    except clock.NeverOpen:
        raise NeverThere(calendar=calendar) from None
    kept, made = CallingHours.objects.update_or_create(country=code, defaults={"calendar": calendar})
    log("made" if made else "changed", kept, by=by, detail=str(kept))
    return kept


@transaction.atomic
def drop(*, kept: CallingHours, by: User) -> None:
    """The hours for everywhere else hold there from now on. `keep` brings them back."""
    log("removed", kept, by=by, detail=str(kept))
    kept.delete()
