"""What the case desk holds on a person: what each case is about, what we noted, what open screens were told."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.admin.models import LogEntry
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import live
from cases.models import Case, Note
from channels_app.models import LiveEvent, Message
from channels_app.privacy import messages as words
from crm.models import Activity
from crm.privacy import traces
from crm.privacy.holders import Holder, Row, columns, in_batches, register, rows_of, spare
from crm.privacy.people import Person

CASE = (
    "id", "subject", "state", "priority", "sentiment", "intent", "topic", "urgency", "language", "opened_at",
    "first_answered_at", "resolved_at", "reopenings",
)  # fmt: skip


def cases_of(person: Person) -> QuerySet[Case]:
    """Theirs, in every state; and those that began with what they said, whoever has them now."""
    return Case.objects.filter(Q(customer__in=person.records) | Q(identity__in=person.identities)).order_by("pk")


# --- what it was about


def _erase_cases(person: Person) -> Iterator[int]:
    """Who is answering one of them just now is waited for: after that nobody may any more."""
    list(cases_of(person).select_for_update(of=("self",)).values("pk"))
    yield from in_batches(cases_of(person).exclude(subject=""), lambda rows: rows.update(subject=""))


# --- what we noted


def _notes(person: Person) -> QuerySet[Note]:
    return Note.objects.filter(case__in=cases_of(person)).order_by("pk")


def _note_rows(person: Person) -> Iterator[Row]:
    """Without who of us wrote it, and without other customers' names."""
    for note in _notes(person).select_related("case").iterator():
        others = words.others_in([note.case.thread_id], person).get(note.case.thread_id)
        text = others.sub(f"@{gettext('another customer')}", note.text) if others else note.text
        yield {"case": note.case_id, "created_at": note.created_at, "text": text}


# --- what we said in their cases to nobody by name


def _ours(person: Person) -> QuerySet[Message]:
    unnamed = Message.objects.filter(identity=None, direction=Message.Direction.OUT)
    return unnamed.filter(case_entry__case__in=cases_of(person)).order_by("pk")


def _our_rows(person: Person) -> Iterator[Row]:
    return rows_of(_ours(person), "occurred_at", "text", channel_name=F("channel__name"))


# --- what was done, and what screens were told


def _lines(person: Person) -> QuerySet[Activity]:
    pks = cases_of(person).order_by().values("pk")
    return Activity.objects.filter(subject_kind="cases.case", subject_id__in=pks).order_by("pk")


def _erase_lines(person: Person) -> Iterator[int]:
    yield from in_batches(_lines(person).exclude(detail=""), lambda rows: rows.update(detail=""))
    yield from traces.erase_entries(_admin_entries(person))


def _count_lines(person: Person) -> int:
    return _lines(person).exclude(detail="").count() + _admin_entries(person).count()


def _admin_entries(person: Person) -> QuerySet[LogEntry]:
    return traces.entries(traces.in_the_admin(Case, cases_of(person)))


def _told(person: Person) -> QuerySet[LiveEvent]:
    """Rows of theirs, drawn for the queues; kept two hours for pages that were cut off."""
    pks = list(cases_of(person).values_list("pk", flat=True))
    return LiveEvent.objects.filter(kind="case", data__id__in=pks).order_by("pk")


def _unsay(events: QuerySet[LiveEvent]) -> None:
    """The number stays, since numbers have no gaps; a page that asks for it looks for itself."""
    events.update(kind="cases", data={"count": 0})


def _erase_told(person: Person) -> Iterator[int]:
    """And every page that shows one of their cases looks again, also at those that are closed."""
    pks = list(cases_of(person).values_list("pk", flat=True))
    live.cases_changed(pks, spoken=pks)
    live.customers_changed(pks)
    yield from in_batches(_told(person), _unsay)


def register_all() -> None:
    register(
        Holder(
            "cases", _("What their cases are about"),
            (
                "cases.case", "cases.casemessage", "cases.caselink", "cases.clock", "cases.rulerun",
                "cases.checkeditem", "cases.causesuggestion",
            ),
            _("The subject goes. The case stays, and can be closed; an open one says that its customer was erased."),
            lambda person: cases_of(person).exclude(subject="").count(), _erase_cases,
            lambda person: rows_of(cases_of(person), *CASE, cause_name=F("cause__name")),
            columns(Case, *CASE, cause_name=_("cause")), reads="subject",
            keeps=_(
                "That there was a case: its times, promises, priority and which rules gave it, mood, cause, what of its"
                " checklist was done, and who worked on it."
            ),
        ),
        Holder(
            "notes", _("What we noted in their cases"), ("cases.note",), _("The words go."),
            lambda person: _notes(person).exclude(text="").count(),
            lambda person: in_batches(_notes(person).exclude(text=""), lambda rows: rows.update(text="")), _note_rows,
            columns(Note, "case", "created_at", "text"), reads="text", keeps=_("Who of us wrote one, and when."),
        ),
        Holder(
            "unaddressed", _("What we posted in their conversations to nobody by name"), ("channels_app.message",),
            _("The words go."), lambda person: _ours(person).filter(erased_at=None).count(),
            lambda person: words.empty(_ours(person)), _our_rows,
            columns(Message, "occurred_at", "text", channel_name=_("channel")), reads="text",
        ),
        Holder(
            "case_log", _("What was done in their cases"), ("crm.activity", "admin.logentry"),
            _("The words go; who did what, and when, stays."),
            _count_lines,
            _erase_lines, lambda person: rows_of(_lines(person), "at", "verb", "detail", case=F("subject_id")),
            columns(Activity, "at", "verb", "detail", case=_("case")),
        ),
        Holder(
            "screens", _("Rows on open screens"), ("channels_app.liveevent",),
            _("Taken back; open pages fetch what is there now."), lambda person: _told(person).count(), _erase_told,
            at_the_end=True,
        ),
    )  # fmt: skip
    spare(
        {
            "cases.causesign": _("Words that several customers used, and in how many resolved cases; nobody’s alone."),
            "cases.cause": _("A word for why cases happen; nobody’s in particular."),
            "cases.rule": _("Words and places that decide who gets a case; nobody’s in particular."),
            "cases.checklistitem": _("What is to be done in every case of a cause; nobody’s in particular."),
        }
    )
