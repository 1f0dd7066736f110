"""What people put right and confirmed: the examples behind each figure, and behind each mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from channels_app.models import Correction, Message
from channels_app.reading_forms import CorrectionsForm
from crm import exporting
from crm.models import User
from crm.models.staff import LEADING_ROLES
from crm.views.exports import filter_of
from crm.web import Request, keyset_page, roles, without

PAGE = 25
KEY = ("id",)
COLUMNS = ("at", "by", "message", "aspect", "was", "confidence", "now", "reader", "language", "text")


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def corrections(request: Request) -> HttpResponse:
    """The last word on each, the newest first; for HTMX the list alone."""
    form = CorrectionsForm(request.GET)
    page = keyset_page(_under(form, request.user), request.GET, key=KEY, size=PAGE, newest_first=True)
    context = {"form": form, "page": page, "query": without(request.GET, "after")}
    template = "reading/_corrections.html" if request.htmx else "reading/corrections.html"
    return render(request, template, context)


def _under(form: CorrectionsForm, user: User) -> QuerySet[Correction]:
    """As the form asks for: `was` and `now` are those of a mistake."""
    wanted = form.wanted()
    found = Correction.objects.in_force().filter(message__in=Message.objects.visible_to(user))
    found = found.filter(**{name: wanted[name] for name in ("aspect", "was", "now") if name in wanted})
    if wanted.get("only") == form.MISTAKES:
        found = found.of_mistakes()
    elif wanted.get("only") == form.CONFIRMED:
        found = found.confirming()
    return found.select_related("message__channel", "message__identity", "by")


@require_GET
@roles(*LEADING_ROLES)
def export(request: Request) -> exporting.Streamed:
    query = filter_of(request)
    found = exporting.every(_under(CorrectionsForm(query), request.user), key=KEY, newest_first=True)
    return exporting.response(request, _("corrections"), COLUMNS, _rows(found), query=query)


def _rows(found: Iterable[Correction]) -> Iterator[list[object]]:
    for each in found:
        yield [
            each.at, str(each.by or ""), each.message_id, each.aspect, each.was, each.was_confidence, each.now,
            each.reader, each.message.language, each.message.text,
        ]  # fmt: skip
