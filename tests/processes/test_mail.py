"""Surveys by mail, with real mail servers and all our processes: out over SMTP, back over IMAP, once each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from django.utils import timezone

from cases.models import Case
from channels_app.models import Message
from crm.models import Consent, Identity
from surveys.models import Invitation, Response
from tests import factories
from tests.channels_app.test_email import dsn, failed, mail
from tests.processes.mail_server import Servers
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes
State = Invitation.State


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[Servers]:
    with Servers(tmp_path_factory.mktemp("mail")).running() as servers:
        yield servers


@pytest.fixture(scope="module")
def town(prepared, servers, django_db_blocker) -> Iterator[Stack]:
    with django_db_blocker.unblock(), Stack(prepared, servers.environment) as stack:
        factories.ChannelFactory(key="mail", name="Mail", platform="email", place="email", our_handle="")
        factories.WaveFactory(name="Autumn")
        stack.start("web", "worker", "cron")
        yield stack


@pytest.fixture
def stack(town: Stack) -> Iterator[Stack]:
    yield town
    town.restart(*(name for name, started in town.processes.items() if started.killed))


def invite(address: str, name: str = "Maria Kent") -> Invitation:
    customer = factories.CustomerFactory(name=name)
    factories.IdentityFactory(kind="email", place="", value=address, customer=customer)
    wave = Invitation.wave.field.related_model.objects.get(name="Autumn")
    return factories.InvitationFactory(customer=customer, wave=wave, state="planned", sent_at=None)


def stands_at(invitation: Invitation, state: str) -> bool:
    invitation.refresh_from_db()
    return invitation.state == state


def sent(stack: Stack, servers: Servers, address: str):
    """The invitation and the mail as it arrived."""
    invitation = invite(address)
    stack.wait_until("it is sent", lambda: stands_at(invitation, State.SENT))
    (letter,) = servers.arrived(address)
    return invitation, letter


def test_an_invitation_arrives_whole_and_its_link_works(stack: Stack, servers: Servers):
    invitation, letter = sent(stack, servers, "whole@example.com")
    assert letter["To"] == "whole@example.com"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter["X-MailFrom"].strip() == letter["Reply-To"]
    plain, html = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
    (link,) = re.findall(r"^\S+/s/\S+/$(?=\nThe link)", plain, re.M)
    assert f'href="{link}"' in html
    assert link.startswith(stack.url)
    assert httpx.get(f"{link}?score=9").status_code == 200
    assert not Response.objects.filter(invitation=invitation).exists()


def test_a_mail_that_comes_back_closes_the_address(stack: Stack, servers: Servers):
    invitation, letter = sent(stack, servers, "gone@example.com")
    back = letter["X-MailFrom"].strip()
    report = dsn(failed("gone@example.com")).replace(b"surveys+code@skylark.example", back.encode())
    servers.deliver(report, back)
    stack.wait_until("it is known to have come back", lambda: stands_at(invitation, State.BOUNCED))
    assert Identity.objects.get(value="gone@example.com").unreachable_why == "5.1.1 550 no such user"


def test_an_address_the_server_does_not_know_is_closed_at_once(stack: Stack, servers: Servers):
    invitation = invite("dead@example.com")
    stack.wait_until("it was refused", lambda: stands_at(invitation, State.BOUNCED))
    assert "5.1.1 No such user here" in Identity.objects.get(value="dead@example.com").unreachable_why
    assert servers.arrived("dead@example.com") == []


def test_one_click_ends_all_surveys_and_the_next_is_not_sent(stack: Stack, servers: Servers):
    """As RFC 8058 has it: a POST of one field, with no cookie, to the address in the header."""
    invitation, letter = sent(stack, servers, "enough@example.com")
    link = letter["List-Unsubscribe"].strip(" <>")
    answer = httpx.post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.is_success, answer.text
    assert Consent.objects.get(customer=invitation.customer).state == "refused"
    wave = factories.WaveFactory()
    again = factories.InvitationFactory(customer=invitation.customer, wave=wave, state="planned", sent_at=None)
    stack.wait_until("the next is called off", lambda: stands_at(again, State.CANCELLED))
    assert len(servers.arrived("enough@example.com")) == 1


def test_an_answer_to_the_mail_becomes_a_message_of_the_customer_and_a_case(stack: Stack, servers: Servers):
    invitation, letter = sent(stack, servers, "writes@example.com")
    words = "The crew was lovely, the seat was not.\r\n\r\nOn Friday, Skylark wrote:\r\n> How likely are you"
    reply = mail(
        words, From="Maria <writes@example.com>", To=letter["Reply-To"], In_Reply_To=letter["Message-ID"],
        Message_ID="<answer@example.com>",
    )  # fmt: skip
    servers.deliver(reply, letter["Reply-To"])
    stack.wait_until("there is a case", Case.objects.filter(customer=invitation.customer).exists)
    message = Message.objects.get(external_id="<answer@example.com>")
    assert message.text == "The crew was lovely, the seat was not."
    assert message.identity.value == "writes@example.com"


def test_a_sender_killed_in_the_middle_sends_nobody_two(stack: Stack, servers: Servers):
    """The server has taken the mail in the middle, and the sender dies before it hears so: that one is in doubt."""
    stack.kill9("worker")
    addresses = [f"{'slow' if n == 10 else f'many{n}'}@example.com" for n in range(20)]
    invitations = [invite(address) for address in addresses]
    Invitation.objects.filter(pk__in=[one.pk for one in invitations]).update(due_at=timezone.now())
    stack.restart("worker")
    stack.wait_until("the server has the one in the middle", lambda: servers.arrived("slow@example.com"))
    assert stands_at(invitations[10], State.SENDING)
    stack.kill9("worker")
    assert Invitation.objects.filter(state=State.PLANNED).count() == 9
    stack.restart("worker")
    others = [one.pk for one in invitations if one != invitations[10]]
    stack.wait_until(
        "the others are sent", lambda: Invitation.objects.filter(pk__in=others, state=State.SENT).count() == 19
    )
    stack.wait_until("the one in the middle is in doubt", lambda: stands_at(invitations[10], State.DOUBT))
    assert Counter(letter["X-RcptTo"] for letter in servers.arrived() if letter["X-RcptTo"] in addresses) == Counter(
        addresses
    )


def test_one_in_doubt_is_sent_again_when_a_person_says_so(stack: Stack, servers: Servers):
    from surveys import inviting

    lead = factories.UserFactory(role="lead")
    doubtful = invite("doubtful@example.com")
    Invitation.objects.filter(pk=doubtful.pk).update(state=State.DOUBT, claimed_at=timezone.now(), reason="It died.")
    inviting.send_again(invitation=doubtful, by=lead)
    stack.wait_until("it is sent", lambda: stands_at(doubtful, State.SENT))
    assert len(servers.arrived("doubtful@example.com")) == 1
