"""Who calls whom and when, by what a group is asked, how calls run: changed by the functions that the pages use."""

from __future__ import annotations

from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.administration import RecordAdmin, since_filter
from crm.errors import Refused
from crm.models import User
from crm.templatetags.hark import tongue
from surveys import spoken
from surveys.forms.outreach.settings import CallRuleForm, CountriesField, OutreachSettingsForm
from surveys.models import Caller, CallingHours, CallRule, CallText, Hashtag, OutreachSettings
from surveys.outreach import callers, calling_hours, hashtags, rule_words, rules, texts

M = TypeVar("M", bound=models.Model)


class ByItsOwnFunction(RecordAdmin[M]):
    """Saved by the function of its page, which writes the log and may refuse: that stands on the form then."""

    def keep(self, obj: M, by: User) -> M:
        raise NotImplementedError

    def get_form(self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any) -> Any:
        keep, by = self.keep, request.user
        asked: Any = super().get_form(request, obj, change, **kwargs)

        class Kept(asked):  # type: ignore[misc]
            """Keeps what was filled in as the last step of looking at it, within the transaction of the request."""

            instance: M

            def _post_clean(self) -> None:
                super()._post_clean()
                if request.method == "POST" and not self.errors:
                    try:
                        self.instance = keep(self.instance, by)  # type: ignore[arg-type]
                    except Refused as refusal:
                        self.add_error(None, str(refusal))

        return Kept

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        """It is kept already."""

    def log_addition(self, request: HttpRequest, obj: M, message: Any) -> LogEntry:
        return admin.ModelAdmin.log_addition(self, request, obj, message)

    def log_change(self, request: HttpRequest, obj: M, message: Any) -> LogEntry:
        return admin.ModelAdmin.log_change(self, request, obj, message)


@admin.register(CallRule)
class CallRuleAdmin(ByItsOwnFunction[CallRule]):
    form = CallRuleForm
    list_display = ["name", "sentence", "position", "in_force"]
    list_filter = ["to", since_filter("stopped_at", _("state"), yes=_("Stopped"), no=_("In force"))]
    search_fields = ["name"]
    actions = ["stop", "resume"]
    fieldsets = [
        (None, {"fields": ["name"]}),
        (
            _("When all of this holds"),
            {"fields": CallRuleForm.CONDITIONS, "description": _("An empty condition holds for everybody.")},
        ),
        (_("Then"), {"fields": ["to", "days"]}),
    ]

    def keep(self, obj: CallRule, by: User) -> CallRule:
        return rules.save(rule=obj, by=by)

    @admin.display(description=_("rule"))
    def sentence(self, rule: CallRule) -> str:
        return rule_words.sentence(rule)

    @admin.display(description=_("in force"), boolean=True)
    def in_force(self, rule: CallRule) -> bool:
        return rule.stopped_at is None

    @admin.action(description=_("Stop"))
    def stop(self, request: HttpRequest, chosen: QuerySet[CallRule]) -> None:
        for rule in chosen:
            rules.stop(rule=rule, by=request.user)  # type: ignore[arg-type]

    @admin.action(description=_("Resume"))
    def resume(self, request: HttpRequest, chosen: QuerySet[CallRule]) -> None:
        for rule in chosen:
            rules.resume(rule=rule, by=request.user)  # type: ignore[arg-type]


class CallerForm(forms.ModelForm[Caller]):
    countries = CountriesField()

    class Meta:
        model = Caller
        fields = ["user", "per_week", "countries"]


