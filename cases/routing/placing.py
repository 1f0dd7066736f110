"""Which case one message belongs to, and what it changes there. Nothing is stored yet."""

from __future__ import annotations

from django.utils import timezone

from cases import rule_effects, rules, urgency
from cases.models import Case, Priority
from cases.models.wants import Wants
from cases.routing.batch import NOBODY, Batch, Owner
from cases.subjects import subject_of
from cases.thanks import is_bare_thanks
from channels_app.models import Message, Sentiment


def place(batch: Batch, message: Message) -> None:
    """Decide one message's case. One of ours to somebody unknown stands in whatever case its thread has, if any."""
    if message.pk in batch.placed:
        return
    owner = batch.owners.get(message.identity_id or 0, NOBODY)
    customer = owner.customer
    case = _in_split_off(batch, customer, message) or batch.cases.get((customer, message.thread_id))
    if case is None and not customer and message.is_ours:
        case = next((c for (_, thread), c in batch.cases.items() if thread == message.thread_id), None)
    if case is None and not customer:
        return
    if message.overheard and not _concerns_us(batch, case, message, owner):
        return
    if case is None:
        case = batch.cases[customer, message.thread_id] = _open(batch, message, owner)
        batch.new.append(case)
    elif message.is_ours:
        _answered(batch, case, message)
    else:
        _joined(batch, case, message, owner)
    batch.entries.append((message, case))
    if case.split_from_id and message.external_id:
        batch.split_off[message.external_id] = case
    if case.pk:
        batch.changed[case.pk] = case


def _in_split_off(batch: Batch, customer: int, message: Message) -> Case | None:
    """The case that was split off, where what is answered stands there and this is theirs or ours."""
    case = batch.split_off.get(message.parent_external_id)
    return case if case and (message.is_ours or case.customer_id == customer) else None


def _concerns_us(batch: Batch, case: Case | None, message: Message, owner: Owner) -> bool:
    """Nobody said it to us: it goes on with a case that is open, or is brought in by a search, a rule or a person."""
    if case is not None and case.is_unresolved and message.occurred_at >= case.opened_at:
        return True
    if message.is_ours or message.found_by_id is None or message.dismissed_at:
        return message.pk in batch.called
    placement = _placement(batch, message, owner, Case.State.NEW)
    return message.pk in batch.called or any(rule.found for rule in placement.acted)


def _placement(batch: Batch, message: Message, owner: Owner, state: str) -> rules.Placement:
    facts = rules.Facts.said(
        message, channel=batch.channel.pk, tier=owner.tier, reach=owner.reach, known=owner.known, state=state
    )
    return rules.place(facts, batch.rules, otherwise=batch.channel.team_id)


def _open(batch: Batch, message: Message, owner: Owner) -> Case:
    """A new case. Rules look at what customers say: one of our own posts waits with its case for the first of that."""
    at = message.occurred_at
    since = timezone.now() if message.overheard else at  # who did not write to us has not waited for us either
    unplaced = rules.Placement(batch.channel.team_id, Priority.NORMAL, None)
    placement = unplaced if message.is_ours else _placement(batch, message, owner, Case.State.NEW)
    case = Case(
        customer_id=owner.customer, identity_id=message.identity_id or 0, channel=batch.channel,
        thread_id=message.thread_id, team_id=placement.team, priority=placement.priority, rule_id=placement.rule,
        state=Case.State.WAITING if message.is_ours else _state_when_new(batch, message),
        subject=subject_of(message.text), sentiment=message.sentiment, intent=message.intent, topic=message.topic,
        urgency=message.urgency, language=message.language,
        opened_at=since, waiting_since=since, last_message_at=at, first_answered_at=at if message.is_ours else None,
        mood_at_start=Sentiment.UNKNOWN if message.is_ours else message.sentiment,
    )  # fmt: skip
    _obey(batch, case, placement, first=True)
    return case


def _state_when_new(batch: Batch, message: Message) -> str:
    return Case.State.ASIDE if message.identity_id in batch.muted else Case.State.NEW


