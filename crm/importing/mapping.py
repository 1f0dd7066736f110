"""Which column of a file is which field: guessed from its name, chosen by a person, and then applied row by row.

A mapping is {field: [columns]}, as it stands in Import.columns. Only a field that may hold several values has several
columns. "handle:twitter" is the handle on one network, for a column that holds nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from rapidfuzz import fuzz, process

from crm.errors import Refused
from crm.importing.fields import CALLED_BY, FIELDS, Field, What
from crm.models import Identity

Columns = dict[str, list[str]]
ALIKE = 90  # of 100: a letter more or less in a name, not a word
NETWORKS = ("bluesky", "facebook", "instagram", "linkedin", "mastodon", "threads", "tiktok", "twitter", "x", "youtube")

# what other systems head these columns with, in small letters and without signs
ALSO = {
    "id": "external id, record id, uuid",
    "customer": "customer id, contact id, client id, user id, buyer id, customer number, contact, record id contact",
    "account": "account id, company id, organisation id, organization id, company, associated company id",
    "country": "country code, mailing country code, billing country code, default address country code, land",
    "city": "town, mailing city, billing city, default address city, ort, ville, stadt",
    "about": "notes, note, description, comment, comments, details",
    "state": "status",
    "name": "full name",
}
ALSO_OF: dict[str, dict[str, str]] = {
    What.CUSTOMERS: {
        "id": "customer id, contact id, customer number, client id, user id, kundennummer",
        "name": "display name, contact name, customer name, customer, person name",
        "given_name": "first name, forename, vorname, prénom, givenname",
        "family_name": "last name, surname, nachname, nom, lastname",
        "nickname": "nick name, alias, preferred name",
        "born_on": "birthday, birthdate, birth date, dob, born, geburtsdatum",
        "tier": "segment, customer tier, level",
        "language": "locale, lang, preferred language, sprache, langue",
        "time_zone": "timezone, tz",
        "email": "e mail, email address, mail, emails, work email, email 1, email 2, email work, email home",
        "phone": "phone number, mobile, mobile phone, telephone, tel, cell, phones, handy, work phone, phone work",
        "handle": "handles, social, social handle",
    },
    What.ACCOUNTS: {
        "id": "account id, company id, organisation id, organization id, customer number",
        "name": "account name, company name, company, organisation, organization, firm",
        "kind": "type, account type",
        "industry": "sector, branche, vertical",
        "website": "url, web, homepage, domain, company domain name, website url",
        "runs": "environment, installed base",
        "owner": "account owner, sales rep, company owner, owner email",
        "closed_on": "closed, inactive since",
    },
    What.LINKS: {
        "kind": "type, channel type",
        "place": "network, platform, channel, system",
        "value": "address, handle, number, email, username",
        "evidence": "proof, reason, note",
    },
    What.STAKEHOLDERS: {
        "role": "contact role, function, buying role",
        "influence": "decision",
        "title": "job title, position, job",
        "since_on": "since, start date, from",
        "left_on": "left, end date, until",
    },
    What.ORDERS: {
        "id": "order id",
        "number": "order number, order no, order, order name, name, bestellnummer",
        "state": "order status, financial status, fulfillment status",
        "what": "items, products, description, lineitem name, item",
        "amount": "total, price, order total, grand total, amount total",
        "currency": "currency code",
        "placed_at": "order date, ordered at, created at, created, date, placed",
        "promised_on": "promised, delivery date, expected delivery, due date",
        "delivered_on": "delivered, delivered at",
        "tracking_url": "tracking, tracking url, tracking link",
    },
    What.PRODUCTS: {
        "id": "product id, asset id, subscription id, licence id, license id",
        "order": "order id",
        "name": "product, product name, asset name, plan, item",
        "serial": "serial number, serial no, sn",
        "since_on": "since, purchase date, start date, bought on",
        "until_on": "until, end date, expires, warranty until, valid until",
    },
    What.CONSENTS: {
        "purpose": "consent purpose, topic",
        "state": "consent, opt in, value",
        "how": "source, evidence, proof, origin",
    },
}


class NotNamed(Refused):
    sentence = _("Say which column holds this: {fields}.")


class NothingToSet(Refused):
    sentence = _("Say what one more column means: with an id alone there is nothing to import.")


class NamedTwice(Refused):
    sentence = _("Two columns are said to hold “{field}”; only one can.")


class NoSuchColumn(Refused):
    sentence = _("The file has no column “{column}”. It has: {columns}.")


class NoSuchField(Refused):
    sentence = _("There is no field “{field}” here. There are: {fields}.")


def bare(name: str) -> str:
    """A column's name as it is compared: "E-Mail_Address" and "eMailAddress" are "e mail address"."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = " ".join(re.findall(r"[^\W_]+", parted.casefold()))
    return re.sub(r"^(person|contact|customer) (?=(name|email|phone)\b)", "", words)


