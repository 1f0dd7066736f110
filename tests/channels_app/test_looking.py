"""Looking again: what stands above, what became of it, who says it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from channels_app import inbox, jobs, looking
from channels_app.models import Channel, Look, Message
from channels_app.platforms.abilities import Budget
from channels_app.platforms.base import Author
from channels_app.platforms.errors import AccessRevoked, Forbidden, RateLimited, TryLater
from crm.models import Identity
from tests import factories
from tests.channels_app.posts import message, post, take_in
from tests.channels_app.searched import SearchedPlatform

pytestmark = pytest.mark.django_db


@pytest.fixture
def network(connect):
    return connect(SearchedPlatform())


@pytest.fixture
def asked_of(network, fake):
    """A customer's answer, stored, to what others said before; nothing of that is here yet."""
    network.post(
        post("1", "Trains are awful", author="bob"), post("2", "Which ones?", author="cyd", reply_to="1", minute=1),
        post("3", "@brand yours!", reply_to="2", minute=2),
    )  # fmt: skip
    take_in(fake, post("3", "@brand yours!", reply_to="2", minute=2))
    network.asked_for.clear()
    return message(fake, "3")


def run(channel):
    looking.look(channel.pk)
    inbox.drain(channel)


# --- what stands above


def test_what_stands_above_a_question_is_fetched_once_in_its_thread(asked_of, network, fake):
    run(fake)
    above = Message.objects.filter(overheard=True).order_by("occurred_at")
    assert [m.text for m in above] == ["Trains are awful", "Which ones?"]
    asked_of.refresh_from_db()
    assert {m.thread_id for m in above} == {asked_of.thread_id}
    assert not asked_of.overheard
    run(fake)
    assert network.asked_for.count("above 3") == 1


def test_it_was_found_by_no_search_and_is_read_like_everything(asked_of, fake):
    run(fake)
    assert set(Message.objects.filter(overheard=True).values_list("found_by", flat=True)) == {None}
    assert not Message.objects.filter(read_at=None).exists()


@pytest.mark.parametrize(
    "row",
    [
        post("9", "@brand hello"), post("9", "Ours", ours="yes", reply_to="8"),
        post("9", "x", private="yes", reply_to="8"),
    ],
)  # fmt: skip
def test_nothing_is_looked_for_above_what_answers_nothing_is_ours_or_is_private(network, fake, row):
    take_in(fake, row)
    assert not Look.objects.exists()


def test_nor_where_the_post_it_answers_is_here(network, fake):
    take_in(fake, post("1"), post("2", reply_to="1"))
    take_in(fake, post("3", reply_to="2"))
    assert not Look.objects.exists()


def test_nor_on_a_network_that_cannot_be_looked_at(channel):
    channel.platform = "archive"
    channel.save()
    take_in(channel, post("3", reply_to="2"))
    assert not Look.objects.exists()


def test_a_network_that_does_not_answer_is_asked_again_for_an_hour(asked_of, network, fake):
    network.trouble = TryLater("Busy.")
    run(fake)
    assert Look.objects.get().above_since > timezone.now()  # somebody has it in hand for a while
    Look.objects.update(above_since=timezone.now())
    Message.objects.update(stored_at=timezone.now() - timedelta(hours=2))
    run(fake)
    assert Look.objects.get().above_since is None


def test_a_refusal_is_an_answer(asked_of, network, fake):
    network.trouble = Forbidden("This is not for you.")
    run(fake)
    assert Look.objects.get().above_since is None


def test_a_batch_of_questions_takes_one_query_more(network, fake, django_assert_max_num_queries):
    rows = [post(f"q{n}", reply_to=f"p{n}") for n in range(50)]
    with django_assert_max_num_queries(60):
        take_in(fake, *rows)
    assert Look.objects.count() == 50
    run(fake)
    assert len(network.asked_for) == looking.FEW


# --- what became of it


@pytest.fixture
def old(fake):
    """A customer's post of an hour ago in an open case."""
    identity = factories.IdentityFactory(customer=factories.CustomerFactory(), place="fake", value="ann", handle="ann")
    case = factories.CaseFactory(channel=fake, identity=identity, customer=identity.links.get().customer)
    said = factories.MessageFactory(
        thread=case.thread, identity=identity, external_id="1", text="My train is late",
        stored_at=timezone.now() - timedelta(hours=1),
    )  # fmt: skip
    case.entries.create(message=said)
    return said


def test_what_is_gone_is_marked_as_deleted(old, network, fake):
    run(fake)
    old.refresh_from_db()
    assert (old.deleted_at is not None, old.text) == (True, "My train is late")
    assert network.asked_for.count("1") == 1
    network.asked_for.clear()
    run(fake)
    assert "1" not in network.asked_for


def test_what_the_network_does_not_show_us_is_not_deleted(old, network, fake):
    network.trouble = Forbidden("Your plan does not cover this.")
    run(fake)
    old.refresh_from_db()
    assert (old.deleted_at, network.asked_for.count("1")) == (None, 1)


def test_another_text_is_an_edit(old, network, fake):
    network.post(post("1", "My train is not late any more"))
    run(fake)
    old.refresh_from_db()
    assert (old.text, old.edited_at is not None) == ("My train is not late any more", True)
    assert [version.text for version in old.versions.all()] == ["My train is late"]


def test_what_was_found_and_taken_stays_what_was_found(old, network, fake):
    search = factories.SearchFactory(channel=fake)
    Message.objects.filter(pk=old.pk).update(overheard=True, found_by=search)
    network.post(post("1", "My train is late"))
    run(fake)
    old.refresh_from_db()
    assert (old.overheard, old.found_by) == (True, search)


