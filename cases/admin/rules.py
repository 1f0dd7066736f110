"""The admin's pages about rules, and what they have done."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cases.forms import RuleForm
from cases.models import Rule, RuleRun
from channels_app.models import Sentiment
from crm.administration import ReadOnlyAdmin, RecordAdmin, ago, log_each, since_filter
from crm.models import Tier
from crm.templatetags.hark import shortly


@admin.register(Rule)
class RuleAdmin(RecordAdmin[Rule]):
    form = RuleForm
    list_display = ["name", "event", "position", "conditions", "team", "priority", "points", "in_force"]
    list_editable = ["position"]
    list_select_related = ["team"]
    list_filter = [
        "event",
        "team",
        "priority",
        since_filter("switched_off_at", _("state"), yes=_("Switched off"), no=_("In force")),
    ]
    search_fields = ["name"]
    actions = ["switch_on", "switch_off"]
    switches = {"switched_off_at": (_("Switched off"), _("Cases it has placed keep its name."))}
    fieldsets = [
        (None, {"fields": ["name", "position", "switched_off_at"]}),
        (
            _("When all of this holds"),
            {
                "fields": ["event", *RuleForm.CONDITIONS],
                "description": _("An empty condition always holds; a filled one holds when any of its values does."),
            },
        ),
        (_("Then"), {"fields": [*RuleForm.DEEDS, "stops"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        return super().get_queryset(request).prefetch_related("channels")

    @admin.display(description=_("when"))
    def conditions(self, rule: Rule) -> str:
        moods, tiers = dict(Sentiment.choices), dict(Tier.choices)
        said = {
            gettext("channel"): [channel.name for channel in rule.channels.all()],
            gettext("mood"): [str(moods[value]) for value in rule.sentiments],
            gettext("they want"): rule.named_wants,
            gettext("read at least so surely"): [f"{rule.sure_at_least} %"] if rule.sure_at_least else [],
            gettext("tier"): [str(tiers[value]) for value in rule.tiers],
            gettext("found"): {True: [gettext("by a search")], False: [gettext("said to us")], None: []}[rule.found],
            gettext("reach at least"): [shortly(rule.reach_at_least)] if rule.reach_at_least else [],
            gettext("language"): rule.languages,
            gettext("words"): rule.words,
        }
        filled = [f"{name}: {', '.join(values)}" for name, values in said.items() if values]
        return " · ".join(filled) or gettext("always")

    @admin.display(description=_("in force"), boolean=True)
    def in_force(self, rule: Rule) -> bool:
        return rule.switched_off_at is None

    @admin.action(description=_("Switch on"))
    def switch_on(self, request: HttpRequest, rules: QuerySet[Rule]) -> None:
        changed = list(rules.exclude(switched_off_at=None))
        Rule.objects.filter(pk__in=[rule.pk for rule in changed]).update(switched_off_at=None)
        log_each("switched on", changed, by=request.user)
        said = ngettext("%(n)s rule is in force again.", "%(n)s rules are in force again.", len(changed))
        self.message_user(request, said % {"n": len(changed)})

    @admin.action(description=_("Switch off"))
    def switch_off(self, request: HttpRequest, rules: QuerySet[Rule]) -> None:
        changed = list(rules.filter(switched_off_at=None))
        Rule.objects.filter(pk__in=[rule.pk for rule in changed]).update(switched_off_at=timezone.now())
        log_each("switched off", changed, by=request.user)
        said = ngettext("%(n)s rule is switched off.", "%(n)s rules are switched off.", len(changed))
        self.message_user(request, said % {"n": len(changed)})


@admin.register(RuleRun)
class RuleRunAdmin(ReadOnlyAdmin[RuleRun]):
    """What each rule did, to which case and when; never changed."""

    list_display = ["rule", "case", "event", "done", "acted"]
    acted = ago("at", _("at"))
    list_filter = ["event", "rule"]
    list_select_related = ["rule", "case__customer"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["rule", "case", "event", "occasion", "done", "at"]
