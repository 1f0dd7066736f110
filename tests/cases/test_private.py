"""From public to private and back: one case, two threads, nothing private where all can read."""

import pytest
from django.urls import reverse

from cases import conversation, identify, private, replies, routing, threads
from cases.models import Case, CaseMessage, CaseThread
from channels_app import outbox
from channels_app.models import Delivery, Message, Thread
from channels_app.platforms.base import Idempotency
from channels_app.platforms.registry import PLATFORMS
from crm import private_links
from crm.models import Activity
from tests import factories
from tests.channels_app.conftest import connect, fake, network  # noqa: F401 - fixtures
from tests.channels_app.fake_platform import FakePlatform
from tests.channels_app.simulated import simulated  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

WORDS = "For you alone: which card shall we refund to?"


@pytest.fixture
def case(channel):
    """A public question on the simulated network."""
    return factories.CaseFactory(channel=channel)


def moved(case, agent, **facts):
    """The private message, as it waits in the outbox."""
    return private.move(case=case, text=WORDS, by=agent, **facts).message


def whispers(case, text="Card 4711, please.", **facts):
    """The customer writes in private, and it is routed. Returns the message."""
    facts = {"identity": case.identity, "private": True, "routed_at": None, "sentiment": "neutral", **facts}
    message = factories.MessageFactory(text=text, **facts)
    routing.route(message.channel)
    return message


def case_of(message):
    return CaseMessage.objects.get(message=message).case


# --- to private


def test_the_private_message_stands_on_a_thread_of_its_own_that_belongs_to_the_case(case, agent):
    message = moved(case, agent)
    assert message.private
    assert message.thread != case.thread
    assert message.thread.external_id == f"dm-{case.identity.value}"  # as the network calls it
    assert CaseThread.objects.get().thread == message.thread
    assert case_of(message) == case
    case.refresh_from_db()
    assert (case.state, case.owner) == ("waiting", agent)
    assert Activity.objects.about(case).filter(verb="moved to private", by=agent).exists()


def test_a_line_in_public_says_so_where_they_asked(case, agent):
    moved(case, agent, public_line=private.default_line())
    line, whispered = Message.objects.filter(direction="out").order_by("pk")
    assert (line.private, line.thread, line.text) == (False, case.thread, private.default_line())
    assert line.parent_external_id == whispered.parent_external_id == case.entries.earliest("pk").message.external_id
    assert line.case_entry.acknowledges  # it is not the answer
    assert not whispered.case_entry.acknowledges
    assert case_of(line) == case


def test_without_a_line_nothing_is_said_in_public(case, agent):
    moved(case, agent, public_line="  ")
    assert not Message.objects.filter(direction="out", private=False).exists()


def test_the_line_may_go_to_everybody_without_a_warning(channel, agent):
    for _ in range(5):
        case = factories.CaseFactory(channel=channel)
        private.move(case=case, text=f"To {case.customer.name}", by=agent, public_line=private.default_line())
    assert Message.objects.filter(direction="out", private=False).count() == 5


def test_a_network_without_private_messages_says_so(connect, team, agent):  # noqa: F811
    connect(FakePlatform(Idempotency.NATIVE, reply_private=False))
    case = factories.CaseFactory(channel=factories.ChannelFactory(name="Loud", platform="fake", team=team))
    with pytest.raises(outbox.CannotSendPrivately, match="Loud cannot send a private message"):
        moved(case, agent)
    assert not Delivery.objects.exists()


def test_what_is_private_already_cannot_be_moved(case, agent):
    Message.objects.update(private=True)
    with pytest.raises(private.PrivateAlready):
        moved(case, agent)


def test_where_the_private_message_is_refused_nothing_is_said_in_public_either(case, agent):
    with pytest.raises(outbox.TooLong):
        private.move(case=case, text="x" * 501, by=agent, public_line=private.default_line())
    assert not Message.objects.filter(direction="out").exists()


# --- what they answer comes to the case


def test_what_they_answer_in_private_comes_to_the_case(case, agent):
    thread = moved(case, agent).thread
    answer = whispers(case, thread=thread)
    assert case_of(answer) == case
    case.refresh_from_db()
    assert (case.state, case.owner) == ("open", agent)
    assert Case.objects.count() == 1


def test_also_where_the_network_puts_it_on_a_thread_nobody_knew(case, agent):
    moved(case, agent)
    thread = factories.ThreadFactory(channel=case.channel)
    assert case_of(whispers(case, thread=thread)) == case
    assert CaseThread.objects.filter(case=case, thread=thread).exists()
    assert case_of(whispers(case, thread=thread)) == case


