"""The pages of Listening: what was found and what becomes of it, and what is listened for."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.models import Case
from channels_app import live
from channels_app.models import LiveEvent, Message, Search
from channels_app.platforms.errors import TryLater
from tests import factories
from tests.cases.conftest import converse
from tests.channels_app.conftest import connect, fake  # noqa: F401 - fixtures
from tests.channels_app.posts import post
from tests.channels_app.searched import SearchedPlatform

pytestmark = pytest.mark.django_db
LISTENING = "/listening/"


@pytest.fixture
def network(connect):  # noqa: F811 - a fixture
    return connect(SearchedPlatform())


@pytest.fixture
def lead(team):
    return factories.UserFactory(role="lead", teams=[team])


@pytest.fixture
def agent(team):
    return factories.UserFactory(teams=[team])


@pytest.fixture
def page(client, agent):
    """`page("?state=taken")`: the list, as text."""
    client.force_login(agent)

    def get(query="", **headers):
        return client.get(LISTENING + query, **headers).content.decode()

    return get


def hit(search, text="Skylark is late again", minute=0.0, **facts):
    facts = {"overheard": True, "found_by": search, "routed_at": timezone.now(), **facts}
    return converse(search.channel).customer_says(text, minute, **facts)


@pytest.fixture
def search(channel):
    return factories.SearchFactory(channel=channel, name="Late trains", words="skylark late")


# --- the list


def test_what_was_found_stands_newest_first_with_who_said_it_and_what_found_it(page, search):
    hit(search, "Skylark was late", minute=1)
    hit(search, "Skylark was full", minute=2, sentiment="negative")
    shown = page()
    assert shown.index("Skylark was full") < shown.index("Skylark was late")
    assert "Found by “Late trains” on" in shown
    assert "Negative" in shown


def test_empty_lists_say_what_to_do(page, client, lead, search):
    assert "What searches find next comes here by itself." in page()
    assert "Take a word away" in page("?q=nothing")
    assert "Nothing was taken into the queue yet." in page("?state=taken")
    Search.objects.all().delete()
    assert "A lead saves what is listened for" in page()
    client.force_login(lead)
    assert reverse("channels_app:search_new") in client.get(LISTENING).content.decode()


def test_a_page_takes_as_many_queries_with_one_row_as_with_twenty(page, search):
    hit(search)
    page()
    with CaptureQueriesContext(connection) as one:
        page()
    for minute in range(1, 21):
        hit(search, minute=minute)
    with CaptureQueriesContext(connection) as many:
        page()
    assert len(many) == len(one) <= 12


def test_older_ones_follow_on_the_next_page(page, search, client):
    for minute in range(27):
        hit(search, f"Skylark post number {minute:02}.", minute=minute)
    first = client.get(LISTENING) if page() else None
    shown = first.content.decode()
    assert "number 26." in shown
    assert "number 01." not in shown
    older = page("?" + first.context["page"].next_query)
    assert "number 01." in older


def test_it_is_filtered_by_words_search_and_mood(page, search):
    hit(search, "Skylark was late", sentiment="negative")
    hit(search, "Skylark was lovely", sentiment="positive")
    assert "was late" not in page("?q=lovely")
    assert "was lovely" not in page("?mood=negative")
    assert "was late" in page(f"?search={search.pk}")


def test_words_of_somebody_erased_are_not_shown(page, search):
    found = hit(search, "", erased_at=timezone.now())
    assert f"hit-{found.pk}" not in page()


# --- deeds


def test_a_hit_is_taken_with_a_plain_form_and_taken_back(client, agent, search):
    client.force_login(agent)
    found = hit(search)
    answer = client.post(reverse("cases:hit_take", args=[found.pk]), follow=True)
    case = Case.objects.get()
    assert f"In the queue as case #{case.pk}." in answer.content.decode()
    client.post(reverse("cases:hit_put_back", args=[found.pk]))
    assert not Case.objects.exists()


def test_with_htmx_the_list_comes_back_under_its_filter(client, agent, search):
    client.force_login(agent)
    found, other = hit(search, "Skylark was late"), hit(search, "Skylark was lovely")
    answer = client.post(
        reverse("cases:hit_dismiss", args=[found.pk]), {"place": "q=lovely"}, headers={"HX-Request": "true"}
    )
    shown = answer.content.decode()
    assert "<html" not in shown
    assert other.text in shown
    assert found.text not in shown
    assert reverse("cases:hit_bring_back", args=[found.pk]) in shown


def test_what_was_taken_meanwhile_is_said(client, agent, search):
    client.force_login(agent)
    found = hit(search)
    client.post(reverse("cases:hit_take", args=[found.pk]))
    answer = client.post(reverse("cases:hit_take", args=[found.pk]), headers={"HX-Request": "true"})
    assert f"in the queue already, as case #{Case.objects.get().pk}" in answer.content.decode()


def test_what_was_said_to_us_cannot_be_moved_here(client, agent, channel):
    client.force_login(agent)
    said = converse(channel).customer_says()
    assert client.post(reverse("cases:hit_dismiss", args=[said.pk])).status_code == 404


def test_open_lists_are_told_of_a_decision(client, agent, search, django_capture_on_commit_callbacks):
    client.force_login(agent)
    found, stream = hit(search), f"hits:{search.channel_id}"
    assert stream in client.get(LISTENING).content.decode()
    live.follow(stream, 0)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("cases:hit_dismiss", args=[found.pk]))
    assert LiveEvent.objects.filter(stream=stream, kind="hits").count() == 1


def test_who_answers_may_follow_what_is_found_others_may_not(agent, search):
    stream = f"hits:{search.channel_id}"
    assert live.may_follow(agent, stream)
    assert not live.may_follow(factories.UserFactory(role="sales"), stream)


def test_the_list_is_taken_away_under_its_filter(client, lead, search):
    client.force_login(lead)
    hit(search, "Skylark was late")
    hit(search, "Skylark was lovely")
    answer = client.get(reverse("cases:listening_export"), {"query": "q=late"})
    body = b"".join(answer.streaming_content).decode()
    assert "Skylark was late" in body
    assert "lovely" not in body


# --- what is listened for


@pytest.fixture
def leading(client, lead):
    client.force_login(lead)
    return client


def test_a_search_is_made(leading, fake, network):  # noqa: F811
    written = {"name": "Late", "channel": fake.pk, "words": "skylark late", "joins_queue": "on"}
    answer = leading.post(reverse("channels_app:search_new"), written, follow=True)
    assert "We listen for “skylark late” from now on." in answer.content.decode()
    made = Search.objects.get()
    assert (made.name, made.joins_queue) == ("Late", True)


def test_it_shows_what_it_would_find_and_saves_nothing(leading, fake, network):  # noqa: F811
    network.post(post("1", "My Skylark is late"))
    written = {"name": "Late", "channel": fake.pk, "words": "skylark", "try": "1"}
    answer = leading.post(reverse("channels_app:search_new"), written)
    assert "My Skylark is late" in answer.content.decode()
    assert not Search.objects.exists()
    assert not Message.objects.exists()
    written["words"] = "nothing"
    assert "Nobody has used these words" in leading.post(reverse("channels_app:search_new"), written).content.decode()
    network.trouble = TryLater("The network is busy.")
    assert "The network is busy." in leading.post(reverse("channels_app:search_new"), written).content.decode()


def test_the_same_words_twice_are_refused_beside_the_form(leading, fake, network):  # noqa: F811
    factories.SearchFactory(channel=fake, words="skylark late")
    written = {"name": "Again", "channel": fake.pk, "words": "skylark late"}
    answer = leading.post(reverse("channels_app:search_new"), written)
    assert answer.status_code == 422
    assert "We listen for these words" in answer.content.decode()


def test_a_search_is_changed_paused_and_goes_on(leading, fake, network):  # noqa: F811
    search = factories.SearchFactory(channel=fake, words="skylark late")
    leading.post(reverse("channels_app:search", args=[search.pk]), {"name": "X", "channel": fake.pk, "words": "rail"})
    search.refresh_from_db()
    assert (search.name, search.words) == ("X", "rail")
    leading.post(reverse("channels_app:search_switch", args=[search.pk]), {"on": "0"})
    assert "Paused" in leading.get(reverse("channels_app:searches")).content.decode()
    leading.post(reverse("channels_app:search_switch", args=[search.pk]), {"on": "1"})
    search.refresh_from_db()
    assert search.paused_at is None


def test_the_list_of_searches_counts_what_each_found(leading, fake, network):  # noqa: F811
    search = factories.SearchFactory(channel=fake, name="Late trains", trouble="The network is busy.")
    hit(search)
    shown = leading.get(reverse("channels_app:searches")).content.decode()
    assert "Late trains" in shown
    assert "The network is busy." in shown
    with CaptureQueriesContext(connection) as one:
        leading.get(reverse("channels_app:searches"))
    for _ in range(20):
        hit(factories.SearchFactory(channel=fake))
    with CaptureQueriesContext(connection) as many:
        leading.get(reverse("channels_app:searches"))
    assert len(one) == len(many)
