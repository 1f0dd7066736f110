"""What we propose to write to who speaks up for us, in their language. Whoever sends it may change every word.

Every sentence here is for customers and stands in the catalogs of surveys/locale.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from crm.models import User
from surveys.models import Advocate, AdvocateLetter
from surveys.spoken import frame_in

Kind = AdvocateLetter.Kind


def proposed(advocate: Advocate, kind: str, by: User) -> str:
    customer = advocate.customer
    with frame_in(customer.language):
        hello = _("Hello {name},").format(name=customer)
        said = _invitation() if kind == Kind.INVITE else _thanks()
        return f"{hello}\n\n{said}\n\n{by}"


def subject(letter: AdvocateLetter) -> str:
    with frame_in(letter.advocate.customer.language):
        return _("Would you speak up for us?") if letter.kind == Kind.INVITE else _("Thank you")


def _invitation() -> str:
    return _(
        "you have said good things about us, and it has been noticed. Would you tell others what you have seen with us,"
        " as a reference or in a talk? Answer here with yes or no; either is fine, and nothing depends on it."
    )


def _thanks() -> str:
    return _("you have spoken well of us and helped others. We have seen it, and we thank you for it.")
