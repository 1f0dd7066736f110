"""What the composer says of a network: until when it takes an answer, what else can be done, and long ones in parts."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases import approvals, drafts, replies, ways, withdrawing
from cases.models import Approval, Case, CaseMessage, Draft
from cases.templatetags.queue_rows import draw
from channels_app import outbox
from channels_app.models import Delivery, Reaction
from channels_app.platforms.base import Idempotency
from crm.models import Membership
from tests import factories
from tests.channels_app.conftest import connect, fake  # noqa: F401 - fixtures
from tests.channels_app.fake_platform import FakePlatform

pytestmark = pytest.mark.django_db
State = Delivery.State
DAY = 24 * 3600
LONG = "We are sorry. It was the points near Hall. They froze last night. We pay for the taxi you took."


@pytest.fixture
def network(connect):  # noqa: F811
    return connect(FakePlatform(Idempotency.RECONCILE, window=DAY, text_limit=40, thread_of_parts=True))


@pytest.fixture
def asked(fake, network, agent):  # noqa: F811
    """`asked(hours)` is a case in which they wrote in private so many hours ago."""
    Membership.objects.get_or_create(user=agent, team=fake.team)

    def ask(hours, *, private=True, **facts):
        at = timezone.now() - timedelta(hours=hours)
        case = factories.CaseFactory(channel=fake, **facts)
        case.entries.get().message.__class__.objects.filter(case_entry__case=case).update(
            private=private, occurred_at=at, external_id=f"q{hours}"
        )
        return Case.objects.get(pk=case.pk)

    return ask


def page(client, case, **asked):
    return client.get(reverse("cases:case", args=[case.pk]), asked).content.decode()


# --- windows


def test_the_composer_says_until_when_an_answer_is_taken(asked, agent, as_user):
    case = asked(20)
    shown = page(as_user(agent), case)
    assert "Answers are taken here until" in shown
    assert f'data-closes="{ways.window(case).closes_at:%Y-%m-%dT%H:%M}' in shown
    assert "instead__ways" not in shown


def test_where_there_is_no_window_nothing_is_said_of_one(asked, agent, as_user):
    assert "reply-window" not in page(as_user(agent), asked(20, private=False))


def test_too_late_the_composer_offers_what_is_left_to_do(asked, agent, as_user, team):
    case = asked(30)
    elsewhere = factories.ChannelFactory(platform="simulator", name="Chirp", team=team)
    other = factories.CaseFactory(channel=elsewhere, customer=case.customer)
    shown = page(as_user(agent), case)
    assert "takes no private answer here any more" in shown
    assert reverse("cases:of_message", args=[other.entries.get().message_id]) in shown
    assert reverse("channels_app:log_contact") in shown
    assert "Answer in public" not in shown


def test_what_was_asked_in_public_too_is_answered_there(asked, agent, as_user, fake):  # noqa: F811
    case = asked(30)
    said = factories.MessageFactory(
        thread__channel=fake, identity=case.identity, occurred_at=timezone.now() - timedelta(days=3)
    )
    CaseMessage.objects.create(case=case, message=said)
    client = as_user(agent)
    link = f"{reverse('cases:case', args=[case.pk])}?answer_to={said.pk}#reply-text"
    assert f'href="{link}"' in page(client, case)
    assert f'<option value="{said.pk}" selected>' in page(client, case, answer_to=said.pk)


def test_an_answer_that_comes_too_late_is_refused_and_its_words_are_kept(asked, agent, as_user):
    case = asked(30)
    response = as_user(agent).post(reverse("cases:reply", args=[case.pk]), {"text": "We are looking."})
    shown = response.content.decode()
    assert response.status_code == 422
    assert "They wrote here more than 24 hours ago" in shown
    assert "We are looking.</textarea>" in shown
    assert "instead__ways" in shown


def test_where_ours_was_not_sent_the_same_is_offered(asked, agent, as_user):
    case = asked(20)
    delivery = replies.reply(case=case, text="We are looking.", by=agent)
    assert ways.instead(Case.objects.get(pk=case.pk)) == []
    Delivery.objects.filter(pk=delivery.pk).update(state=State.FAILED, reason="They blocked us.")
    shown = page(as_user(agent), case)
    assert "The last reply was not sent" in shown
    assert reverse("channels_app:log_contact") in shown


def test_a_row_of_the_queue_knows_it_where_all_of_a_network_is_private(asked, agent, team):
    whatsapp = factories.ChannelFactory(platform="whatsapp", place="whatsapp", team=team)
    case = factories.CaseFactory(channel=whatsapp)
    assert case.answer_until == case.last_message_at + timedelta(days=1)
    assert 'data-window="short"' in draw([case])
    case.state = Case.State.WAITING
    assert case.answer_until is None
    assert asked(1).answer_until is None  # some of it may be public


# --- parts


def test_a_long_answer_leaves_in_parts_where_that_is_chosen(asked, agent, as_user):
    case = asked(1)
    client, address = as_user(agent), reverse("cases:reply", args=[case.pk])
    assert client.post(address, {"text": LONG}).status_code == 422
    assert client.post(address, {"text": LONG, "in_parts": "on", "numbered": "on"}).status_code == 302
    said = list(Delivery.objects.order_by("pk").values_list("message__text", flat=True))
    assert [text[-4:] for text in said] == [" 1/3", " 2/3", " 3/3"]
    assert CaseMessage.objects.filter(case=case, message__direction="out").count() == 3
    assert Case.objects.get(pk=case.pk).state == Case.State.WAITING


def test_the_page_says_of_a_part_that_it_waits(asked, agent, as_user):
    case = asked(1)
    replies.reply(case=case, text=LONG, by=agent, in_parts=True)
    Delivery.objects.update(not_before=timezone.now() - timedelta(minutes=1))
    assert page(as_user(agent), case).count("Waits for the part before it") == 2


def test_taking_one_part_back_takes_all_and_gives_the_words_back(asked, agent):
    case = asked(1)
    replies.reply(case=case, text=LONG, by=agent, in_parts=True, numbered=True)
    withdrawing.withdraw(delivery=Delivery.objects.order_by("pk")[1], by=agent)
    assert not Delivery.objects.exists()
    assert Draft.objects.get().text == LONG
    assert Case.objects.get(pk=case.pk).needs_us


def test_a_draft_of_a_long_answer_that_comes_late_is_known_as_said(asked, agent):
    case = asked(1)
    replies.reply(case=case, text=LONG, by=agent, in_parts=True)
    assert drafts.keep(case=case, kind=Draft.Kind.REPLY, text=f"{LONG}\n", by=agent) is None
    assert drafts.keep(case=case, kind=Draft.Kind.REPLY, text="Something else", by=agent)


def test_a_long_answer_waits_for_approval_as_one_and_leaves_as_several(asked, agent, lead, monkeypatch):
    case = asked(1)
    approval = approvals.ask(case=case, text=LONG, by=agent, in_parts=True)
    assert Approval.objects.get().text == LONG
    with pytest.raises(outbox.TooLong):
        approvals.ask(case=case, text=LONG, by=agent)
    monkeypatch.setattr(approvals, "_to_decide", lambda approval, by: Approval.objects.with_parts().get(pk=approval.pk))
    approvals.approve(approval=approval, by=lead)
    assert set(Delivery.objects.values_list("message__approved_by", flat=True)) == {lead.pk}
    assert Delivery.objects.count() == 3


# --- what is told of messages


def test_receipts_and_signs_are_shown(asked, agent, as_user):
    case = asked(1)
    delivery = replies.reply(case=case, text="We are looking.", by=agent)
    outbox.deliver(delivery.pk)
    Delivery.objects.update(state=State.SENT, sent_at=timezone.now(), told="read", told_at=timezone.now())
    for who in ("ann", "bob", "cid"):
        Reaction.objects.create(message=delivery.message, who=who, at=timezone.now())
    shown = page(as_user(agent), case)
    assert "<span>Read</span>" in shown
    assert "<bdi>♥</bdi> 3" in shown


def test_what_was_written_on_the_network_itself_says_so(asked, agent, as_user, fake):  # noqa: F811
    case = asked(1)
    ours = factories.MessageFactory(thread=case.thread, direction="out", identity=case.identity, sent_by=None)
    CaseMessage.objects.create(case=case, message=ours)
    assert "written on the network itself" in page(as_user(agent), case)
