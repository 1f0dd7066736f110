"""What comes back: addresses are closed on good grounds, and who answers an invitation has written to us."""

from __future__ import annotations

import base64
import re

import pytest
from django.utils import timezone

from cases.models import Case
from channels_app import inbox
from channels_app.models import Message, RawEvent
from channels_app.platforms.base import RawPayload
from crm import reachable
from crm.models import Activity, Identity, IdentityLink
from surveys import links, mailing
from surveys.models import Invitation
from tests import factories
from tests.channels_app.test_email import dsn, failed, mail

pytestmark = pytest.mark.django_db
State = Invitation.State


@pytest.fixture(autouse=True)
def _addresses(settings):
    settings.SURVEY_FROM, settings.MAIL_RETURN_TO = "care@skylark.example", "surveys@skylark.example"


@pytest.fixture
def mailbox(team):
    return factories.ChannelFactory(key="mail", name="Mail", platform="email", place="email", team=team)


@pytest.fixture
def maria():
    customer = factories.CustomerFactory(name="Maria Kent", known_at=timezone.now())
    factories.IdentityFactory(kind="email", place="", value="maria@example.com", customer=customer)
    return customer


@pytest.fixture
def invitation(maria):
    return invite(maria)


def invite(customer, **facts):
    box = Identity.objects.get(links__customer=customer)
    return factories.InvitationFactory(customer=customer, identity=box, claimed_at=timezone.now(), **facts)


def arrives(mailbox, *bodies):
    inbox.keep(channel=mailbox, payloads=[RawPayload(body) for body in bodies])
    inbox.work_off(mailbox)


def report(invitation, nth=1, **facts):
    """What a mail server says of that mail of this invitation, sent to its return address."""
    named = mailing.Named(invitation.number, nth)
    body = dsn(failed(**facts), original=f"Message-ID: {mailing.message_id(named)}\r\n")
    return body.replace(b"surveys+code@skylark.example", mailing.return_to(named).encode())


def after(invitation):
    invitation.refresh_from_db()
    return invitation


def box():
    return Identity.objects.get(value="maria@example.com")


# --- what came back


def test_an_address_that_does_not_exist_is_closed_with_what_the_server_said(mailbox, invitation):
    arrives(mailbox, report(invitation))
    assert after(invitation).state == State.BOUNCED
    assert invitation.reason == "5.1.1 550 no such user"
    assert box().unreachable_why == "5.1.1 550 no such user"
    assert Activity.objects.about(box()).get().verb == "closed: mail comes back"
    assert not Message.objects.exists()
    assert RawEvent.objects.get().reason == "An invitation to a survey came back: the address is closed."


def test_a_full_mailbox_closes_nothing(mailbox, invitation):
    arrives(mailbox, report(invitation, status="5.2.2"))
    assert after(invitation).state == State.SENT
    assert box().is_reachable


def test_the_third_failure_in_a_row_closes_the_address(mailbox, invitation):
    for nth in (1, 2):
        arrives(mailbox, report(invitation, nth, status="4.4.7"))
    assert box().is_reachable
    arrives(mailbox, report(invitation, 3, status="4.4.7"))
    assert not box().is_reachable
    assert after(invitation).state == State.BOUNCED


def test_failures_of_one_survey_and_the_next_count_together(mailbox, maria, invitation):
    for nth in (1, 2):
        arrives(mailbox, report(invitation, nth, status="4.4.7"))
    Invitation.objects.update(state=State.EXPIRED, ended_at=timezone.now())
    arrives(mailbox, report(invite(maria), status="4.4.7"))
    assert not box().is_reachable


def test_an_answer_between_them_begins_the_count_anew(mailbox, maria, invitation):
    for nth in (1, 2):
        arrives(mailbox, report(invitation, nth, status="4.4.7"))
    Invitation.objects.update(state=State.ANSWERED, ended_at=timezone.now())
    arrives(mailbox, report(invite(maria), status="4.4.7"))
    assert box().is_reachable


def test_a_report_that_is_read_twice_counts_once(mailbox, invitation):
    for _time in range(3):
        arrives(mailbox, report(invitation, 2, status="4.4.7"))
    assert box().is_reachable


def test_a_report_without_our_address_is_known_by_the_mail_it_holds(mailbox, invitation):
    named = mailing.Named(invitation.number, 1)
    arrives(mailbox, dsn(failed(), original=f"Message-ID: {mailing.message_id(named)}\r\n"))
    assert after(invitation).state == State.BOUNCED


def test_a_report_of_something_else_is_kept_and_says_so(mailbox, invitation):
    arrives(mailbox, dsn(failed()))
    assert after(invitation).state == State.SENT
    assert RawEvent.objects.get().reason == "It came back, and nobody here knows of having sent it."


