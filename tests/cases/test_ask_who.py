"""Asking who they are, from their case: in private, or not at all; and the case shows what came of it."""

import re

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from cases import identify, replies
from cases import jobs as steps
from cases.models import Case
from channels_app import inbox, live, outbox
from channels_app.models import Delivery, LiveEvent, Message, RawEvent
from channels_app.platforms.base import Idempotency
from crm import consent, jobs, private_links
from crm import identify as identifying
from crm.models import Customer, IdentityLink, IdentityRequest
from tests import factories
from tests.channels_app.conftest import connect, fake, network  # noqa: F401 - fixtures
from tests.channels_app.fake_platform import FakePlatform
from tests.channels_app.posts import payload, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(fake, network):  # noqa: F811
    """A public question on a network that can send private messages, of somebody we know by their handle alone."""
    fake.our_handle = "skylark"
    fake.save()
    return factories.CaseFactory(channel=fake)


@pytest.fixture
def quiet(connect, team):  # noqa: F811
    """A case on a network that has no private messages."""
    connect(FakePlatform(Idempotency.RECONCILE, reply_private=False))
    channel = factories.ChannelFactory(name="@brand on Loud", platform="fake", place="loud", team=team)
    return factories.CaseFactory(channel=channel)


def sent(network):  # noqa: F811
    return list(network.posts.values())


def link_in(text):
    return re.search(r"https?://\S+", text)[0]


def path(url):
    return "/" + url.split("/", 3)[3]


# --- sent in private


def test_the_link_goes_to_them_alone_and_works(case, agent, network, client):  # noqa: F811
    delivery = identify.ask_who(case=case, by=agent)
    outbox.deliver(delivery.pk)
    (out,) = sent(network)
    assert out.private
    assert out.recipient == case.identity.value
    assert client.get(path(link_in(out.text))).status_code == 200


def test_the_link_is_in_what_leaves_and_not_in_what_we_keep(case, agent, network):  # noqa: F811
    delivery = identify.ask_who(case=case, by=agent)
    request = IdentityRequest.objects.get()
    outbox.deliver(delivery.pk)
    assert private_links.token(request) in sent(network)[0].text
    message = Message.objects.get(delivery=delivery)
    assert private_links.HIDDEN in message.text
    assert "http" not in message.text
    assert (message.private, message.identity_request) == (True, request)


def test_the_link_is_not_in_what_the_network_sends_back_either(case, agent, network):  # noqa: F811
    delivery = identify.ask_who(case=case, by=agent)
    outbox.deliver(delivery.pk)
    message = Message.objects.get(delivery=delivery)
    question = Message.objects.get(direction="in")
    echo = post(message.external_id, sent(network)[0].text, ours=True, reply_to=question.external_id)
    inbox.keep(channel=case.channel, payloads=[payload(echo)])
    inbox.take_in(case.channel)
    raw = RawEvent.objects.get()
    assert b"/who/" not in bytes(raw.body)
    assert raw.state == "duplicate"
    kept = Message.objects.get(pk=message.pk)
    assert (kept.text, kept.edited_at) == (message.text, None)


def test_an_echo_that_comes_before_the_answer_is_known_by_its_text(case, agent, network):  # noqa: F811
    delivery = identify.ask_who(case=case, by=agent)
    question = Message.objects.get(direction="in")
    text = outbox.outgoing(Delivery.objects.select_related("message__thread").get(pk=delivery.pk)).text
    inbox.keep(channel=case.channel, payloads=[payload(post("77", text, ours=True, reply_to=question.external_id))])
    inbox.take_in(case.channel)
    delivery.refresh_from_db()
    assert (delivery.state, Message.objects.filter(direction="out").count()) == ("sent", 1)


def test_asking_is_an_answer_in_the_case_and_takes_it(case, agent):
    identify.ask_who(case=case, by=agent)
    case.refresh_from_db()
    assert (case.owner, case.state) == (agent, "waiting")
    assert case.entries.filter(message__direction="out").count() == 1


def test_who_is_asked_is_whose_case_it_is_not_who_spoke_last(case, agent, network):  # noqa: F811
    other = factories.MessageFactory(thread=case.thread, text="Me too!", occurred_at=timezone.now())
    case.entries.create(message=other)
    outbox.deliver(identify.ask_who(case=case, by=agent).pk)
    assert sent(network)[0].recipient == case.identity.value


def test_while_a_colleague_is_answering_nobody_asks(case, agent, colleague):
    replies.reply(case=case, text="One moment.", by=colleague)
    with pytest.raises(replies.ReplyOnItsWay):
        identify.ask_who(case=case, by=agent)
    assert not IdentityRequest.objects.exists()


def test_a_link_withdrawn_before_it_left_is_not_sent(case, agent, network):  # noqa: F811
    delivery = identify.ask_who(case=case, by=agent)
    identify.withdraw(case=case, request=IdentityRequest.objects.get(), by=agent)
    outbox.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert sent(network) == []
    assert (delivery.state, "does not work any more" in delivery.reason) == ("failed", True)


# --- never in public


def test_a_network_without_private_messages_says_so_and_sends_nothing(quiet, agent):
    with pytest.raises(identify.CannotAskThere) as refusal:
        identify.ask_who(case=quiet, by=agent)
    assert str(refusal.value).startswith("@brand on Loud cannot send a message to one person alone")
    assert not IdentityRequest.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("platform", ["archive", "by_hand"])
def test_nor_do_channels_that_send_nothing(team, agent, platform):
    case = factories.CaseFactory(channel=factories.ChannelFactory(platform=platform, team=team))
    with pytest.raises(identify.CannotAskThere):
        identify.ask_who(case=case, by=agent)


