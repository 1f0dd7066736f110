"""Whom a survey may reach: one definition, as SQL, for plans, dry runs and lists of those who are left out.

Days are days of the house (settings.TIME_ZONE), whatever zone the reader or the process is in: who was asked on the
third of March is asked again by the third of March, at whatever hour the clocks were changed in between. The rest
between two surveys is measured in full days of 24 hours.
"""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import (
    Case,
    CharField,
    DateField,
    DateTimeField,
    Exists,
    F,
    Func,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextChoices,
    TextField,
    Value,
    When,
)
from django.db.models.functions import MD5, Cast, Coalesce, Collate, Concat, Greatest, TruncDate
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models import Message
from channels_app.platforms import registry
from channels_app.platforms.base import Capabilities
from crm.consent import UNASKED
from crm.forms import CustomersForm
from crm.models import Consent, Customer, Identity, IdentityLink, Purpose, Stakeholder
from crm.models.customers import CustomerQuerySet
from surveys.models import Invitation, SurveySettings
from surveys.models.waves import YEAR, InvitationQuerySet

People = QuerySet[Any]  # customers with what `people` says on each


class Reason(TextChoices):
    """Why somebody is not asked. The first that holds counts."""

    DO_NOT_CONTACT = "do_not_contact", _("Asked not to be contacted under any circumstances")
    NO_CONSENT = "no_consent", _("Wants no surveys")
    NO_ADDRESS = "no_address", _("No address that works, and no private conversation")
    OPEN = "open", _("Has a survey open")
    RESTING = "resting", _("Was asked a short while ago")
    NOT_DRAWN = "not_drawn", _("Not drawn this time")


def house() -> zoneinfo.ZoneInfo:
    """The time zone whose days count."""
    return zoneinfo.ZoneInfo(settings.TIME_ZONE)


def day_of(moment: datetime) -> date:
    return moment.astimezone(house()).date()


def audience(query: str) -> CustomerQuerySet:
    """The customers of the list under this querystring: the same whoever looks, from wherever."""
    with timezone.override(house()):
        return CustomersForm(QueryDict(query)).narrow(Customer.objects.all())


def people(query: str, *, opens_at: datetime, rest_days: int, seed: str = "") -> People:
    """The audience with, on each: `reason` (empty: may be asked), `due_on`, `stratum`, `draw`, `mail` and `aside`.

    `due_on`: the day by which they are to be asked, a year after they last were, or after we began to ask or met them.
    `draw`: their place in the lot, the same for the same seed. `mail` and `aside`: the identities they may be reached
    by, an address and somebody who wrote to us on a channel that can answer in private.
    """
    return audience(query).annotate(
        mail=_mail(), aside=_aside(), stratum=_stratum(), due_on=_due_on(),
        reason=Case(
            When(do_not_contact_at__isnull=False, then=Value(Reason.DO_NOT_CONTACT.value)),
            When(~_agrees(), then=Value(Reason.NO_CONSENT.value)),
            When(Q(mail=None) & Q(aside=None), then=Value(Reason.NO_ADDRESS.value)),
            When(Exists(_theirs().open()), then=Value(Reason.OPEN.value)),
            When(Exists(_asked_since(opens_at - timedelta(days=rest_days))), then=Value(Reason.RESTING.value)),
            default=Value(""), output_field=CharField(),
        ),
        draw=Collate(MD5(Concat(Value(f"{seed}:"), Cast("pk", TextField()), output_field=TextField())), "C"),
    )  # fmt: skip


def may_be_asked(customers: QuerySet[Customer], *, at: datetime, rest_days: int) -> set[int]:
    """Those of a few customers who may be asked then."""
    found = people("", opens_at=at, rest_days=rest_days).filter(pk__in=customers.values("pk"), reason="")
    return set(found.values_list("pk", flat=True))


def _theirs() -> InvitationQuerySet:
    return Invitation.objects.filter(customer=OuterRef("pk")).order_by()


def _asked_since(moment: datetime) -> InvitationQuerySet:
    return _theirs().asking().alias(asked_at=Coalesce("sent_at", "claimed_at")).filter(asked_at__gt=moment)


def welcoming() -> CustomerQuerySet:
    """Whom nothing they said forbids to ask, whatever else stands in the way."""
    return Customer.objects.standing().filter(_agrees(), do_not_contact_at=None)


def _agrees() -> Q:
    """As crm.consent.may_contact says of surveys; a test holds them together."""
    said = Consent.objects.filter(customer=OuterRef("pk"), purpose=Purpose.SURVEY)
    if UNASKED[Purpose.SURVEY]:
        return ~Q(Exists(said.filter(state=Consent.State.REFUSED)))
    return Q(Exists(said.filter(state=Consent.State.GIVEN)))


class _Plus(Func):
    """A day and so many days later."""

    template = "(%(expressions)s)"
    arg_joiner = " + "
    output_field = DateField()


def _due_on() -> _Plus:
    last = _theirs().asking().values("customer").annotate(at=Max(Coalesce("sent_at", "claimed_at"))).values("at")
    asked_on = TruncDate(Subquery(last, output_field=DateTimeField()), tzinfo=house())
    began = Cast(Value(SurveySettings.current().begins_on.isoformat()), DateField())
    known_on = TruncDate("created_at", tzinfo=house())
    return _Plus(Coalesce(asked_on, Greatest(began, known_on)), Value(YEAR))


def _stratum() -> Concat:
    """Country, tier, and whether they are something to an account: "GB|key|account", "|standard|"."""
    seats = Stakeholder.objects.present().filter(customer=OuterRef("pk"))
    account = Case(When(Exists(seats), then=Value("account")), default=Value(""))
    return Concat("country", Value("|"), "tier", Value("|"), account, output_field=CharField())


def _reachable() -> QuerySet[Identity]:
    links = IdentityLink.objects.confirmed().filter(customer=OuterRef(OuterRef("pk")))
    return Identity.objects.filter(pk__in=links.values("identity"), erased_at=None, unreachable_at=None)


def _mail() -> Subquery:
    """An address they proved to hold before others; of several the one that came last: as `addressing.mailbox`."""
    kept = _reachable().filter(kind=Identity.Kind.EMAIL)
    return Subquery(kept.order_by(F("verified_at").desc(nulls_last=True), "-pk").values("pk")[:1])


def _aside() -> Subquery:
    """Who of them wrote last on a channel that can answer in private: as `addressing.last_word`."""
    can = [kind for kind in registry.PLATFORMS if _answers_aside(registry.capabilities(kind))]
    wrote = Message.objects.filter(
        identity=OuterRef("pk"), direction=Message.Direction.IN, overheard=False, deleted_at=None, erased_at=None,
        channel__platform__in=can, channel__paused_at=None,
    )  # fmt: skip
    last = Subquery(wrote.order_by("-occurred_at", "-pk").values("occurred_at")[:1])
    handles = _reachable().alias(wrote_at=last).filter(wrote_at__isnull=False)
    return Subquery(handles.order_by("-wrote_at", "-pk").values("pk")[:1])


def _answers_aside(can: Capabilities) -> bool:
    return can.reply_private and not can.is_mail
