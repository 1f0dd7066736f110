"""Policies, modules and certificates: to look at. Leads change them on their own pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from channels_app import policies
from channels_app.models import Attempt, Module, ModuleQuestion, Policy, PolicyAcceptance
from crm.administration import ReadOnlyAdmin, ReadOnlyInline, ago


class AcceptanceInline(ReadOnlyInline):
    model = PolicyAcceptance
    fields = ["user", "at"]


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin[Policy]):
    inlines = [AcceptanceInline]
    list_display = ["channel", "version", "made_by", "published"]
    published = ago("published_at", _("published"))
    list_filter = ["channel"]
    list_select_related = ["channel", "made_by"]
    ordering = ["-id"]
    fields = ["channel", "version", "who", "how", "never", "made_by", "published_at"]

    def view_on_site(self, policy: Policy) -> str:
        return policies.address(policy.channel)


class QuestionInline(ReadOnlyInline):
    model = ModuleQuestion
    fields = ["text", "choices", "right"]


@admin.register(Module)
class ModuleAdmin(ReadOnlyAdmin[Module]):
    inlines = [QuestionInline]
    list_display = ["name", "place", "pass_mark", "valid_days", "in_force_at", "retired_at"]
    ordering = ["place", "position", "name"]
    fields = ["name", "place", "content", "pass_mark", "valid_days", "position", "in_force_at", "retired_at"]

    def view_on_site(self, module: Module) -> str:
        return reverse("channels_app:module", args=[module.pk])


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    list_display = ["user", "module", "right", "asked", "taken", "expires_at"]
    taken = ago("at", _("taken"))
    list_filter = ["module"]
    list_select_related = ["user", "module"]
    ordering = ["-id"]
    fields = ["user", "module", "right", "asked", "at", "expires_at", "reminded_at"]
