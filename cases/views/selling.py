"""What the pane shows of sales: the lead of the case; and the form that hands it over, with the post that says so."""

from __future__ import annotations

from typing import Any

from cases import buying
from cases.conversation import Conversation
from cases.forms.leads import LeadForm
from cases.models import Case
from crm.web import Request

MOST = 20  # posts to choose from


def handed(case: Case, request: Request) -> dict[str, Any]:
    """Its leads, the newest first; and whether sales may be handed it. One query."""
    found = list(case.leads.select_related("owner", "handed_by"))
    free = case.is_unresolved and not case.customer.erased_at and not any(lead.is_open for lead in found)
    return {"leads": found, "may_hand_to_sales": free}


def form(case: Case, request: Request, said: Conversation) -> dict[str, Any]:
    """As it was typed, where it was just refused; and the words that read as if they want to buy. No query."""
    name = request.resolver_match.url_name if request.resolver_match else ""
    posts = buying.posts(said.entries)
    found = buying.likely(posts)
    post, words = found or (None, "")
    chosen = [*posts[:MOST], *([post] if post and post not in posts[:MOST] else [])]
    typed = request.POST if name == "to_sales" else None
    return {
        "lead_form": LeadForm(typed, posts=chosen, likely=post, auto_id="lead_%s"),
        "wants_to_buy": words,
    }


PARTS = (handed,)
