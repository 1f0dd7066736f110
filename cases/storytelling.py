"""The story so far, as far as plain rules can tell it from a case: what who takes over would ask the customer again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.models import Case
from channels_app.models import Message

LONGEST = 2_000  # characters of the whole
LINE = 220  # characters quoted in one line
MOST_READ = 200  # newest messages of a case that are looked at
NOTES = 3
QUESTION = re.compile(r"[^.!?\n]*\?")


def story_so_far(case: Case) -> str:
    """Five to ten short lines, never more than 2,000 characters, for somebody to go over: no model wrote them.

    Who the customer is, what they said first and last, what we said, the newest notes, what we promised, what
    colleagues were asked, what is still open. Five queries.
    """
    newest = Message.objects.filter(case_entry__case=case, erased_at=None).select_related("sent_by")
    said = list(newest.order_by("-occurred_at", "-id")[:MOST_READ])[::-1]
    theirs = [message for message in said if not message.is_ours]
    ours = [message for message in said if message.is_ours]
    lines = [_who(case), *_said(theirs), *_answered(ours), *_noted(case), *_promised(case), *_asked(case)]
    lines += [*_open(theirs, ours), *_before(case)]
    return "\n".join(lines)[:LONGEST]


def _quoted(text: str, length: int = LINE) -> str:
    return Truncator(" ".join(text.split())).chars(length)


def _on(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M, H:i")


def _who(case: Case) -> str:
    facts = {
        "who": _quoted(case.customer.name, 80),
        "as": _quoted(case.identity.label, 60),
        "channel": case.channel.name,
    }
    said = _("%(who)s writes as %(as)s on %(channel)s") % facts
    known = case.customer.known_at
    since = known or case.customer.created_at
    day = date_format(timezone.localtime(since), "j M Y")
    text = _("a customer since %(day)s") if known else _("known to us by that name alone, since %(day)s")
    return f"{said}; {text % {'day': day}}."


def _said(theirs: list[Message]) -> Iterator[str]:
    if theirs:
        yield _("First, %(at)s: “%(text)s”") % {"at": _on(theirs[0].occurred_at), "text": _quoted(theirs[0].text)}
    if len(theirs) > 1:
        yield _("Last, %(at)s: “%(text)s”") % {"at": _on(theirs[-1].occurred_at), "text": _quoted(theirs[-1].text)}


def _answered(ours: list[Message]) -> Iterator[str]:
    if not ours:
        yield _("We have not answered yet.")
        return
    last = ours[-1]
    facts = {"n": len(ours), "who": last.sent_by or _("somebody outside Hark"), "at": _on(last.occurred_at)}
    said = ngettext(
        "We answered once: %(who)s, %(at)s", "We answered %(n)d times, last %(who)s, %(at)s", len(ours)
    )  # fmt: skip
    yield f"{said % facts}: “{_quoted(last.text)}”"


def _noted(case: Case) -> Iterator[str]:
    """The first line of each of the newest notes, oldest of them first."""
    newest = list(case.notes.exclude(text="").select_related("by").order_by("-created_at", "-id")[:NOTES])
    for note in reversed(newest):
        yield _("Note by %(who)s: %(text)s") % {"who": note.by, "text": _quoted(note.text.strip().split("\n")[0], 140)}


def _promised(case: Case) -> Iterator[str]:
    for promise in case.commitments.standing()[:2]:
        text = _("We promised: %(text)s") % {"text": _quoted(promise.text, 140)}
        yield _("%(text)s, until %(at)s") % {"text": text, "at": _on(promise.until)} if promise.until else text


def _asked(case: Case) -> Iterator[str]:
    """The newest question to a group, with its answer."""
    found = case.questions.filter(withdrawn_at=None).select_related("group").order_by("-id").first()
    if found is None:
        return
    facts = {"group": found.group, "text": _quoted(found.text, 140), "answer": _quoted(found.answer, LINE)}
    if found.answered_at:
        yield _("%(group)s, asked “%(text)s”, answered: %(answer)s") % facts
    else:
        yield _("%(group)s was asked “%(text)s” and has not answered yet.") % facts


def _open(theirs: list[Message], ours: list[Message]) -> Iterator[str]:
    """What they asked since we last spoke."""
    spoke = ours[-1].occurred_at if ours else None
    unanswered = [message.text for message in theirs if spoke is None or message.occurred_at > spoke]
    asked = [question.strip() for text in unanswered for question in QUESTION.findall(text) if len(question) > 3]
    if asked:
        yield _("Still to answer: %(questions)s") % {"questions": _quoted(" ".join(asked), LINE)}


def _before(case: Case) -> Iterator[str]:
    if case.hand_overs:
        yield ngettext(
            "This case has been handed over once before.",
            "This case has been handed over %(n)d times before.",
            case.hand_overs,
        ) % {"n": case.hand_overs}
