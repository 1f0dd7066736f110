"""Who calls whom: rules as data, the first that holds decides. `choose` and `decide` are pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.errors import Refused
from crm.models import Tier, User
from crm.models.activity import log
from surveys.models import Call, CallRule
from surveys.models.answers import Group

OTHERWISE, OTHERWISE_DAYS = Call.To.CARE, 7


class NameTaken(Refused):
    sentence = gettext_lazy("There is a rule called “{name}” already. Give this one another name.")


class NoSuchValue(Refused):
    sentence = gettext_lazy(
        "“{value}” is no {what}, so this rule would hold for nobody. Choose one of those there are."
    )


class GivesNoDay(Refused):
    sentence = gettext_lazy("Give whoever calls a day at least.")


@dataclass(frozen=True)
class Facts:
    """What rules may look at. `country` as in ISO 3166, `language` a code like "en" or "en-GB"."""

    group: str
    country: str = ""
    language: str = ""
    tier: str = ""
    has_account: bool = False


@dataclass(frozen=True)
class Decision:
    to: str
    days: int
    rule: CallRule | None


def choose(rules: Iterable[CallRule], facts: Facts) -> CallRule | None:
    """The first, in their order, that is in force and whose conditions all hold."""
    ordered = sorted(rules, key=lambda rule: (rule.position, rule.pk or 0))
    return next((rule for rule in ordered if rule.stopped_at is None and _holds(rule, facts)), None)


def _holds(rule: CallRule, facts: Facts) -> bool:
    return (
        (not rule.groups or facts.group in rule.groups)
        and (not rule.countries or facts.country.upper() in rule.countries)
        and (not rule.languages or facts.language.lower().partition("-")[0] in rule.languages)
        and (not rule.tiers or facts.tier in rule.tiers)
        and (not rule.with_account or facts.has_account)
    )


def decide(rules: Iterable[CallRule], facts: Facts) -> Decision:
    """What the first rule that holds says; where none does, customer care calls within a week."""
    rule = choose(rules, facts)
    return Decision(rule.to, rule.days, rule) if rule else Decision(OTHERWISE, OTHERWISE_DAYS, None)


def never_asked(rules: Iterable[CallRule]) -> dict[int, CallRule]:
    """Rules in force that can decide nothing, by pk, each with the earlier one that holds wherever they do."""
    found: dict[int, CallRule] = {}
    before: list[CallRule] = []
    for rule in sorted((rule for rule in rules if rule.stopped_at is None), key=lambda rule: (rule.position, rule.pk)):
        if wider := next((each for each in before if _covers(each, rule)), None):
            found[rule.pk] = wider
        before.append(rule)
    return found


def _covers(wide: CallRule, rule: CallRule) -> bool:
    pairs = [(getattr(wide, name), getattr(rule, name)) for name in ("groups", "countries", "languages", "tiers")]
    lists = all(not several or (few and set(few) <= set(several)) for several, few in pairs)
    return lists and (rule.with_account or not wide.with_account)


# --- changing them


@transaction.atomic
def save(*, rule: CallRule, by: User) -> CallRule:
    """Keep a rule as it is filled in; a new one stands behind the others. Calls that were given stay as they are.

    Raises NameTaken, NoSuchValue and GivesNoDay.
    """
    _clean(rule)
    is_new = rule.pk is None
    if is_new:
        rule.position = 1 + (CallRule.objects.aggregate(last=Max("position"))["last"] or 0)
    rule.changed_by, rule.changed_at = by, timezone.now()
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise NameTaken(name=rule.name) from None
    log("made" if is_new else "changed", rule, by=by)
    return rule


def _clean(rule: CallRule) -> None:
    rule.countries = sorted({code.strip().upper() for code in rule.countries})
    rule.languages = sorted({code.strip().lower() for code in rule.languages})
    if rule.days < 1:
        raise GivesNoDay
    _must_be(rule.groups, Group.values, _("group"))
    _must_be(rule.tiers, Tier.values, _("tier"))
    _must_be([rule.to], Call.To.values, _("kind of caller"))


def _must_be(values: Iterable[str], known: Sequence[str], what: str) -> None:
    for value in values:
        if value not in known:
            raise NoSuchValue(value=value, what=what)


@transaction.atomic
def stop(*, rule: CallRule, by: User) -> CallRule:
    """It decides nothing from now on."""
    now = timezone.now()
    if CallRule.objects.filter(pk=rule.pk, stopped_at=None).update(stopped_at=now, changed_by=by, changed_at=now):
        log("stopped", rule, by=by)
    rule.refresh_from_db()
    return rule


@transaction.atomic
def resume(*, rule: CallRule, by: User) -> CallRule:
    stopped = CallRule.objects.filter(pk=rule.pk, stopped_at__isnull=False)
    if stopped.update(stopped_at=None, changed_by=by, changed_at=timezone.now()):
        log("resumed", rule, by=by)
    rule.refresh_from_db()
    return rule


@transaction.atomic
def move(*, rule: CallRule, up: bool, by: User) -> CallRule:
    """One place up or down; at the end of the list nothing happens."""
    ordered = list(CallRule.objects.select_for_update().order_by("position", "pk"))
    at = [each.pk for each in ordered].index(rule.pk)
    to = at - 1 if up else at + 1
    if 0 <= to < len(ordered):
        ordered[at], ordered[to] = ordered[to], ordered[at]
        log("moved", rule, by=by)
    for position, each in enumerate(ordered, 1):
        each.position = position
    CallRule.objects.bulk_update(ordered, ["position"])
    rule.refresh_from_db()
    return rule


def defaults(*, by: User | None = None) -> list[CallRule]:
    """The rules one begins with, where there are none yet."""
    if CallRule.objects.exists():
        return []
    made = CallRule.objects.bulk_create(
        [
            CallRule(name=_("Promoters: an executive"), position=1, groups=[Group.PROMOTER], to=Call.To.EXECUTIVE),
            CallRule(
                name=_("Detractors with an account: their sales person"), position=2, groups=[Group.DETRACTOR],
                with_account=True, to=Call.To.SALES, days=2,
            ),
            CallRule(name=_("Everybody else: customer care"), position=3, to=Call.To.CARE),
        ]
    )  # fmt: skip
    for rule in made:
        log("made", rule, by=by)
    return made