def test_it_is_read_again_after_a_while_the_one_looked_at_longest_ago_first(old, network, fake):
    network.post(post("1", "My train is late"))
    run(fake)
    network.asked_for.clear()
    run(fake)
    assert "1" not in network.asked_for
    Look.objects.update(looked_at=timezone.now() - timedelta(hours=1))
    run(fake)
    assert "1" in network.asked_for


@pytest.fixture
def several(old):
    """Five posts of that case; the first is `old`."""
    hour_ago = timezone.now() - timedelta(hours=1)
    for n in range(2, 6):
        said = factories.MessageFactory(
            thread=old.thread, identity=old.identity, external_id=str(n), text="Late", stored_at=hour_ago
        )
        old.case_entry.case.entries.create(message=said)


def test_one_that_fails_holds_up_no_other(several, network, fake):
    network.troubles["2"] = TryLater("It holds nothing.")
    run(fake)
    assert network.asked_for[:5] == ["1", "2", "3", "4", "5"]
    assert Look.objects.exclude(looked_at=None).count() == 5


def test_where_several_fail_in_a_row_the_rest_waits_and_comes_first_then(several, network, fake):
    network.trouble = TryLater("Busy.")
    run(fake)
    run(fake)
    assert network.asked_for == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("error", [RateLimited("Too often.", 60), AccessRevoked("Your key is void.")])
def test_where_all_would_fail_nothing_else_is_asked(several, network, fake, error):
    network.troubles["2"] = error
    run(fake)
    assert network.asked_for == ["1", "2"]
    assert set(Look.objects.values_list("message__external_id", flat=True)) == {"1", "2"}


def test_what_cannot_be_had_above_a_question_keeps_nothing_else_from_being_read(old, network, fake):
    Look.objects.create(message=old, above_since=timezone.now())
    Identity.objects.update(first_seen_at=timezone.now() - timedelta(days=8))
    network.post(post("1", "My train is late"))
    network.troubles["above 1"] = TryLater("Busy.")
    run(fake)
    assert network.asked_for == ["above 1", "1", "who ann"]


@pytest.mark.parametrize(
    "change",
    [("occurred_at", timedelta(days=15)), ("private", True), ("stored_at", timedelta())],
    ids=["old", "private", "just come"],
)
def test_what_is_old_private_or_just_came_is_not_read_again(old, network, fake, change):
    field, value = change
    then = timezone.now() - value if isinstance(value, timedelta) else value
    Message.objects.filter(pk=old.pk).update(**{field: then})
    run(fake)
    assert "1" not in network.asked_for


def test_nor_is_what_stands_in_a_resolved_case(old, network, fake):
    factories.resolved(old.case_entry.case, factories.UserFactory())
    run(fake)
    assert network.asked_for == []


def test_nor_where_the_network_tells_us_by_itself(old, network, fake):
    network.capabilities = replace(network.capabilities, deletes_seen=True, edits_seen=True)
    run(fake)
    assert "1" not in network.asked_for


def test_a_third_of_the_budget_is_the_most(old, network, fake):
    Channel.objects.filter(pk=fake.pk).update(
        budget={"limit": 300, "left": 150, "resets_at": (timezone.now() + timedelta(minutes=5)).isoformat()}
    )
    run(fake)
    assert network.asked_for == []
    Channel.objects.filter(pk=fake.pk).update(budget={})
    network.budget = Budget(limit=300, left=150, resets_at=timezone.now() + timedelta(minutes=5))
    network.post(post("1", "My train is late"))
    run(fake)
    assert len(network.asked_for) == 1


def test_a_paused_or_shut_channel_is_left_alone(old, network, fake):
    Channel.objects.filter(pk=fake.pk).update(broken_at=timezone.now())
    run(fake)
    assert (network.asked_for, looking.channels()) == ([], [])


def test_the_clock_nudges_each_channel(fake, network, monkeypatch):
    nudged = []
    monkeypatch.setattr("crm.handoff.nudge", lambda job, *args, **more: nudged.append((job, *args)))
    jobs.look_all()
    assert ("channels_app.jobs.look", fake.pk) in nudged


# --- who says it


def test_a_profile_is_read_again_once_a_week(old, network, fake):
    Identity.objects.update(first_seen_at=timezone.now() - timedelta(days=8), matched_at=timezone.now())
    network.post(post("1", "My train is late"))
    network.people["ann"] = Author("ann", handle="@ann.new", name="Ann Nguyen", reach=900)
    run(fake)
    found = old.identity
    found.refresh_from_db()
    assert (found.handle, found.display_name, found.reach) == ("@ann.new", "Ann Nguyen", 900)
    assert (found.looked_at is not None, found.matched_at) == (True, None)
    network.asked_for.clear()
    run(fake)
    assert "who ann" not in network.asked_for


def test_what_the_network_does_not_say_stays(old, network, fake):
    Identity.objects.update(first_seen_at=timezone.now() - timedelta(days=8), display_name="Ann", reach=5)
    network.post(post("1", "My train is late"))
    network.people["ann"] = Author("ann", reach=6)
    run(fake)
    old.identity.refresh_from_db()
    assert (old.identity.handle, old.identity.display_name, old.identity.reach) == ("ann", "Ann", 6)


def test_somebody_new_or_gone_is_left_as_they_are(old, network, fake):
    network.post(post("1", "My train is late"))
    run(fake)
    assert "who ann" not in network.asked_for  # seen a moment ago
    Identity.objects.update(first_seen_at=timezone.now() - timedelta(days=8))
    run(fake)
    old.identity.refresh_from_db()
    assert old.identity.handle == "ann"
