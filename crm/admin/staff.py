"""People and teams."""

from __future__ import annotations

import zoneinfo
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import (
    ReadOnlyPasswordHashField,
    ReadOnlyPasswordHashWidget,
    UserChangeForm,
    UserCreationForm,
)
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from crm.administration import RecordAdmin, ago, log_each, since_filter
from crm.models import Membership, Team, User
from crm.models.staff import Role

admin.site.unregister(Group)  # who may do what is the role's business


def zones() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())]


class PasswordKept(ReadOnlyPasswordHashWidget):
    """The button that sets a new one, without the particulars of the hash."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        said = gettext("Kept so that nobody can read it.")
        return {**super().get_context(name, value, attrs), "summary": [{"label": said}]}


class PersonForm(UserChangeForm):
    """`editor` is who fills it in: administrators cannot shut themselves out, so there is always one left."""

    editor: User
    password = ReadOnlyPasswordHashField(label=_("Password"), widget=PasswordKept)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones)
    is_active = forms.BooleanField(
        label=_("Works here"), required=False,
        help_text=_("Untick it when somebody leaves: what they did stays, and they can no longer sign in."),
    )  # fmt: skip

    def clean_role(self) -> str:
        role: str = self.cleaned_data["role"]
        if self.instance.pk == self.editor.pk and role != Role.ADMIN:
            raise forms.ValidationError(_("You cannot give up your own administration. Ask another administrator to."))
        return role

    def clean_is_active(self) -> bool:
        active: bool = self.cleaned_data["is_active"]
        if self.instance.pk == self.editor.pk and not active:
            raise forms.ValidationError(_("You cannot shut yourself out. Ask another administrator to."))
        return active


class NewPersonForm(UserCreationForm[User]):
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones, initial="UTC")

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "role", "time_zone"]


class MembershipInline(admin.TabularInline[Membership, Any]):
    """People come and go; a membership itself is never changed."""

    model = Membership
    extra = 1
    verbose_name = _("team")
    verbose_name_plural = _("teams")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("team", "user")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MemberInline(MembershipInline):
    verbose_name = _("member")
    verbose_name_plural = _("members")


@admin.register(User)
class PersonAdmin(RecordAdmin[User], UserAdmin[User]):
    form = PersonForm
    add_form = NewPersonForm
    add_form_template = None
    inlines = [MembershipInline]
    list_display = ["full_name", "username", "role", "in_teams", "works_here", "time_zone", "last_seen"]
    list_filter = ["role", "teams", "is_active"]
    search_fields = ["username", "first_name", "last_name", "email"]
    search_help_text = _("Name, user name or e-mail")
    ordering = ["first_name", "username"]
    actions = ["deactivate", "bring_back"]
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ()
    last_seen = ago("last_login", _("last signed in"))
    switches = {
        "shortcuts_off_at": (_("Keyboard shortcuts switched off"), _("Everybody can change this in their own profile."))
    }
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Who"), {"fields": ["first_name", "last_name", "email"]}),
        (
            _("What they do"),
            {
                "fields": ["role", "is_active"],
                "description": _("The role decides what they see; the teams below decide whose queue."),
            },
        ),
        (_("How they work"), {"fields": ["time_zone", "shortcuts_off_at", "last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (_("Who"), {"fields": ["username", "first_name", "last_name", "email"]}),
        (
            _("What they do"),
            {
                "fields": ["role", "time_zone"],
                "description": _("Administrators may open these pages; nobody else may."),
            },
        ),
        (_("First password"), {"fields": ["password1", "password2"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("teams")

    def get_form(self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.editor = request.user  # type: ignore[attr-defined]
        return form

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.is_staff = obj.is_superuser = obj.role == Role.ADMIN
        super().save_model(request, obj, form, change)

    @admin.display(description=_("name"), ordering="first_name")
    def full_name(self, person: User) -> str:
        return str(person)

    @admin.display(description=_("teams"))
    def in_teams(self, person: User) -> str:
        return ", ".join(team.name for team in person.teams.all())

    @admin.display(description=_("works here"), boolean=True, ordering="is_active")
    def works_here(self, person: User) -> bool:
        return person.is_active

    @admin.action(description=_("They no longer work here"))
    def deactivate(self, request: HttpRequest, people: QuerySet[User]) -> None:
        me = cast(User, request.user)
        if people.filter(pk=me.pk).exists():
            self.message_user(request, gettext("You cannot shut yourself out."), messages.ERROR)
        count = self._set_active(request, people.filter(is_active=True).exclude(pk=me.pk), False)
        said = ngettext("%(n)s person can no longer sign in.", "%(n)s people can no longer sign in.", count)
        self.message_user(request, said % {"n": count})

    @admin.action(description=_("They work here again"))
    def bring_back(self, request: HttpRequest, people: QuerySet[User]) -> None:
        count = self._set_active(request, people.filter(is_active=False), True)
        said = ngettext("%(n)s person can sign in again.", "%(n)s people can sign in again.", count)
        self.message_user(request, said % {"n": count})

    def _set_active(self, request: HttpRequest, people: QuerySet[User], active: bool) -> int:
        changed = list(people)
        User.objects.filter(pk__in=[person.pk for person in changed]).update(is_active=active)
        log_each("brought back" if active else "deactivated", changed, by=request.user)
        return len(changed)


@admin.register(Team)
class TeamAdmin(RecordAdmin[Team]):
    inlines = [MemberInline]
    list_display = ["name", "purpose", "members", "is_open"]
    list_filter = [since_filter("closed_at", _("state"), yes=_("Closed"), no=_("Open"))]
    search_fields = ["name", "purpose"]
    fields = ["name", "purpose", "closed_at"]
    switches = {"closed_at": (_("Closed"), _("Keeps its cases; no longer offered for new ones."))}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        return super().get_queryset(request).annotate(member_count=Count("memberships"))

    @admin.display(description=_("members"), ordering="member_count")
    def members(self, team: Team) -> int:
        return team.member_count  # type: ignore[attr-defined]

    @admin.display(description=_("open"), boolean=True)
    def is_open(self, team: Team) -> bool:
        return team.closed_at is None
