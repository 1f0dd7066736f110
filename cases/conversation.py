"""What a case page shows, in order: messages, notes and what was done. A fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from cases import rights, story
from cases.models import Case, CaseMessage, CaseThread, NoteFile
from channels_app import reactions, readings
from channels_app.models import Attachment, Delivery, Measure, Message, MessageVersion
from crm.models import Activity, IdentityLink
from crm.models.files import StoredFile

MOST = 200  # messages drawn at once; a longer thread shows its newest


@dataclass
class Entry:
    """One line of the conversation. `kind` is "message", "note", "activity", or one of `story` or `rights`."""

    kind: str
    at: datetime
    item: Any
    delivery: Delivery | None = None
    by_other_customer: bool = False
    versions: list[MessageVersion] = field(default_factory=list)
    side: str = ""  # "private", or "public" where the case has both
    files: Sequence[StoredFile] = ()
    signs: Sequence[tuple[str, int]] = ()  # what people put to it, and how many
    read: Sequence[readings.Line] = ()  # how it was read; of a customer's words
    taken: Sequence[Measure] = ()  # all that was done about it: see `measures`, `liked`, `deletion`

    @property
    def measures(self) -> list[Measure]:
        """Those taken against it, or against its author for it."""
        return [taken for taken in self.taken if taken.is_against_somebody]

    @property
    def liked(self) -> Measure | None:
        return next((taken for taken in self.taken if taken.kind == Measure.Kind.LIKE), None)

    @property
    def deletion(self) -> Measure | None:
        return next((taken for taken in self.taken if taken.kind == Measure.Kind.DELETE), None)

    @property
    def hidden(self) -> Measure | None:
        """The measure that folds it away."""
        return next((taken for taken in self.measures if taken.hides), None)


@dataclass
class Conversation:
    entries: list[Entry]
    seen: int  # pk of the newest message shown
    cut: bool  # older messages are not shown


def of_case(case: Case) -> Conversation:
    """Everything said on the case's threads, by whomever, with its notes, files, log and story. Thirteen queries, and
    one where somebody put right how something was read.

    Its threads: its own, and those on which something in it was said, such as the private one.
    """
    newest = Message.objects.filter(thread__in=_threads(case)).select_related(
        "identity", "sent_by", "approved_by", "delivery__after", "case_entry__repeated_by"
    )
    messages = list(newest.order_by("-occurred_at", "-id")[: MOST + 1])
    cut, messages = len(messages) > MOST, messages[:MOST][::-1]
    versions = _versions(messages)
    mixed = any(message.private for message in messages)
    attached = _by(Attachment.objects.filter(message__in=messages), "message_id")
    signs, read = reactions.shown(messages), readings.of(messages)
    taken = _by(Measure.objects.standing().filter(message__in=messages).select_related("by"), "message_id")
    theirs = set(
        IdentityLink.objects.filter(customer=case.customer_id, state="confirmed").values_list("identity_id", flat=True)
    )
    entries = [
        Entry(
            "message", m.occurred_at, m, delivery=getattr(m, "delivery", None), versions=versions[m.pk],
            by_other_customer=not m.is_ours and m.identity_id not in theirs,
            side="private" if m.private else "public" if mixed else "", files=attached[m.pk], taken=taken[m.pk],
            signs=signs.get(m.pk, ()), read=read.get(m.pk, ()),
        )
        for m in messages
    ]  # fmt: skip
    of_notes = _by(NoteFile.objects.filter(note__case=case), "note_id")
    entries += [Entry("note", n.created_at, n, files=of_notes[n.pk]) for n in case.notes.select_related("by")]
    log = Activity.objects.about(case).order_by("id")[:MOST]
    entries += [Entry("activity", a.at, a) for a in log if a.verb not in story.TOLD]
    entries += [Entry(kind, at, item) for kind, at, item in (*story.entries(case), *rights.entries(case))]
    return Conversation(sorted(entries, key=lambda e: e.at), max((m.pk for m in messages), default=0), cut)


def _threads(case: Case) -> set[int]:
    said_on = CaseMessage.objects.filter(case=case).order_by().values_list("message__thread")
    led_to = CaseThread.objects.filter(case=case).values_list("thread")
    return {case.thread_id, *(pk for (pk,) in said_on.union(led_to))}


def _by(rows: Iterable[Any], owner: str) -> dict[int, list[Any]]:
    found = defaultdict(list)
    for row in rows:
        found[getattr(row, owner)].append(row)
    return found


def _versions(messages: list[Message]) -> dict[int, list[MessageVersion]]:
    found = defaultdict(list)
    for version in MessageVersion.objects.filter(message__in=[m for m in messages if m.edited_at]):
        found[version.message_id].append(version)
    return found


def said_in(case: Case) -> list[Message]:
    """What was said in the case and nowhere else, oldest first: for a colleague who is asked about it. One query."""
    newest = Message.objects.filter(case_entry__case=case).select_related("identity", "sent_by")
    return list(newest.order_by("-occurred_at", "-id")[:MOST])[::-1]


def worked_with() -> QuerySet[Message]:
    """What stands in cases that are open."""
    return Message.objects.filter(case_entry__case__in=Case.objects.unresolved().order_by().values("pk"))
