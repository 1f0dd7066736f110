"""Accounts, and who has a say in them, on their way in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.importing.batch import Batch, Outcome, Saved, must_have
from crm.importing.fields import What
from crm.importing.ledger import COLUMNS
from crm.importing.people import HARK
from crm.importing.rules import CannotSave, Values
from crm.models import Account, Customer, Persona, Stakeholder, User


class NoSuchColleague(Refused):
    sentence = _("Their sales person: nobody here has the user name or e-mail “{text}”.")


class WhichColleague(Refused):
    sentence = _("Their sales person: more than one of us has the e-mail “{text}”; write the user name.")


class NoSuchPersona(Refused):
    sentence = _("Persona: there is no “{text}”. There are: {known}.")


def look_up(batch: Batch, rows: Sequence[Values]) -> None:
    batch.accounts.meet(values["id"] for values in rows if "id" in values)


def save(batch: Batch, values: Values) -> Saved:
    if "id" not in values:
        must_have(What.ACCOUNTS, values)
    account = batch.accounts.get(values["id"])
    wanted = _wanted(batch, values, account)
    if account:
        return Saved(account, Outcome.CHANGED if batch.change(account, wanted) else Outcome.SAME)
    if batch.source == HARK:
        batch.accounts.must(values["id"])
    must_have(What.ACCOUNTS, values)
    account = Account(source=batch.source, external_id=values["id"], **wanted)
    batch.make(account)
    batch.accounts.add(account)
    return Saved(account, Outcome.MADE)


def _wanted(batch: Batch, values: Values, account: Account | None) -> dict[str, Any]:
    wanted = {name: values[name] for name in COLUMNS[Account] if name in values}
    if "owner" in values:
        wanted["owner_id"] = batch.asked(("owner", values["owner"]), lambda: _colleague(values["owner"]))
    if "closed_on" in values:
        wanted["closed_at"] = _since(values["closed_on"], account.closed_at if account else None)
    return wanted


def _since(day: date | None, stands: datetime | None) -> datetime | None:
    """The first minute of that day; where it stands for that day already, as it stands."""
    if day is None or (stands and stands.date() == day):
        return stands if day else None
    return datetime.combine(day, time(), UTC)


def _colleague(text: str | None) -> int | None:
    if text is None:
        return None
    found = list(User.objects.filter(Q(username=text) | Q(email__iexact=text)).values_list("pk", "username")[:3])
    by_name = [pk for pk, username in found if username == text]
    if not found:
        raise CannotSave({"owner": str(NoSuchColleague(text=text))})
    if not by_name and len(found) > 1:
        raise CannotSave({"owner": str(WhichColleague(text=text))})
    return by_name[0] if by_name else found[0][0]


# --- stakeholders: one row for each role a customer has in an account


def look_up_stakes(batch: Batch, rows: Sequence[Values]) -> None:
    batch.accounts.meet(values["account"] for values in rows if values.get("account"))
    batch.people.meet(ids=[values["customer"] for values in rows if "customer" in values])


def save_stake(batch: Batch, values: Values) -> Saved:
    must_have(What.STAKEHOLDERS, values)
    account, customer = batch.accounts.must(values["account"]), batch.people.known_customer(values["customer"])
    wanted: dict[str, Any] = {
        name: values[name] for name in ("influence", "title", "since_on", "left_on") if name in values
    }
    if "persona" in values:
        wanted["persona_id"] = batch.asked(("persona", values["persona"]), lambda: _persona(values["persona"]))
    key = (account.pk, customer.pk, values["role"])
    stake = batch.asked(key, lambda: _held(account, customer, values["role"]))
    if stake:
        return Saved(stake, Outcome.CHANGED if batch.change(stake, wanted) else Outcome.SAME)
    stake = Stakeholder(account=account, customer=customer, role=values["role"], **wanted)
    batch.make(stake)
    batch.know(key, stake)
    return Saved(stake, Outcome.MADE)


def _held(account: Account, customer: Customer, role: str) -> Stakeholder | None:
    rows = Stakeholder.objects.select_for_update(no_key=True).filter(account=account, customer=customer, role=role)
    if stake := rows.first():
        stake.account, stake.customer = account, customer
    return stake


def _persona(text: str | None) -> int | None:
    if text is None:
        return None
    known = dict(Persona.objects.values_list("name", "pk"))
    found = {name.casefold(): pk for name, pk in known.items()}.get(text.casefold())
    if found is None:
        names = ", ".join(known) or str(_("none yet"))
        raise CannotSave({"persona": str(NoSuchPersona(text=text, known=names))})
    return found
