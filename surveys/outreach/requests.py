"""Requests: what a hashtag of a call note asks a group, and what the group answers for the customer.

One hashtag of one note is one request. It waits until it is answered, alone or together with others about the same, or
withdrawn. While the group asks back its clock stands. Every move is made under the lock of the request, so that of two
hands at once the first counts and the other is told whose it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels_app.presence import Person
from crm import hours, notices
from crm.errors import Refused
from crm.models import Customer, SupportGroup, User
from crm.models.activity import log
from surveys import lexicon
from surveys.models import ActionPlan, Attempt, Call, GroupAnswer, GroupRequest, Hashtag, Loop, OutreachSettings
from surveys.outreach import clock, hashtags, improving, quoting, request_news, second

LONGEST_ANSWER, LONGEST_QUESTION = 2000, 1000
MOST_ALIKE = 200  # of the oldest that wait, the likest are looked for
Kind = GroupAnswer.Kind


class RequestRefused(Refused):
    field = "text"  # what it stands beside in a form


class NothingSaid(RequestRefused):
    sentence = _("Write it down first: the customer is told these words.")


class NothingAsked(RequestRefused):
    sentence = _("Write what you want to know.")


class TooLong(RequestRefused):
    sentence = _("{most} letters fit here at most; these are {n}.")


class NothingChosen(RequestRefused):
    sentence = _("Choose what you answer.")


class OfSeveralGroups(RequestRefused):
    sentence = _("These requests are with several groups. Answer those of one group together.")


class SayFromWhen(RequestRefused):
    sentence = _("Say from when it is changed: customers ask that first.")
    field = "change_from"


class OnlyChangesBegin(RequestRefused):
    sentence = _("Only a change begins on a day. Take the day away, or answer that you change it.")
    field = "change_from"


class NotInGroup(RequestRefused):
    sentence = _("Only members of {group} answer what it is asked.")


class AnsweredAlready(RequestRefused):
    sentence = _("{who} has answered this already.")


class WasWithdrawn(RequestRefused):
    sentence = _("Request #{request} was withdrawn: nobody waits for an answer any more.")


class AskedBackAlready(RequestRefused):
    sentence = _("{who} has asked something already, and waits for an answer.")


class NothingToTell(RequestRefused):
    sentence = _("{group} waits for nothing: what it asked is answered, or it has not asked.")


class NotYours(RequestRefused):
    sentence = _("Only {who}, who asked, whoever has the call, or a lead can do this.")


# --- asked


@transaction.atomic
def ask(attempt: Attempt) -> list[GroupRequest]:
    """Ask, once, every group whose hashtag stands in the note. A fixed number of queries, however many.

    Run again for the same attempt it asks only what is new, and returns what is new. Tags nobody owns ask nobody; they
    stay in the note, and `hashtags.unknown_in(attempt.note)` gives them for whoever wrote it to see.
    """
    tags = hashtags.known(hashtags.found_in(attempt.note))
    asked = set(GroupRequest.objects.filter(attempt=attempt).values_list("hashtag", flat=True)) if tags else set()
    new = [tag for tag in tags if tag.pk not in asked]
    return _asked(attempt, new) if new else []


def _asked(attempt: Attempt, tags: list[Hashtag]) -> list[GroupRequest]:
    now, days = timezone.now(), OutreachSettings.current().answer_days
    open_ = hours.load(tag.group.calendar_id for tag in tags if tag.group.calendar_id)
    due = [clock.due(open_.get(tag.group.calendar_id or 0), now, days) for tag in tags]
    new = GroupRequest.objects.bulk_create(
        [_request(attempt, tag, now, at) for tag, at in zip(tags, due, strict=True)]
    )  # fmt: skip
    log("groups asked", attempt.call, by=attempt.by, detail=", ".join(map(str, tags)))
    _tell_groups(new, gettext("%(who)s asks %(group)s after a call: request #%(request)d."), attempt.by)
    request_news.changed(new, attempt.by)
    return new


def _request(attempt: Attempt, tag: Hashtag, now: datetime, due_at: datetime) -> GroupRequest:
    """The two weeks begin when the group hears of it: a note that was typed offline arrives later than the call."""
    return GroupRequest(
        group=tag.group, attempt=attempt, loop_id=attempt.call.loop_id, customer_id=attempt.call.customer_id,
        hashtag=tag, quote=quoting.quote(attempt.note, tag.tag), asked_at=now, due_at=due_at,
    )  # fmt: skip


@transaction.atomic
def withdraw(*, request: GroupRequest, by: User) -> GroupRequest:
    """No answer is needed any more. What else was asked in its loop may be all answered with that."""
    [held] = _waiting([request])
    _must_be_theirs(held, by)
    held.withdrawn_at = timezone.now()
    held.save(update_fields=["withdrawn_at"])
    log("withdrawn", held, by=by)
    _tell_groups([held], gettext("%(who)s has withdrawn request #%(request)d to %(group)s."), by)
    _schedule([held], held.withdrawn_at)
    request_news.changed([held], by)
    return held


# --- a question back


@transaction.atomic
def ask_back(*, request: GroupRequest, text: str, by: User) -> GroupRequest:
    """What the group has to know first. Its clock stands until it is told; a second question goes below the first."""
    [held] = _waiting([request])
    _must_be_member(held.group, by)
    if held.asked_back_at:
        raise AskedBackAlready(who=held.asked_back_by)
    held.asked_back = _below(held.asked_back, text)
    held.asked_back_at, held.asked_back_by = timezone.now(), by
    held.save(update_fields=["asked_back", "asked_back_at", "asked_back_by"])
    log("asked back", held, by=by)
    _tell_askers([held], gettext("%(group)s asks you something about request #%(request)d."), by)
    request_news.changed([held], by)
    return held


@transaction.atomic
def tell_back(*, request: GroupRequest, text: str, by: User) -> GroupRequest:
    """What the group wanted to know. Its clock goes on: it has as much of its open time left as when it asked."""
    [held] = _waiting([request])
    _must_be_theirs(held, by)
    if held.asked_back_at is None:
        raise NothingToTell(group=held.group)
    held.told_back = _below(held.told_back, text)
    held.due_at = clock.moved_on(held.group.calendar, held.due_at, held.asked_back_at, timezone.now())
    held.asked_back_at = None
    held.save(update_fields=["told_back", "due_at", "asked_back_at"])
    log("told back", held, by=by)
    _tell_groups([held], gettext("%(who)s has answered what %(group)s asked about request #%(request)d."), by)
    request_news.changed([held], by)
    return held


# --- answered


@transaction.atomic
def answer(
    *, requests: Iterable[GroupRequest], kind: str, text: str, change_from: date | None = None, by: User,
    plan: ActionPlan | None = None,
) -> GroupAnswer:  # fmt: skip
    """One answer to all of these, which wait with one group; none of them, where one is answered meanwhile.

    A change makes an improvement (a plan of the group), or joins `plan`. Every loop in which nothing waits any more
    gets its second call.
    """
    said = _said(text, LONGEST_ANSWER, NothingSaid)
    _must_say_from_when(kind, change_from)
    held = _waiting(requests)
    group = _one_group(held)
    _must_be_member(group, by)
    given = GroupAnswer(group=group, kind=kind, text=said, change_from=change_from, by=by)
    if change_from:
        given.plan = improving.gather(
            group=group, requests=held, text=said, change_from=change_from, by=by, plan=plan
        )  # fmt: skip
    given.save()
    _answer_all(held, given)
    return given


def _answer_all(held: Collection[GroupRequest], given: GroupAnswer) -> None:
    GroupRequest.objects.filter(pk__in=[each.pk for each in held]).update(answer=given)
    log("given", given, by=given.by, detail=", ".join(f"#{each.pk}" for each in held))
    _tell_askers(held, gettext("%(group)s has answered request #%(request)d."), given.by)
    _schedule(held, given.at)
    request_news.changed(held, given.by)


def _schedule(held: Collection[GroupRequest], now: datetime) -> None:
    """In the order of their customers, as everybody locks them."""
    for loop in Loop.objects.open().filter(pk__in={each.loop_id for each in held}).order_by("customer", "pk"):
        second.schedule(loop, now)


def alike(request: GroupRequest) -> list[GroupRequest]:
    """Others that wait with the same hashtag, to be answered together: who said it in the likest words first."""
    others = GroupRequest.objects.waiting().filter(group=request.group_id, hashtag=request.hashtag_id)
    found = others.exclude(pk=request.pk).with_people().order_by("due_at", "id")
    own = _stems(request.quote)
    return sorted(found[:MOST_ALIKE], key=lambda other: -_likeness(own, _stems(other.quote)))


def _stems(quote: str) -> set[str]:
    return {lexicon.stem(word) for word in quote.lower().split() if len(word) >= lexicon.LEAST_LETTERS}


def _likeness(some: set[str], others: set[str]) -> float:
    """From 0, no word in common, to 1, the same words (Jaccard's index)."""
    return len(some & others) / max(len(some | others), 1)


def typing(*, request: GroupRequest, by: User, doing: str = "typing") -> list[Person]:
    """Somebody looks at it, answers it, or has "gone": who else is there is returned, and told to open pages."""
    return request_news.note(request, by, doing)


# --- shared


def _waiting(requests: Iterable[GroupRequest]) -> list[GroupRequest]:
    """Under their locks, by pk. Refused where one does not wait any more: whose answer it is, or that it is withdrawn.

    The records of their customers are locked first, as everywhere: who calls one of them at this moment goes on to the
    same calls. The answer's row is asked for separately: the lock waits for the request only, and would show the answer
    from before.
    """
    wanted = {request.pk for request in requests}
    customers = GroupRequest.objects.filter(pk__in=wanted).values("customer")
    Customer.objects.filter(pk__in=customers).hold()
    rows = GroupRequest.objects.filter(pk__in=wanted).select_related("group__owner", "group__calendar", "attempt__by")
    held = list(rows.select_for_update(of=("self",)).order_by("pk"))
    if not held:
        raise NothingChosen
    for each in held:
        if each.answer_id:
            raise AnsweredAlready(who=GroupAnswer.objects.select_related("by").get(pk=each.answer_id).by)
        if each.withdrawn_at:
            raise WasWithdrawn(request=each.pk)
    return held


def _one_group(held: Collection[GroupRequest]) -> SupportGroup:
    groups = {each.group for each in held}
    if len(groups) > 1:
        raise OfSeveralGroups
    return groups.pop()


def is_of(group: SupportGroup, user: User) -> bool:
    """Members of a group, and who answers for it, answer what it is asked, or ask back."""
    return user.pk == group.owner_id or group.members.filter(pk=user.pk).exists()


def is_theirs(request: GroupRequest, user: User) -> bool:
    """Who asked, who has the calls of its loop, and leads answer what a group asks back, and withdraw."""
    return user.leads or user.pk == request.attempt.by_id or user.pk in _askers([request])[request.loop_id]


def _must_be_member(group: SupportGroup, by: User) -> None:
    if not is_of(group, by):
        raise NotInGroup(group=group)


def _must_be_theirs(held: GroupRequest, by: User) -> None:
    if not is_theirs(held, by):
        raise NotYours(who=held.attempt.by)


def _askers(held: Collection[GroupRequest]) -> dict[int, set[int]]:
    """Pk of each loop → who has its calls now, for whom the answer is as much as for who asked. One query."""
    found: dict[int, set[int]] = {each.loop_id: set() for each in held}
    for loop, owner in Call.objects.live().filter(loop__in=found).values_list("loop", "owner"):
        found[loop] |= {owner} - {None}
    return found


def _must_say_from_when(kind: str, change_from: date | None) -> None:
    if kind == Kind.CHANGE and change_from is None:
        raise SayFromWhen
    if kind != Kind.CHANGE and change_from is not None:
        raise OnlyChangesBegin


def _said(text: str, most: int, nothing: type[RequestRefused]) -> str:
    said = text.replace("\x00", "").strip()
    if not said:
        raise nothing
    if len(said) > most:
        raise TooLong(most=most, n=len(said))
    return said


def _below(before: str, text: str) -> str:
    said = _said(text, LONGEST_QUESTION, NothingAsked)
    return _said(f"{before}\n{said}", LONGEST_QUESTION, NothingAsked)


def _tell_groups(found: Collection[GroupRequest], said: str, by: User) -> None:
    hearing = clock.members_of({each.group for each in found})
    _tell([(user, each) for each in found for user in hearing[each.group_id]], said, by)


def _tell_askers(held: Collection[GroupRequest], said: str, by: User) -> None:
    owners = _askers(held)
    _tell([(user, each) for each in held for user in owners[each.loop_id] | {each.attempt.by_id}], said, by)


def _tell(whom: Iterable[tuple[int, GroupRequest]], said: str, by: User) -> None:
    words = (
        request_news.word(user, each, said % {"who": by, "group": each.group, "request": each.pk})
        for user, each in whom
    )
    notices.tell_each(words, by=by)
