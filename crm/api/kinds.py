"""Kinds of values in requests. What is said here is exactly what OpenAPI says, so that a generated client is right.

Everything is read strictly: "1" is no number and 1 no text, or a mistake of the other system would look like data.
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from django.db.models import TextChoices
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import core_schema

from crm.models import Account, Consent, ConsentChange, Identity, IdentityLink, Order, Product, Purpose, Stakeholder
from crm.models import Tier as Tiers

LARGEST = 2**63 - 1
PLAIN = r"^[^\x00]*$"  # what PostgreSQL can hold: any character but the null
SAYS_SOMETHING = r"^[^\x00]*[^\s\x00][^\x00]*$"
COUNTRY = r"^([A-TV-Z][A-Z]|U[A-JL-Z])$"  # the United Kingdom is GB
LANGUAGE = r"^[a-z]{2,3}(-[a-z0-9]{2,4})?$"
SLUG = r"^[-a-zA-Z0-9_]+$"
DAY = r"^(18|19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"
MOMENT = (
    r"^(18|19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
AMOUNT = r"^-?[0-9]{1,10}(\.[0-9]{1,2})?$"


def _whole(value: Any) -> Any:
    """To JSON Schema 17.0 is an integer as well; to some languages it is the only one they write."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _day(value: Any) -> Any:
    """Only as ISO 8601 writes it: pydantic would also take "0" for the first of January 1970."""
    if not isinstance(value, str) or not re.fullmatch(DAY, value):
        raise ValueError("Input should be a date between 1800 and 2199, as in 2026-05-03")
    return value


def _moment(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(MOMENT, value):
        raise ValueError("Input should be a time between 1800 and 2199 with its zone, as in 2026-05-03T17:05:00Z")
    return value.upper()


def _amount(value: Any) -> Any:
    """As text: a JSON number may have lost its last digit on the way."""
    if not isinstance(value, str) or not re.fullmatch(AMOUNT, value):
        raise ValueError("Input should be an amount in quotes with at most two decimals, as in 129.90")
    return value


Id = Annotated[int, Field(ge=1, le=LARGEST, examples=[17]), BeforeValidator(_whole)]
Line = Annotated[str, Field(max_length=120, pattern=PLAIN)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=SAYS_SOMETHING, examples=["Ann Mercer"])]
Words = Annotated[str, Field(max_length=300, pattern=PLAIN)]
Text = Annotated[str, Field(max_length=20_000, pattern=PLAIN)]
Reason = Annotated[
    str, Field(min_length=1, max_length=250, pattern=SAYS_SOMETHING, examples=["She said so on the phone, 3 May."])
]
OutsideId = Annotated[str, Field(min_length=1, max_length=120, pattern=SAYS_SOMETHING, examples=["C-1001"])]
Slug = Annotated[str, Field(min_length=1, max_length=40, pattern=SLUG, examples=["shop"])]
Country = Annotated[str, Field(pattern=COUNTRY, description="Two letters, as in ISO 3166.", examples=["GB"])]
Language = Annotated[str, Field(max_length=8, pattern=LANGUAGE, examples=["en"])]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="Three letters, as in ISO 4217.", examples=["EUR"])]
Day = Annotated[
    date,
    BeforeValidator(_day),
    Field(strict=False),
    WithJsonSchema({"type": "string", "format": "date", "pattern": DAY, "examples": ["2026-05-03"]}),
]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    Field(strict=False),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": MOMENT, "examples": ["2026-05-03T17:05:00Z"]}),
]
Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    Field(strict=False),
    WithJsonSchema({"type": "string", "pattern": AMOUNT, "examples": ["129.90"]}),
]


def _zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError("Input should be the name of a time zone, as in Europe/Madrid")
    return name


TimeZone = Annotated[
    str,
    AfterValidator(_zone),
    WithJsonSchema({"type": "string", "enum": sorted(zoneinfo.available_timezones()), "examples": ["Europe/Madrid"]}),
]


class OneOf:
    """One of the words of a TextChoices, written out where it is used: several of these are called State."""

    def __init__(self, choices: type[TextChoices]) -> None:
        self.choices = choices

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.literal_schema(list(self.choices.values))


Tier = Annotated[str, OneOf(Tiers)]
IdentityKind = Annotated[str, OneOf(Identity.Kind)]
LinkState = Annotated[str, OneOf(IdentityLink.State)]
LinkMethod = Annotated[str, OneOf(IdentityLink.Method)]
AccountKind = Annotated[str, OneOf(Account.Kind)]
Role = Annotated[str, OneOf(Stakeholder.Role)]
Influence = Annotated[str, OneOf(Stakeholder.Influence)]
OrderState = Annotated[str, OneOf(Order.State)]
ProductState = Annotated[str, OneOf(Product.State)]
ConsentPurpose = Annotated[str, OneOf(Purpose)]
ConsentState = Annotated[str, OneOf(Consent.State)]
ConsentBecame = Annotated[str, OneOf(ConsentChange.To)]


class In(BaseModel):
    """What another system sends: nothing that is not named here, and every value of its own kind."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Out(BaseModel):
    """What Hark answers."""
