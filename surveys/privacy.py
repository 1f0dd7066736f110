"""What surveys hold on a person: that they were asked, what they answered, and what we made of it.

What they said when they were called for it is in `surveys.outreach.privacy`.

Who is erased takes their words along; their score stays as one that was given by nobody, so that figures still add up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Case, F, Func, Model, Q, QuerySet, UUIDField, Value, When
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from crm.models import Activity, ImportChange, Notice
from crm.privacy import traces
from crm.privacy.holders import Holder, Row, columns, deleting, in_batches, register, rows_of, spare
from crm.privacy.people import Person
from surveys.advocates import privacy as advocates
from surveys.models import Answer, Flag, Invitation, PlanAnswer, Response, Theme
from surveys.outreach import privacy as calls

GONE = "–"  # where the database wants a reason and there is none left
ASKED = ("by", "state", "reason", "due_at", "sent_at", "opened_at", "reminded", "reminded_at", "ended_at")
ANSWERED = ("language", "score", "group", "started_at", "finished_at", "quotable_at")
SAID = ("number", "chosen", "text", "agreed", "answered_at")
FOUND = ("topic", "tone", "words")
SPOKEN = ~Q(text="") | ~Q(chosen=[]) | Q(agreed__isnull=False)


# --- that they were asked


def invitations_of(person: Person) -> QuerySet[Invitation]:
    """Theirs; and those sent to an address of theirs, whoever has them now."""
    named = Q(customer__in=person.records) | Q(identity__in=person.identities)
    return Invitation.objects.filter(named).order_by("pk")


def _telling(person: Person) -> QuerySet[Invitation]:
    """Those that still say something, or that are still open."""
    return invitations_of(person).exclude(~Q(state__in=Invitation.OPEN), reason__in=["", GONE], identity=None)


def _disinvite(rows: QuerySet[Invitation]) -> None:
    rows.filter(state__in=Invitation.OPEN).update(state=Invitation.State.CANCELLED, reason=GONE, ended_at=Now())
    rows.update(reason=Case(When(reason="", then=Value("")), default=Value(GONE)), identity=None)


def _erase_invitations(person: Person) -> Iterator[int]:
    """What may still be answered ends; and no link that was sent leads here any more: its number is another."""
    yield from in_batches(_telling(person), _disinvite)
    invitations_of(person).update(number=Func(function="gen_random_uuid", output_field=UUIDField()))


# --- what they answered


def _responses(person: Person) -> QuerySet[Response]:
    return Response.objects.filter(invitation__in=invitations_of(person).order_by()).order_by("pk")


def _known(person: Person) -> QuerySet[Response]:
    return _responses(person).filter(~Q(device="") | Q(quotable_at__isnull=False))


def _unknow(rows: QuerySet[Response]) -> None:
    rows.update(device="", quotable_at=None)


def _answers(person: Person) -> QuerySet[Answer]:
    return Answer.objects.filter(response__in=_responses(person).order_by()).order_by("pk")


def _answer_rows(person: Person) -> Iterator[Row]:
    return rows_of(_answers(person), *SAID, asked=F("question__key"), given_in=F("response"))


def _unsay(rows: QuerySet[Answer]) -> None:
    """Numbers stay: they are in figures that were shown."""
    rows.update(text="", chosen=[], agreed=None)


def _themes(person: Person) -> QuerySet[Theme]:
    return Theme.objects.filter(answer__in=_answers(person).order_by()).order_by("pk")


# --- what others keep of it


def _rows_of(person: Person) -> dict[type[Model], QuerySet[Any]]:
    answers = _answers(person).order_by()
    return {
        Invitation: invitations_of(person).order_by(),
        Response: _responses(person).order_by(),
        Answer: answers,
        Theme: _themes(person).order_by(),
        Flag: Flag.objects.filter(response__in=_responses(person).order_by()),
        PlanAnswer: PlanAnswer.objects.filter(answer__in=answers),
        **calls.held(person),
        **advocates.held(person),
    }


def _about(person: Person, kind: str, row: str) -> Q:
    named = Q()
    for model, found in _rows_of(person).items():
        named |= Q(**{kind: model._meta.label_lower, f"{row}__in": found.values("pk")})
    return named


def _lines(person: Person) -> QuerySet[Activity]:
    return Activity.objects.filter(_about(person, "subject_kind", "subject_id")).order_by("pk")


def _admin_entries(person: Person) -> QuerySet[LogEntry]:
    named = Q()
    for model, found in _rows_of(person).items():
        named |= traces.in_the_admin(model, found)
    return traces.entries(named)


def _erase_lines(person: Person) -> Iterator[int]:
    yield from in_batches(_lines(person).exclude(detail=""), lambda rows: rows.update(detail=""))
    yield from traces.erase_entries(_admin_entries(person))


def _count_lines(person: Person) -> int:
    return _lines(person).exclude(detail="").count() + _admin_entries(person).count()


def _imported(person: Person) -> QuerySet[ImportChange]:
    return ImportChange.objects.filter(_about(person, "kind", "row")).order_by("pk")


def _notices(person: Person) -> QuerySet[Notice]:
    """About one of their answers or calls, or leading to one."""
    pages = [Response(pk=pk).get_absolute_url() for pk in _responses(person).values_list("pk", flat=True)]
    about = _about(person, "subject_kind", "subject_id")
    return Notice.objects.filter(about | Q(url__in=[*pages, *calls.pages(person)])).order_by("pk")


def _dropped(find: Any) -> dict[str, Any]:
    count, erase = deleting(find)
    return {"count": count, "erase": erase}


NOBODYS = {
    "surveys.survey": _("What we ask everybody; nobody’s in particular."),
    "surveys.version": _("What we ask everybody; nobody’s in particular."),
    "surveys.question": _("What we ask everybody; nobody’s in particular."),
    "surveys.condition": _("On what a question depends; nobody’s in particular."),
    "surveys.wave": _("Which customers are asked, by a filter, and how many."),
    "surveys.actionplan": _("What we do about what many said; whoever writes one names nobody."),
}


def register_all() -> None:
    """Registered from the root to the leaves, so erased from the leaves: whose they are is known to the last."""
    register(*_of_themselves())
    calls.register_all()
    advocates.register_all()
    register(*_of_others())
    spare(NOBODYS)


def _of_themselves() -> tuple[Holder, ...]:
    """What they were asked, and what they said."""
    return (
        Holder(
            "invitations", _("Surveys they were asked to answer"), ("surveys.invitation",),
            _("What waits is cancelled, and every link that was sent to them stops working."),
            lambda person: _telling(person).count(), _erase_invitations,
            lambda person: rows_of(
                invitations_of(person), *ASKED, survey=F("version__survey__name"), wave_name=F("wave__name")
            ),
            columns(Invitation, *ASKED, survey=_("survey"), wave_name=_("wave")),
            keeps=_("That somebody was asked, when, and by what chance: without it the others’ figures would change."),
        ),
        Holder(
            "responses", _("Their answers to surveys, each as a whole"), ("surveys.response", "surveys.flag"),
            _("Which device it was goes, and that they may be quoted."),
            lambda person: _known(person).count(), lambda person: in_batches(_known(person), _unknow),
            lambda person: rows_of(_responses(person), *ANSWERED, survey=F("invitation__version__survey__name")),
            columns(Response, *ANSWERED, survey=_("survey")),
            keeps=_("The score, as nobody’s; what looked odd about the answers, in Hark’s own words."),
        ),
        Holder(
            "survey_answers", _("What they said in surveys"), ("surveys.answer", "surveys.plananswer"),
            _("Words, choices and permissions go; numbers stay, as nobody’s."),
            lambda person: _answers(person).filter(SPOKEN).count(),
            lambda person: in_batches(_answers(person).filter(SPOKEN), _unsay), _answer_rows,
            columns(Answer, *SAID, asked=_("question"), given_in=_("response")), reads="text",
            keeps=_("That somebody’s comment stands behind a plan."),
        ),
        Holder(
            "themes", _("What their comments are about"), ("surveys.theme",), _("The words that say so go."),
            lambda person: _themes(person).exclude(words="").count(),
            lambda person: in_batches(_themes(person).exclude(words=""), lambda rows: rows.update(words="")),
            lambda person: rows_of(_themes(person), *FOUND, cause_name=F("cause__name")),
            columns(Theme, *FOUND, cause_name=_("cause")), keeps=_("The topic or cause, and whether it was praise."),
        ),
    )  # fmt: skip


def _of_others() -> tuple[Holder, ...]:
    """What others did with it, and were told of it."""
    return (
        Holder(
            "survey_log", _("What was done with their answers and calls"), ("crm.activity", "admin.logentry"),
            _("The words go; who did what, and when, stays."), _count_lines, _erase_lines,
            lambda person: rows_of(_lines(person), "at", "verb", "detail"), columns(Activity, "at", "verb", "detail"),
        ),
        Holder(
            "survey_imports", _("Answers of theirs that were imported"), ("crm.importchange",),
            _("What an undo would need is deleted."), **_dropped(_imported),
        ),
        Holder(
            "survey_notices", _("What we were told of their answers and calls"), ("crm.notice",),
            _("They go. They are our own sentences."), **_dropped(_notices),
        ),
    )  # fmt: skip
