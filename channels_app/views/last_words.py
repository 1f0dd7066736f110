"""What somebody wrote last under one of their names: a part of other pages."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from channels_app.models import Message
from crm.models import Identity
from crm.models.staff import CUSTOMER_ROLES
from crm.web import Request, roles

SHOWN = 2


@require_GET
@roles(*CUSTOMER_ROLES)
def last_words(request: Request, pk: int) -> HttpResponse:
    identity = get_object_or_404(Identity, pk=pk)
    said = Message.objects.filter(identity=identity, direction=Message.Direction.IN).select_related("channel")
    context = {"identity": identity, "said": said.order_by("-occurred_at", "-id")[:SHOWN]}
    return render(request, "channels/_last_words.html", context)
