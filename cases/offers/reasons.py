"""Why somebody fits a case: kept as data, said as finished phrases in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.templatetags.hark import tongue

Reason = Mapping[str, Any]  # {"kind": one of those below, …facts}: it stands in Offer.reasons as it is

SPEAKS, KNOWS, MET, LOAD, NOBODY_SPEAKS, DRAFTS = "speaks", "knows", "met", "load", "nobody_speaks", "drafts"


def phrase(reason: Reason) -> str:
    """Of a colleague: "speaks Spanish"."""
    match reason["kind"]:
        case "speaks":
            return _("speaks %(language)s") % {"language": tongue(reason["language"])}
        case "knows":
            return _("knows %(skills)s") % {"skills": get_text_list(reason["skills"], _("and"))}
        case "met":
            n = reason["cases"]
            said = "spoke with this customer before (%(n)d case)", "spoke with this customer before (%(n)d cases)"
            return ngettext(*said, n) % {"n": n}
        case "load":
            return _("has %(load)d of %(cap)d cases") % reason
        case "nobody_speaks":
            return _("nobody who is free speaks %(language)s") % {"language": tongue(reason["language"])}
        case _:
            return _("may only draft")


def _to_you(reason: Reason) -> str:
    """Of the reader, to go on from "you …": "speak Spanish"."""
    match reason["kind"]:
        case "speaks":
            return _("speak %(language)s") % {"language": tongue(reason["language"])}
        case "knows":
            return _("know %(skills)s") % {"skills": get_text_list(reason["skills"], _("and"))}
        case "load":
            return _("have %(load)d of %(cap)d cases") % reason
        case _:
            return phrase(reason)


def phrases(reasons: Iterable[Reason]) -> list[str]:
    return [phrase(reason) for reason in reasons]


def because(reasons: Iterable[Reason]) -> str:
    """To who has it now: "Because you speak Spanish and have 3 of 8 cases."."""
    told = list(reasons)
    yours = [_to_you(reason) for reason in told if reason["kind"] not in (NOBODY_SPEAKS, DRAFTS)]
    said = [_("Because you %(reasons)s.") % {"reasons": get_text_list(yours, _("and"))}]
    if language := next((reason["language"] for reason in told if reason["kind"] == NOBODY_SPEAKS), None):
        said.append(_("Nobody who is free speaks %(language)s.") % {"language": tongue(language)})
    if any(reason["kind"] == DRAFTS for reason in told):
        said.append(_("You are not certified for its channel: what you write waits for approval."))
    return " ".join(said)
