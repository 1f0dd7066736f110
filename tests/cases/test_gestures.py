"""Liking what customers write, deleting what we wrote, and telling that we have read: on the network."""

from dataclasses import replace

import pytest
from django.urls import reverse
from django.utils import timezone

from cases import gestures, malicious
from channels_app import measures
from channels_app.models import Measure, Thread
from channels_app.platforms.base import Measures
from channels_app.platforms.errors import Rejected, TryLater
from crm.models import Activity
from tests import factories
from tests.channels_app.conftest import connect, fake  # noqa: F401 - fixtures
from tests.channels_app.searched import SearchedPlatform

pytestmark = pytest.mark.django_db


@pytest.fixture
def network(connect):  # noqa: F811 - a fixture
    return connect(SearchedPlatform())


@pytest.fixture
def agent(team):
    return factories.UserFactory(teams=[team])


@pytest.fixture
def case(fake, network):  # noqa: F811
    return factories.CaseFactory(channel=fake, team=fake.team, message="Thank you, that was kind!")


@pytest.fixture
def theirs(case):
    return case.entries.order_by("pk").first().message


@pytest.fixture
def ours(case):
    """A reply of ours that has arrived."""
    said = factories.MessageFactory(thread=case.thread, direction="out", identity=case.identity, external_id="ours")
    case.entries.create(message=said)
    return said


def told(measure):
    measures.tell(measure.pk)
    measure.refresh_from_db()
    return measure


# --- like


def test_a_post_is_liked_on_the_network_once(case, theirs, agent, network):
    liked = told(gestures.like(case=case, message=theirs, by=agent))
    assert (liked.state, liked.told_at is not None, liked.trouble) == ("in_force", True, "")
    assert [(act.kind, act.post_id, act.undo) for act in network.done] == [(Measures.LIKE, theirs.external_id, False)]
    with pytest.raises(measures.TakenAlready):
        gestures.like(case=case, message=theirs, by=agent)
    assert Activity.objects.about(case).filter(verb="message liked").count() == 1


def test_a_like_is_taken_back_without_a_word(case, theirs, agent, network):
    told(gestures.like(case=case, message=theirs, by=agent))
    gestures.unlike(case=case, message=theirs, by=agent)
    told(Measure.objects.get())
    assert [act.undo for act in network.done] == [False, True]
    gestures.unlike(case=case, message=theirs, by=agent)  # once more is nothing
    told(gestures.like(case=case, message=theirs, by=agent))
    assert len(network.done) == 3


def test_ours_and_what_is_gone_is_not_liked(case, ours, theirs, agent):
    with pytest.raises(measures.NotTheirs):
        gestures.like(case=case, message=ours, by=agent)
    theirs.deleted_at = timezone.now()
    with pytest.raises(measures.NotTheirs):
        gestures.like(case=case, message=theirs, by=agent)


def test_a_network_that_cannot_is_not_asked(case, theirs, agent, network):
    network.capabilities = replace(network.capabilities, can_like=False)
    with pytest.raises(measures.NotThere):
        gestures.like(case=case, message=theirs, by=agent)


def test_what_the_network_refused_can_be_asked_for_again(case, theirs, agent, network):
    network.trouble = Rejected("Not today.")
    refused = told(gestures.like(case=case, message=theirs, by=agent))
    assert (refused.trouble, refused.to_tell_since) == ("Not today.", None)
    network.trouble = None
    assert told(gestures.like(case=case, message=theirs, by=agent)).trouble == ""
    assert Measure.objects.count() == 1


# --- delete


def test_a_post_of_ours_is_deleted_there_and_stays_here(case, ours, agent, network):
    deleted = told(gestures.delete(case=case, message=ours, why="Wrong train", by=agent))
    ours.refresh_from_db()
    assert (deleted.detail, ours.deleted_at is not None, bool(ours.text)) == ("Wrong train", True, True)
    assert [act.kind for act in network.done] == [Measures.DELETE]
    assert Activity.objects.about(case).get(verb="message deleted on the network").detail == "Wrong train"


def test_it_stays_on_the_network_until_that_has_answered(case, ours, agent, network):
    network.trouble = TryLater("Busy.")
    told(gestures.delete(case=case, message=ours, why="Wrong train", by=agent))
    ours.refresh_from_db()
    assert ours.deleted_at is None
    assert Measure.objects.to_tell().count() == 1


def test_a_reason_is_needed_and_nothing_brings_it_back(case, ours, agent, network):
    with pytest.raises(measures.NoReason):
        gestures.delete(case=case, message=ours, why=" ", by=agent)
    deleted = told(gestures.delete(case=case, message=ours, why="Wrong train", by=agent))
    with pytest.raises(measures.DeletedForGood):
        measures.lift(measure=deleted, by=agent, why="Oh")


