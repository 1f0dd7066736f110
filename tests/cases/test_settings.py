"""What a lead sets for the team: rules, causes, teams."""

import pytest

from cases.models import Cause, Rule
from crm.models import Activity, Team
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(lead, as_user):
    return as_user(lead)


RULE = {"name": "Money", "position": "40", "priority": "2"}


def errors(response):
    assert response.status_code == 422
    return " ".join(str(error) for errors in response.context["form"].errors.values() for error in errors)


# --- rules


def test_a_rule_is_made_from_what_the_form_says(desk, channel, team):
    conditions = {"words": "refund*, charged,\n refund*, ", "languages": "EN, es", "sentiments": ["negative"]}
    response = desk.post(
        "/settings/rules/new/", RULE | conditions | {"tiers": ["key"], "channels": [channel.pk], "team": team.pk}
    )
    assert response["Location"] == "/settings/rules/"
    rule = Rule.objects.get()
    assert (rule.name, rule.position, rule.priority, rule.team) == ("Money", 40, 2, team)
    assert (rule.words, rule.languages) == (["refund*", "charged"], ["en", "es"])
    assert (rule.sentiments, rule.tiers, list(rule.channels.all())) == (["negative"], ["key"], [channel])
    assert Activity.objects.about(rule).get().verb == "made"


def test_a_rule_without_conditions_may_stand_and_says_always(desk):
    desk.post("/settings/rules/new/", RULE)
    assert "always" in desk.get("/settings/rules/").content.decode()


def test_a_rule_may_ask_for_reach_and_says_so_in_the_list(desk):
    desk.post("/settings/rules/new/", RULE | {"reach_at_least": "10000"})
    rule = Rule.objects.get()
    assert rule.reach_at_least == 10_000
    page = desk.get("/settings/rules/").content.decode()
    assert "10\u00a0k followers or more" in page
    desk.post(f"/settings/rules/{rule.pk}/", RULE | {"reach_at_least": ""})
    rule.refresh_from_db()
    assert rule.reach_at_least is None
    assert "always" in desk.get("/settings/rules/").content.decode()


def test_the_form_of_a_rule_shows_what_it_says(desk):
    rule = factories.RuleFactory(words=["refund*", "charged"], languages=["en"], sentiments=["negative"])
    page = desk.get(f"/settings/rules/{rule.pk}/").content.decode()
    assert "refund*, charged" in page
    assert 'value="negative" ' in page


def test_a_rule_is_changed(desk):
    rule = factories.RuleFactory(name="Money", words=["refund"])
    desk.post(f"/settings/rules/{rule.pk}/", RULE | {"name": "Refunds", "words": ""})
    rule.refresh_from_db()
    assert (rule.name, rule.words) == ("Refunds", [])
    assert Activity.objects.about(rule).get().verb == "changed"


