"""What stands in the composer of a case before anybody types, and where an answer can go."""

from __future__ import annotations

from typing import Any

from cases import answering, ways
from cases.forms import NoteForm, ReplyForm
from cases.models import Case, Draft
from cases.wording import templates
from channels_app import outbox
from crm.web import Request


def begun(case: Case, request: Request) -> dict[str, Any]:
    """What stands in the composer: the template just chosen, else what this person has begun to write. One query."""
    kept = {draft.kind: draft.text for draft in Draft.objects.of_case(case).filter(user=request.user).order_by("at")}
    reply, note = kept.get(Draft.Kind.REPLY, ""), kept.get(Draft.Kind.NOTE, "")
    pk = request.GET.get("template", "")
    template = templates.chosen(pk, case, request.user) if pk else None
    return {
        "reply_form": ReplyForm(
            initial={"text": template.text if template else reply, "answer_to": request.GET.get("answer_to", "")},
            auto_id="reply_%s",
        ),
        "note_form": NoteForm(initial={"text": note}, auto_id="note_%s"),
        "fresh": "template" if template else None,  # what an open tab still holds of before does not replace it
        "writing_note": bool(note and not reply and not template),
    }


def answers(case: Case, request: Request) -> dict[str, Any]:
    """Where an answer can go and until when, and whether they have written to us at all. One query."""
    places, limit = answering.places(case), outbox.limit(case.channel, case.identity)
    return {"answers": places, "window": ways.window(case), "unasked": answering.is_unasked(case), "limit": limit}


def instead(case: Case, request: Request) -> dict[str, Any]:
    """What is left to do where an answer cannot go any more, or ours was not sent. One query then."""
    return {"instead": ways.instead(case)}
