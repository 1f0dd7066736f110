"""Who speaks what, knows what, works when; and who is away: the pages, and what they refuse."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm import people
from crm.forms.people import LanguagesField
from crm.models import Absence, Activity, Calendar, Skill, Team, User
from tests import factories

pytestmark = pytest.mark.django_db


def hours(n):
    return timezone.now() + timedelta(hours=n)


def plan(user, start=1, end=25, **facts):
    begin = hours(start)
    return people.plan_absence(
        user=user, starts_at=begin, ends_at=begin + timedelta(hours=end - start), **{"by": user, **facts}
    )


costs: dict[str, int] = {}


def same(page, captured):
    """Whether the page asked as many things as the first time."""
    return costs.setdefault(page, len(captured)) == len(captured) <= 8


def shown(answer):
    return answer.content.decode()


# --- languages


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("", []), ("en, es", ["en", "es"]), ("Spanish,EN , italian", ["es", "en", "it"]), ("de,,de", ["de"])],
)
def test_languages_are_typed_as_codes_or_names(typed, meant):
    assert LanguagesField().clean(typed) == meant


@pytest.mark.parametrize("typed", ["Klingon", "e", "esp", "1a", "éé"])
def test_what_is_no_language_is_refused_with_the_word(typed):
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError, match=f"“{typed.lower()}” is no language we know"):
        LanguagesField().clean(typed)


def test_everybody_edits_their_own_languages_in_the_profile(as_user, agent):
    page = as_user(agent).get(reverse("crm:profile"))
    assert 'name="languages"' in shown(page)
    assert reverse("crm:absences") in shown(page)
    facts = {"first_name": "Ana", "last_name": "Ruiz", "email": "", "time_zone": "UTC", "languages": "en, Spanish"}
    assert as_user(agent).post(reverse("crm:profile"), facts).status_code == 302
    agent.refresh_from_db()
    assert agent.languages == ["en", "es"]


# --- the pages of a lead


def test_the_list_says_how_everybody_works(as_user, lead, agent, team):
    User.objects.filter(pk=agent.pk).update(
        languages=["en", "es"], load_cap=8, shift=Calendar.objects.create(name="Early shift")
    )
    Skill.objects.create(name="Refunds").people.add(agent)
    plan(agent, start=-1)
    factories.UserFactory(role="executive", first_name="Esther")
    page = shown(as_user(lead).get(reverse("crm:people")))
    for word in ("Ana Ruiz", "Travel care", "English, Spanish", "Refunds", "Early shift", "English only", "away"):
        assert word in page
    assert "Esther" not in page


def test_a_lead_sets_how_somebody_works(as_user, lead, agent):
    skill, retired = Skill.objects.create(name="Refunds"), Skill.objects.create(name="Old", retired_at=timezone.now())
    retired.people.add(agent)
    shift = Calendar.objects.create(name="Early shift")
    facts = {"languages": "es", "shift": shift.pk, "load_cap": 8, "skills": [skill.pk]}
    assert as_user(lead).post(reverse("crm:person", args=[agent.pk]), facts).status_code == 302
    agent.refresh_from_db()
    assert (agent.languages, agent.shift, agent.load_cap) == (["es"], shift, 8)
    assert set(agent.skills.all()) == {skill, retired}
    assert Activity.objects.about(agent).get().by == lead


def test_what_cannot_be_is_said_beside_the_field(as_user, lead, agent):
    answer = as_user(lead).post(reverse("crm:person", args=[agent.pk]), {"languages": "Klingon", "load_cap": "-1"})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"languages", "load_cap"}


def test_skills_are_added_renamed_and_retired(as_user, lead, agent):
    client = as_user(lead)
    client.post(reverse("crm:skill_new"), {"name": "Refunds"})
    skill = Skill.objects.get()
    skill.people.add(agent)
    client.post(reverse("crm:skill", args=[skill.pk]), {"name": "Money back"})
    assert client.post(reverse("crm:skill_new"), {"name": "money BACK"}).status_code == 422
    client.post(reverse("crm:skill", args=[skill.pk]), {"retire": "1"})
    skill.refresh_from_db()
    assert (skill.name, bool(skill.retired_at), list(skill.people.all())) == ("Money back", True, [agent])
    assert not Skill.objects.in_use().exists()
    client.post(reverse("crm:skill", args=[skill.pk]), {"retire": "1"})
    assert Skill.objects.in_use().exists()
    assert [line.verb for line in Activity.objects.about(skill).order_by("id")] == [
        "made", "changed", "retired", "brought back"
    ]  # fmt: skip


def test_a_lead_decides_on_the_team_page_how_cases_reach_people(as_user, lead, team):
    url = reverse("crm:team", args=[team.pk])
    assert "They are offered to people" in shown(as_user(lead).get(url))
    as_user(lead).post(url, {"name": "Travel care", "mode": "push"})
    assert Team.objects.get(pk=team.pk).mode == "push"


@pytest.mark.parametrize("size", [1, 20])
def test_the_list_costs_the_same_with_one_person_and_with_twenty(as_user, lead, size):
    for number in range(size):
        person = factories.UserFactory(
            teams=[factories.TeamFactory()], shift=Calendar.objects.create(name=f"Shift {number}")
        )
        Skill.objects.create(name=f"Skill {number}").people.add(person)
        Absence.objects.create(user=person, starts_at=hours(-1), ends_at=hours(1))
    client = as_user(lead)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(reverse("crm:people")).status_code == 200
    assert same("list", captured)


@pytest.mark.parametrize("size", [1, 20])
def test_the_absences_of_a_person_cost_the_same_for_one_and_for_twenty(as_user, lead, agent, colleague, size):
    for number in range(size):
        Absence.objects.create(
            user=agent, cover=colleague, starts_at=hours(10 * number), ends_at=hours(10 * number + 1)
        )
    client = as_user(lead)
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("crm:person_absences", args=[agent.pk]))
    assert same("absences", captured)


# --- absences


def test_one_plans_ones_own_absence_on_ones_own_clock(
    as_user, agent, colleague, nudges, django_capture_on_commit_callbacks
):
    User.objects.filter(pk=agent.pk).update(time_zone="Asia/Tokyo")
    day = (timezone.now() + timedelta(days=3)).date()
    facts = {"starts_at": f"{day}T09:00", "ends_at": f"{day}T17:30", "cover": colleague.pk, "why": "Holiday"}
    with django_capture_on_commit_callbacks(execute=True):
        assert as_user(agent).post(reverse("crm:absences"), facts).status_code == 302
    absence = Absence.objects.get()
    assert (absence.user, absence.cover, absence.why) == (agent, colleague, "Holiday")
    assert absence.starts_at.isoformat() == f"{day}T00:00:00+00:00"
    assert ("cases.jobs.keep_absences",) in nudges
    assert Activity.objects.about(agent).get().verb == "planned an absence"
    assert "Ben Okafor" in shown(as_user(agent).get(reverse("crm:absences")))


def test_a_lead_plans_it_for_others_and_nobody_else_does(as_user, lead, agent, colleague):
    url = reverse("crm:person_absences", args=[agent.pk])
    facts = {"starts_at": hours(1).strftime("%Y-%m-%dT%H:%M"), "ends_at": hours(9).strftime("%Y-%m-%dT%H:%M")}
    assert as_user(lead).post(url, facts).status_code == 302
    assert Absence.objects.get().user == agent
    with pytest.raises(people.NotForYouToChange, match=r"^Only Ana Ruiz or a lead can change this absence.$"):
        plan(agent, start=48, end=50, by=colleague)


def test_what_cannot_be_is_refused_with_a_sentence(agent, colleague, lead):
    plan(colleague, start=10, end=20)
    refused = {
        (5, 5, None): people.EndsBeforeItBegins,
        (5, 4, None): people.EndsBeforeItBegins,
        (-5, -4, None): people.IsPastAlready,
        (1, 5, agent): people.CoversThemselves,
        (1, 11, colleague): people.CoverIsAway,
        (19, 30, colleague): people.CoverIsAway,
        (12, 13, colleague): people.CoverIsAway,
    }
    for (start, end, cover), refusal in refused.items():
        with pytest.raises(refusal) as raised:
            plan(agent, start=start, end=end, cover=cover)
        assert str(raised.value).endswith(".")
    assert not Absence.objects.filter(user=agent).exists()
    plan(agent, start=1, end=9, cover=colleague)
    with pytest.raises(
        people.AwayAlready, match=r"^Ana Ruiz is away then already, .+ – .+\. Cancel that absence first"
    ):
        plan(agent, start=8, end=12)
    plan(agent, start=9.5, end=12)


@pytest.mark.parametrize("facts", [{"role": "executive"}, {"is_active": False}])
def test_who_cannot_have_cases_covers_for_nobody(agent, facts):
    with pytest.raises(people.CannotCover):
        plan(agent, cover=factories.UserFactory(**facts))


def test_a_refusal_stands_beside_the_field_and_what_was_typed_stays(as_user, agent, colleague):
    plan(colleague)
    facts = {"starts_at": hours(2).strftime("%Y-%m-%dT%H:%M"), "ends_at": hours(5).strftime("%Y-%m-%dT%H:%M")}
    answer = as_user(agent).post(reverse("crm:absences"), {**facts, "cover": colleague.pk, "why": "Dentist"})
    assert answer.status_code == 422
    assert "Ben Okafor is away too" in answer.context["form"].errors["cover"][0]
    assert "Dentist" in shown(answer)


def test_a_cancelled_absence_that_has_not_begun_is_gone(as_user, agent):
    absence = plan(agent)
    assert as_user(agent).post(reverse("crm:absence_cancel", args=[absence.pk])).url == reverse("crm:absences")
    assert not Absence.objects.exists()
    plan(agent)


def test_one_that_has_begun_ends_now(as_user, lead, agent):
    absence = plan(agent, start=-1)
    Absence.objects.update(began_at=timezone.now())
    answer = as_user(lead).post(reverse("crm:absence_cancel", args=[absence.pk]))
    assert answer.url == reverse("crm:person_absences", args=[agent.pk])
    absence.refresh_from_db()
    assert absence.ends_at <= timezone.now()
    with pytest.raises(people.IsOver):
        people.cancel_absence(absence=absence, by=agent)


def test_nobody_cancels_a_colleagues_absence(as_user, agent, colleague):
    absence = plan(agent)
    assert as_user(colleague).post(reverse("crm:absence_cancel", args=[absence.pk])).status_code == 404
    with pytest.raises(people.NotForYouToChange):
        people.cancel_absence(absence=absence, by=colleague)