def test_a_rule_is_switched_off_and_on(desk):
    rule = factories.RuleFactory()
    for _ in range(2):  # a second click does not undo the first
        desk.post(f"/settings/rules/{rule.pk}/switch/", {"on": "0"})
        assert not Rule.objects.in_force().exists()
    desk.post(f"/settings/rules/{rule.pk}/switch/", {"on": "1"})
    assert Rule.objects.in_force().get() == rule
    verbs = Activity.objects.about(rule).order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["switched off", "switched off", "switched on"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"words": "*"}, "A * alone finds everything"),
        ({"words": "refund, **"}, "A * alone finds everything"),
        ({"words": "ref*nd"}, "In “ref*nd” the * has to come last."),
        ({"words": "*fund"}, "In “*fund” the * has to come last."),
        ({"words": "x" * 61}, "is too long for a word"),
        ({"words": "a\x00b"}, "Null characters are not allowed."),
        ({"reach_at_least": "0"}, "greater than or equal to 1"),
        ({"reach_at_least": "99999999999"}, "less than or equal to"),
        ({"reach_at_least": "many"}, "Enter a whole number."),
        ({"languages": "english"}, "“english” is not a two-letter language code."),
        ({"languages": "e1"}, "“e1” is not a two-letter language code."),
        ({"name": ""}, "This field is required."),
        ({"name": "Taken"}, "already exists"),
        ({"position": "-1"}, "greater than or equal to 0"),
        ({"priority": "9"}, "Select a valid choice"),
        ({"sentiments": ["furious"]}, "Select a valid choice"),
        ({"team": "0"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_beside_its_field(desk, wrong, sentence):
    factories.RuleFactory(name="Taken")
    assert sentence in errors(desk.post("/settings/rules/new/", RULE | wrong))
    assert Rule.objects.count() == 1


def test_a_closed_team_is_not_offered_to_a_rule(desk, team):
    Team.objects.update(closed_at="2026-01-01T00:00Z")
    assert "Select a valid choice" in errors(desk.post("/settings/rules/new/", RULE | {"team": team.pk}))


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"event": "waited"}, "Say for how long it has to have waited."),
        ({"waited_minutes": "60"}, "Only a rule about waiting asks for minutes."),
        ({"promises": ["answer"]}, "Only a rule about a promise can ask which one it is."),
        ({"event": "resolved"}, "A resolved case is not changed any more"),
        ({"priority": ""}, "This rule would do nothing."),
        ({"points": "501"}, "500"),
        ({"event": "explodes"}, "explodes"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_beside_its_field(desk, facts, sentence):
    assert sentence in errors(desk.post("/settings/rules/new/", RULE | facts))
    assert not Rule.objects.exists()


def test_a_rule_on_an_event_says_all_that_it_asks_for_and_does(desk, lead, team):
    facts = {
        "event": "waited", "waited_minutes": "120", "states": ["new"], "known": "True", "priority": "", "points": "80",
        "notify": [lead.pk], "notify_owner": "on", "stops": "on",
    }  # fmt: skip
    desk.post("/settings/rules/new/", RULE | facts)
    rule = Rule.objects.get()
    assert (rule.event, rule.waited_minutes, rule.states, rule.known) == ("waited", 120, ["new"], True)
    assert (rule.priority, rule.points, rule.notify_owner, rule.stops) == (None, 80, True, True)
    page = desk.get("/settings/rules/").content.decode()
    for words in (
        "A case has waited for so long",
        "120 minutes",
        "we know them",
        "+80 points",
        "Lea Brandt",
        "never yet",
    ):
        assert words in page


def test_the_rules_say_how_often_they_acted_and_lead_to_what_they_did(desk, case):
    rule = factories.RuleFactory()
    factories.RuleRunFactory(rule=rule, case=case, at="2026-01-01T00:00Z")
    for _ in range(60):
        factories.RuleRunFactory(rule=rule, case=case, done="now urgent")
    assert "60 times in 7 days" in desk.get("/settings/rules/").content.decode()
    page = desk.get(f"/settings/rules/{rule.pk}/runs/")
    assert [len(page.context["page"].rows), page.content.decode().count("now urgent")] == [50, 50]
    rest = desk.get(f"/settings/rules/{rule.pk}/runs/?{page.context['page'].next_query}")
    assert len(rest.context["page"].rows) == 11
    assert f"/cases/{case.pk}/" in rest.content.decode()


# --- causes


def test_a_cause_is_added_and_one_below_it(desk):
    desk.post("/settings/causes/", {"name": "Baggage"})
    top = Cause.objects.get()
    desk.post("/settings/causes/", {"name": "Lost", "parent": top.pk})
    assert str(Cause.objects.get(name="Lost")) == "Baggage › Lost"
    assert [str(node) for node in desk.get("/settings/causes/").context["tree"][0].below] == ["Baggage › Lost"]


def test_two_causes_in_one_place_have_two_names(desk):
    top = factories.CauseFactory(name="Baggage")
    factories.CauseFactory(name="Lost", parent=top)
    assert errors(desk.post("/settings/causes/", {"name": "Baggage"}))
    assert errors(desk.post("/settings/causes/", {"name": "Lost", "parent": top.pk}))
    assert desk.post("/settings/causes/", {"name": "Lost"}).status_code == 302


def test_a_cause_is_renamed(desk, cause):
    desk.post(f"/settings/causes/{cause.pk}/", {"name": "Late"})
    cause.refresh_from_db()
    assert cause.name == "Late"


def test_the_tree_of_causes_has_two_levels(desk):
    top, other = factories.CauseFactory(name="Baggage"), factories.CauseFactory(name="Money")
    below = factories.CauseFactory(name="Lost", parent=top)
    assert errors(desk.post("/settings/causes/", {"name": "Deeper", "parent": below.pk}))
    assert errors(desk.post(f"/settings/causes/{top.pk}/", {"name": "Baggage", "parent": other.pk}))
    assert errors(desk.post(f"/settings/causes/{other.pk}/", {"name": "Money", "parent": other.pk}))


def test_a_cause_below_a_retired_one_stays_there_when_it_is_renamed(desk):
    top = factories.CauseFactory(name="Baggage", retired_at="2026-01-01T00:00Z")
    below = factories.CauseFactory(name="Lost", parent=top)
    assert desk.post(f"/settings/causes/{below.pk}/", {"name": "Missing", "parent": top.pk}).status_code == 302
    below.refresh_from_db()
    assert str(below) == "Baggage › Missing"


def test_a_cause_is_retired_and_brought_back_and_past_cases_keep_it(desk, case, agent, cause):
    factories.resolved(case, agent, cause)
    desk.post(f"/settings/causes/{cause.pk}/", {"retire": "1"})
    case.refresh_from_db()
    assert case.cause == cause
    assert not Cause.objects.in_use().exists()
    assert "retired" in desk.get("/settings/causes/").content.decode()
    desk.post(f"/settings/causes/{cause.pk}/", {"retire": "0"})
    assert Cause.objects.in_use().get() == cause


def test_the_causes_say_how_many_cases_had_them(desk, channel, agent, cause):
    for _ in range(2):
        factories.resolved(factories.CaseFactory(channel=channel), agent, cause)
    assert desk.get("/settings/causes/").context["tree"][0].resolved == 2


# --- teams


def test_a_team_is_made_with_its_people(desk, agent):
    desk.post("/settings/teams/new/", {"name": "Night shift", "mode": "push", "members": [agent.pk]})
    made = Team.objects.get(name="Night shift")
    assert (made.mode, list(made.members.all())) == ("push", [agent])


def test_a_team_is_closed_and_no_longer_offered(desk, team, lead):
    page = desk.post(
        f"/settings/teams/{team.pk}/", {"name": team.name, "mode": "pull", "members": [lead.pk], "closed": "on"}
    )
    assert page.status_code == 302
    team.refresh_from_db()
    assert team.closed_at
    assert [name for _, name in desk.get("/queue/").context["form"].fields["team"].choices] == ["Any"]


def test_the_cases_of_a_closed_team_are_still_seen_by_its_people(team, case, agent, as_user):
    Team.objects.update(closed_at="2026-01-01T00:00Z")
    assert [found.pk for found in as_user(agent).get("/queue/").context["page"].rows] == [case.pk]


def test_two_teams_have_two_names(desk, team):
    assert errors(desk.post("/settings/teams/new/", {"name": team.name}))
