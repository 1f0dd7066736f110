"""What colleagues hear of an offer: a notice, a card that comes by itself, and who looks at the case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from cases.models import Offer
from cases.offers import reasons
from channels_app import live
from channels_app.live import News
from crm import notices
from crm.models import Activity, Notice, User
from crm.notices import Word

LISTED = "/queue/offers/"


def offered(offers: Iterable[Offer], *, by: User | None = None) -> None:
    """Of new offers, with their `case` and `user`."""
    made = list(offers)
    said = _("Case #%(number)s is offered to you.")
    words = [
        Word(offer.user_id, Notice.Kind.GIVEN, said % {"number": offer.case_id}, LISTED, offer.case) for offer in made
    ]
    notices.tell_each(words, by=by)
    log("offered", {offer.case_id: _who_and_why(offer) for offer in made}, by=by)
    changed(made, by=by)


def _who_and_why(offer: Offer) -> str:
    why = get_text_list(reasons.phrases(offer.reasons), _("and"))
    return f"{offer.user} ({why})" if why else str(offer.user)


def log(verb: str, details: Mapping[int, str], *, by: User | None = None) -> None:
    """One line for each case."""
    Activity.objects.bulk_create(
        [
            Activity(verb=verb, subject_kind="cases.case", subject_id=pk, by=by, detail=detail[:500])
            for pk, detail in details.items()
        ]
    )


def changed(offers: Iterable[Offer], *, by: User | None = None) -> None:
    """After the commit: the cards of those they are for, and the heads of the cases."""
    made = list(offers)
    news = [News(f"user:{pk}", "offer") for pk in sorted({offer.user_id for offer in made})]
    news += [
        News(f"case:{pk}", "pane", {"case": pk, "by": by.pk if by else None, "by_name": str(by or "")})
        for pk in sorted({offer.case_id for offer in made})
    ]
    if news:
        live.tell(news)