def test_theirs_and_what_has_not_arrived_is_not_deleted(case, theirs, agent):
    with pytest.raises(measures.NotOurs):
        gestures.delete(case=case, message=theirs, why="x", by=agent)
    waiting = factories.MessageFactory(thread=case.thread, direction="out", external_id=None)
    case.entries.create(message=waiting)
    with pytest.raises(measures.NotOurs):
        gestures.delete(case=case, message=waiting, why="x", by=agent)


def test_only_what_stands_in_the_case_is_touched(case, agent, fake):  # noqa: F811
    other = factories.MessageFactory(thread__channel=fake)
    with pytest.raises(malicious.NotInThisCase):
        gestures.like(case=case, message=other, by=agent)


@pytest.mark.parametrize("kind", ["like", "delete", "mark_read"])
def test_these_are_no_measures_against_anybody(case, theirs, agent, kind):
    with pytest.raises(measures.NoReason):
        measures.take(message=theirs, kind=kind, reason="spam", by=agent)


def test_nor_do_they_stand_among_what_was_done_about_malicious_messages(case, theirs, agent, network):
    gestures.like(case=case, message=theirs, by=agent)
    assert not malicious.visible_to(factories.UserFactory(role="lead")).exists()


# --- on the page


@pytest.fixture
def page(client, agent, case):
    client.force_login(agent)
    return lambda: client.get(reverse("cases:case", args=[case.pk])).content.decode()


def test_the_menu_offers_what_the_network_can(page, case, ours, theirs, network):
    shown = page()
    assert reverse("cases:like", args=[theirs.pk]) in shown
    assert reverse("cases:delete_message", args=[ours.pk]) in shown
    network.capabilities = replace(network.capabilities, can_like=False, can_delete=False)
    shown = page()
    assert reverse("cases:like", args=[theirs.pk]) not in shown
    assert reverse("cases:delete_message", args=[ours.pk]) not in shown


def test_the_page_says_what_became_of_it(page, client, case, ours, theirs, agent, network):
    client.force_login(agent)
    answer = client.post(reverse("cases:like", args=[theirs.pk]), follow=True).content.decode()
    assert "the network is being told" in answer
    told(Measure.objects.get())
    assert f"Liked by {agent}" in page()
    assert reverse("cases:unlike", args=[theirs.pk]) in page()
    client.post(reverse("cases:delete_message", args=[ours.pk]), {"why": "Wrong train"})
    assert "The network is being asked to delete it." in page()
    told(Measure.objects.get(kind="delete"))
    assert "Deleted on the network by" in page()
    assert "Wrong train" in page()
    assert ours.text in page()


def test_the_networks_sentence_is_shown(page, case, theirs, agent, network):
    network.trouble = Rejected("Not today.")
    told(gestures.like(case=case, message=theirs, by=agent))
    assert "Not liked: Not today." in page()


# --- read


@pytest.fixture
def private(case):
    """What they wrote to us alone."""
    aside = factories.ThreadFactory(channel=case.channel, external_id="dm")
    said = factories.MessageFactory(thread=aside, identity=case.identity, private=True, external_id="dm-1")
    case.entries.create(message=said)
    return said


def test_opening_a_private_conversation_tells_the_network_once(page, private, network):
    page()
    measures.mark_read()
    assert [(act.kind, act.post_id, act.author) for act in network.done] == [
        (Measures.MARK_READ, "dm-1", private.identity.value)
    ]
    page()
    measures.mark_read()
    assert len(network.done) == 1


def test_the_next_message_is_told_again_and_only_the_newest(page, private, case, network):
    page()
    measures.mark_read()
    for number in (2, 3):
        said = factories.MessageFactory(
            thread=private.thread, identity=case.identity, private=True, external_id=f"dm-{number}"
        )
        case.entries.create(message=said)
    page()
    measures.mark_read()
    assert [act.post_id for act in network.done] == ["dm-1", "dm-3"]


def test_what_is_public_is_marked_nowhere(page, theirs, network):
    page()
    measures.mark_read()
    assert network.done == []
    assert not Thread.objects.filter(to_mark__isnull=False).exists()


def test_a_network_that_has_no_such_thing_is_not_told(page, private, network):
    network.capabilities = replace(network.capabilities, can_mark_read=False)
    page()
    assert not Thread.objects.filter(to_mark__isnull=False).exists()


def test_a_busy_network_is_told_later_one_that_refuses_never(page, private, network):
    page()
    network.trouble = TryLater("Busy.")
    measures.mark_read()
    assert Thread.objects.filter(to_mark__isnull=False).count() == 1
    network.trouble = Rejected("No.")
    measures.mark_read()
    assert not Thread.objects.filter(to_mark__isnull=False).exists()
