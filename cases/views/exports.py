"""The queue taken away as a file, as it stands under its filter (crm.views.exports says who may, and why)."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cases import exporting as queue
from cases import fairness
from cases.forms import Offered, QueueForm
from cases.models import Case
from cases.views.queue import KEY
from crm import exporting
from crm.models.staff import LEADING_ROLES
from crm.views.exports import filter_of
from crm.web import Request, roles


@require_GET
@roles(*LEADING_ROLES)
def queue_export(request: Request) -> exporting.Streamed:
    query = filter_of(request)
    found = QueueForm(query, user=request.user, offered=Offered()).narrow(Case.objects.visible_to(request.user))
    rows = queue.rows(exporting.every(fairness.with_facts(found.with_head()), key=KEY))
    return exporting.response(request, _("cases"), queue.COLUMNS, rows, query=query)
