"""Skills, and who is away when."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.administration import ReadOnlyAdmin, RecordAdmin, since_filter
from crm.models import Absence, Skill


@admin.register(Skill)
class SkillAdmin(RecordAdmin[Skill]):
    list_display = ["name", "who", "is_used"]
    list_filter = [since_filter("retired_at", _("state"), yes=_("Retired"), no=_("In use"))]
    search_fields = ["name"]
    fields = ["name", "people", "retired_at"]
    filter_horizontal = ["people"]
    switches = {"retired_at": (_("Retired"), _("No case needs it any more; whoever has it keeps it."))}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Skill]:
        return Skill.objects.with_people()

    @admin.display(description=_("people"), ordering="who")
    def who(self, skill: Skill) -> int:
        return skill.who  # type: ignore[attr-defined, no-any-return]

    @admin.display(description=_("in use"), boolean=True)
    def is_used(self, skill: Skill) -> bool:
        return skill.retired_at is None


@admin.register(Absence)
class AbsenceAdmin(ReadOnlyAdmin[Absence]):
    """Planned and cancelled on one's own page, or in the team settings, since cases go along."""

    list_display = ["user", "starts_at", "ends_at", "cover", "began_at", "ended_at"]
    list_filter = [since_filter("ended_at", _("state"), yes=_("Over"), no=_("Planned or under way")), "user"]
    list_select_related = ["user", "cover"]
    fields = ["user", "starts_at", "ends_at", "cover", "why", "began_at", "ended_at"]
