"""Saved searches: made, asked, and what they find kept apart from what is said to us."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import inbox, jobs, listening
from channels_app.models import Message, RawEvent, Search
from channels_app.platforms.abilities import Budget
from channels_app.platforms.errors import AccessRevoked, TryLater
from crm.models import Activity
from tests import factories
from tests.channels_app.posts import message, post, take_in
from tests.channels_app.searched import SearchedPlatform
from tests.channels_app.simulated import simulated  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def network(connect):
    """A network that can be searched."""
    return connect(SearchedPlatform())


@pytest.fixture
def fake(fake, network):
    fake.our_handle = "@brand"
    fake.save()
    return fake


@pytest.fixture
def search(fake):
    return factories.SearchFactory(channel=fake, name="Trains", words="skylark train")


@pytest.fixture
def lead():
    return factories.UserFactory(role="lead")


def listen(search):
    """Ask it, and read what came."""
    listening.ask(search.pk)
    inbox.drain(search.channel)
    search.refresh_from_db()


# --- what is listened for


def test_a_search_is_made_and_begins_at_once(fake, lead):
    made = listening.keep(search=Search(channel=fake, name=" Late  trains", words=" skylark   late"), by=lead)
    assert (made.name, made.words, made.made_by, made.cursor) == ("Late trains", "skylark late", lead, {})
    assert listening.claim_due(timezone.now()) == [made.pk]
    assert Activity.objects.about(made).get().verb == "search made"


def test_other_words_begin_anew_another_name_does_not(search, lead):
    Search.objects.filter(pk=search.pk).update(cursor={"after": 3}, next_at=timezone.now() + timedelta(hours=1))
    search.refresh_from_db()
    search.name = "All trains"
    assert listening.keep(search=search, by=lead).cursor == {"after": 3}
    search.words = "skylark rail"
    assert listening.keep(search=search, by=lead).cursor == {}
    assert listening.claim_due(timezone.now()) == [search.pk]


@pytest.mark.parametrize(("name", "words"), [("", "skylark"), ("Trains", "  ")])
def test_a_search_has_a_name_and_words(fake, lead, name, words):
    with pytest.raises(listening.NoWords):
        listening.keep(search=Search(channel=fake, name=name, words=words), by=lead)


def test_the_same_words_are_listened_for_once_on_a_channel(search, lead):
    with pytest.raises(listening.SaidTwice):
        listening.keep(search=Search(channel=search.channel, name="Again", words="skylark train"), by=lead)


def test_a_network_without_a_search_refuses(channel, lead):
    channel.platform = "archive"
    with pytest.raises(listening.CannotSearch):
        listening.keep(search=Search(channel=channel, name="Trains", words="train"), by=lead)


def test_a_trial_says_what_would_be_found_newest_first_and_keeps_nothing(fake, network):
    network.post(post("1", "A Skylark train"), post("2", "Nothing"), post("3", "Late Skylark train", minute=5))
    trial = listening.try_out(fake, "skylark train")
    assert [event.external_id for event in trial.events] == ["3", "1"]
    assert not RawEvent.objects.exists()


def test_a_trial_tells_the_networks_trouble(fake, network):
    network.trouble = TryLater("The network is busy.")
    assert listening.try_out(fake, "skylark").trouble == "The network is busy."


# --- asking


def test_what_is_found_is_stored_read_and_marked(search, network):
    network.post(post("1", "My Skylark train is late again, terrible"), post("2", "Nothing of the kind"))
    listen(search)
    found = Message.objects.get()
    assert (found.external_id, found.overheard, found.found_by, found.sentiment) == ("1", True, search, "negative")
    assert (search.cursor, search.trouble) == ({"after": 2}, "")
    assert search.asked_at is not None
    search.channel.refresh_from_db()
    assert search.channel.last_in_at is None  # the network has brought nothing by itself


def test_the_next_question_begins_where_the_last_ended(search, network):
    network.post(post("1", "A Skylark train"))
    listen(search)
    network.post(post("2", "Another Skylark train"))
    listen(search)
    assert list(Message.objects.order_by("pk").values_list("external_id", flat=True)) == ["1", "2"]
    assert RawEvent.objects.count() == 2


def test_where_there_is_more_it_is_asked_again_at_once(search, network):
    network.at_a_time = 1
    network.post(post("1", "A Skylark train"), post("2", "Another Skylark train"))
    listen(search)
    assert listening.claim_due(timezone.now()) == [search.pk]
    listen(search)
    assert search.next_at > timezone.now()
    assert Message.objects.count() == 2


def test_a_search_is_claimed_by_one_worker(search):
    now = timezone.now()
    assert listening.claim_due(now) == [search.pk]
    assert listening.claim_due(now) == []


def test_who_asks_a_search_that_moved_on_keeps_nothing(search, network, monkeypatch):
    network.post(post("1", "A Skylark train"))
    asked = network.search

    def meanwhile(words, cursor, *, limit):
        Search.objects.filter(pk=search.pk).update(words="other words")
        return asked(words, cursor, limit=limit)

    monkeypatch.setattr(network, "search", meanwhile)
    listen(search)
    assert not RawEvent.objects.exists()


@pytest.mark.parametrize("state", ["search", "channel", "shut"])
def test_what_is_paused_or_shut_is_not_asked(search, network, lead, state):
    if state == "search":
        listening.pause(search=search, by=lead)
    else:
        field = "paused_at" if state == "channel" else "broken_at"
        type(search.channel).objects.filter(pk=search.channel_id).update(**{field: timezone.now()})
    assert listening.claim_due(timezone.now()) == []
    listening.ask(search.pk)
    assert network.asked_for == []
    if state == "search":
        listening.resume(search=search, by=lead)
        assert listening.claim_due(timezone.now()) == [search.pk]


def test_trouble_stands_on_the_search_and_goes_with_the_next_answer(search, network):
    network.trouble = TryLater("The network is busy.", after=3600)
    listen(search)
    assert search.trouble == "The network is busy."
    assert search.next_at > timezone.now() + timedelta(minutes=59)
    network.trouble = None
    listen(search)
    assert search.trouble == ""


def test_access_that_was_taken_away_shuts_the_channel(search, network):
    network.trouble = AccessRevoked("The key opens nothing any more.")
    listen(search)
    search.channel.refresh_from_db()
    assert search.channel.broken_at is not None


def test_searches_take_a_third_of_a_budget_at_most():
    now = timezone.now()
    full = Budget(limit=300, left=250, resets_at=now + timedelta(minutes=50))
    spent = Budget(limit=300, left=200, resets_at=now + timedelta(minutes=50))
    assert listening.spared(full, now) == timedelta(minutes=1)  # 50 of a third are left
    assert listening.spared(spent, now) == timedelta(minutes=50)
    assert listening.spared(None, now) == timedelta()


def test_the_budget_the_network_tells_is_kept_to(search, network):
    network.budget = Budget(limit=300, left=200, resets_at=timezone.now() + timedelta(minutes=50))
    network.post(post("1", "A Skylark train"))
    listen(search)
    assert search.next_at > timezone.now() + timedelta(minutes=49)


def test_the_clock_nudges_each_search_that_is_due(search, network, monkeypatch):
    nudged = []
    monkeypatch.setattr("crm.handoff.nudge", lambda job, *args, **more: nudged.append((job, *args)))
    jobs.listen_all()
    assert nudged == [("channels_app.jobs.listen", search.pk)]


# --- what mentions us is no hit


@pytest.mark.parametrize("text", ["@brand my skylark train", "My skylark train, @Brand!"])
def test_a_hit_that_names_us_is_said_to_us(search, network, text):
    network.post(post("1", text))
    listen(search)
    found = message(search.channel, "1")
    assert (found.overheard, found.found_by) == (False, None)


@pytest.mark.parametrize(
    "text", ["skylark train @brand@elsewhere.example", "skylark train, me@brand", "@brandy skylark train"]
)
def test_somebody_with_a_like_name_is_not_us(search, network, text):
    network.post(post("1", text))
    listen(search)
    assert message(search.channel, "1").overheard


def test_on_a_federated_network_our_name_there_is_us_as_well(search, network):
    search.channel.our_handle = "@brand@home.example"
    search.channel.save()
    network.post(post("1", "skylark train @brand"), post("2", "skylark train @brand@home.example"))
    listen(search)
    assert not Message.objects.filter(overheard=True).exists()


def test_an_answer_to_a_post_of_ours_is_said_to_us(search, network):
    take_in(search.channel, post("ours", "Hello", ours="yes"))
    network.post(post("1", "Which skylark train?", reply_to="ours"))
    listen(search)
    assert not message(search.channel, "1").overheard


def test_a_post_that_came_as_a_mention_stays_one(search, network):
    take_in(search.channel, post("1", "My skylark train"))
    network.post(post("1", "My skylark train"))
    listen(search)
    found = message(search.channel, "1")
    assert (found.overheard, found.found_by) == (False, None)


def test_a_hit_the_network_brings_by_itself_is_a_hit_no_longer(search, network):
    network.post(post("1", "My skylark train"))
    listen(search)
    Message.objects.update(routed_at=timezone.now(), dismissed_at=timezone.now())
    take_in(search.channel, post("1", "My skylark train"))
    found = message(search.channel, "1")
    assert (found.overheard, found.found_by, found.dismissed_at, found.routed_at) == (False, None, None, None)


def test_so_is_one_that_names_us_since_it_was_edited(search, network):
    network.post(post("1", "My skylark train"))
    listen(search)
    inbox.keep(
        channel=search.channel, overheard=True, found_by=search,
        payloads=[network.fetch_item("1"), *_again(network, post("1", "My skylark train, @brand"))],
    )  # fmt: skip
    inbox.drain(search.channel)
    assert not message(search.channel, "1").overheard


def _again(network, row):
    network.post(row)
    return [network.fetch_item(row["id"])]


def test_our_own_post_found_is_no_hit_and_calls_nobody(search, network):
    network.post(post("1", "Ride our skylark train!", ours="yes"))
    listen(search)
    found = message(search.channel, "1")
    assert (found.direction, found.overheard, found.found_by) == ("out", True, None)


def test_a_hit_is_dismissed_and_brought_back(search, lead):
    hit = factories.MessageFactory(thread__channel=search.channel, overheard=True, found_by=search)
    listening.dismiss(message=hit, by=lead)
    hit.refresh_from_db()
    assert hit.dismissed_at is not None
    listening.bring_back(message=hit, by=lead)
    hit.refresh_from_db()
    assert hit.dismissed_at is None
    assert [deed.verb for deed in Activity.objects.about(hit).order_by("id")] == ["not for us", "looked at again"]


def test_what_was_said_to_us_cannot_be_dismissed(fake, lead):
    with pytest.raises(listening.NotFoundBySearch):
        listening.dismiss(message=factories.MessageFactory(thread__channel=fake), by=lead)


# --- on the simulated network


def test_what_people_say_among_themselves_is_found_and_not_told(simulated):  # noqa: F811
    search = factories.SearchFactory(channel=simulated.channel, words="skylark bag")
    simulated.world.mutter("maria", "Skylark lost my bag again.")
    simulated.world.post("olu", "@skylark where is my bag?")
    simulated.fetch()
    assert Message.objects.count() == 1  # what was said to us
    listen(search)
    found = Message.objects.get(overheard=True)
    assert (found.text, found.found_by, found.identity.handle) == ("Skylark lost my bag again.", search, "maria")
    assert Message.objects.filter(overheard=False).count() == 1


def test_whoever_spoke_among_people_answers_when_we_do(simulated, lead):  # noqa: F811
    search = factories.SearchFactory(channel=simulated.channel, words="skylark bag")
    simulated.world.mutter("maria", "Skylark lost my bag again.")
    listen(search)
    simulated.world.receive_reply("k1", Message.objects.get().external_id, "Sorry! Which flight was it?")
    assert simulated.store.due(9e12, 10)


def test_at_some_heartbeats_somebody_mutters(simulated):  # noqa: F811
    for number in range(100):
        simulated.store.set_figure("ticks", number)
        simulated.world.mutter_perhaps()
    assert 2 <= len(simulated.store.said(["skylark"], 0, 1000)) <= 30
    assert simulated.store.events_after(0, 1000) == []
