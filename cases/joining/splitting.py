"""One case becomes two: what the customer also wants goes its own way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cases import deeds, live, promises, repeats, rule_effects, rules, rules_engine, told
from cases.joining.merging import KEPT, join
from cases.joining.turns import turn_of
from cases.models import Case, CaseLink, CaseMessage, Deed, Rule
from cases.subjects import subject_of
from channels_app.models import Channel, Message
from crm.errors import Refused
from crm.models import IdentityLink, User
from crm.models.activity import log


class NothingChosen(Refused):
    sentence = _("Choose the messages that are about something else.")


class NothingLeft(Refused):
    sentence = _("Leave at least one of the customer’s messages where it is: a case of none is no case.")


class SeveralThreads(Refused):
    sentence = _("These messages stand in different conversations. Split off those of one at a time.")


class CannotSplit(Refused):
    sentence = _("This case is {state}; only one that is not resolved can be split.")


@transaction.atomic
def split(*, case: Case, messages: Iterable[int], subject: str, by: User) -> Case:
    """A new case of these messages of the customer (pks), with what we answered to them. Returns it.

    It goes to the team and gets the priority that the rules give what was said; nobody has it yet. Later messages that
    answer one of it come to it, others to `case` (cases/routing/).
    """
    case = Case.objects.locked(case.pk)
    if not case.is_unresolved:
        raise CannotSplit(state=case.get_state_display().lower())
    chosen = _chosen(case, messages)
    before = deeds.facts_of(case, KEPT) | {"id": case.pk}
    new = _open(case, chosen, " ".join(subject.split())[:200] or subject_of(chosen[0].text))
    entries = CaseMessage.objects.filter(case=case).filter(
        Q(message__in=chosen)
        | Q(
            message__direction=Message.Direction.OUT, message__channel=chosen[0].channel_id,
            message__parent_external_id__in=[message.external_id for message in chosen if message.external_id],
        )
    )  # fmt: skip
    pks = list(entries.values_list("pk", flat=True))
    CaseMessage.objects.filter(pk__in=pks).update(case=new)
    CaseLink.objects.create(one=case, other=new, by=by)
    for each in (new, case):
        turn_of(each)
        each.save()
    after = deeds.facts_of(case, KEPT) | {"id": case.pk, "new": new.pk}
    deeds.write("split", [before], [after, {"id": new.pk, "moved": pks}], by)
    log("split", case, by=by, detail=f"Its other matter is #{new.pk}.")
    log("split off", new, by=by, detail=f"From #{case.pk}.")
    _tell(case, new, by)
    return new


def of_customer(case: Case) -> QuerySet[Message]:
    """What may be split off: what the customer said in it, in order."""
    said = Message.objects.filter(case_entry__case=case, direction=Message.Direction.IN)
    return said.select_related("identity").in_order()  # type: ignore[no-any-return, attr-defined]


def _chosen(case: Case, messages: Iterable[int]) -> Sequence[Message]:
    theirs, wanted = list(of_customer(case)), set(messages)
    chosen = [message for message in theirs if message.pk in wanted]
    if not chosen:
        raise NothingChosen
    if len(chosen) == len(theirs):
        raise NothingLeft
    if len({message.thread_id for message in chosen}) > 1:
        raise SeveralThreads
    return chosen


def _open(case: Case, chosen: Sequence[Message], subject: str) -> Case:
    first = chosen[0]
    placement = _placement(case, chosen)
    spoken = [message for message in chosen if message.language]
    new = Case(
        customer_id=case.customer_id, identity_id=first.identity_id or case.identity_id, channel_id=first.channel_id,
        thread_id=first.thread_id, team_id=placement.team, priority=placement.priority, rule_id=placement.rule,
        state=Case.State.NEW, subject=subject, sentiment=chosen[-1].sentiment, mood_at_start=first.sentiment,
        language=spoken[0].language if spoken else case.language, opened_at=first.occurred_at,
        waiting_since=first.occurred_at, last_message_at=chosen[-1].occurred_at, split_from=case,
    )  # fmt: skip
    rule_effects.add_points(new, placement.acted)
    new.save()
    rule_effects.write(list(rule_effects.placed(new, placement.acted, first=True)), logged=False)
    return new


def _placement(case: Case, chosen: Sequence[Message]) -> rules.Placement:
    """As routing would have: the first words place it, the most urgent ones decide how urgent."""
    ready = rules.prepare(Rule.objects.in_force().on(Rule.Event.MESSAGE).with_deeds())
    reach, known = _reach(case), case.customer.known_at is not None
    placed = [
        rules.place(
            rules.Facts.said(
                said, channel=case.channel_id, tier=case.customer.tier, reach=reach, known=known, state=Case.State.NEW
            ),
            ready, otherwise=case.channel.team_id,
        )
        for said in chosen
    ]  # fmt: skip
    urgent = min(placed, key=lambda placement: placement.priority)
    acted = {rule.pk: rule for placement in placed for rule in placement.acted}
    return rules.Placement(placed[0].team, urgent.priority, urgent.rule, tuple(acted.values()))


def _reach(case: Case) -> int | None:
    found = Case.objects.filter(pk=case.pk).annotate(reach=IdentityLink.objects.reach_of("customer_id"))
    return found.values_list("reach", flat=True).get()


def split_off(channel: Channel, messages: Iterable[Message], standing: Iterable[Case]) -> dict[str, Case]:
    """By the id of what `messages` answer: the case that was split off and in which it stands. Locked.

    One query where something is answered, two where it stands in such a case. A case of `standing` is given as it is.
    """
    answered = {message.parent_external_id for message in messages if message.parent_external_id}
    if not answered:
        return {}
    entries = CaseMessage.objects.filter(
        message__channel=channel, message__external_id__in=answered, case__split_from__isnull=False
    ).exclude(case__state=Case.State.MERGED)
    found = dict(entries.values_list("message__external_id", "case"))
    known = {case.pk: case for case in standing}
    if missing := set(found.values()) - set(known):
        rows = Case.objects.filter(pk__in=missing).order_by("pk").select_for_update(of=("self",))
        known |= {case.pk: case for case in rows}
    return {answer: known[pk] for answer, pk in found.items() if answer}


def _tell(case: Case, new: Case, by: User) -> None:
    pks = [case.pk, new.pk]
    repeats.recount(pks)
    promises.settle(pks)
    rules_engine.happened(Rule.Event.OPENED, {new.pk: "opened"})
    told.opened([new.pk])
    told.changed([case.pk])
    live.cases_changed(pks, spoken=pks, arrived=[new.pk] if new.needs_us else [], by=by)


@deeds.undoes("split")
def _undo(deed: Deed, by: User) -> int:
    """The new case goes back into the one it came from, with what was said and noted in it since."""
    (was,), (left, made) = deed.before, deed.after
    locked = Case.objects.filter(pk__in=[was["id"], made["id"]]).order_by("pk").select_for_update(of=("self",))
    cases = {case.pk: case for case in locked}
    case, new = cases[was["id"]], cases[made["id"]]
    if not (new.is_unresolved and case.is_unresolved):
        raise deeds.ChangedSince
    as_left = _as_left(case, left) and set(new.entries.values_list("pk", flat=True)) == set(made["moved"])
    CaseLink.objects.filter(one=case, other=new).delete()
    join(new, into=case, by=by)
    if as_left:
        deeds.restore(case, was)
        case.save(update_fields=KEPT)  # what is counted from its messages stands already
    deeds.tell([case.pk], deed.action, by, [case.pk] if case.needs_us else [])
    return 1


def _as_left(case: Case, left: dict[str, Any]) -> bool:
    kept = [name for name in KEPT if name in left]  # an older deed has fewer
    return deeds.facts_of(case, kept) == {name: left[name] for name in kept}
