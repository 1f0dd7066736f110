"""What customers answered, one by one; and whether an odd answer counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import exporting
from crm.models.staff import LEADING_ROLES, RESULT_ROLES
from crm.views.exports import filter_of
from crm.web import Request, keyset_page, roles, without
from surveys import quality
from surveys.forms.results import ResponsesForm
from surveys.models import Response, Wave
from surveys.segments import waves_asked

PAGE = 50
NEWEST = ("started_at", "id")
PARTIALS = {"rows": "surveys/responses/_rows.html", "more": "surveys/responses/_more.html"}


def _form(request: Request, query: QueryDict) -> ResponsesForm:
    return ResponsesForm(query, waves=waves_asked(Wave.objects.visible_to(request.user)))


@require_GET
@roles(*RESULT_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def responses(request: Request) -> HttpResponse:
    form = _form(request, request.GET)
    found = form.narrow(Response.objects.visible_to(request.user)).with_row()
    page = keyset_page(found, request.GET, key=NEWEST, size=PAGE, newest_first=True)
    context = {"form": form, "page": page, "query": without(request.GET, "after")}
    return render(request, PARTIALS.get(request.htmx.target or "", "surveys/responses.html"), context)


@require_GET
@roles(*LEADING_ROLES)
def responses_export(request: Request) -> exporting.Streamed:
    """Who said what by name: for leads, as every list of people is."""
    query = filter_of(request)
    found = _form(request, query).narrow(Response.objects.visible_to(request.user)).with_row()
    rows = _rows(exporting.every(found, key=NEWEST, newest_first=True))
    columns = [
        _("response"), _("customer"), _("name"), _("survey"), _("wave"), _("score"), _("group"), _("comments"),
        _("weight"), _("started"), _("finished"), _("flags"), _("left out"), _("let in"),
    ]  # fmt: skip
    return exporting.response(request, _("responses"), columns, rows, query=query)


def _rows(found: Iterable[Response]) -> Iterator[exporting.Row]:
    for each in found:
        asked = each.invitation
        yield [
            each.pk, asked.customer_id, str(asked.customer), str(asked.version.survey), str(asked.wave or ""),
            each.score, each.group, [answer.text for answer in each.comments], asked.weight,  # type: ignore[attr-defined]
            each.started_at, each.finished_at, [flag.why for flag in each.flags.all()], each.left_out_at,
            each.let_in_at,
        ]  # fmt: skip


@require_GET
@roles(*RESULT_ROLES)
def response(request: Request, pk: int) -> HttpResponse:
    """One response with all its answers, what they are about, and the plans they led to."""
    found = get_object_or_404(Response.objects.visible_to(request.user).whole(), pk=pk)
    return render(request, "surveys/response.html", {"response": found})


DEEDS = {
    "let_in": (quality.let_in, gettext_lazy("It counts.")),
    "leave_out": (quality.leave_out, gettext_lazy("It is left out of the figures.")),
    "undecide": (quality.undecide, gettext_lazy("As before: its flags say whether it counts.")),
}


@require_POST
@roles(*LEADING_ROLES)
def response_decide(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Response.objects.visible_to(request.user), pk=pk)
    if (deed := request.POST.get("deed", "")) not in DEEDS:
        return HttpResponseBadRequest(_("Say whether it counts."))
    decide, said = DEEDS[deed]
    decide(response=found, by=request.user)
    messages.success(request, str(said))
    return redirect(found)
