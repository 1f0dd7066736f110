"""What a record of each kind may say: the fields an import maps columns to, and the API takes.

docs/importing.md shows these tables, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.importing import values
from crm.importing.values import Reader, text
from crm.models import Account, Identity, Import, Order, Product, Purpose, Stakeholder, Tier

CLEAR = "(empty)"  # a cell that says so empties the field; an empty cell leaves it as it is
What = Import.What


@dataclass(frozen=True)
class Field:
    """`many`: several values, in one cell set apart by ";". `empty` is what CLEAR makes of it."""

    name: str
    label: str | Promise
    read: Reader
    example: str = ""
    needed: bool = False
    many: bool = False
    empty: Any = ""
    help: str | Promise = ""


THEIR_ID = _("Its id in the other system.")
ID_OF_CUSTOMER = _("The customer’s id in the other system.")
ID_OF_ACCOUNT = _("The account’s id in the other system.")
COUNTRY = Field("country", _("Country"), values.country, "GB")
CITY = Field("city", _("City"), text(120), "Leeds")
ABOUT = Field("about", _("What to know"), text(20_000), "Travels with a cello.")
OF_CUSTOMER = Field("customer", _("Customer"), text(120), "C-1001", needed=True, help=ID_OF_CUSTOMER)
OF_ACCOUNT = Field("account", _("Account"), text(120), "A-77", empty=None, help=ID_OF_ACCOUNT)

CUSTOMER = (
    Field("id", _("Customer id"), text(120), "C-1001", needed=True, help=THEIR_ID),
    Field("name", _("Name"), text(200), "Ann Mercer", empty=...),
    Field("given_name", _("Given name"), text(120), "Ann"),
    Field("family_name", _("Family name"), text(120), "Mercer"),
    Field("nickname", _("Also called"), text(120), "Annie"),
    Field("born_on", _("Date of birth"), values.day, "1984-02-29", empty=None),
    Field("tier", _("Tier"), values.choice(Tier), "key", empty=Tier.STANDARD),
    Field("language", _("Language"), values.language, "en"),
    COUNTRY,
    CITY,
    Field("time_zone", _("Time zone"), values.time_zone, "Europe/London"),
    ABOUT,
    Field("email", _("E-mail"), text(255), "ann@example.com", many=True),
    Field("phone", _("Phone"), text(255), "+44 113 496 0123", many=True),
    Field(
        "handle", _("Handles"), text(255), "twitter:annie_m", many=True,
        help=_("The network and the handle, as in twitter:annie_m."),
    ),
)  # fmt: skip

ACCOUNT = (
    Field("id", _("Account id"), text(120), "A-77", needed=True, help=THEIR_ID),
    Field("name", _("Name"), text(200), "Northwind Rail Ltd", needed=True),
    Field("kind", _("Kind"), values.choice(Account.Kind), "buyer", empty=Account.Kind.BUYER),
    Field("industry", _("Industry"), text(80), "Railways"),
    COUNTRY,
    CITY,
    Field("website", _("Website"), values.web_address(300), "https://northwind.example"),
    Field("runs", _("What they run"), text(200), "6,500 servers in Austin"),
    ABOUT,
    Field("owner", _("Their sales person"), text(254), "sam", empty=None, help=_("A colleague’s user name or e-mail.")),
    Field("closed_on", _("Closed"), values.day, "2025-12-31", empty=None, help=_("Since when they are none any more.")),
)

LINK = (
    OF_CUSTOMER,
    Field("kind", _("Kind"), values.choice(Identity.Kind), "email", needed=True),
    Field(
        "place", _("Network"), text(40), "twitter",
        help=_("For a handle, its network; for a record in another system, that system."),
    ),
    Field("value", _("Address, number or handle"), text(255), "ann@example.com", needed=True),
    Field("evidence", _("Evidence"), text(400), "She wrote to us from it."),
)  # fmt: skip

STAKEHOLDER = (
    replace(OF_ACCOUNT, needed=True),
    OF_CUSTOMER,
    Field("role", _("Role"), values.choice(Stakeholder.Role), "buyer", needed=True),
    Field(
        "influence", _("Influence on the decision"), values.choice(Stakeholder.Influence), "decides",
        empty=Stakeholder.Influence.UNKNOWN,
    ),
    Field(
        "persona", _("Persona"), text(60), "Fleet manager", empty=None,
        help=_("By its name; personas are kept under Team settings."),
    ),
    Field("title", _("Job title"), text(120), "Head of Fleet"),
    Field("since_on", _("Since"), values.day, "2024-03-01", empty=None),
    Field("left_on", _("Left"), values.day, "2026-01-31", empty=None),
)  # fmt: skip

ORDER = (
    Field("id", _("Order id"), text(120), "O-5005", needed=True, help=THEIR_ID),
    OF_CUSTOMER,
    OF_ACCOUNT,
    Field("number", _("Number"), text(60), "2026-5005", needed=True, help=_("As the customer knows it.")),
    Field("state", _("State"), values.choice(Order.State), "shipped", empty=Order.State.PLACED),
    Field("what", _("What"), text(300), "2 × Trail jacket"),
    Field("amount", _("Amount"), values.amount, "129.90", empty=None),
    Field("currency", _("Currency"), values.currency, "EUR", help=_("Needed where there is an amount.")),
    Field("placed_at", _("Placed"), values.moment, "2026-04-30T17:05:00Z", empty=...),
    Field("promised_on", _("Promised for"), values.day, "2026-05-04", empty=None),
    Field("delivered_on", _("Delivered"), values.day, "2026-05-03", empty=None),
    Field("tracking_url", _("Where it is"), values.web_address(500), "https://parcels.example/1"),
)

PRODUCT = (
    Field("id", _("Product id"), text(120), "S-9", needed=True, help=THEIR_ID),
    OF_CUSTOMER,
    OF_ACCOUNT,
    Field("order", _("Order"), text(120), "O-5005", empty=None, help=_("The order’s id in the other system.")),
    Field("name", _("Name"), text(200), "Rail pass", needed=True),
    Field("serial", _("Serial number"), text(120), "SN-00012"),
    Field("state", _("State"), values.choice(Product.State), "active", empty=Product.State.ACTIVE),
    Field("since_on", _("Since"), values.day, "2026-01-01", empty=None),
    Field("until_on", _("Until"), values.day, "2026-12-31", empty=None),
)

ANY_CONTACT = "any"
PURPOSES = (ANY_CONTACT, *Purpose.values)
STATES = ("given", "refused", "forbidden")
PURPOSE_WORDS = {
    "any": "any", "all": "any", "do not contact": "any", "care": "care_reply", "care reply": "care_reply",
    "reply": "care_reply", "surveys": "survey", "calls": "call", "phone": "call", "advertising": "marketing",
    "newsletter": "marketing", "email marketing": "marketing",
}  # fmt: skip
STATE_WORDS = {
    "given": "given", "yes": "given", "opt-in": "given", "opted in": "given", "subscribed": "given", "true": "given",
    "refused": "refused", "no": "refused", "opt-out": "refused", "opted out": "refused", "unsubscribed": "refused",
    "false": "refused", "forbidden": "forbidden", "do not contact": "forbidden", "never": "forbidden",
}  # fmt: skip


def _word(known: Mapping[str, str], offered: tuple[str, ...]) -> Reader:
    def read(cell: str) -> str:
        said = cell.casefold()
        if said in offered:
            return said
        if said not in known:
            raise values.NotOneOf(cell, choices=", ".join(offered))
        return known[said]

    return read


CONSENT = (
    OF_CUSTOMER,
    Field(
        "purpose", _("Purpose"), _word(PURPOSE_WORDS, PURPOSES), "survey", needed=True,
        help=_("“any” stands for any contact at all."),
    ),
    Field(
        "state", _("State"), _word(STATE_WORDS, STATES), "given", needed=True,
        help=_("“forbidden”, with “any”, means: do not contact under any circumstances."),
    ),
    Field(
        "how", _("How we know"), text(250), "Ticked the box in the shop, 3 May",
        help=_("Needed where consent is given."),
    ),
)  # fmt: skip

FIELDS: dict[str, tuple[Field, ...]] = {
    What.CUSTOMERS: CUSTOMER,
    What.ACCOUNTS: ACCOUNT,
    What.LINKS: LINK,
    What.STAKEHOLDERS: STAKEHOLDER,
    What.ORDERS: ORDER,
    What.PRODUCTS: PRODUCT,
    What.CONSENTS: CONSENT,
}
CALLED_BY = ("name", "given_name", "family_name", "email", "phone", "handle")  # one of them names a customer