def test_there_a_link_is_made_for_the_agent_to_pass_on(quiet, agent, as_user):
    response = as_user(agent).post(reverse("cases:ask_who", args=[quiet.pk]), {"how": "link"}, follow=True)
    link = private_links.link(IdentityRequest.objects.get())
    assert link in response.content.decode()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("where", ["quiet", "case"])
def test_a_link_cannot_be_posted_in_public_by_hand(request, where, agent):
    case = request.getfixturevalue(where)
    link = private_links.link(identify.make_link(case=case, by=agent))
    with pytest.raises(outbox.PrivateLinkInPublic):
        replies.reply(case=case, text=f"Here: {link} thanks", by=agent)
    assert not Delivery.objects.exists()


def test_a_link_passed_on_in_a_private_conversation_is_not_kept_there(case, agent, network):  # noqa: F811
    link = private_links.link(identify.make_link(case=case, by=agent))
    Message.objects.update(private=True)
    delivery = replies.reply(case=case, text=f"Here: {link} thanks", by=agent)
    assert delivery.message.text == "Here: [private link] thanks"
    outbox.deliver(delivery.pk)
    assert sent(network)[0].text == f"Here: {link} thanks"


def test_a_private_message_that_a_network_cannot_send_is_refused(quiet, agent):
    question = replies.latest_question(quiet)
    with pytest.raises(outbox.CannotSendPrivately):
        outbox.write(answer_to=question, text="For you alone", by=agent, private=True)


# --- what the case shows


def shown(client, case):
    return client.get(reverse("cases:asked", args=[case.pk])).content.decode()


def test_the_panel_tells_the_story_from_the_question_to_the_proof(case, agent, as_user):
    client = as_user(agent)
    assert "Ask who they are" in shown(client, case)
    identify.ask_who(case=case, by=agent)
    assert "Asked by Ana Ruiz" in shown(client, case)
    assert "No answer yet" in shown(client, case)
    request = IdentityRequest.objects.get()
    identifying.say_who(request=request, text="maria@example.com", machine="m")
    assert "They say they are maria@example.com" in shown(client, case)
    jobs.send_code(request.pk)
    code = re.search(r"(\d{3}) (\d{3})", mail.outbox[0].body).expand(r"\1\2")
    identifying.answer(request=IdentityRequest.objects.get(), code=code, machine="m")
    assert "Confirmed m…@example.com by a code on " in shown(client, case)
    assert "Withdraw" not in shown(client, case)


def test_the_panel_says_why_no_code_went_out(case, agent, as_user):
    identify.ask_who(case=case, by=agent)
    request = IdentityRequest.objects.get()
    identifying.say_who(request=request, text="C-17", machine="m")
    jobs.send_code(request.pk)
    assert "No record has this number." in shown(as_user(agent), case)


def test_the_panel_says_when_a_link_ran_out(case, agent, as_user):
    identify.ask_who(case=case, by=agent)
    IdentityRequest.objects.update(expires_at=timezone.now())
    assert "ran out without an answer" in shown(as_user(agent), case)
    assert "Ask again" in shown(as_user(agent), case)


def test_two_who_claim_one_handle_are_shown_as_a_question(case, agent, as_user):
    Customer.objects.update(known_at=timezone.now())
    maria = factories.CustomerFactory(known_at=timezone.now())
    factories.IdentityFactory(kind="email", place="", value="maria@example.com", customer=maria)
    identify.ask_who(case=case, by=agent)
    request = IdentityRequest.objects.get()
    identifying.say_who(request=request, text="maria@example.com", machine="m")
    jobs.send_code(request.pk)
    code = re.search(r"(\d{3}) (\d{3})", mail.outbox[0].body).expand(r"\1\2")
    identifying.answer(request=IdentityRequest.objects.get(), code=code, machine="m")
    assert IdentityLink.objects.conflicts().count() == 1
    assert "decide whose it is" in shown(as_user(agent), case)


def test_who_wants_no_contact_cannot_be_asked_and_the_panel_offers_nothing(case, agent, as_user):
    consent.forbid(customer=case.customer, how="By letter", by=agent)
    assert "<form" not in shown(as_user(agent), case)
    response = as_user(agent).post(reverse("cases:ask_who", args=[case.pk]))
    assert response.status_code == 422
    assert "asked not to be contacted" in response.content.decode()


def test_a_question_of_another_case_cannot_be_withdrawn_here(case, agent, as_user):
    elsewhere = factories.IdentityRequestFactory()
    response = as_user(agent).post(reverse("cases:ask_withdraw", args=[case.pk, elsewhere.pk]))
    assert response.status_code == 422
    elsewhere.refresh_from_db()
    assert elsewhere.state == "sent"


def test_when_the_customer_is_somebody_else_open_pages_fetch_it(case, django_capture_on_commit_callbacks):
    live.follow(f"case:{case.pk}", 0)
    with django_capture_on_commit_callbacks(execute=True):
        steps.customer_changed(case.customer_id)
    assert {"customer", "pane"} <= set(LiveEvent.objects.values_list("kind", flat=True))


def test_the_panel_costs_the_same_however_often_they_were_asked(case, agent, django_assert_max_num_queries):
    for _ in range(20):
        factories.IdentityRequestFactory(identity=case.identity, state="withdrawn")
    factories.IdentityRequestFactory(identity=case.identity)
    case = Case.objects.with_head().get(pk=case.pk)
    with django_assert_max_num_queries(5):
        identify.asked(case)