def test_who_has_two_open_cases_gets_a_new_one_where_nobody_knows_which_is_meant(case, agent):
    moved(case, agent)
    factories.CaseFactory(channel=case.channel, customer=case.customer, identity=case.identity)
    answer = whispers(case, thread=factories.ThreadFactory(channel=case.channel))
    assert case_of(answer).thread == answer.thread


def test_who_was_not_moved_gets_a_case_of_its_own_for_what_they_write_in_private(case):
    answer = whispers(case, thread=factories.ThreadFactory(channel=case.channel))
    assert case_of(answer) != case


def test_what_they_say_in_public_meanwhile_is_not_drawn_into_the_case(case, agent):
    moved(case, agent)
    post = whispers(case, private=False, thread=factories.ThreadFactory(channel=case.channel))
    assert case_of(post) != case


def test_what_they_say_where_they_asked_still_comes_to_the_case(case, agent):
    moved(case, agent)
    assert case_of(whispers(case, private=False, thread=case.thread)) == case


def test_a_moved_case_on_another_channel_draws_nothing(case, agent):
    moved(case, agent)
    elsewhere = factories.ChannelFactory(team=case.team)
    assert case_of(whispers(case, thread=factories.ThreadFactory(channel=elsewhere))) != case


def test_a_resolved_case_is_opened_again_by_what_comes_in_private(case, agent):
    thread = moved(case, agent).thread
    factories.resolved(case, agent)
    assert case_of(whispers(case, thread=thread, text="It happened again")) == case
    case.refresh_from_db()
    assert (case.state, case.reopenings) == ("open", 1)


def test_the_next_case_that_goes_private_has_the_thread_from_then_on(case, agent):
    thread = moved(case, agent).thread
    later = factories.CaseFactory(channel=case.channel, customer=case.customer, identity=case.identity)
    assert moved(later, agent).thread == thread
    assert case_of(whispers(case, thread=thread)) == later
    assert [entry.item.text for entry in conversation.of_case(case).entries if entry.kind == "message"]


def test_a_private_case_of_before_that_is_closed_does_not_win_over_the_open_one(case, agent):
    thread = factories.ThreadFactory(channel=case.channel, external_id=f"dm-{case.identity.value}")
    before = factories.CaseFactory(channel=case.channel, customer=case.customer, identity=case.identity, thread=thread)
    factories.resolved(before, agent)
    assert moved(case, agent).thread == thread
    assert case_of(whispers(case, thread=thread)) == case


def test_a_thread_that_turns_out_to_be_another_brings_its_case_along(case, agent):
    joined = moved(case, agent).thread
    survivor = factories.ThreadFactory(channel=case.channel)
    Thread.objects.filter(pk=joined.pk).update(joined_to=survivor)
    threads.settle([survivor.pk])
    assert CaseThread.objects.get().thread == survivor
    assert case_of(whispers(case, thread=survivor)) == case


def test_a_network_that_names_nothing_is_answered_on_the_same_thread_again(connect, team, agent):  # noqa: F811
    connect(FakePlatform(Idempotency.NATIVE))
    case = factories.CaseFactory(channel=factories.ChannelFactory(platform="fake", team=team))
    first = moved(case, agent)
    assert first.thread.external_id.startswith("private:")
    assert moved(case, agent).thread == first.thread


def test_the_link_that_asks_who_they_are_stands_on_that_thread_too(case, agent):
    delivery = identify.ask_who(case=case, by=agent)
    assert delivery.message.thread.external_id == f"dm-{case.identity.value}"
    assert case_of(whispers(case, thread=delivery.message.thread)) == case


# --- both sides in one time line


def test_both_sides_stand_in_one_time_line(case, agent):
    thread = moved(case, agent, public_line="Look into your messages.").thread
    whispers(case, thread=thread, text="Card 4711")
    said = [e.item for e in conversation.of_case(case).entries if e.kind == "message"]
    assert {message.private for message in said} == {True, False}
    assert len(said) == 4
    assert [m.occurred_at for m in said] == sorted(m.occurred_at for m in said)


def test_a_reply_goes_where_they_asked_last(case, agent):
    thread = moved(case, agent).thread
    whispers(case, thread=thread, occurred_at="2999-01-01T00:00:00Z")
    assert replies.reply(case=case, text="Done.", by=agent).message.thread == thread


def test_the_page_says_of_each_message_where_it_stands(case, agent, as_user):
    thread = moved(case, agent, public_line="Look into your messages.").thread
    whispers(case, thread=thread)
    page = as_user(agent).get(reverse("cases:case", args=[case.pk])).content.decode()
    assert page.count('class="fact side-mark side-mark--private"') == 2
    assert page.count('class="fact side-mark side-mark--public"') == 2
    assert "Post the outcome in public" in page


