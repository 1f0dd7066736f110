"""What a batch has decided is stored, and whoever waits for it is told."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import live, promises, rule_effects, rules_engine, snooze, told, writing
from cases.alike import grouping, parting
from cases.models import Case, CaseMessage, Rule
from cases.models.wants import Wants
from cases.routing.batch import Batch
from cases.subjects import subject_of
from channels_app.models import Message, Sentiment
from crm.models import Activity

CHANGED = (
    "state", "team", "priority", "rule", "sentiment", "intent", "topic", "urgency", "language", "subject", "opened_at",
    "waiting_since", "snoozed_until", "last_message_at", "first_answered_at", "resolved_at", "resolved_by", "cause",
    "reopenings", "extra_points", "reasons", "mood_at_start", "mood_at_end", "outcome",
)  # fmt: skip


def _recount(batch: Batch) -> None:
    """Where something came late: what it is about, who waits since when, in what mood, from all that was said."""
    late = {case.pk: case for case in batch.late}
    woken = {case.pk: case for case in batch.woken}
    again = late | woken | {case.pk: case for case in batch.unseen}
    for found in Case.objects.filter(pk__in=again).as_said():
        case = again[found.pk]
        case.mood_at_start = found.mood_first or Sentiment.UNKNOWN
        if case.pk in woken and case.needs_us:
            case.waiting_since = found.unanswered_since or case.waiting_since
        if case.pk not in late:
            continue
        if case.state == Case.State.RESOLVED:
            case.mood_at_end = found.mood_last or Sentiment.UNKNOWN
        case.sentiment, case.language = found.mood or case.sentiment, found.tongue or case.language
        Wants.heard_in(found).put(case)
        if found.question is not None and not case.split_from_id:
            case.subject = subject_of(found.question)
        if case.needs_us:
            case.waiting_since = found.unanswered_since or case.waiting_since
    batch.changed |= again


def save(batch: Batch, messages: Sequence[Message]) -> None:
    Case.objects.bulk_create(batch.new)
    CaseMessage.objects.bulk_create(
        [CaseMessage(case=case, message=message) for message, case in batch.entries], ignore_conflicts=True
    )
    if batch.late or batch.unseen or batch.woken:
        _recount(batch)
    if batch.changed:
        writing.write(list(batch.changed.values()), CHANGED)
    Activity.objects.bulk_create(
        [
            Activity(verb="reopened", subject_kind="cases.case", subject_id=case.pk, detail="The customer wrote again.")
            for case in batch.reopened
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE channels_app_message SET routed_at = %s WHERE id = ANY(%s)",
            [timezone.now(), [m.pk for m in messages]],
        )
    promises.settle(case.pk for _, case in batch.entries)
    _tell_rules(batch)
    snooze.call({case.pk: case.owner_id for case in batch.woken if case.owner_id}, _("The customer has written."))
    _put_together(batch)
    told.opened(case.pk for case in batch.new)
    told.changed(batch.changed)
    touched = {case.pk: case for _, case in batch.entries}
    arrived = [pk for pk, case in touched.items() if case.needs_us and pk not in batch.needed_us]
    live.cases_changed(touched, spoken=touched, arrived=arrived)
    if overheard := [message for message in messages if message.overheard]:
        live.beside_cases(message.thread_id for message in overheard)
    if any(message.found_by_id for message in overheard):
        live.hits_changed(batch.channel.pk)


def _put_together(batch: Batch) -> None:
    """Those that were opened with the same words; the last that is stored, since others wait for it."""
    new = {case.pk for case in batch.new}
    parting.said_more(entry for entry in batch.entries if entry[1].pk not in new)
    opened = {case.pk: (message, case) for message, case in reversed(batch.entries) if case.pk in new}
    grouping.group(list(opened.values())[::-1])


def _tell_rules(batch: Batch) -> None:
    """What message rules did beside placing; then what other rules say to cases that are opened or came back."""
    rule_effects.write(batch.effects, logged=False)
    if batch.new:
        rules_engine.happened(Rule.Event.OPENED, {case.pk: "opened" for case in batch.new})
    if batch.reopened:
        came_back = {case.pk: f"reopened:{case.reopenings}" for case in batch.reopened}
        rules_engine.happened(Rule.Event.REOPENED, came_back)
    rules_engine.happened(Rule.Event.ANSWERED, {case.pk: f"answered:{pk}" for pk, case in batch.answers.items()})
