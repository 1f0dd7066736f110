"""The letter that asks: multipart, in the customer's language, with a return address of its own.

Envelope sender and Reply-To are a plus-address that says which invitation it was (`return_to`), signed, in small
letters and digits alone, since mail servers change the case of what stands before the @. So an answer and a report of a
mail server lead back to the invitation, whatever else they hold.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass
from email.utils import formataddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from surveys import links
from surveys.models import Invitation, Question, Version
from surveys.spoken import frame_in

SIGNED = 10  # bytes of the signature: a local part holds 64 characters
WITHIN = 26  # characters of a number in base32


@dataclass(frozen=True, slots=True)
class Named:
    """Which mail of which invitation: the invitation itself is 1, its first reminder 2."""

    number: uuid.UUID
    nth: int


def language_of(version: Version, spoken: str) -> str:
    """The language to ask in: theirs, else its parent ("de" for "de-CH"), else the survey's first."""
    wanted = (spoken.lower(), spoken.lower().split("-")[0])
    theirs = {language.lower(): language for language in version.languages}
    return next((theirs[each] for each in wanted if each in theirs), version.languages[0])


def return_to(named: Named) -> str:
    """surveys@example.com → surveys+<which>@example.com; as it is where no mailbox is read."""
    if not settings.MAIL_RETURN_TO:
        return str(settings.SURVEY_FROM)
    box, _at, domain = settings.MAIL_RETURN_TO.rpartition("@")
    return f"{box}+{_code(named.number.bytes)}{named.nth}{_signature(named)}@{domain}"


def named_by(address: str) -> Named | None:
    """Which mail a return address of ours speaks of; None for any other."""
    code = address.rpartition("@")[0].rpartition("+")[2].lower()
    try:
        number = uuid.UUID(bytes=base64.b32decode(code[:WITHIN].upper() + "======"))
        named = Named(number, int(code[WITHIN : WITHIN + 1]))
    except (binascii.Error, ValueError):
        return None
    return named if constant_time_compare(code[WITHIN + 1 :], _signature(named)) else None


def message_id(named: Named) -> str:
    return f"<{named.number.hex}.{named.nth}@{_domain()}>"


def named_in(message_id: str) -> Named | None:
    """The same of a Message-ID, which is in what came back. Only who was sent it knows the number."""
    code, _dot, nth = message_id.strip("<> ").partition("@")[0].partition(".")
    try:
        return Named(uuid.UUID(hex=code), int(nth))
    except ValueError:
        return None


def letter(invitation: Invitation, address: str, nth: int) -> EmailMultiAlternatives:
    """The mail to `address`: the invitation (`nth` 1), or a reminder of it. No query where all it names is there."""
    version, named = invitation.version, Named(invitation.number, nth)
    language = language_of(version, invitation.customer.language)
    brand = version.survey.brand or _("Customer care")
    with frame_in(language):
        facts = _facts(invitation, brand, language, nth)
        subject = str(facts["title"]) if nth == 1 else _("A reminder: {title}").format(title=facts["title"])
        mail = EmailMultiAlternatives(
            " ".join(subject.split()), render_to_string("surveys/mail/invitation.txt", facts),
            from_email=return_to(named), to=[address], headers=_headers(invitation, named, brand, language),
        )  # fmt: skip
        mail.attach_alternative(render_to_string("surveys/mail/invitation.html", facts), "text/html")
    return mail


def words(invitation: Invitation) -> str:
    """The same as a private message, short enough for any network; the link is put in as it leaves (`links.show`)."""
    version = invitation.version
    language = language_of(version, invitation.customer.language)
    with frame_in(language):
        title = version.says("title", language) or _("How are we doing?")
        return _("{title} Your answer takes a minute: {link}").format(title=title, link=links.HIDDEN)


def _facts(invitation: Invitation, brand: str, language: str, nth: int) -> dict[str, object]:
    version = invitation.version
    first = next(iter(version.questions.all()), None)
    scored = first if first and first.kind == Question.Kind.NPS and not first.conditions.all() else None
    return {
        "title": version.says("title", language) or _("How are we doing?"), "intro": version.says("intro", language),
        "brand": brand, "name": invitation.customer.name, "language": language, "reminder": nth > 1,
        "until": invitation.expires_at, "link": links.link(invitation), "stop": links.stop_link(invitation),
        "preferences": links.preferences_link(invitation), "question": scored.text(language) if scored else "",
        "low": scored.says("low", language) if scored else "", "high": scored.says("high", language) if scored else "",
        "scores": [(n, links.link(invitation, score=n)) for n in range(11)] if scored else [],
    }  # fmt: skip


def _headers(invitation: Invitation, named: Named, brand: str, language: str) -> dict[str, str]:
    return {
        "From": formataddr((brand, settings.SURVEY_FROM)),
        "Reply-To": return_to(named),
        "Message-ID": message_id(named),
        "List-Unsubscribe": f"<{links.unsubscribe_link(invitation)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "Content-Language": language,
    }


def _domain() -> str:
    return str(settings.SURVEY_FROM).rpartition("@")[2] or "localhost"


def _code(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


def _signature(named: Named) -> str:
    said = f"{named.number.hex}.{named.nth}"
    return _code(salted_hmac("surveys.mailing", said, algorithm="sha256").digest()[:SIGNED])
