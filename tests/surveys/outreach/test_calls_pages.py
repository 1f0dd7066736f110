"""My calls: what may be called now stands first, the pool is taken from, and a call goes from hand to hand."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app.models import LiveEvent
from crm.models import Absence, Customer
from surveys.forms.outreach.calls import CallsForm
from surveys.models import Call, Caller, Loop
from surveys.outreach import assigning, hours, listing
from surveys.views.outreach import calls as views
from tests import factories

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def boss(db):
    return factories.UserFactory(role="executive", username="eva", first_name="Eva", last_name="Moreau")


@pytest.fixture
def sue(db):
    return factories.UserFactory(role="sales", username="sue", first_name="Sue", last_name="Lind")


@pytest.fixture
def always(db):
    """People of GB may be called at any hour, those of FR at none."""
    factories.CallingHoursFactory(country="GB", calendar=factories.CalendarFactory(around_the_clock=True))
    factories.CallingHoursFactory(country="FR", calendar=factories.CalendarFactory(week=()))


def call_to(name="Mira Holm", owner=None, country="GB", *, text="", score=10, **facts):
    customer = facts.pop("customer", None) or factories.CustomerFactory(name=name, country=country)
    to = {"executive": "executive", "sales": "sales"}.get(owner.role if owner else "", "care")
    call = factories.CallFactory(loop__customer=customer, owner=owner, **{"to": to, **facts})
    response = factories.ResponseFactory(invitation__customer=customer, score=score, finished_at=timezone.now())
    factories.FollowUpFactory(call=call, response=response)
    if text:
        factories.AnswerFactory(response=response, text=text)
    return call


@pytest.fixture
def show(as_user):
    def show(by, query="", **headers):
        answer = as_user(by).get(f"{reverse('surveys:calls')}?{query}", headers=headers)
        assert answer.status_code == 200
        return answer

    return show


@pytest.fixture
def move(as_user):
    """`move(sue, "call_take", call, why="…")`."""

    def move(by, name, call, query="", htmx=False, **typed):
        url = reverse(f"surveys:{name}", args=[call.pk]) + (f"?{query}" if query else "")
        return as_user(by).post(url, typed, headers=HTMX if htmx else {})

    return move


def parts(answer):
    """{"now": names, …} as they stand on the page."""
    return {when: [card.call.customer.name for card in cards] for when, cards in answer.context["sections"]}


def names(answer):
    return [name for part in parts(answer).values() for name in part]


def words(answer):
    return answer.content.decode()


# --- what stands where


def test_ones_own_calls_stand_there_and_nobody_elses(show, boss, sue, always):
    call_to("Mine", boss)
    call_to("Of Sue", sue)
    call_to("Of nobody", to="executive")
    call_to("Done", boss, state="done", ended_at=timezone.now())
    assert names(show(boss)) == ["Mine"]


def test_what_may_be_called_now_comes_before_what_may_not(show, boss, always):
    call_to("At night", boss, "FR", due_at=timezone.now() - DAY)
    call_to("Awake", boss)
    assert parts(show(boss)) == {"now": ["Awake"], "later": ["At night"]}


def test_an_agreed_time_that_has_come_is_first_and_one_to_come_waits_for_it(show, boss, always):
    now = timezone.now()
    call_to("Late", boss, due_at=now - 3 * DAY)
    call_to("Agreed", boss, state="planned", planned_for=now - HOUR / 2, due_at=now - HOUR / 2)
    call_to("In two hours", boss, state="planned", planned_for=now + 2 * HOUR)
    call_to("Tomorrow", boss, state="planned", planned_for=now + DAY)
    assert parts(show(boss)) == {"now": ["Agreed", "Late"], "soon": ["In two hours"], "later": ["Tomorrow"]}


def test_who_was_not_reached_and_who_is_told_what_changed_wait_for_their_day(show, boss, always):
    call_to("Not reached", boss, state="not_reached", tries=1, due_at=timezone.now() + DAY)
    call_to("To be told", boss, kind="second", due_at=timezone.now() + 9 * DAY)
    assert parts(show(boss)) == {"later": ["Not reached", "To be told"]}
    Call.objects.update(due_at=timezone.now() - HOUR)
    assert sorted(parts(show(boss))["now"]) == ["Not reached", "To be told"]


def test_what_is_overdue_says_so_and_an_agreed_time_only_a_day_later(show, boss, always):
    call = call_to(owner=boss, due_at=timezone.now() - HOUR)
    assert "Overdue" in words(show(boss))
    Call.objects.update(planned_for=timezone.now() - HOUR, state="planned")
    assert "Overdue" not in words(show(boss))
    Call.objects.filter(pk=call.pk).update(due_at=timezone.now() - 25 * HOUR)
    assert "Overdue" in words(show(boss))


def test_the_one_to_call_next_is_the_only_filled_button(show, boss, always):
    first, second = call_to("First", boss, due_at=timezone.now() + HOUR), call_to("Second", boss)
    page = words(show(boss))
    assert page.count("call--next") == 1
    assert page.index("call--next") < page.index(f"/calls/{first.pk}/") < page.index(f"/calls/{second.pk}/")


def test_where_nobody_may_be_called_now_it_says_who_is_next_and_from_when(show, boss, always):
    at = timezone.now() + DAY
    call_to("Mira Holm", boss, state="planned", planned_for=at)
    assert "Next is Mira Holm, from" in words(show(boss))


# --- what a card says


def test_a_card_says_who_where_what_they_said_and_why(show, boss, always):
    call = call_to("Mira Holm", boss, text="The crew was lovely.\nThe fare was not.", score=9)
    call.customer.city = "Leeds"
    call.customer.save()
    factories.StakeholderFactory(customer=call.customer, account__name="Small", influence="some")
    factories.StakeholderFactory(customer=call.customer, account__name="Brightwater", influence="decides")
    answer = call.follow_ups.get().response.answers.get(text__startswith="The crew")
    factories.ThemeFactory(answer=answer, topic="support", tone="praise")
    factories.ThemeFactory(answer=answer, topic="price", tone="criticism")
    dropped = factories.ThemeFactory(answer=answer, topic="product", tone="praise")
    dropped.dropped_at = dropped.decided_at = timezone.now()
    dropped.decided_by = boss
    dropped.save()
    page = words(show(boss))
    for said in ("Mira Holm", "Leeds, GB", "Brightwater", "The crew was lovely.", "Promoter", "Support", "Price"):
        assert said in page
    (card,) = show(boss).context["cards"]
    assert (card.said.praised, card.said.criticised) == (["Support"], ["Price"])
    assert card.said.response.score == 9


def test_of_several_answers_that_joined_a_call_the_latest_is_shown(show, boss, always):
    call = call_to(owner=boss, text="Old words", score=3)
    later = factories.ResponseFactory(invitation__customer=call.customer, score=8, finished_at=timezone.now() + HOUR)
    factories.FollowUpFactory(call=call, response=later)
    factories.AnswerFactory(response=later, text="New words")
    page = words(show(boss))
    assert "New words" in page
    assert "Old words" not in page


def test_open_cases_are_counted_and_resolved_ones_are_not(show, boss, agent, case, cause, always):
    call_to(owner=boss, customer=case.customer)
    factories.resolved(factories.CaseFactory(channel=case.channel, customer=case.customer), agent, cause)
    assert "1 open case" in words(show(boss))


def test_each_kind_of_caller_reads_what_they_call_for(show, boss, sue, agent, always):
    for user in (boss, sue, agent):
        call_to(owner=user)
    assert "They recommend us." in words(show(boss))
    assert "They are your accounts." in words(show(sue))
    assert "what to mend" in words(show(agent))


def test_a_second_call_says_what_to_tell(show, boss, always):
    call = call_to(owner=boss, kind="second", due_at=timezone.now() - HOUR)
    request = factories.GroupRequestFactory(attempt__call=call, attempt__by=boss)
    request.answer = factories.GroupAnswerFactory(group=request.group, text="One invoice from May on.")
    request.save()
    page = words(show(boss))
    assert "Tell what changed" in page
    assert "One invoice from May on." in page


def test_the_clock_is_that_of_where_they_live(show, boss):
    call = call_to(owner=boss, country="JP")
    (card,) = show(boss).context["cards"]
    assert card.clock == card.theirs.zone == "Asia/Tokyo"
    assert 'data-clock="Asia/Tokyo"' in words(show(boss))
    assert card.window == hours.window(call.customer, card.window.local)


# --- empty lists


def test_an_empty_list_says_that_all_are_called_and_where_others_wait(show, boss, always):
    assert "All called." in words(show(boss))
    assert "come by themselves" in words(show(boss))
    call_to(to="executive")
    assert "Choose from the pool" in words(show(boss))


def test_who_has_had_their_week_may_ask_for_more(show, boss, as_user, always, nudges):
    factories.CallerFactory(user=boss, per_week=1)
    call_to(owner=boss, state="done", ended_at=timezone.now())
    assert "1 of 1" in words(show(boss))
    assert "Ask for five more" in words(show(boss))
    answer = as_user(boss).post(reverse("surveys:calls_more"), headers=HTMX)
    assert answer.status_code == 200
    assert "1 of 6" in words(answer)
    assert Caller.objects.get(user=boss).more == 5


def test_who_has_room_is_not_asked_whether_they_want_more(show, boss, always):
    call_to(owner=boss)
    assert "Ask for five more" not in words(show(boss))


# --- the pool


def test_the_pool_holds_what_waits_for_people_like_them(show, boss, sue, agent, always):
    call_to("For executives", to="executive")
    call_to("For sales", to="sales")
    call_to("For care", to="care")
    assert names(show(boss, "show=pool")) == ["For executives"]
    assert names(show(sue, "show=pool")) == ["For sales"]
    assert names(show(agent, "show=pool")) == ["For care"]


def test_who_takes_one_has_it(move, boss, always):
    call = call_to(to="executive")
    answer = move(boss, "call_take", call, "show=pool")
    assert (answer.status_code, answer.url) == (302, "/calls/?show=pool")
    assert Call.objects.get().owner == boss


def test_who_comes_second_is_told_who_was_first(move, boss, always):
    other = factories.UserFactory(role="executive", first_name="Max", last_name="Weber")
    call = call_to(to="executive")
    assigning.take(call=call, by=other)
    for htmx in (False, True):
        answer = move(boss, "call_take", call, "show=pool", htmx=htmx)
        assert answer.status_code == 422
        assert "Max Weber has this call already." in words(answer)
    assert Call.objects.get().owner == other
    Call.objects.update(owned_since=timezone.now() - 2 * HOUR)
    assert move(boss, "call_take", call).status_code == 404


def test_who_has_had_their_week_is_told_so_beside_the_call(move, boss, always):
    factories.CallerFactory(user=boss, per_week=0)
    call = call_to(to="executive")
    for htmx in (False, True):
        answer = move(boss, "call_take", call, "show=pool", htmx=htmx)
        assert answer.status_code == 422
        assert "has 0 names this week, and takes on 0" in words(answer)
    assert Call.objects.get().owner is None


def test_a_call_that_cannot_be_seen_is_not_found(move, boss, sue, always):
    for call in (call_to(owner=sue), call_to(to="care")):
        for name in ("call_take", "call_plan", "call_hand_back", "call_give"):
            assert move(boss, name, call, why="x").status_code == 404, name
    assert Call.objects.filter(owner=boss).count() == 0


# --- another time


def test_it_is_planned_on_the_clock_of_who_reads(move, boss, always):
    boss.time_zone = "America/New_York"
    boss.save()
    call = call_to(owner=boss)
    day = timezone.localdate() + 3 * DAY
    assert move(boss, "call_plan", call, at=f"{day}T10:00").status_code == 302
    call.refresh_from_db()
    assert call.state == "planned"
    there = call.planned_for.astimezone(hours.zoneinfo.ZoneInfo("America/New_York"))
    assert f"{there:%Y-%m-%d %H:%M}" == f"{day} 10:00"


def test_a_time_that_is_offered_takes_one_tap(show, move, boss):
    call = call_to(owner=boss, country="DE")
    (card,) = show(boss).context["cards"]
    assert card.picks
    for at in card.picks:
        assert hours.window(call.customer, at).now
        assert move(boss, "call_plan", call, pick=at.isoformat()).status_code == 302
        assert Call.objects.get().planned_for == at


def test_what_is_wrong_with_a_time_stands_beside_it_and_what_was_typed_stays(move, boss, always):
    call = call_to(owner=boss)
    answer = move(boss, "call_plan", call, at="")
    assert answer.status_code == 422
    assert "Choose when you want to call." in words(answer)
    answer = move(boss, "call_plan", call, at="2020-01-01T10:00")
    assert answer.status_code == 422
    assert "This moment has passed." in words(answer)
    assert 'value="2020-01-01T10:00"' in words(answer)
    assert Call.objects.get().state == "open"


def test_nobody_plans_a_call_outside_their_hours(move, boss, always):
    call = call_to(owner=boss, country="FR")
    answer = move(boss, "call_plan", call, at=f"{timezone.localdate() + DAY}T10:00", htmx=True)
    assert answer.status_code == 422
    assert "They cannot be called then." in words(answer)


# --- hand back, give


def test_it_is_handed_back_with_a_reason_and_taken_again_by_undo(show, move, as_user, boss, always):
    call = call_to(owner=boss)
    answer = move(boss, "call_hand_back", call, why="We quarrelled once")
    assert (answer.status_code, answer.url) == (302, "/calls/")
    call.refresh_from_db()
    assert (call.owner, call.state, call.reason) == (None, "handed_back", "We quarrelled once")
    page = show(boss, "show=pool")
    assert f'action="/calls/{call.pk}/take/"' in words(page)
    assert "Handed back: We quarrelled once" in words(page)
    assert as_user(boss).post(f"/calls/{call.pk}/take/", {"next": "/customers/"}).url == "/customers/"
    call.refresh_from_db()
    assert (call.owner, call.state) == (boss, "open")


def test_live_the_list_comes_again_with_a_way_back(move, boss, always):
    kept, call = call_to("Kept", boss), call_to("Handed back", boss)
    answer = move(boss, "call_hand_back", call, htmx=True, why="Later")
    page = words(answer)
    assert page.strip().startswith("<section")
    assert names(answer) == ["Kept"]
    assert f'action="/calls/{call.pk}/take/"' in page
    assert f"/calls/{kept.pk}/" in page


def test_what_is_wrong_with_a_call_that_is_not_on_the_list_stands_above_it(move, boss, lead, always):
    call = call_to(owner=boss)
    answer = move(lead, "call_hand_back", call, "show=mine", why="")
    assert answer.status_code == 422
    assert names(answer) == []
    assert "Say why you hand it back" in words(answer)
    assert "This field is required" not in words(answer)


def test_without_a_reason_it_stays_theirs(move, boss, always):
    call = call_to(owner=boss)
    for typed in ("", "  "):
        answer = move(boss, "call_hand_back", call, why=typed)
        assert answer.status_code == 422
        assert "Say why you hand it back" in words(answer)
        assert '<details class="call__more" open>' in words(answer)
    assert Call.objects.get().owner == boss


def test_a_reason_that_is_too_long_is_not_called_none_and_stays_as_typed(move, boss, always):
    call = call_to(owner=boss)
    answer = move(boss, "call_hand_back", call, why="W" * 301)
    assert answer.status_code == 422
    assert "at most 300 characters" in words(answer)
    assert "Say why you hand it back" not in words(answer)
    assert f'value="{"W" * 301}"' in words(answer)
    assert Call.objects.get().owner == boss


def test_who_answers_no_calls_any_more_sees_none(as_user, boss, always):
    call = call_to(owner=boss)
    assert list(Call.objects.visible_to(boss)) == [call]
    boss.role = "support"
    boss.save()
    assert not Call.objects.visible_to(boss).exists()


def test_it_is_given_to_somebody_who_is_here_and_each_stands_there_with_their_week(as_user, boss, always):
    other = factories.UserFactory(role="executive", first_name="Max", last_name="Weber")
    away = factories.UserFactory(role="executive", first_name="Ida", last_name="Away")
    factories.AbsenceFactory(user=away, starts_at=timezone.now() - HOUR, ends_at=timezone.now() + DAY)
    assert Absence.objects.count() == 1
    call_to("Theirs", other)
    call = call_to(owner=boss)
    answer = as_user(boss).get(reverse("surveys:call_give", args=[call.pk]), headers=HTMX)
    assert [(str(user), week.given) for user, week in answer.context["people"]] == [("Max Weber", 1)]
    assert "1 of 10 this week" in words(answer)
    assert as_user(boss).post(reverse("surveys:call_give", args=[call.pk]), {"to": other.pk}).status_code == 302
    assert Call.objects.get(pk=call.pk).owner == other


def test_on_a_page_of_its_own_it_is_a_plain_form(as_user, boss, always):
    factories.UserFactory(role="executive", first_name="Max", last_name="Weber")
    url = reverse("surveys:call_give", args=[call_to(owner=boss).pk])
    assert f'hx-post="{url}"' not in words(as_user(boss).get(url))
    assert f'hx-post="{url}"' in words(as_user(boss).get(url, headers=HTMX))


def test_those_it_is_for_stand_first_and_of_them_who_has_most_room(as_user, boss, lead, sue, always):
    busy = factories.UserFactory(role="executive", first_name="Abe", last_name="Busy")
    free = factories.UserFactory(role="executive", first_name="Zoe", last_name="Free")
    call_to("Theirs", busy)
    answer = as_user(boss).get(reverse("surveys:call_give", args=[call_to(owner=boss).pk]), headers=HTMX)
    assert [user for user, _week in answer.context["people"]] == [free, busy, lead, sue]


def test_whom_to_give_it_to_must_be_chosen(move, boss, lead, always):
    call = call_to(owner=boss)
    for by in (boss, lead):
        for htmx in (False, True):
            answer = move(by, "call_give", call, htmx=htmx)
            assert answer.status_code == 422
            assert "Choose who has it from now on." in words(answer)


def test_who_has_had_their_week_is_given_nothing(move, boss, lead, always):
    full = factories.UserFactory(role="executive", first_name="Max", last_name="Weber")
    factories.CallerFactory(user=full, per_week=0)
    call = call_to(owner=boss)
    answer = move(lead, "call_give", call, to=full.pk)
    assert answer.status_code == 422
    assert "Max Weber has 0 names this week" in words(answer)


# --- leads


@pytest.fixture
def several(boss, sue, always):
    now = timezone.now()
    call_to("Fits", boss, due_at=now - HOUR, group="promoter", state="not_reached")
    call_to("Other", sue, "FR", due_at=now + DAY, group="detractor")
    call_to("Pooled", due_at=now + 2 * DAY)
    call_to("Ended", sue, due_at=now + 3 * DAY, state="cancelled", ended_at=now, reason="They said no.")


def test_a_lead_sees_all_in_the_order_of_their_days(show, lead, several):
    assert names(show(lead)) == ["Fits", "Other", "Pooled"]
    assert names(show(lead, "show=pool")) == ["Pooled"]
    assert names(show(lead, "show=mine")) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("owner={boss}", ["Fits"]), ("to=sales", ["Other"]), ("group=promoter", ["Fits"]), ("country=fr", ["Other"]),
        ("state=overdue", ["Fits"]), ("state=not_reached", ["Fits"]), ("state=cancelled", ["Ended"]),
        ("state=any", ["Fits", "Other", "Pooled", "Ended"]), ("when=now", ["Fits", "Pooled"]),
        ("owner={boss}&group=detractor", []),
        ("owner=999&to=x&group=y&state=z&country=1&when=no&show=no&after=x", ["Fits", "Other", "Pooled"]),
    ],
)  # fmt: skip
def test_a_filter_leaves_what_fits_and_what_cannot_be_read_is_left_out(show, lead, boss, several, query, found):
    assert names(show(lead, query.format(boss=boss.pk))) == found


def test_filters_of_leads_do_not_open_what_is_not_theirs(show, boss, sue, several):
    assert names(show(boss, f"show=all&owner={sue.pk}&state=any")) == ["Fits"]


def test_what_may_be_called_now_leaves_out_what_waits_for_its_day(show, lead, boss, always):
    now = timezone.now()
    call_to("Now", boss)
    call_to("Planned", boss, state="planned", planned_for=now + DAY)
    call_to("Not reached", boss, state="not_reached", due_at=now + DAY)
    call_to("To be told", boss, kind="second", due_at=now + DAY)
    call_to("Told now", boss, kind="second", due_at=now - HOUR)
    call_to("In Tokyo or not", boss, country="JP")
    shown = {card.call.pk for card in show(lead).context["cards"] if card.when == "now"}
    found = show(lead, "when=now")
    assert {card.call.pk for card in found.context["cards"]} == shown
    assert {"Now", "Told now"} <= set(names(found))
    assert {"Planned", "Not reached", "To be told"}.isdisjoint(names(found))


def test_the_file_holds_what_the_filter_leaves(as_user, lead, boss, several):
    answer = as_user(lead).get(reverse("surveys:calls_export"), {"query": f"owner={boss.pk}"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["customer"], row["owner"], row["state"]) == ("Fits", "eva", "not_reached")


# --- pages, live, home


def test_a_page_goes_on_where_the_last_ended(show, lead, monkeypatch, always):
    monkeypatch.setattr(views, "PAGE", 2)
    due = timezone.now() + DAY
    made = [call_to(f"Number {n}", due_at=due) for n in range(5)]
    assert made[0].due_at == made[4].due_at
    seen, query = [], ""
    for _ in range(3):
        answer = show(lead, query)
        seen += names(answer)
        query = answer.context["page"].next_query
    assert (seen, query) == ([f"Number {n}" for n in range(5)], "")


def test_the_page_follows_ones_own_news_and_each_call_it_shows(show, boss, always):
    call = call_to(owner=boss)
    streams = dict(show(boss).context["streams"])
    assert set(streams) == {f"user:{boss.pk}", f"call:{call.pk}"}
    assert len(streams) <= 60


def test_what_changes_is_told_to_the_list_that_shows_it(
    show, move, boss, lead, always, django_capture_on_commit_callbacks
):
    call = call_to(owner=boss)
    number = dict(show(boss).context["streams"])[f"user:{boss.pk}"]
    with django_capture_on_commit_callbacks(execute=True):
        move(lead, "call_hand_back", call, why="Wrong person")
    told = LiveEvent.objects.filter(stream=f"user:{boss.pk}", number__gt=number)
    assert [event.kind for event in told] == ["calls"]
    assert names(show(boss, **HTMX)) == []


def test_fetched_again_it_is_the_list_alone(show, boss, always):
    call_to(owner=boss)
    page = words(show(boss, "show=mine", **HTMX))
    assert page.strip().startswith("<section")
    assert 'hx-get="/calls/?show=mine"' in page


def test_an_executives_day_begins_with_their_calls(as_user, boss):
    assert as_user(boss).get("/").url == "/calls/"


def test_that_of_sales_where_they_have_some_to_make(as_user, sue):
    assert as_user(sue).get("/").url == "/customers/"
    call = call_to(owner=sue)
    assert as_user(sue).get("/").url == "/calls/"
    Call.objects.filter(pk=call.pk).update(state="done", ended_at=timezone.now())
    assert as_user(sue).get("/").url == "/customers/"


def test_everybody_elses_begins_where_it_did(as_user, agent, lead):
    support = factories.UserFactory(role="support")
    assert [as_user(user).get("/").url for user in (agent, lead, support)] == ["/queue/", "/queue/", "/asked/"]


def test_the_rail_shows_calls_to_who_calls(show, as_user, boss, agent, lead, sue):
    for user in (boss, agent, lead, sue):
        assert 'href="/calls/" data-go="p" aria-current="page"' in words(show(user))
    support = factories.UserFactory(role="support")
    assert 'data-go="p"' not in words(as_user(support).get("/asked/"))


# --- how much is asked


MOST = {"executive": 28, "lead": 32}  # with signing in, which the tests do anew each time; leads see how accounts are


def queries(show, *asked):
    show(*asked)  # what is cached is cached
    with CaptureQueriesContext(connection) as found:
        show(*asked)
    return len(found)


@pytest.mark.parametrize("query", ["", "show=pool", "show=mine", "when=now"])
@pytest.mark.parametrize("role", ["executive", "lead"])
def test_twenty_rows_ask_as_often_as_one(show, always, role, query):
    user = factories.UserFactory(role=role)
    owner = None if "pool" in query else user
    fill(user, owner, 1)
    one = queries(show, user, query)
    fill(user, owner, 19)
    assert len(show(user, query).context["cards"]) == 20
    assert queries(show, user, query) == one
    assert one <= MOST[role]


def fill(user, owner, number):
    to = "executive" if user.role == "executive" else "care"
    for n in range(number):
        call = call_to(f"Customer {n}", owner, text="Lovely", to=to, kind="first" if n % 2 else "second",
                       due_at=timezone.now() - HOUR)  # fmt: skip
        factories.StakeholderFactory(customer=call.customer)
        answer = call.follow_ups.get().response.answers.get(text="Lovely")
        of_another = factories.CauseFactory(parent=factories.CauseFactory())  # which it names as well
        factories.ThemeFactory(answer=answer, topic="", tone="praise", cause=of_another)
        request = factories.GroupRequestFactory(attempt__call=call, attempt__by=user)
        request.answer = factories.GroupAnswerFactory(group=request.group)
        request.save()


def test_whom_to_give_it_to_asks_as_often_for_twenty_as_for_one(as_user, boss, always):
    client, url = as_user(boss), reverse("surveys:call_give", args=[call_to(owner=boss).pk])

    def asked():
        with CaptureQueriesContext(connection) as found:
            client.get(url, headers=HTMX)
        return len(found)

    factories.UserFactory(role="executive")
    one = asked()
    factories.UserFactory.create_batch(19, role="executive")
    assert asked() == one


TEN_THOUSAND = 10_000
LONG_LISTS = [("boss", ""), ("boss", "show=pool"), ("boss", "show=pool&when=now"), ("lead", ""), ("lead", "show=pool")]


def test_among_ten_thousand_a_page_walks_an_index_and_asks_no_more(show, boss, lead, always):
    """No list sorts them all: it reads what it shows, in order."""
    lay_down(TEN_THOUSAND, boss)
    for name, query in LONG_LISTS:
        who = {"boss": boss, "lead": lead}[name]
        form = CallsForm(QueryDict(query), user=who)
        plan = form.narrow(Call.objects.visible_to(who)).order_by("due_at", "id")[: views.PAGE + 1].explain()
        assert "Index Scan using call_" in plan, plan
        assert "Sort" not in plan, plan
        assert queries(show, who, query) <= MOST[who.role]
        assert len(show(who, query).context["cards"]) == views.PAGE


def lay_down(number, owner):
    """Live calls to as many customers: every third somebody's own, others in the pool; and as many that ended."""
    now = timezone.now()
    customers = Customer.objects.bulk_create([Customer(name=f"C {n}", country="GB") for n in range(number)])
    loops = Loop.objects.bulk_create([Loop(customer=customer) for customer in customers])
    Call.objects.bulk_create(
        [made(loop, n, owner, now) for n, loop in enumerate(loops)]
        + [made(loop, n, owner, now, state="done", ended_at=now) for n, loop in enumerate(loops)]
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE surveys_call, crm_customer")


def made(loop, n, owner, now, **facts):
    mine = n % 3 == 0
    return Call(
        loop=loop, customer=loop.customer, to="executive", owner=owner if mine else None,
        owned_since=now if mine else None, due_at=now + timedelta(minutes=n % 700), **facts,
    )  # fmt: skip


def test_the_moment_of_a_card_is_that_of_the_mechanism(boss, always):
    """What the list calls “now” may be planned for now."""
    call = call_to(owner=boss)
    now = datetime.now(tz=hours.UTC)
    card = listing.card(call, hours.book(), now)
    assert (card.when, card.opens_at) == ("now", now)
