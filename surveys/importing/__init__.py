"""Answers that another survey tool asked for, on their way in: so that movement has a past from the first day.

A row is one person asked once, answered or not; an answer that is missing counts in the response rate. The waves it
makes are closed and marked as asked elsewhere, and whoever was asked in them counts as asked: for the rest of a person,
and for the year in which everybody is asked.
"""

from django.db.models import Q

from crm.importing.registering import KindOfRecord, register
from surveys.importing.rows import ALSO, FIELDS, check
from surveys.importing.saving import WHAT, look_up, save
from surveys.models import Answer, Flag, Invitation, Response, Theme, Wave


def register_responses() -> None:
    """Suggested themes and flags are Hark's own: they go with what is undone."""
    register(
        KindOfRecord(
            what=WHAT, fields=FIELDS, known_by=frozenset({"id"}), also=ALSO, check=check, look_up=look_up, save=save,
            tables={
                Wave: (
                    "name", "version_id", "opens_at", "closes_at", "next_on", "planned_at", "closed_at", "imported",
                ),
                Invitation: ("customer_id", "version_id", "wave_id", "state", "sent_at", "ended_at", "expires_at"),
                Response: ("invitation_id", "score", "language", "finished_at", "quotable_at"),
                Answer: ("response_id", "question_id", "number", "text", "answered_at"),
            },
            proposed={Theme: Q(suggested=True, decided_by=None), Flag: Q(pk__isnull=False)},
        )
    )  # fmt: skip