@admin.register(Caller)
class CallerAdmin(ByItsOwnFunction[Caller]):
    form = CallerForm
    list_display = ["user", "per_week", "countries", "more", "more_until"]
    list_select_related = ["user"]
    search_fields = ["user__first_name", "user__last_name", "user__username"]

    def get_readonly_fields(self, request: HttpRequest, obj: Caller | None = None) -> list[str]:
        return ["user", "more", "more_until"] if obj else []

    def get_fields(self, request: HttpRequest, obj: Caller | None = None) -> Any:
        return ["user", "per_week", "countries", *(["more", "more_until"] if obj else [])]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = callers.people().order_by("first_name", "username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def keep(self, obj: Caller, by: User) -> Caller:
        return callers.keep(user=obj.user, per_week=obj.per_week, countries=obj.countries, by=by)


@admin.register(CallingHours)
class CallingHoursAdmin(ByItsOwnFunction[CallingHours]):
    """Taken back on its page, where that can be undone."""

    list_display = ["__str__", "country", "calendar"]
    list_select_related = ["calendar"]
    fields = ["country", "calendar"]

    def get_readonly_fields(self, request: HttpRequest, obj: CallingHours | None = None) -> list[str]:
        return ["country"] if obj else []

    def keep(self, obj: CallingHours, by: User) -> CallingHours:
        return calling_hours.keep(country=obj.country, calendar=obj.calendar, by=by)


def _languages() -> list[tuple[str, str]]:
    return [(code, tongue(code)) for code in sorted(spoken.languages())]


class CallTextForm(forms.ModelForm[CallText]):
    language = forms.ChoiceField(
        label=_("language"), choices=_languages,
        help_text=_("Letters are written in the language of the customer; openings stand in that of the page."),
    )  # fmt: skip

    class Meta:
        model = CallText
        fields = ["key", "language", "text"]


@admin.register(CallText)
class CallTextAdmin(ByItsOwnFunction[CallText]):
    """In place of Hark's own sentence, which is said again once this one is taken back."""

    form = CallTextForm
    list_display = ["key", "language", "text", "own"]
    list_filter = ["key", "language"]
    search_fields = ["text"]
    actions = ["take_back"]
    fields = ["key", "language", "text"]

    def get_readonly_fields(self, request: HttpRequest, obj: CallText | None = None) -> list[str]:
        return ["key", "language", "own", "may_name"] if obj else []

    def get_fields(self, request: HttpRequest, obj: CallText | None = None) -> Any:
        return ["key", "language", "text", *(["own", "may_name"] if obj else [])]

    def keep(self, obj: CallText, by: User) -> CallText:
        return texts.keep(key=obj.key, language=obj.language, text=obj.text, by=by)

    @admin.display(description=_("what Hark says by itself"))
    def own(self, text: CallText) -> str:
        return str(texts.OWN[text.key])

    @admin.display(description=_("what it may name"))
    def may_name(self, text: CallText) -> str:
        return texts.may_name(text.key)

    @admin.action(description=_("Take back"))
    def take_back(self, request: HttpRequest, chosen: QuerySet[CallText]) -> None:
        for text in chosen:
            texts.drop(kept=text, by=request.user)  # type: ignore[arg-type]


class HashtagForm(forms.ModelForm[Hashtag]):
    class Meta:
        model = Hashtag
        fields = ["tag", "group", "about"]

    def _get_validation_exclusions(self) -> set[str]:
        """`own` spells it, gives a retired one back, and says of another whose it is."""
        return {*super()._get_validation_exclusions(), "tag"}  # type: ignore[misc]


@admin.register(Hashtag)
class HashtagAdmin(ByItsOwnFunction[Hashtag]):
    form = HashtagForm
    list_display = ["__str__", "group", "about", "in_use"]
    list_select_related = ["group"]
    list_filter = ["group", since_filter("retired_at", _("state"), yes=_("Retired"), no=_("In use"))]
    search_fields = ["tag"]
    actions = ["retire"]
    fields = ["tag", "group", "about"]

    def get_readonly_fields(self, request: HttpRequest, obj: Hashtag | None = None) -> list[str]:
        return ["tag", "group"] if obj else []

    def keep(self, obj: Hashtag, by: User) -> Hashtag:
        """What it is for may be changed; one that is retired comes back with it."""
        return hashtags.own(tag=obj.tag, group=obj.group, by=by, about=obj.about)

    @admin.display(description=_("in use"), boolean=True)
    def in_use(self, hashtag: Hashtag) -> bool:
        return hashtag.retired_at is None

    @admin.action(description=_("Retire"))
    def retire(self, request: HttpRequest, chosen: QuerySet[Hashtag]) -> None:
        for hashtag in chosen.select_related("group__owner"):
            hashtags.retire(hashtag=hashtag, by=request.user)  # type: ignore[arg-type]


@admin.register(OutreachSettings)
class OutreachSettingsAdmin(RecordAdmin[OutreachSettings]):
    """One row, made when a lead first saves its page."""

    form = OutreachSettingsForm
    list_display = ["__str__", "join_days", "answer_days", "second_days", "most_tries", "escalate_to"]
    list_select_related = ["escalate_to"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).order_by("pk")
