"""The demo's flood: one row in front, the others behind it, and the network knows all of them."""

import pytest
from django.utils import timezone

from cases.models import Case, Flood
from channels_app.models import Message
from channels_app.simulation.people import cast, passers_by
from channels_app.simulation.store import Store
from config import demo_alike
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded(settings, tmp_path, django_capture_on_commit_callbacks):
    settings.HARK_STATE_DIR = tmp_path
    channel = factories.ChannelFactory(key="skylark", platform="simulator", place="chirp", our_handle="skylark")
    with django_capture_on_commit_callbacks(execute=True):
        demo_alike.load()
    return channel


def test_fourteen_say_the_same_and_thirteen_stand_behind_one(loaded):
    flood = Flood.objects.get()
    assert (flood.members.count(), flood.behind) == (14, 13)
    assert Case.objects.filter(behind=False).get() == flood.head
    assert flood.team == loaded.team


def test_they_have_names_as_people_have_them(loaded):
    names = set(Case.objects.values_list("customer__name", flat=True))
    assert {"Ruth Abernethy", "Gus Fairweather", "שירה אלמוג", "notmybaggage"} <= names
    assert len(names) == 14


def test_it_is_the_same_whenever_it_is_loaded():
    one, other = demo_alike.told(timezone.now()), demo_alike.told(timezone.now())
    assert [event["text"] for event in one] == [event["text"] for event in other]
    assert max(event["at"] for event in one) < timezone.now().isoformat()
    assert not {person.handle for person in passers_by()} & {person.handle for person in cast()}


def test_whoever_is_answered_is_known_to_the_network_and_nobody_is_told_of_twice(loaded):
    store = Store(demo_alike.settings.HARK_STATE_DIR / "simulator.sqlite3")
    loaded.refresh_from_db()
    assert all(store.talk(post) for post in Message.objects.values_list("external_id", flat=True))
    assert store.events_after(loaded.cursor["after"], 10) == []
    store.close()