def guess(what: str, header: Sequence[str]) -> Columns:
    """The mapping the names of the columns suggest. Exact names go first; then those that are as good as the same."""
    known = {name: each.name for each in FIELDS[what] for name in reversed(_names(what, each))}
    found: Columns = {}
    left = []
    for column in header:
        if not _take(what, found, known.get(bare(column), "") or _network(what, column), column):
            left.append(column)
    for column in left:
        near = process.extractOne(bare(column), known.keys(), scorer=fuzz.ratio, score_cutoff=ALIKE)
        _take(what, found, known[near[0]] if near else "", column)
    return found


def _names(what: str, each: Field) -> list[str]:
    also = f"{ALSO_OF[What(what)].get(each.name, '')},{ALSO.get(each.name, '')}"
    return [name for name in (bare(each.name), bare(str(each.label)), *map(str.strip, also.split(","))) if name]


def _network(what: str, column: str) -> str:
    """ "Twitter", "Instagram handle": a handle there."""
    if what != What.CUSTOMERS:
        return ""
    words = bare(column).split()
    named = [word for word in words if word in NETWORKS]
    rest = set(words) - {*NETWORKS, "handle", "username", "user", "name", "account", "profile"}
    return f"handle:{'twitter' if named[0] == 'x' else named[0]}" if len(named) == 1 and not rest else ""


def _take(what: str, found: Columns, name: str, column: str) -> bool:
    if not name or (name in found and not may_hold_several(what, name)):
        return False
    found.setdefault(name, []).append(column)
    return True


def may_hold_several(what: str, name: str) -> bool:
    return any(each.many for each in FIELDS[what] if each.name == name.partition(":")[0])


def networks() -> list[str]:
    """Where we know handles, and where many people have one."""
    return sorted({*Identity.objects.networks(), *NETWORKS} - {"x"})


def must_fit(what: str, columns: Mapping[str, Sequence[str]], header: Iterable[str]) -> None:
    """That the mapping names fields there are, columns there are, and what is needed to know a record by.

    Raises NoSuchField, NoSuchColumn, NamedTwice, NotNamed, NothingToSet.
    """
    header, fields = list(header), {each.name: each for each in FIELDS[what]}
    for name, theirs in columns.items():
        if name.partition(":")[0] not in fields:
            raise NoSuchField(field=name, fields=", ".join(fields))
        for column in theirs:
            if column not in header:
                raise NoSuchColumn(column=column, columns=", ".join(header))
        if len(theirs) > 1 and not may_hold_several(what, name):
            raise NamedTwice(field=fields[name].label)
    absent = [
        str(each.label) for each in FIELDS[what] if each.needed and each.name in KEYS[What(what)] - columns.keys()
    ]
    if absent:
        raise NotNamed(fields=", ".join(absent))
    if not columns.keys() - {"id"}:
        raise NothingToSet


# what a record is known by; the rest of what is needed may be left out where records are only changed
KEYS: dict[str, set[str]] = {
    What.CUSTOMERS: {"id"},
    What.ACCOUNTS: {"id"},
    What.LINKS: {"customer", "kind", "value"},
    What.STAKEHOLDERS: {"account", "customer", "role"},
    What.ORDERS: {"id"},
    What.PRODUCTS: {"id"},
    What.CONSENTS: {"customer", "purpose", "state"},
}


def only_changes(what: str, columns: Mapping[str, Sequence[str]]) -> bool:
    """Whether records with these fields can only change what is there: something that a new one needs is missing."""
    if what == What.CUSTOMERS:
        return not any(name.partition(":")[0] in CALLED_BY for name in columns)
    return any(each.needed and each.name not in columns for each in FIELDS[what])


class Reader:
    """Turns the cells of a row into a record by a mapping."""

    def __init__(self, columns: Mapping[str, Sequence[str]], header: Sequence[str]) -> None:
        self.places = {name: [header.index(column) for column in theirs] for name, theirs in columns.items()}

    def record(self, cells: Sequence[Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, places in self.places.items():
            field, _colon, network = name.partition(":")
            given = [cells[place] for place in places]
            if network or len(given) > 1 or field in found:
                already = found.get(field, [])
                listed = already if isinstance(already, list) else [already]
                found[field] = [*listed, *(one for cell in given for one in _each(cell, network))]
            else:
                found[field] = given[0]
        return found


def _each(cell: Any, network: str) -> list[Any]:
    """The values in a cell that may hold several, each with its network."""
    if cell is None:
        return []
    if not isinstance(cell, str):
        return [one for part in cell for one in _each(part, network)] if isinstance(cell, list) else [cell]
    parts = [part.strip() for part in cell.split(";") if part.strip()]
    return [f"{network}:{part}" for part in parts] if network else parts