def test_a_made_up_return_address_closes_nothing(mailbox, invitation):
    forged = mailing.return_to(mailing.Named(invitation.number, 1)).replace("@", "x@").encode()
    arrives(mailbox, dsn(failed()).replace(b"surveys+code@skylark.example", forged))
    assert box().is_reachable


def test_what_was_answered_stays_answered_when_a_reminder_comes_back(mailbox, invitation):
    Invitation.objects.update(state=State.ANSWERED, ended_at=timezone.now())
    arrives(mailbox, report(invitation, 2))
    assert after(invitation).state == State.ANSWERED
    assert not box().is_reachable


def test_one_in_doubt_that_came_back_had_left(mailbox, invitation):
    Invitation.objects.update(state=State.DOUBT, sent_at=None)
    arrives(mailbox, report(invitation))
    assert after(invitation).state == State.BOUNCED
    assert invitation.sent_at == invitation.claimed_at


def test_a_closed_address_can_be_opened_again_on_the_page_of_the_customer(mailbox, maria, invitation, agent, as_user):
    arrives(mailbox, report(invitation))
    page = as_user(agent).get(maria.get_absolute_url()).content.decode()
    assert "mail comes back" in page
    (link,) = re.findall(r'action="(/links/\d+/open/)"', page)
    as_user(agent).post(link)
    assert box().is_reachable
    assert Activity.objects.about(box()).order_by("-id")[0].by == agent
    assert "mail comes back" not in as_user(agent).get(maria.get_absolute_url()).content.decode()


def test_once_it_was_opened_what_failed_before_does_not_count(mailbox, maria, invitation, lead):
    for nth in (1, 2, 3):
        arrives(mailbox, report(invitation, nth, status="4.4.7"))
    reachable.open_again(identity=box(), by=lead)
    arrives(mailbox, report(invite(maria), status="4.4.7"))
    assert box().is_reachable


def test_a_machine_that_answers_is_ignored(mailbox, invitation):
    arrives(mailbox, mail("I am away.", Auto_Submitted="auto-replied"))
    assert not Message.objects.exists()
    assert after(invitation).state == State.SENT


# --- who answers


def reply(invitation, text="The crew was lovely, the seat was not.", **headers):
    named = mailing.Named(invitation.number, 1)
    return mail(text, To=mailing.return_to(named), In_Reply_To=mailing.message_id(named), **headers)


def test_an_answer_to_the_mail_is_a_message_of_the_customer_with_a_case(mailbox, maria, invitation):
    arrives(mailbox, reply(invitation))
    message = Message.objects.get()
    assert (message.text, message.private) == ("The crew was lovely, the seat was not.", True)
    assert message.identity == box()
    assert Case.objects.get().customer == maria
    assert after(invitation).state == State.SENT  # the survey itself is not answered by it


def test_two_answers_to_one_mail_are_one_conversation(mailbox, invitation):
    arrives(mailbox, reply(invitation), reply(invitation, "And late.", Message_ID="<m2@example.com>"))
    assert Message.objects.count() == 2
    assert Case.objects.count() == 1


def test_what_they_quote_of_us_is_not_kept_in_their_message(mailbox, invitation):
    text = f"Too loud.\r\n\r\nOn Friday, Skylark wrote:\r\n> Answer here:\r\n> {links.link(invitation)}"
    arrives(mailbox, reply(invitation, text))
    assert Message.objects.get().text == "Too loud."
    assert not links.is_in(bytes(RawEvent.objects.get().body).decode())


def test_a_link_in_a_mail_that_hides_it_from_its_bytes_is_not_kept_in_the_message_either(mailbox, invitation):
    text = base64.b64encode(f"I cannot open {links.link(invitation)} here.".encode()).decode()
    body = reply(invitation, text, Content_Transfer_Encoding="base64")
    arrives(mailbox, body)
    arrives(mailbox, body)
    message = Message.objects.get()
    assert message.text == f"I cannot open {links.HIDDEN} here."
    assert message.edited_at is None


def test_an_answer_from_a_mailbox_we_do_not_know_is_a_new_customer(mailbox, maria, invitation):
    """Forwarded: whoever answers is not taken for whom it was sent to."""
    arrives(mailbox, reply(invitation, From="Colleague <c@example.com>"))
    assert IdentityLink.objects.get(identity__value="c@example.com").customer != maria


def test_the_same_mail_read_twice_is_one_message(mailbox, invitation):
    arrives(mailbox, reply(invitation))
    arrives(mailbox, reply(invitation))
    assert Message.objects.count() == 1
