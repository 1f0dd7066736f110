"""What somebody has begun to write: kept on the server, so that it outlives the tab, the browser and the day."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from cases.models import Case, Draft, Note
from channels_app.models import Message
from crm import private_links
from crm.models import User

KEPT = timedelta(days=30)
LONGEST = 100_000  # characters
MOST_PARTS = 20  # posts of one reply, as the outbox has it


def keep(*, case: Case, kind: str, text: str, by: User) -> Draft | None:
    """Keep `text`, or forget what was kept where it is empty, or is what was sent just now and came back late.

    A private link is not kept: it stands in no row of ours (crm.private_links); the tab it was typed in still has it.
    """
    text = text.replace("\x00", "").replace("\r\n", "\n")[:LONGEST]
    if not text.strip() or private_links.is_in(text) or _is_said(case, kind, text.strip(), by):
        forget(case=case, kind=kind, by=by)
        return None
    draft = Draft(case=case, user=by, kind=kind, text=text, at=timezone.now())
    key = ["case", "user", "kind"]
    Draft.objects.bulk_create([draft], update_conflicts=True, unique_fields=key, update_fields=["text", "at"])
    return draft


def forget(*, case: Case, kind: str, by: User) -> None:
    Draft.objects.of_case(case).filter(user=by, kind=kind).delete()


@transaction.atomic
def give_back(*, case: Case, text: str, to: User) -> None:
    """What was taken back before it left stands in the composer again, before what was begun since."""
    begun = Draft.objects.select_for_update().filter(case=case, user=to, kind=Draft.Kind.REPLY).first()
    keep(case=case, kind=Draft.Kind.REPLY, text=f"{text}\n\n{begun.text}" if begun else text, by=to)


def forget_old() -> int:
    """Each hour: what nobody went on with for a month."""
    return Draft.objects.older_than(timezone.now() - KEPT).delete()[0]


def _is_said(case: Case, kind: str, text: str, by: User) -> bool:
    notes = Note.objects.filter(case=case, by=by).order_by("-id").values_list("text", flat=True)
    if kind == Draft.Kind.NOTE:
        return notes.first() == text
    replies = Message.objects.filter(case_entry__case=case, sent_by=by).order_by("-id").values_list("text", flat=True)
    said, words = "", _bare(text)
    for part in replies[:MOST_PARTS]:
        said = _bare(part) + said
        if said == words:
            return True
    return False


def _bare(text: str) -> str:
    """Without blanks: where a long reply was cut, they are gone."""
    return "".join(text.split())
