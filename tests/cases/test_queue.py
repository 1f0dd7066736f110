"""The queue: a form that filters and is also the URL, paging without offsets, saved views, and many at once."""

from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from django.utils import timezone

from cases.models import Case
from cases.views import queue
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def shown(response):
    """Pks of the rows, as they stand."""
    return [case.pk for case in response.context["page"].rows]


def make(channel, **facts):
    """The pk of a case; one with an owner is being worked on."""
    return factories.CaseFactory(channel=channel, **({"state": "open"} if "owner" in facts else {}) | facts).pk


# --- order and what is shown


def test_the_most_urgent_stand_first_and_among_them_who_has_waited_longest(channel, agent, as_user):
    low = make(channel, priority=4, opened_at=NOW - timedelta(days=9))
    fresh = make(channel, priority=1, opened_at=NOW - timedelta(minutes=1))
    old = make(channel, priority=1, opened_at=NOW - timedelta(minutes=9))
    assert shown(as_user(agent).get("/queue/")) == [old, fresh, low]


def test_the_queue_shows_at_first_what_needs_an_answer(channel, agent, as_user):
    states = {state: make(channel) for state in ("new", "waiting")}
    Case.objects.filter(pk=states["waiting"]).update(state="waiting")
    factories.resolved(factories.CaseFactory(channel=channel), agent)
    assert shown(as_user(agent).get("/queue/")) == [states["new"]]


def test_an_agent_sees_the_cases_of_their_teams_and_their_own_and_a_lead_sees_all(
    channel, agent, stranger, lead, as_user
):
    ours = make(channel)
    theirs = make(factories.ChannelFactory(team=stranger.teams.get()))
    lent = make(factories.ChannelFactory(), owner=stranger, state="open")
    assert shown(as_user(agent).get("/queue/")) == [ours]
    assert shown(as_user(stranger).get("/queue/")) == [theirs, lent]
    assert shown(as_user(lead).get("/queue/")) == [ours, theirs, lent]


def test_a_row_says_who_where_what_in_what_mood_and_why_it_stands_there(channel, agent, as_user):
    rule = factories.RuleFactory(name="Lawyers first")
    customer = factories.CustomerFactory(name="Cleo Vance", tier="key")
    make(channel, customer=customer, subject="My bag <is> gone", rule=rule, priority=1, owner=agent)
    row = as_user(agent).get("/queue/", headers={"HX-Request": "true", "HX-Target": "rows"}).content.decode()
    for fact in (
        "Cleo Vance",
        "Key",
        "@skylark on Chirp",
        "My bag &lt;is&gt; gone",
        "Lawyers first",
        "Urgent",
        "Negative",
    ):
        assert fact in row
    assert "Ana Ruiz" in row


def test_an_empty_queue_says_what_to_do(agent, as_user):
    client = as_user(agent)
    assert "Everything is answered." in client.get("/queue/").content.decode()
    assert "No case fits this filter." in client.get("/queue/?mood=positive").content.decode()


# --- the filter


@pytest.fixture
def mixed(channel, agent, colleague, lead):
    """Cases of several kinds, by name."""
    other = factories.ChannelFactory(team=factories.TeamFactory(name="Bookings"))
    cases = {
        "free": make(channel, sentiment="negative", priority=1, language="en", subject="A lost bag"),
        "mine": make(channel, sentiment="neutral", owner=lead, language="es", subject="Un tren"),
        "bens": make(channel, sentiment="positive", owner=colleague, subject="Lovely guard"),
        "waiting": make(other, sentiment="unknown", owner=colleague, state="waiting", subject="Lost ticket"),
    }
    cases["resolved"] = factories.resolved(factories.CaseFactory(channel=other, subject="Over"), agent).pk
    merged = factories.CaseFactory(channel=channel, subject="Elsewhere")
    Case.objects.filter(pk=merged.pk).update(state="merged", merged_into=cases["free"])
    return cases | {"merged": merged.pk}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"free", "mine", "bens"}),
        ("state=needs_us", {"free", "mine", "bens"}),
        ("state=unresolved", {"free", "mine", "bens", "waiting"}),
        ("state=new", {"free"}),
        ("state=open", {"mine", "bens"}),
        ("state=waiting", {"waiting"}),
        ("state=resolved", {"resolved"}),
        ("state=all", {"free", "mine", "bens", "waiting", "resolved"}),
        ("owner=me", {"mine"}),
        ("owner=nobody", {"free"}),
        ("mood=negative", {"free"}),
        ("priority=1", {"free"}),
        ("language=es", {"mine"}),
        ("language=es-MX", {"mine"}),
        ("q=bag", {"free"}),
        ("q=lost&state=all", {"free", "waiting"}),
        ("q=lost&state=unresolved&owner=nobody&mood=negative&priority=1&language=en", {"free"}),
        ("mood=negative&owner=me", set()),
    ],
)
def test_the_address_of_the_queue_is_its_filter(mixed, lead, as_user, query, names):
    response = as_user(lead).get(f"/queue/?{query}")
    assert set(shown(response)) == {mixed[name] for name in names}


