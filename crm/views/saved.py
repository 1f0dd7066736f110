"""Saved views: of the queue and of the customers alike, a filter is kept under a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_stubs_ext import StrOrPromise

from crm.forms import SavedViewForm
from crm.models import SavedView, User
from crm.models.staff import CUSTOMER_ROLES
from crm.web import Request, came_from, roles

LISTS = {SavedView.Page.QUEUE.value: "cases:queue", SavedView.Page.CUSTOMERS.value: "crm:customers"}


@dataclass(frozen=True)
class Standing:
    """A view of a list that everybody has."""

    name: StrOrPromise
    query: str
    icon: str


@dataclass(frozen=True)
class Views:
    """What the menu of views above a list offers: the views everybody has, the whole list first, and the saved ones.

    `otherwise` is what a list is called that no view shows.
    """

    page: str
    query: str
    standing: Sequence[Standing]
    saved: Sequence[SavedView]
    otherwise: StrOrPromise = ""

    @property
    def base(self) -> str:
        return reverse(LISTS[self.page])

    @property
    def title(self) -> StrOrPromise:
        """The name of the view that shows this filter; where none does `otherwise`, or that of the whole list."""
        named: list[Standing | SavedView] = [*self.standing, *self.saved]
        shown = next((view.name for view in named if view.query == self.query), "")
        return shown or self.otherwise or self.standing[0].name


def views_of(user: User, page: str, standing: Sequence[Standing], query: str, otherwise: StrOrPromise = "") -> Views:
    """One query."""
    return Views(page, query, standing, list(SavedView.objects.visible_to(user).of(page)), otherwise)


@require_POST
@roles(*CUSTOMER_ROLES)
def save_view(request: Request) -> HttpResponse:
    """Keep the current filter under a name; the same name again replaces it."""
    form = SavedViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the view a name of at most 60 letters."))
        return redirect(came_from(request, "/"))
    kept, page = form.cleaned_data, form.cleaned_data["page"]
    if page == SavedView.Page.QUEUE and not request.user.answers:
        raise PermissionDenied
    view, _made = SavedView.objects.update_or_create(
        owner=request.user, page=page, name=kept["name"],
        defaults={"query": kept["query"], "shared_at": timezone.now() if kept["shared"] else None},
    )  # fmt: skip
    messages.success(request, _("Saved as “%(name)s”.") % {"name": view.name})
    return redirect(f"{reverse(LISTS[view.page])}?{view.query}")


@require_POST
@roles(*CUSTOMER_ROLES)
def delete_view(request: Request, pk: int) -> HttpResponse:
    """Remove a view of one's own."""
    view = get_object_or_404(SavedView, pk=pk, owner=request.user)
    view.delete()
    messages.success(request, _("“%(name)s” is no longer among the views.") % {"name": view.name})
    return redirect(LISTS[view.page])