# --- and back


def test_the_outcome_is_posted_in_public_where_they_agreed(case, agent):
    moved(case, agent)
    delivery = private.close_in_public(case=case, text="Solved. Thank you!", agreed_how="“Do say so”", by=agent)
    assert (delivery.message.private, delivery.message.thread) == (False, case.thread)
    assert Activity.objects.about(case).get(verb="closed in public").detail == "“Do say so”"


def test_it_needs_their_word(case, agent):
    moved(case, agent)
    with pytest.raises(private.NotAgreed):
        private.close_in_public(case=case, text="Solved.", agreed_how="  ", by=agent)


def test_a_case_that_never_was_private_has_no_outcome_to_post(case, agent):
    with pytest.raises(private.NotMoved):
        private.close_in_public(case=case, text="Solved.", agreed_how="Yes", by=agent)


def test_a_case_that_began_in_private_has_no_public_side(case, agent):
    Message.objects.update(private=True)
    with pytest.raises(private.NothingPublic):
        private.close_in_public(case=case, text="Solved.", agreed_how="Yes", by=agent)


def test_a_private_link_never_goes_to_the_public_side(case, agent):
    moved(case, agent)
    link = private_links.link(identify.make_link(case=case, by=agent))
    with pytest.raises(outbox.PrivateLinkInPublic):
        private.close_in_public(case=case, text=f"See {link}", agreed_how="Yes", by=agent)
    with pytest.raises(outbox.PrivateLinkInPublic):
        private.move(case=case, text=WORDS, by=agent, public_line=f"See {link}")
    assert not Message.objects.filter(direction="out", private=False).exists()


def test_a_closing_line_changes_nothing_about_whose_turn_it_is(case, agent):
    thread = moved(case, agent).thread
    whispers(case, thread=thread)
    private.close_in_public(case=case, text="Solved.", agreed_how="Yes", by=agent)
    case.refresh_from_db()
    assert case.state == "open"


# --- on the page


def test_what_was_typed_is_still_there_after_a_refusal(case, agent, as_user):
    url = reverse("cases:move_to_private", args=[case.pk])
    response = as_user(agent).post(url, {"message": "x" * 501, "public_line": "My own line"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "x" * 501 in page
    assert "My own line" in page
    response = as_user(agent).post(reverse("cases:close_in_public", args=[case.pk]), {"outcome": "Solved."})
    assert response.status_code == 422


def test_moving_from_the_page(case, agent, as_user):
    url = reverse("cases:move_to_private", args=[case.pk])
    response = as_user(agent).post(url, {"message": WORDS, "public_line": ""}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "Moved to private" in response.content.decode()
    assert Message.objects.get(direction="out").private


@pytest.mark.parametrize("size", [1, 20])
def test_a_pane_costs_a_fixed_number_of_queries_for_both_sides(case, agent, size, django_assert_num_queries):
    thread = moved(case, agent).thread
    for _ in range(size):
        CaseMessage.objects.create(
            case=case, message=factories.MessageFactory(thread=thread, identity=case.identity, private=True)
        )
    with django_assert_num_queries(1):
        private.side(case)


def test_every_network_that_sends_privately_says_how_its_conversation_is_called_or_leaves_it_open():
    assert PLATFORMS["simulator"].capabilities.direct.format(key="ann") == "dm-ann"


# --- the whole way, on the simulated network


def test_there_and_back_on_the_simulated_network(simulated, agent):  # noqa: F811
    case = simulated.says("amelie_jourdan", "@skylark Where is my bag? It was blue.")
    private.move(case=case, text="Which flight was it?", by=agent, public_line=private.default_line())
    simulated.deliver()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    aside = CaseThread.objects.get(case=case).thread
    assert simulated.store.talk_in(aside.external_id).next_act == "explains"  # they answer there
    again = simulated.says("amelie_jourdan", "Flight 17, in private", private=True)
    assert again == case
    assert Message.objects.get(text="Flight 17, in private").thread == aside
    assert (Case.objects.count(), Thread.objects.count()) == (1, 2)
    replies.reply(case=again, text="I've rebooked you, the new ticket is in your inbox.", by=agent)
    simulated.deliver()
    private.close_in_public(case=again, text="Found, thank you Amélie!", agreed_how="She said so", by=agent)
    simulated.deliver()
    said = simulated.store.events_after(0, 100)
    assert [(row["thread"] == aside.external_id) for row in said] == [False, False, True, True, True, False]