def test_the_queue_can_be_filtered_by_team_channel_and_colleague(mixed, lead, colleague, team, as_user):
    client = as_user(lead)
    bookings = Case.objects.get(pk=mixed["waiting"])
    here = {mixed["free"], mixed["mine"], mixed["bens"]}
    assert set(shown(client.get(f"/queue/?state=unresolved&team={team.pk}"))) == here
    assert shown(client.get(f"/queue/?state=unresolved&team={bookings.team_id}")) == [bookings.pk]
    assert shown(client.get(f"/queue/?state=unresolved&channel={bookings.channel_id}")) == [bookings.pk]
    assert set(shown(client.get(f"/queue/?state=unresolved&owner={colleague.pk}"))) == {mixed["bens"], bookings.pk}


def test_an_agent_is_offered_their_own_teams_only_and_another_in_the_address_is_left_out(mixed, agent, team, as_user):
    elsewhere = Case.objects.get(pk=mixed["waiting"]).team_id
    response = as_user(agent).get(f"/queue/?state=unresolved&team={elsewhere}")
    assert set(shown(response)) == {mixed["free"], mixed["mine"], mixed["bens"]}
    assert [name for _, name in response.context["form"].fields["team"].choices][1:] == [team.name]


def test_the_form_shows_the_filter_of_the_address(mixed, lead, as_user):
    page = as_user(lead).get("/queue/?mood=negative&q=bag").content.decode()
    assert '<option value="negative" selected>' in page
    assert 'value="bag"' in page


PARAMETERS = ("state", "owner", "team", "channel", "mood", "priority", "language", "q", "case", "after")


@pytest.mark.parametrize(
    "value",
    [
        "nonsense", "-1", "0", "9" * 30, "²", "%00", "1%00", "' OR 1=1 --", "1~2~3", "a~b", "%F0%9F%98%A1", "%ED%A0%80",
        f"{'9' * 20}~2026-01-01T00:00:00%2B00:00~{'9' * 30}", "3~9999-12-31T23:59:59-14:00~1",
        "3~0001-01-01T00:00%2B14:00~1",
    ],
)  # fmt: skip
def test_nothing_somebody_types_into_the_address_is_an_error_page(channel, agent, as_user, value):
    make(channel)
    address = "&".join(f"{name}={value}" for name in PARAMETERS)
    assert as_user(agent).get(f"/queue/?{address}").status_code == 200


@pytest.mark.parametrize(
    "place",
    ["", "3", "3~x~1", "3~2026-01-01T00:00:00+00:00", "3~0001-01-01T00:00:00+14:00~1", f"{'9' * 20}~x~{'9' * 30}"],
)
def test_a_place_in_the_list_that_cannot_be_read_starts_at_the_top(channel, agent, as_user, place):
    case = make(channel)
    assert shown(as_user(agent).get("/queue/", {"after": place})) == [case]


@pytest.mark.parametrize("field", ["state", "owner", "team", "channel", "mood", "priority"])
def test_a_choice_that_is_not_offered_filters_nothing(channel, agent, as_user, field):
    case = make(channel)
    assert shown(as_user(agent).get(f"/queue/?{field}=nonsense")) == [case]


# --- words


