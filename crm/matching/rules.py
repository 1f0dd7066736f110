"""What an administrator allows to be decided without a person: exact evidence that was proved, and nothing against it.

With no rule turned on, nothing is ever confirmed by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import decisions
from crm.errors import Refused
from crm.matching import loading
from crm.matching.commonness import World
from crm.matching.evidence import points
from crm.matching.records import Record
from crm.models import Identity, IdentityLink, MatchRule, User
from crm.models.activity import log

Evidence = MatchRule.Evidence


class SwitchedAlready(Refused):
    sentence = _("Somebody else has just switched this rule.")


def all_of_them() -> list[MatchRule]:
    """One for each kind of evidence; a rule nobody ever touched is off, and stands in no row yet."""
    touched = {rule.evidence: rule for rule in MatchRule.objects.select_related("enabled_by")}
    return [touched.get(evidence) or MatchRule(evidence=evidence) for evidence in Evidence.values]


@transaction.atomic
def switch(*, evidence: str, on: bool, by: User) -> MatchRule:
    """What waits for a person goes on waiting: a rule speaks of what is looked for from then on."""
    MatchRule.objects.get_or_create(evidence=evidence)
    rule = MatchRule.objects.select_for_update(of=("self",)).get(evidence=evidence)
    if (rule.enabled_at is not None) == on:
        raise SwitchedAlready
    rule.enabled_at, rule.enabled_by = (timezone.now(), by) if on else (None, None)
    rule.save(update_fields=["enabled_at", "enabled_by"])
    log("switched on" if on else "switched off", rule, by=by, detail=str(rule))
    return rule


def settle(proposals: Sequence[IdentityLink]) -> list[IdentityLink]:
    """Accept what a rule that is on allows. Returns the proposals that still wait for a person."""
    rules = list(MatchRule.objects.exclude(enabled_at=None)) if proposals else []
    waiting = []
    for link, one, other in _sides(proposals) if rules else ():
        rule = next((rule for rule in rules if holds(rule, one, other)), None)
        if rule is None or not _accepted(link, rule):
            waiting.append(link)
    return waiting if rules else list(proposals)


def _accepted(link: IdentityLink, rule: MatchRule) -> bool:
    """Whether it could be: between two customers we know, a person says which record stands."""
    try:
        decisions.accept(link=link, by=None, rule=rule)
    except Refused:
        return False
    return True


def holds(rule: MatchRule, one: Record, other: Record) -> bool:
    """Whether the evidence the rule names is there, proved, and nothing speaks against it."""
    found = points(one, other, World())
    if any(point.weight < 0 for point in found):
        return False
    if rule.evidence == Evidence.DECLARED_BOTH_WAYS:
        return any(point.kind == "declared_both_ways" for point in found)
    mine, theirs = (
        (one.emails, other.emails) if rule.evidence == Evidence.SAME_VERIFIED_EMAIL else (one.phones, other.phones)
    )
    return any(_is_theirs_alone(address) for address in mine & theirs & (one.verified | other.verified))


def _is_theirs_alone(address: str) -> bool:
    """Whether no third customer claims it: a household's address proves nobody."""
    held = IdentityLink.objects.of_record().filter(
        identity__kind__in=[Identity.Kind.EMAIL, Identity.Kind.PHONE], identity__place="", identity__value=address
    )
    return held.values("customer").distinct().count() == 2


def _sides(proposals: Iterable[IdentityLink]) -> list[tuple[IdentityLink, Record, Record]]:
    """Each proposal with the record that carries it and the one it leads to. Five queries."""
    bearers = loading.bearers([link.identity_id for link in proposals])
    records = loading.of_customers({*bearers.values(), *(link.customer_id for link in proposals)})
    alone = loading.lone(Identity.objects.filter(pk__in=[link.identity_id for link in proposals]))
    sides = []
    for link in proposals:
        carrier = records.get(bearers.get(link.identity_id, 0), alone[link.identity_id])
        if link.customer_id in records:
            sides.append((link, carrier, records[link.customer_id]))
    return sides
