"""Rules that act on what happens to cases.

What a rule does is no event: it sets off neither itself nor another rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import BigIntegerField, CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat, Extract
from django.utils import timezone

from cases import live, rule_effects, rules, told, writing
from cases.models import Case, Clock, Rule, RuleRun
from cases.models.asked import CaseQuerySet
from cases.rule_effects import Effect
from channels_app.models import Message
from crm.models import IdentityLink

BATCH = 500
Event = Rule.Event
COLUMNS = ("team", "priority", "rule", "extra_points", "reasons")
KEPT = timedelta(days=400)  # so that a year can be looked back on
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def happened(event: str, occasions: Mapping[int, str]) -> None:
    """Run the rules of `event` on these cases; each value names the occasion, on which a rule acts once.

    In the caller's transaction, with a fixed number of queries. The cases are locked in the order of their pks and
    only what rules decide is written, so that nothing an agent does at the same time is lost. One query without rules.
    """
    if occasions and (in_force := rules.prepare(Rule.objects.in_force().on(event).with_deeds())):
        _run(event, occasions, in_force)


@transaction.atomic
def _run(event: str, occasions: Mapping[int, str], in_force: Sequence[rules.Ready]) -> None:
    cases = list(_locked(occasions, in_force))
    promises = _promises(event, cases, in_force)
    done = _done(in_force, occasions)
    effects: list[Effect] = []
    for case in cases:
        facts = _facts(case, promises.get(case.pk, frozenset()))
        acting = rules.acting(facts, in_force, done=done.get((case.pk, occasions[case.pk]), ()))
        effects += rule_effects.act(case, acting, event, occasions[case.pk])
    _save(effects)


def _locked(pks: Iterable[int], in_force: Sequence[rules.Ready]) -> CaseQuerySet:
    """With what these rules look at, and nothing else: the last words of the customer, their reach."""
    cases = Case.objects.exclude(state=Case.State.MERGED).filter(pk__in=list(pks)).select_related("customer", "owner")
    if any(each.words for each in in_force):
        said = Message.objects.filter(case_entry__case=OuterRef("pk"), direction=Message.Direction.IN)
        cases = cases.annotate(last_words=Subquery(said.in_order().reverse().values("text")[:1]))
    if any(each.rule.reach_at_least for each in in_force):
        cases = cases.annotate(reach=IdentityLink.objects.reach_of("customer_id"))
    if any(each.rule.sure_at_least for each in in_force):
        cases = cases.with_sureness()
    return cases.order_by("pk").select_for_update(of=("self",))


def _promises(event: str, cases: Iterable[Case], in_force: Sequence[rules.Ready]) -> dict[int, frozenset[str]]:
    """Which promises of each case are at risk, or broken; asked only where a rule asks."""
    found: dict[int, frozenset[str]] = {}
    if not any(each.rule.promises for each in in_force):
        return found
    now = timezone.now()
    wanted = Q(broken_at__isnull=False) | Q(due_at__lte=now) if event == Event.BROKEN else Q(risk_at__lte=now)
    clocks = Clock.objects.open().filter(wanted, case__in=cases) if event in (Event.AT_RISK, Event.BROKEN) else ()
    for clock in clocks:
        found[clock.case_id] = found.get(clock.case_id, frozenset()) | {clock.kind}
    return found


def _done(in_force: Sequence[rules.Ready], occasions: Mapping[int, str]) -> dict[tuple[int, str], set[int]]:
    """Which rules have acted on these occasions already."""
    ran = RuleRun.objects.filter(
        rule__in=[each.rule for each in in_force], case__in=list(occasions), occasion__in=set(occasions.values())
    )
    done: dict[tuple[int, str], set[int]] = {}
    for case, occasion, rule in ran.values_list("case_id", "occasion", "rule_id"):
        done.setdefault((case, occasion), set()).add(rule)
    return done


def _facts(case: Case, promises: frozenset[str]) -> rules.Facts:
    waited = timezone.now() - case.waiting_since if case.needs_us else timedelta()
    return rules.Facts(
        case.channel_id, getattr(case, "last_words", "") or "", case.sentiment, case.language, case.customer.tier,
        getattr(case, "reach", None), case.customer.known_at is not None, case.state, promises,
        int(waited.total_seconds() // 60), intent=case.intent, topic=case.topic, urgency=case.urgency,
        sure=rules.Sure.of(case),
    )  # fmt: skip


def _save(effects: list[Effect]) -> None:
    changed = {effect.case.pk: effect.case for effect in effects if effect.case.is_unresolved and effect.done}
    if changed:
        writing.write(list(changed.values()), COLUMNS)
    rule_effects.write(effects)
    told.changed(changed)
    live.cases_changed(changed)


def customers_changed(customers: Iterable[int]) -> None:
    """Tell rules of these customers' open cases. The occasion is what rules may look at: the same again is none."""
    cases = Case.objects.unresolved().filter(customer__in=list(customers)).order_by("pk")
    found = cases.annotate(reach=IdentityLink.objects.reach_of("customer_id")).values_list(
        "pk", "customer__tier", "customer__known_at", "reach"
    )
    occasions = {pk: f"customer:{tier}:{'known' if at else 'handle'}:{reach or 0}" for pk, tier, at, reach in found}
    happened(Event.CUSTOMER, occasions)


