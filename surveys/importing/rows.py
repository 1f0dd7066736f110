"""What one row of another survey tool may say, and what is wrong with it. Nothing here asks the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.importing import values as reading
from crm.importing.fields import ID_OF_CUSTOMER, Field
from crm.importing.rules import Address, Problems, Values
from crm.importing.values import CannotBe, text
from crm.models import Identity

SKEW = timedelta(minutes=5)  # by which another system's clock may be ahead
YES, NO = ("yes", "true", "1"), ("no", "false", "0")


class NotAScore(CannotBe):
    sentence = _("“{text}” is not a whole number from 0 to 10.")


class NotYesOrNo(CannotBe):
    sentence = _("“{text}” is neither yes nor no.")


class SayWho(Refused):
    sentence = _("Say who was asked: the customer’s id in the other system, or an e-mail address.")


class SayWhen(Refused):
    sentence = _("Say when they were asked, or when they answered.")


class NotYet(Refused):
    sentence = _("{when} is still to come.")


class AnsweredBefore(Refused):
    sentence = _("They cannot have answered before they were asked.")


def score(cell: str) -> int:
    """As people and spreadsheets write it: 9, 9.0, 9,0."""
    whole, _point, rest = cell.replace(",", ".").partition(".")
    if not (whole.isascii() and whole.isdecimal()) or rest.strip("0") or len(whole) > 3 or int(whole) > 10:
        raise NotAScore(cell)
    return int(whole)


def yes_or_no(cell: str) -> bool:
    if cell.casefold() not in YES + NO:
        raise NotYesOrNo(cell)
    return cell.casefold() in YES


FIELDS = (
    Field("id", _("Response id"), text(120), "R-311", needed=True, help=_("Its id in the other tool.")),
    Field("customer", _("Customer"), text(120), "C-1001", empty=..., help=ID_OF_CUSTOMER),
    Field(
        "email", _("E-mail"), text(255), "ann@example.com", empty=...,
        help=_("By which we know who it is, where there is no customer’s id."),
    ),
    Field(
        "wave", _("Wave"), text(80), "Spring 2025", empty=...,
        help=_("Where it is left out, the name of the file names the wave."),
    ),
    Field("asked_at", _("Asked"), reading.moment, "2025-03-04T09:00:00Z", empty=...),
    Field(
        "answered_at", _("Answered"), reading.moment, "2025-03-05T18:20:00Z", empty=...,
        help=_("Left out and without a score or a comment: they did not answer."),
    ),
    Field("score", _("Score"), score, "9", empty=None, help=_("0 to 10.")),
    Field("comment", _("Comment"), text(4000), "The guard found my cello."),
    Field("language", _("Language"), reading.language, "en"),
    Field(
        "quotable", _("May be quoted"), yes_or_no, "no", empty=False,
        help=_("yes or no; nothing is quoted without a yes."),
    ),
)  # fmt: skip
ALSO = {
    "id": "response id, survey response id, respondent id, recipient id, record id",
    "customer": "person id",
    "email": "email address, e mail, mail, recipient email, person email, respondent email",
    "wave": "survey, survey name, campaign, project, distribution, collector, round, umfrage",
    "asked_at": "sent at, date sent, survey sent, invited at, invited, sent",
    "answered_at": "responded at, response date, submitted at, end date, date modified, completed, completed at, "
    "recorded date, created at, date, datum",
    "score": "nps, nps score, rating, likelihood to recommend, recommendation, 0 10, bewertung",
    "comment": "comments, feedback, reason, verbatim, open ended response, kommentar, answer, why",
    "language": "locale, lang, survey language, sprache",
    "quotable": "quote, testimonial, permission to quote, permission to share",
}


def check(found: Values, problems: Problems, record: Mapping[str, Any]) -> None:
    """What one row says as a whole: who, when, and whether they answered."""
    _check_who(found, problems)
    asked = found.get("asked_at") or found.get("answered_at")
    if asked is None:
        if not {"asked_at", "answered_at"} & problems.keys():
            problems["asked_at"] = str(SayWhen())
        return
    has_said = found.get("score") is not None or found.get("comment")
    answered = found.get("answered_at") or (asked if has_said else None)
    if answered and answered.date() < asked.date():
        problems["answered_at"] = str(AnsweredBefore())
    if max(asked, answered or asked) > timezone.now() + SKEW:
        problems["asked_at"] = str(NotYet(when=f"{max(asked, answered or asked):%Y-%m-%d %H:%M}"))
    found["asked_at"] = asked
    found["answered_at"] = max(asked, answered) if answered else None  # a date alone is its first minute


def _check_who(found: Values, problems: Problems) -> None:
    if "email" in found:
        try:
            found["address"] = Address.read(Identity.Kind.EMAIL, found["email"])
        except Refused as error:
            problems["email"] = str(error)
    elif "customer" not in found and "customer" not in problems:
        problems["customer"] = str(SayWho())
