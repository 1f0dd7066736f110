"""By what call notes ask support groups: leads set it for all, who answers for a group for theirs."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm.errors import Refused
from crm.models.staff import Role
from crm.web import Request, came_from, keyset_page, roles
from surveys.forms.outreach.settings import HashtagForm, HashtagsForm
from surveys.models import Hashtag
from surveys.outreach import hashtags as tags

PAGE = 100
EVERYBODY = (*Role,)  # anybody may answer for a group; the others have no page here


@require_GET
@roles(*EVERYBODY)
@vary_on_headers("HX-Request")
def hashtags(request: Request) -> HttpResponse:
    """HTMX gets the list alone: it stands on the page of a support group too."""
    return _page(request, HashtagForm(user=request.user, initial={"group": request.GET.get("group")}))


def _page(request: Request, form: HashtagForm) -> HttpResponse:
    if not (request.user.leads or request.user.keeps_groups):
        raise Http404
    narrowed = HashtagsForm(request.GET, user=request.user)
    rows = narrowed.narrow(Hashtag.objects.kept_by(request.user).with_requests())
    page = keyset_page(rows, request.GET, key=["tag"], size=PAGE)
    context = {"form": form, "filter": narrowed, "page": page}
    part = "surveys/outreach_settings/_hashtags.html"
    template = part if request.htmx else "surveys/outreach_settings/hashtags.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@roles(*EVERYBODY)
@vary_on_headers("HX-Request")
def hashtag_new(request: Request) -> HttpResponse:
    """Give one to a group; one that was retired comes back, from whatever group it was of."""
    form = HashtagForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            made = tags.own(**form.cleaned_data, by=request.user)
        except Refused as refusal:
            form.add_error("group" if isinstance(refusal, tags.GroupClosed) else "tag", str(refusal))
        else:
            undo = f"{reverse('surveys:hashtag_retire', args=[made.pk])}?on=0"
            said = _("{tag} asks {group} from now on.").format(tag=made, group=made.group)
            messages.success(request, said, extra_tags=f"undo:{undo}")
            return redirect("surveys:hashtags")
    return _page(request, form)


@require_POST
@roles(*EVERYBODY)
def hashtag_retire(request: Request, pk: int) -> HttpResponse:
    """`on` is 1 to have it back: in the form, or in the address of an undo."""
    found = get_object_or_404(Hashtag.objects.kept_by(request.user).select_related("group__owner"), pk=pk)
    on = (request.POST.get("on") or request.GET.get("on")) == "1"
    kept = (tags.restore if on else tags.retire)(hashtag=found, by=request.user)
    said = _("{tag} asks {group} again.") if on else _("{tag} asks nobody any more. What it has asked is answered.")
    undo = f"{reverse('surveys:hashtag_retire', args=[pk])}?on={0 if on else 1}"
    messages.success(request, said.format(tag=kept, group=kept.group), extra_tags=f"undo:{undo}")
    return redirect(came_from(request, reverse("surveys:hashtags")))
