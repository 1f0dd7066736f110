"""One post, all the way: from the network to a resolved case and back, through pages, jobs and sockets as in life."""

import shutil
import tempfile
from pathlib import Path

import pytest
from django.utils import timezone
from django.utils.module_loading import import_string

from cases.models import Case
from channels_app import jobs, live
from channels_app.models import Channel, Delivery, LiveEvent, Message
from channels_app.simulation.server import Simulator
from channels_app.simulation.store import Store
from channels_app.simulation.world import World
from tests import factories

HTMX = {"HX-Request": "true"}


@pytest.fixture
def network(settings):
    """The simulated network on its socket, where nobody posts by themselves."""
    folder = Path(tempfile.mkdtemp(prefix="hark-"))  # short: a socket's path has a limit
    settings.HARK_SOCKET_DIR = folder
    store = Store(folder / "network.sqlite3")
    simulator = Simulator(World(1, store), folder / "simulator.sock", every=3600)
    simulator.paused.set()
    simulator.start()
    yield simulator.world
    simulator.stop()
    store.close()
    shutil.rmtree(folder)


@pytest.fixture
def workers(nudges):
    """`workers()` polls the networks and does every job that was nudged, as the clock and the workers do."""

    def work():
        Channel.objects.update(next_poll_at=timezone.now())  # a second has passed
        jobs.poll_all()
        while nudges:
            job, *arguments = nudges.pop(0)
            import_string(job)(*arguments)

    return work


@pytest.fixture
def skylark(transactional_db, team):
    return factories.ChannelFactory(key="skylark", name="@skylark on Chirp", our_handle="skylark", team=team)


def states():
    return list(Case.objects.values_list("state", "owner__username"))


def rows(client, query=""):
    return [case.pk for case in client.get(f"/queue/{query}").context["page"].rows]


def test_a_post_becomes_a_case_is_answered_resolved_and_comes_back(skylark, network, workers, agent, client):
    delay = factories.CauseFactory(name="Delay")
    rule = factories.RuleFactory(name="Unhappy", sentiments=["negative"], priority=2)
    client.force_login(agent)

    # somebody posts
    posted = network.post("cleo", "@skylark My train is terribly late and nobody tells us anything. Awful!")
    workers()
    case = Case.objects.get()
    assert (case.state, case.sentiment, case.rule, case.priority) == ("new", "negative", rule, 2)
    assert case.subject.startswith("My train is terribly late")
    assert case.identity.handle == "cleo"

    # it stands on the queue, and is taken there
    page = client.get(f"/queue/?case={case.pk}")
    assert [row.pk for row in page.context["page"].rows] == [case.pk]
    assert "Placed by rule “Unhappy”" in page.content.decode()
    assert client.post(f"/cases/{case.pk}/take/", headers=HTMX).status_code == 200
    assert states() == [("open", "ana")]
    assert rows(client, "?owner=nobody") == []

    # an agent answers, once, where it was asked
    seen = client.get(f"/cases/{case.pk}/pane/", headers=HTMX).context["seen"]
    answer = {"text": "We are sorry, Cleo. It leaves at 18:40.", "seen": seen}
    assert client.post(f"/cases/{case.pk}/reply/", answer, headers=HTMX).status_code == 200
    assert Delivery.objects.get().state == "queued"
    workers()
    delivery = Delivery.objects.get()
    assert delivery.state == "sent"
    assert network.store.received() == {str(delivery.key): 1}
    [reply] = network.store.replies(str(delivery.key))
    assert (reply["parent"], reply["text"]) == (posted["id"], answer["text"])
    assert delivery.message.external_id == reply["id"]
    assert states() == [("waiting", "ana")]
    assert rows(client) == []

    # our own reply comes back from the network and is nothing new
    workers()
    assert Message.objects.count() == 2
    page = client.get(f"/cases/{case.pk}/").content.decode()
    assert 'data-delivery="sent"' in page
    assert page.count("It leaves at 18:40.") == 1

    # the customer is glad
    network.post("cleo", "@skylark Thank you so much!", parent=reply["id"])
    workers()
    assert states() == [("open", "ana")]
    assert case.entries.count() == 3
    client.post(f"/cases/{case.pk}/resolve/", {"cause": delay.pk}, headers=HTMX)
    assert states() == [("resolved", "ana")]

    # one more thanks does not disturb us, a new trouble does
    network.post("cleo", "@skylark thanks again 🙏", parent=reply["id"])
    workers()
    assert states() == [("resolved", "ana")]
    network.post("cleo", "@skylark It is late again today. Unbelievable!", parent=reply["id"])
    workers()
    assert states() == [("open", "ana")]
    case.refresh_from_db()
    assert (case.reopenings, case.cause, case.entries.count()) == (1, None, 5)
    assert rows(client) == [case.pk]

    # and the whole of it can be read in its order
    page = client.get(f"/cases/{case.pk}/").content.decode()
    told = [
        "nobody tells us anything",
        "Taken by Ana Ruiz",
        "18:40",
        "Thank you so much!",
        "Resolved by Ana Ruiz: Delay",
    ]
    told += ["thanks again", "late again today", "Reopened by Hark"]
    conversation = page[page.index('id="conversation"') :]
    places = [conversation.index(words) for words in told]
    assert places == sorted(places)
    assert Channel.objects.get().trouble == ""


def test_open_pages_follow_the_way_of_a_post(skylark, network, workers, agent, client):
    client.force_login(agent)
    stream = client.get("/queue/").context["streams"][0][0]
    live.follow(stream, 0)
    network.post("cleo", "@skylark Where is my bag?")
    workers()
    case = Case.objects.get()
    client.post(f"/cases/{case.pk}/take/")
    client.post(f"/cases/{case.pk}/reply/", {"text": "On its way."})
    told = LiveEvent.objects.filter(stream=stream).order_by("number").values_list("number", "kind", "data__needs_us")
    assert list(told) == [(1, "case", True), (2, "case", True), (3, "case", False)]
    assert dict(client.get("/queue/").context["streams"])[stream] == 3