def _obey(batch: Batch, case: Case, placement: rules.Placement, *, first: bool) -> None:
    """Points and what else the rules give that have not acted on this case before."""
    before = batch.acted.setdefault((case.customer_id, case.thread_id), set())
    acted = [rule for rule in placement.acted if rule.pk not in before]
    before.update(rule.pk for rule in acted)
    rule_effects.add_points(case, acted)
    batch.effects += rule_effects.placed(case, acted, first=first)


def _answered(batch: Batch, case: Case, message: Message) -> None:
    """One of our own posts: answered, perhaps from the network's own app."""
    at = message.occurred_at
    case.opened_at, case.first_answered_at = min(case.opened_at, at), min(case.first_answered_at or at, at)
    if at < case.last_message_at:
        batch.late.append(case)
        return
    case.last_message_at = at
    if case.is_unresolved:
        case.state, case.waiting_since, case.snoozed_until = Case.State.WAITING, at, None
        batch.answers[message.pk] = case


def _joined(batch: Batch, case: Case, message: Message, owner: Owner) -> None:
    """The customer said more. Only what was said last decides whose turn it is."""
    first, state = _only_we_spoke(batch, case), case.state
    if not message.overheard:
        case.opened_at = min(case.opened_at, message.occurred_at)
    if first:
        case.subject = subject_of(message.text)
    if message.occurred_at < case.last_message_at and not _unseen(batch, case, message):
        batch.late.append(case)
    else:
        _our_turn(batch, case, message)
    if case.is_unresolved:
        placement = _placement(batch, message, owner, state)
        first = first and not case.owner_id
        _heed(case, placement, first=first)
        _obey(batch, case, placement, first=first)


def _only_we_spoke(batch: Batch, case: Case) -> bool:
    ours_first = case.first_answered_at == case.opened_at
    placed = batch.acted.get((case.customer_id, case.thread_id))
    return ours_first and case.sentiment == Sentiment.UNKNOWN and not case.language and not placed


def _unseen(batch: Batch, case: Case, message: Message) -> bool:
    """Said before our last reply but stored after it: whoever wrote the reply had not read this."""
    written = batch.answered.get(case.pk or 0)
    if written is None or not message.occurred_at < written < message.stored_at:
        return False
    batch.unseen.append(case)
    return True


def _our_turn(batch: Batch, case: Case, message: Message) -> None:
    at = message.occurred_at
    case.last_message_at = max(case.last_message_at, at)
    if over := not case.is_unresolved:
        if is_bare_thanks(message.text):
            return
        case.reopen(at=at)
        batch.reopened.append(case)
    elif case.state == Case.State.WAITING:
        case.state, case.waiting_since = Case.State.OPEN if case.owner_id else Case.State.NEW, at
    elif case.state == Case.State.SNOOZED:
        case.state, case.snoozed_until = Case.State.OPEN, None
        batch.woken.append(case)
    elif case.first_answered_at is None and not message.overheard:  # it began with what was found, perhaps only later
        case.waiting_since = min(case.waiting_since, at)
    _set_aside(batch, case, message, free=over or not case.owner_id)
    if message.sentiment != Sentiment.UNKNOWN:
        case.sentiment = message.sentiment
    Wants.of(case).then(Wants.of(message)).put(case)
    if case.mood_at_start == Sentiment.UNKNOWN:
        case.mood_at_start = message.sentiment
    case.language = case.language or message.language


def _set_aside(batch: Batch, case: Case, message: Message, *, free: bool) -> None:
    """A muted author calls nobody to a case that is `free`; words of somebody else of that customer do."""
    if message.identity_id in batch.muted:
        case.state = Case.State.ASIDE if free else case.state
    elif case.state == Case.State.ASIDE:
        case.state, case.waiting_since = Case.State.OPEN if case.owner_id else Case.State.NEW, message.occurred_at


def _heed(case: Case, placement: rules.Placement, *, first: bool) -> None:
    """It may get more urgent by itself, never less. The `first` thing a customer says in a case of ours places it."""
    if first:
        case.team_id = placement.team
    if (first and not urgency.is_set_by_hand(case)) or placement.priority < case.priority:
        case.priority, case.rule_id = placement.priority, placement.rule