def test_a_case_is_found_by_its_number_its_words_its_customers_name_and_their_handle(channel, agent, as_user):
    for _ in range(2):
        make(channel, subject="Something else")
    customer = factories.CustomerFactory(name="Cleo Vance-O'Neill")
    identity = factories.IdentityFactory(value="77", handle="cleo_v", customer=customer)
    wanted = make(channel, customer=customer, identity=identity, subject="100% of my bags_are gone")
    client = as_user(agent)
    for words in (f"%23{wanted}", str(wanted), "BAGS", "100%25", "bags_are", "vance-o'neill", "CLEO_V"):
        assert shown(client.get(f"/queue/?q={words}")) == [wanted], words
    assert shown(client.get("/queue/?q=bagsXare")) == []  # no wildcards
    assert shown(client.get("/queue/?q=999999")) == []


def test_the_number_of_a_case_one_may_not_see_finds_nothing(channel, stranger, as_user):
    assert shown(as_user(stranger).get(f"/queue/?q={make(channel)}")) == []


# --- paging


@pytest.fixture
def seven(channel, monkeypatch):
    """Seven cases in the order of the queue, on pages of three; some waiting since the same moment."""
    monkeypatch.setattr(queue, "PAGE", 3)
    return [make(channel, priority=1 + n // 4, opened_at=NOW - timedelta(minutes=40 - n // 2)) for n in range(7)]


def test_pages_follow_each_other_without_gap_or_repetition(seven, agent, as_user):
    client, address, pages = as_user(agent), "/queue/?mood=negative", []
    while address:
        response = client.get(address)
        pages.append(shown(response))
        following = response.context["page"].next_query
        address = f"/queue/?{following}" if following else ""
    assert pages == [seven[:3], seven[3:6], seven[6:]]


def test_the_next_page_keeps_the_filter(seven, agent, as_user):
    following = parse_qs(as_user(agent).get("/queue/?mood=negative&owner=nobody").context["page"].next_query)
    assert (following["mood"], following["owner"]) == (["negative"], ["nobody"])


def test_a_case_taken_away_meanwhile_neither_repeats_nor_hides_a_row(seven, agent, as_user):
    client = as_user(agent)
    first = client.get("/queue/")
    Case.objects.filter(pk=seven[0]).update(state="waiting")
    assert shown(client.get(f"/queue/?{first.context['page'].next_query}")) == seven[3:6]


def test_htmx_gets_the_rows_alone_for_a_filter_and_the_next_ones_for_paging(seven, agent, as_user):
    client = as_user(agent)
    rows = client.get("/queue/", headers={"HX-Request": "true", "HX-Target": "rows"})
    text = rows.content.decode()
    assert "<html" not in text
    assert text.count("data-row=") == 3
    assert 'id="rows"' in text
    more = client.get(f"/queue/?{rows.context['page'].next_query}", headers={"HX-Request": "true", "HX-Target": "more"})
    text = more.content.decode()
    assert 'id="rows"' not in text
    assert (text.count("data-row="), text.count('id="more"')) == (3, 1)
    last = client.get(f"/queue/?{more.context['page'].next_query}", headers={"HX-Request": "true", "HX-Target": "more"})
    assert 'id="more"' not in last.content.decode()


def test_the_answer_tells_caches_that_it_depends_on_who_asks_for_what(agent, as_user):
    assert {"HX-Request", "HX-Target"} <= set(as_user(agent).get("/queue/").headers["Vary"].split(", "))


# --- the case beside the list


def test_the_chosen_case_stands_beside_the_list(channel, agent, as_user):
    case = make(channel)
    response = as_user(agent).get(f"/queue/?case={case}")
    assert response.context["case"].pk == case
    assert 'id="case-pane"' in response.content.decode()
    assert "case=" not in response.context["query"]


def test_a_case_one_may_not_see_does_not_stand_there(channel, stranger, as_user):
    assert as_user(stranger).get(f"/queue/?case={make(channel)}").context.get("case") is None


# --- saved views


def test_the_queue_offers_its_own_views_and_those_that_everybody_has(agent, colleague, as_user):
    factories.SavedViewFactory(owner=agent, name="My own", query="mood=negative")
    factories.SavedViewFactory(owner=colleague, name="Shared by Ben", shared_at=NOW)
    factories.SavedViewFactory(owner=agent, name="Of the customers", page="customers")
    views = as_user(agent).get("/queue/?mood=negative").context["views"]
    assert [view.name for view in views.standing][:3] == ["Queue", "Mine", "Nobody has taken"]
    assert "Handed to me" in [view.name for view in views.standing]
    assert [view.name for view in views.saved] == ["My own", "Shared by Ben"]
    assert views.title == "My own"