# --- time


def watch_waiting(now: datetime | None = None) -> int:
    """Cases that have waited for as long as a rule says. Returns how many were looked at. Safe to run at any time."""
    now = now or timezone.now()
    looked = 0
    for rule in Rule.objects.in_force().on(Event.WAITED):
        for batch in _in_batches(_overdue(rule, now)):
            happened(Event.WAITED, dict(batch))
            looked += len(batch)
    return looked


def occasion_of_waiting(since: datetime) -> str:
    """One turn of waiting, by when it began: in microseconds, as `_overdue` writes it too."""
    return f"waited:{(since - EPOCH) // timedelta(microseconds=1)}"


def _overdue(rule: Rule, now: datetime) -> QuerySet[Case]:
    """Cases it may act on: what SQL can tell of its conditions holds, and it has not acted on this turn."""
    micros = Cast(Extract("waiting_since", "epoch") * 1_000_000, BigIntegerField())
    ran = RuleRun.objects.filter(rule=rule, case=OuterRef("pk"), occasion=OuterRef("turn"))
    cases = (
        Case.objects.needing_us()
        .filter(waiting_since__lte=now - timedelta(minutes=rule.waited_minutes or 0))
        .annotate(turn=Concat(Value("waited:"), Cast(micros, CharField())))
    )
    conditions = {
        "channel__in": [channel.pk for channel in rule.channels.all()], "sentiment__in": rule.sentiments,
        "customer__tier__in": rule.tiers, "state__in": rule.states, "intent__in": rule.intents,
        "topic__in": rule.topics, "urgency__in": rule.urgencies,
    }  # fmt: skip
    cases = cases.filter(**{name: values for name, values in conditions.items() if values}).exclude(Exists(ran))
    return cases if rule.known is None else cases.filter(customer__known_at__isnull=not rule.known)


def _in_batches(cases: QuerySet[Case]) -> Iterator[list[tuple[int, str]]]:
    last = 0
    while batch := list(cases.filter(pk__gt=last).order_by("pk").values_list("pk", F("waiting_since"))[:BATCH]):
        yield [(pk, occasion_of_waiting(since)) for pk, since in batch]
        last = batch[-1][0]


def forget_old() -> int:
    """Drop what rules did so long ago to cases that are over. Returns how many.

    Of a case that goes on each run stays: it is what keeps a rule from acting twice.
    """
    old = RuleRun.objects.filter(at__lt=timezone.now() - KEPT)
    return old.exclude(case__in=Case.objects.unresolved()).delete()[0]
