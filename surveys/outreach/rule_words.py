"""A rule of who calls as a sentence: "Promoters in DE or FR speaking German: an executive calls within 7 days." """

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.models import Tier
from crm.templatetags.hark import tongue
from surveys.models import Call, CallRule
from surveys.models.answers import Group

MANY = {
    Group.PROMOTER: gettext_lazy("promoters"),
    Group.PASSIVE: gettext_lazy("passives"),
    Group.DETRACTOR: gettext_lazy("detractors"),
}


def sentence(rule: CallRule) -> str:
    said = _("{who}: {call}").format(who=_who(rule), call=call(rule.to, rule.days))
    return said[:1].upper() + said[1:]


def call(to: str, days: int) -> str:
    """What somebody is to do: "customer care calls within a day"."""
    said = ngettext("{caller} calls within {days} day.", "{caller} calls within {days} days.", days)
    label = str(Call.To(to).label) if to in Call.To.values else to
    return said.format(caller=label[:1].lower() + label[1:], days=days)


def _who(rule: CallRule) -> str:
    tiers = dict(Tier.choices)
    who = _or([str(MANY[Group(value)]) for value in Group.values if value in rule.groups]) or _("everybody")
    if rule.countries:
        who = _("{who} in {countries}").format(who=who, countries=_or(rule.countries))
    if rule.tiers:
        named = [str(tiers.get(value, value)) for value in rule.tiers]
        who = _("{who} of the tier {tiers}").format(who=who, tiers=_or(named))
    return _with_more(rule, who)


def _with_more(rule: CallRule, who: str) -> str:
    tongues = _or([tongue(code) for code in rule.languages])
    if rule.languages and rule.with_account:
        return _("{who} speaking {languages}, with an account").format(who=who, languages=tongues)
    if rule.languages:
        return _("{who} speaking {languages}").format(who=who, languages=tongues)
    return _("{who} with an account").format(who=who) if rule.with_account else who


def _or(words: Sequence[str]) -> str:
    """ "A", "A or B", "A, B or C"."""
    if len(words) < 2:
        return "".join(words)
    return _("{several} or {last}").format(several=", ".join(words[:-1]), last=words[-1])
