"""Countries as leads write them down: two letters of ISO 3166 that are one, so that a typo is seen and not obeyed."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from surveys.outreach import hours


class NotACountry(Refused):
    sentence = _("“{code}” is no country. Write two letters: GB, DE, US.")


def known(codes: Iterable[str]) -> list[str]:
    """Each once, in capitals, in order. Raises NotACountry."""
    found = sorted({code.strip().upper() for code in codes} - {""})
    for code in found:
        if code not in hours.countries():
            raise NotACountry(code=code)
    return found
