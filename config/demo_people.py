"""How the demo's people work: what they speak and know, when, how much at once; and one of them goes away next week."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from cases.models import Case
from crm import people
from crm.models import Calendar, Period, Skill, Team, User

OFFERED_TO = "Languages"  # the one team whose cases are offered
ROOM = 6  # cases each may have on top of what they have
SPEAK = {"agent": ["en", "es"], "agent2": ["en"], "agent3": ["en", "it", "fr", "es"], "lead": ["en", "de", "es"]}
SKILLS = {
    "Refunds": ("agent", "agent3", "lead"),
    "Travelling with assistance": ("agent", "agent2"),
    "Group bookings": ("agent3",),
}
NEEDS = {"phone": "Travelling with assistance", "visit": "Refunds"}  # channel → what its case needs
EARLY, OPENS, CLOSES = "Early shift, London", 6 * 60, 14 * 60 + 30
AWAY, COVER, WHY = "agent2", "agent", "A wedding in Lagos"


def load() -> None:
    staff = {user.username: user for user in User.objects.who_answer()}
    for name, codes in SPEAK.items():
        has = Case.objects.filter(owner=staff[name], state__in=(Case.State.OPEN, Case.State.SNOOZED)).count()
        User.objects.filter(pk=staff[name].pk).update(languages=codes, load_cap=has + ROOM)
    User.objects.filter(username=AWAY).update(shift=_early_shift())
    Team.objects.filter(name=OFFERED_TO).update(mode=Team.Mode.PUSH)
    _skills(staff)
    _absence(staff[AWAY], staff[COVER], staff["lead"])


def _early_shift() -> Calendar:
    """As it is, where there is one of that name already."""
    shift, is_new = Calendar.objects.get_or_create(name=EARLY, defaults={"time_zone": "Europe/London"})
    if is_new:
        Period.objects.bulk_create(
            [Period(calendar=shift, weekday=day, opens=OPENS, closes=CLOSES) for day in range(5)]
        )
    return shift


def _skills(staff: dict[str, User]) -> None:
    for name, who in SKILLS.items():
        skill = Skill.objects.create(name=name)
        skill.people.set([staff[username] for username in who])
    for channel, name in NEEDS.items():
        for case in Case.objects.unresolved().filter(channel__key=channel):
            case.skills.add(Skill.objects.get(name=name))


def _absence(away: User, cover: User, by: User) -> None:
    """From Monday morning to Friday evening of next week."""
    today = timezone.localtime()
    monday = today.replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=7 - today.weekday())
    friday = monday + timedelta(days=4, hours=10)
    people.plan_absence(user=away, starts_at=monday, ends_at=friday, cover=cover, why=WHY, by=by)
