"""Team settings, Templates: made, changed, tried on a real case, retired."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.forms.words import TemplateForm, TemplatesForm, Texts, save_template
from cases.models import Case, Template
from cases.wording import templates as wording
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.web import Request, keyset_page, roles

PAGE = 50


@require_GET
@roles(*LEADING_ROLES)
def templates(request: Request) -> HttpResponse:
    form = TemplatesForm(request.GET)
    found = form.narrow(Template.objects.all()).select_related("team").prefetch_related("channels", "texts")
    page = keyset_page(found, request.GET, key=("name", "id"), size=PAGE)
    return render(request, "cases/words/templates.html", {"form": form, "page": page})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def template(request: Request, pk: int | None = None) -> HttpResponse:
    """Make a template, or change one; and how it begins in a real case."""
    found = get_object_or_404(Template, pk=pk) if pk is not None else None
    form = TemplateForm(request.POST or None, instance=found)
    texts = Texts(request.POST or None, instance=found, prefix="texts")
    if request.method == "POST" and _both_valid(form, texts):
        saved = save_template(form, texts)
        log("changed" if found else "made", saved, by=request.user)
        messages.success(request, _("“%(name)s” is saved.") % {"name": saved.name})
        return redirect("cases:template", saved.pk)
    context = {"form": form, "texts": texts, "template": found, "fields": wording.FIELDS, **_preview(request, found)}
    return render(request, "cases/words/template_form.html", context, status=422 if request.method == "POST" else 200)


def _both_valid(form: TemplateForm, texts: Any) -> bool:
    """Both are asked, so that all that is wrong stands on the page at once."""
    return all([form.is_valid(), texts.is_valid()])


def _preview(request: Request, found: Template | None) -> dict[str, Any]:
    """As it would begin in the case of that number, else in the newest one."""
    if found is None:
        return {}
    number = request.GET.get("case", "").lstrip("#")
    cases = Case.objects.visible_to(request.user).select_related("customer", "channel")
    if number.isdecimal() and len(number) < 19:
        case = cases.filter(pk=number).first()
    else:
        case = cases.order_by("-opened_at", "-id").first()
    shown = wording.preview(found, case, request.user) if case else ()
    return {"preview_case": case, "preview": shown, "number": number}


@require_POST
@roles(*LEADING_ROLES)
def retire(request: Request, pk: int) -> HttpResponse:
    """Out of use, or back."""
    found = get_object_or_404(Template, pk=pk)
    found.retired_at = None if found.retired_at else timezone.now()
    found.save(update_fields=["retired_at"])
    log("retired" if found.retired_at else "brought back", found, by=request.user)
    return redirect("cases:template", pk)
