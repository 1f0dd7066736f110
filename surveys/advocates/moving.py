"""What becomes of a candidate: invited, an advocate, declined, ended. Each move is one conditional UPDATE."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy

from crm.errors import Refused
from crm.models import User
from crm.models.activity import log
from surveys.models import Advocate, AdvocateLetter

State = Advocate.State


class AdvocateRefused(Refused):
    pass


class HasMoved(AdvocateRefused):
    sentence = gettext_lazy("{name} stands elsewhere by now: {state}.")


class SayHow(AdvocateRefused):
    sentence = gettext_lazy("Say how we know: what they said, and where.")


@transaction.atomic
def answer(*, advocate: Advocate, yes: bool, how: str, by: User) -> Advocate:
    """They said yes or no, in answer to an invitation or by themselves. Raises SayHow and HasMoved."""
    become = State.ADVOCATE if yes else State.DECLINED
    return move(advocate, (State.CANDIDATE, State.INVITED), become, how=must_say(how), by=by)


@transaction.atomic
def end(*, advocate: Advocate, how: str, by: User) -> Advocate:
    """They are asked nothing any more, and not found again. Raises SayHow and HasMoved."""
    return move(advocate, (State.CANDIDATE, State.INVITED, State.ADVOCATE), State.ENDED, how=must_say(how), by=by)


@transaction.atomic
def take_up_again(*, advocate: Advocate, by: User) -> Advocate:
    """Undo of `answer` and `end`: invited where they were, else a candidate. Raises HasMoved."""
    invited = Exists(AdvocateLetter.objects.filter(advocate=OuterRef("pk"), kind="invite", failed=""))
    was_invited = Advocate.objects.filter(invited, pk=advocate.pk).exists()
    over = (State.ADVOCATE, State.DECLINED, State.ENDED)
    return move(advocate, over, State.INVITED if was_invited else State.CANDIDATE, how="", by=by)


def must_say(how: str) -> str:
    how = how.replace("\x00", "").strip()
    if not how:
        raise SayHow
    return how[:300]


def move(advocate: Advocate, only: Collection[str], into: str, *, how: str, by: User) -> Advocate:
    """Raises HasMoved where somebody else was quicker."""
    from_there = Advocate.objects.filter(pk=advocate.pk, state__in=only)
    moved = from_there.update(state=into, since=timezone.now(), moved_by=by, how=how)
    advocate.refresh_from_db()
    if not moved:
        raise HasMoved(name=advocate.customer, state=advocate.get_state_display())
    log(str(State(into).label).lower(), advocate, by=by)
    return advocate
