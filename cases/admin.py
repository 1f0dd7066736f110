"""The admin's pages about cases, why they happen, where they go, and whose views of the lists there are."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.forms import BoundField, Form
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from cases.forms import CauseForm, Offered, QueueForm, RuleForm
from cases.models import Case, Cause, RoutingRule
from cases.models.cases import CaseQuerySet
from channels_app.models import Sentiment
from crm.administration import ReadOnlyAdmin, RecordAdmin, ago, log_each, since_filter
from crm.forms import CustomersForm
from crm.models import SavedView, Tier
from crm.templatetags.hark import shortly
from crm.views.saved import LISTS


class CauseFilter(admin.RelatedFieldListFilter):
    """Each cause with the one it stands under, in one query."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        return [(str(cause.pk), str(cause)) for cause in Cause.objects.select_related("parent")]


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin[Case]):
    """To look at and to count; what happens to a case happens on its own page."""

    list_display = ["__str__", "customer", "state", "priority", "team", "owner", "opened", "waiting", "rule"]
    opened = ago("opened_at", _("opened"))
    waiting = ago("waiting_since", _("waiting since"))
    list_filter = ["state", "priority", "team", "owner", "channel", "sentiment", ("cause", CauseFilter)]
    search_fields = ["subject"]
    search_help_text = _("Number, what it is about, or the customer's name or handle")
    ordering = ["-opened_at", "-id"]
    sortable_by = ["opened"]
    fieldsets = [
        (None, {"fields": ["subject", "customer", "identity", "channel", "sentiment", "language"]}),
        (_("Whose it is"), {"fields": ["state", "priority", "team", "owner", "rule", "merged_into"]}),
        (
            _("What happened when"),
            {
                "fields": [
                    "opened_at", "first_answered_at", "last_message_at", "waiting_since", "resolved_at", "resolved_by",
                    "cause", "reopenings",
                ]
            },
        ),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> CaseQuerySet:
        return Case.objects.with_row()

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return (queryset.saying(search_term.strip().lstrip("@")) if search_term else queryset), False

    def view_on_site(self, case: Case) -> str:
        return case.get_absolute_url()


@admin.register(Cause)
class CauseAdmin(RecordAdmin[Cause]):
    form = CauseForm
    list_display = ["in_tree", "is_used", "its_cases"]
    list_filter = [since_filter("retired_at", _("state"), yes=_("Retired"), no=_("In use"))]
    list_select_related = ["parent"]
    search_fields = ["name", "parent__name"]
    sortable_by = ()
    list_per_page = 200
    fields = ["name", "parent", "retired_at"]
    switches = {"retired_at": (_("Retired"), _("Cases that have it keep it; no longer offered for new ones."))}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cause]:
        top_first = F("parent_id").asc(nulls_first=True)
        return super().get_queryset(request).order_by(Coalesce("parent__name", "name"), top_first, "name")

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Each branch under its top, rather than all tops at the end."""
        return [Coalesce("parent__name", "name"), F("parent_id").asc(nulls_first=True), "name", "pk"]

    @admin.display(description=_("cause"))
    def in_tree(self, cause: Cause) -> SafeString | str:
        return format_html('<span class="branch">{}</span>', cause.name) if cause.parent_id else cause.name

    @admin.display(description=_("in use"), boolean=True)
    def is_used(self, cause: Cause) -> bool:
        return cause.retired_at is None

    @admin.display(description=_("cases"))
    def its_cases(self, cause: Cause) -> SafeString:
        url = reverse("admin:cases_case_changelist")
        return format_html('<a href="{}?cause__id__exact={}">{}</a>', url, cause.pk, gettext("Cases with this cause"))


@admin.register(RoutingRule)
class RoutingRuleAdmin(RecordAdmin[RoutingRule]):
    form = RuleForm
    list_display = ["name", "position", "conditions", "team", "priority", "in_force"]
    list_editable = ["position"]
    list_select_related = ["team"]
    list_filter = [
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
                "fields": ["channels", "sentiments", "tiers", "reach_at_least", "languages", "words"],
                "description": _("An empty condition always holds; a filled one holds when any of its values does."),
            },
        ),
        (_("Then"), {"fields": ["team", "priority"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoutingRule]:
        return super().get_queryset(request).prefetch_related("channels")

    @admin.display(description=_("when"))
    def conditions(self, rule: RoutingRule) -> str:
        moods, tiers = dict(Sentiment.choices), dict(Tier.choices)
        said = {
            gettext("channel"): [channel.name for channel in rule.channels.all()],
            gettext("mood"): [str(moods[value]) for value in rule.sentiments],
            gettext("tier"): [str(tiers[value]) for value in rule.tiers],
            gettext("reach at least"): [shortly(rule.reach_at_least)] if rule.reach_at_least else [],
            gettext("language"): rule.languages,
            gettext("words"): rule.words,
        }
        filled = [f"{name}: {', '.join(values)}" for name, values in said.items() if values]
        return " · ".join(filled) or gettext("always")

    @admin.display(description=_("in force"), boolean=True)
    def in_force(self, rule: RoutingRule) -> bool:
        return rule.switched_off_at is None

    @admin.action(description=_("Switch on"))
    def switch_on(self, request: HttpRequest, rules: QuerySet[RoutingRule]) -> None:
        changed = list(rules.exclude(switched_off_at=None))
        RoutingRule.objects.filter(pk__in=[rule.pk for rule in changed]).update(switched_off_at=None)
        log_each("switched on", changed, by=request.user)
        said = ngettext("%(n)s rule is in force again.", "%(n)s rules are in force again.", len(changed))
        self.message_user(request, said % {"n": len(changed)})

    @admin.action(description=_("Switch off"))
    def switch_off(self, request: HttpRequest, rules: QuerySet[RoutingRule]) -> None:
        changed = list(rules.filter(switched_off_at=None))
        RoutingRule.objects.filter(pk__in=[rule.pk for rule in changed]).update(switched_off_at=timezone.now())
        log_each("switched off", changed, by=request.user)
        said = ngettext("%(n)s rule is switched off.", "%(n)s rules are switched off.", len(changed))
        self.message_user(request, said % {"n": len(changed)})


@admin.register(SavedView)
class SavedViewAdmin(RecordAdmin[SavedView]):
    """Saved from a list, where its filter is a form; here they are shared, renamed and cleared away."""

    list_display = ["name", "page", "owner", "is_shared"]
    list_filter = ["page", since_filter("shared_at", _("who has it"), yes=_("Everyone"), no=_("Its owner")), "owner"]
    list_select_related = ["owner"]
    search_fields = ["name"]
    fields = ["name", "page", "owner", "shared_at", "shows"]
    readonly_fields = ["page", "owner", "shows"]
    switches = {"shared_at": (_("Shared with everyone"), "")}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SavedView | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def view_on_site(self, view: SavedView) -> str:
        return f"{reverse(LISTS[view.page])}?{view.query}"

    @admin.display(description=_("shared"), boolean=True)
    def is_shared(self, view: SavedView) -> bool:
        return view.shared_at is not None

    @admin.display(description=_("filter"))
    def shows(self, view: SavedView) -> str:
        """Its filter, in the words of the form it was made with."""
        query = QueryDict(view.query)
        if view.page == SavedView.Page.CUSTOMERS:
            form: Form = CustomersForm(query)
            everything = gettext("All customers")
        else:
            form = QueueForm(query, user=view.owner, offered=Offered())
            everything = gettext("All that need an answer")
        return " · ".join(f"{field.label}: {_chosen(field)}" for field in form if field.data) or everything


def _chosen(field: BoundField) -> str:
    """What is chosen in a field, as the field calls it."""
    names = {str(value): str(name) for value, name in getattr(field.field, "choices", ())}
    return names.get(field.data, field.data)
