"""Invitations: what they say, to whom they go, and that each leaves once."""

from __future__ import annotations

import re
import smtplib
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from django.core import mail
from django.utils import timezone

from channels_app import outbox
from channels_app.models import Delivery, Message
from channels_app.platforms.errors import Rejected
from crm import consent
from crm.models import Activity, Identity
from surveys import claiming, inviting, links, mailing
from surveys.models import Invitation, Wave
from tests import factories
from tests.channels_app.conftest import connect, fake, network  # noqa: F401 - fixtures
from tests.surveys.letters import Server, after, asked, mail_server, planned, somebody  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
State = Invitation.State


# --- what it says


def letter(invitation):
    inviting.send(invitation.pk)
    (found,) = mail.outbox
    return found


def parts(found):
    whole = message_from_bytes(found.message().as_bytes(), policy=policy.default)
    return [whole.get_body((kind,)).get_content() for kind in ("plain", "html")]


def test_it_comes_from_the_brand_in_two_parts_that_say_the_same():
    version = factories.sent_version(survey__brand="Skylark")
    invitation = planned(wave__version=version)
    found = letter(invitation)
    assert found.to == ["maria@example.com"]
    assert found.extra_headers["From"] == "Skylark <care@skylark.example>"
    assert found.subject == "How are we doing?"
    plain, html = parts(found)
    assert words_of(plain) == words_of(re.sub(r"<(style|title)>.*?</\1>|<[^>]+>", " ", html, flags=re.S))
    assert set(re.findall(r"https?://\S+", plain)) == set(re.findall(r'href="([^"]+)"', html))


def words_of(text):
    """Without addresses, numbers and signs, in order."""
    return re.findall(r"[A-Za-z]{2,}", re.sub(r"https?://\S+", " ", text).replace("&#x27;", "'"))


def test_each_score_is_a_link_that_only_chooses_beforehand(client):
    invitation = planned()
    plain, _ = parts(letter(invitation))
    for score in range(11):
        assert links.link(invitation, score=score) in plain
    assert client.get(links.link(invitation, score=9).removeprefix("http://127.0.0.1:8000")).status_code == 200
    assert not hasattr(after(invitation), "response")


def test_a_survey_that_does_not_begin_with_the_recommendation_has_no_scores():
    version = factories.VersionFactory()
    factories.QuestionFactory(version=version, kind="text", key="why")
    version.sent_at = timezone.now()
    version.save()
    plain, _ = parts(letter(planned(wave__version=version)))
    assert "score=" not in plain


def test_it_can_be_left_by_one_click():
    invitation = planned()
    headers = letter(invitation).extra_headers
    assert headers["List-Unsubscribe"] == f"<{links.unsubscribe_link(invitation)}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_every_mail_says_how_to_be_left_alone():
    invitation = planned()
    plain, _ = parts(letter(invitation))
    assert links.stop_link(invitation) in plain
    assert links.preferences_link(invitation) in plain


def test_what_comes_back_leads_to_it():
    invitation = planned()
    found = letter(invitation)
    named = mailing.Named(invitation.number, 1)
    assert mailing.named_by(found.from_email) == mailing.named_by(found.extra_headers["Reply-To"]) == named
    assert mailing.named_by(found.from_email.upper()) == named
    assert mailing.named_in(found.extra_headers["Message-ID"]) == named
    assert len(found.from_email.partition("@")[0]) <= 64


@pytest.mark.parametrize(
    "change", [lambda a: a.replace("+", "+a", 1), lambda a: a.replace("@", "a@"), lambda a: "x@y.z"]
)
def test_a_return_address_that_was_made_up_leads_nowhere(change):
    assert mailing.named_by(change(letter(planned()).from_email)) is None


@pytest.mark.parametrize(
    ("spoken", "asked_in"), [("de", "de"), ("de-CH", "de"), ("DE", "de"), ("fr", "en"), ("", "en")]
)
def test_it_is_in_their_language_where_the_survey_speaks_it(spoken, asked_in):
    wording = {"en": {"title": "How are we?"}, "de": {"title": "Wie sind wir?"}}
    version = factories.VersionFactory(languages=["en", "de"], wording=wording)
    version.sent_at = timezone.now()
    version.save()
    found = letter(planned(somebody(language=spoken), wave__version=version))
    assert found.subject == wording[asked_in]["title"]
    assert found.extra_headers["Content-Language"] == asked_in


def test_what_a_customer_or_a_survey_is_called_cannot_write_headers_or_markup():
    wording = {"en": {"title": "How\nBcc: x@y.z", "intro": "<script>alert(1)</script>"}}
    version = factories.sent_version(wording=wording)
    found = letter(planned(somebody(name="<b>Maria</b>"), wave__version=version))
    _, html = parts(found)
    assert found.subject == "How Bcc: x@y.z"
    assert "<script>" not in html
    assert "<b>Maria" not in html


# --- to whom it goes


def test_it_goes_to_the_proven_address_before_a_newer_one():
    customer = somebody("proven@example.com")
    Identity.objects.update(verified_at=timezone.now())
    factories.IdentityFactory(kind="email", place="", value="newer@example.com", customer=customer)
    assert letter(planned(customer)).to == ["proven@example.com"]


def test_an_address_that_came_back_is_not_used_again():
    customer = somebody("dead@example.com")
    Identity.objects.update(unreachable_at=timezone.now(), unreachable_why="550")
    factories.IdentityFactory(kind="email", place="", value="alive@example.com", customer=customer)
    dead = Identity.objects.get(value="dead@example.com")
    assert letter(planned(customer, identity=dead)).to == ["alive@example.com"]


def test_an_address_that_is_only_likely_theirs_is_not_written_to():
    customer = somebody(None)
    guess = factories.IdentityFactory(kind="email", place="", value="maybe@example.com")
    factories.IdentityLinkFactory(identity=guess, customer=customer, state="proposed")
    invitation = planned(customer)
    inviting.send(invitation.pk)
    assert mail.outbox == []
    assert after(invitation).state == State.CANCELLED
    assert invitation.reason.startswith("No address of theirs takes mail")


@pytest.mark.parametrize("facts", [{"wave__state": "paused"}, {"due_at": timezone.now() + timedelta(hours=1)}])
def test_what_is_not_due_or_paused_stays(facts):
    invitation = planned(**facts)
    inviting.send_due()
    inviting.send(invitation.pk)
    assert mail.outbox == []
    assert after(invitation).state == State.PLANNED


# --- whether it may


def test_a_consent_withdrawn_after_the_plan_ends_it_with_the_reason():
    invitation = planned()
    consent.record(customer=invitation.customer, purpose="survey", state="refused", how="Rang us", by=None)
    inviting.send_due()
    assert mail.outbox == []
    assert after(invitation).state == State.CANCELLED
    assert "does not want this" in invitation.reason


def test_a_reminder_asks_again_whether_it_may():
    invitation = asked(somebody())
    consent.forbid(customer=invitation.customer, how="Rang us", by=None)
    inviting.send_due()
    assert mail.outbox == []
    assert after(invitation).state == State.CANCELLED


# --- once


def test_it_is_sent_and_says_when():
    invitation = planned()
    inviting.send_due()
    assert after(invitation).state == State.SENT
    assert invitation.sent_at >= invitation.claimed_at
    assert invitation.identity.value == "maria@example.com"


def test_a_second_run_sends_nothing():
    invitation = planned()
    inviting.send_due()
    inviting.send_due()
    inviting.send(invitation.pk)
    assert len(mail.outbox) == 1


def test_a_line_that_breaks_after_the_mail_was_handed_over_leaves_it_in_doubt():
    invitation = planned()
    Server.fate, Server.swallows = smtplib.SMTPServerDisconnected("gone"), True
    inviting.send_due()
    inviting.send_due()
    assert after(invitation).state == State.DOUBT
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError(), smtplib.SMTPServerDisconnected("x")])
def test_a_mail_nobody_knows_the_fate_of_is_not_sent_again(error):
    invitation = planned()
    Server.fate = error
    inviting.send_due()
    inviting.sweep(timezone.now() + timedelta(days=1))
    inviting.send_due()
    assert (after(invitation).state, mail.outbox) == (State.DOUBT, [])


def test_a_sender_that_died_leaves_it_in_doubt_after_its_lease():
    invitation = planned()
    claimed = claiming.claim(invitation.pk)  # and then it died
    assert claimed.state == State.SENDING
    inviting.sweep()
    assert after(invitation).state == State.SENDING
    inviting.sweep(timezone.now() + timedelta(hours=1))
    assert after(invitation).state == State.DOUBT
    inviting.send_due()
    assert mail.outbox == []


def test_a_server_that_is_down_costs_nothing_but_time():
    first, second = planned(), planned(somebody("ann@example.com"))
    Server.shut = True
    assert inviting.send_due() == 0
    assert {after(first).state, after(second).state} == {State.PLANNED}
    Server.shut = False
    Invitation.objects.update(due_at=timezone.now())
    inviting.send_due()
    assert len(mail.outbox) == 2


def test_a_server_that_will_carry_nothing_of_ours_closes_no_address():
    invitation = planned()
    Server.fate = smtplib.SMTPRecipientsRefused({"maria@example.com": (554, b"5.7.1 Relay access denied")})
    inviting.send_due()
    assert after(invitation).state == State.PLANNED
    assert "Relay access denied" in invitation.reason
    assert invitation.due_at > timezone.now()
    assert not Identity.objects.exclude(unreachable_at=None).exists()


def test_an_address_the_server_refuses_at_once_is_closed():
    invitation = planned()
    Server.fate = smtplib.SMTPRecipientsRefused({"maria@example.com": (550, b"5.1.1 No such user")})
    inviting.send_due()
    assert after(invitation).state == State.BOUNCED
    assert invitation.sent_at is None
    box = Identity.objects.get()
    assert box.unreachable_at
    assert "No such user" in box.unreachable_why


# --- a person decides


def in_doubt():
    return factories.InvitationFactory(
        customer=somebody(), state="doubt", sent_at=None, claimed_at=timezone.now(), reason="Its sender stopped."
    )


def test_one_in_doubt_can_be_counted_as_sent(lead):
    invitation = inviting.count_as_sent(invitation=in_doubt(), by=lead)
    assert (invitation.state, invitation.sent_at) == (State.SENT, invitation.claimed_at)
    assert Activity.objects.about(invitation).get().by == lead


def test_one_in_doubt_can_be_sent_again(lead):
    invitation = inviting.send_again(invitation=in_doubt(), by=lead)
    inviting.send_due()
    assert after(invitation).state == State.SENT
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("decide", [inviting.count_as_sent, inviting.send_again])
def test_what_is_not_in_doubt_is_not_decided(decide, lead):
    invitation = in_doubt()
    inviting.count_as_sent(invitation=invitation, by=lead)
    with pytest.raises(inviting.NotInDoubt, match="not in doubt any more: sent"):
        decide(invitation=invitation, by=lead)


# --- reminders


def test_who_has_not_answered_is_reminded_as_often_as_the_wave_says():
    invitation = asked(somebody())
    inviting.send_due()
    inviting.send_due()
    (found,) = mail.outbox
    assert found.subject == "A reminder: How are we doing?"
    assert mailing.named_by(found.from_email).nth == 2
    assert (after(invitation).reminded, invitation.state) == (1, State.SENT)


@pytest.mark.parametrize(
    ("wave", "invitation"),
    [
        ({"state": "paused"}, {}), ({"reminders": 0}, {}), ({"remind_days": 0}, {}), ({"remind_days": 7}, {}),
        ({}, {"state": "answered", "ended_at": timezone.now()}), ({}, {"by": "private"}), ({}, {"reminded": 1}),
        ({}, {"expires_at": timezone.now()}),
    ],
)  # fmt: skip
def test_who_is_not_reminded(wave, invitation):
    made = asked(somebody())
    Wave.objects.update(**wave)
    Invitation.objects.filter(pk=made.pk).update(**invitation)
    inviting.send_due()
    assert mail.outbox == []


def test_a_reminder_whose_sender_died_is_missing_and_never_comes_twice():
    invitation = asked(somebody())
    claiming.count_reminder(invitation.pk)  # and then it died
    inviting.send_due()
    assert (mail.outbox, after(invitation).state) == ([], State.SENT)


def test_a_reminder_a_server_did_not_take_comes_later():
    invitation = asked(somebody())
    Server.fate = smtplib.SMTPDataError(451, b"4.3.0 later")
    inviting.send_due()
    assert after(invitation).reminded == 0
    Invitation.objects.update(reminded_at=timezone.now() - timedelta(days=6))
    inviting.send_due()
    assert len(mail.outbox) == 1


def test_a_second_reminder_waits_as_long_again():
    invitation = asked(somebody())
    Wave.objects.update(reminders=2)
    inviting.send_due()
    inviting.send_due()
    assert after(invitation).reminded == 1
    Invitation.objects.update(reminded_at=timezone.now() - timedelta(days=6))
    inviting.send_due()
    assert [mailing.named_by(found.from_email).nth for found in mail.outbox] == [2, 3]


# --- as a private message


@pytest.fixture
def writer(fake, network):  # noqa: F811
    """Somebody we know by a handle alone, who has written to us there."""
    customer = somebody(None)
    handle = factories.IdentityFactory(place="fake", customer=customer)
    factories.MessageFactory(thread__channel=fake, identity=handle, private=True)
    return customer


def test_who_has_no_mailbox_is_asked_where_they_wrote(writer, network, lead):  # noqa: F811
    invitation = planned(writer, wave__made_by=lead)
    inviting.send_due()
    assert (after(invitation).state, invitation.by) == (State.SENT, "private")
    outbox.deliver(invitation.message.delivery.pk)
    (out,) = network.posts.values()
    assert out.private
    assert links.link(invitation) in out.text


def test_what_is_kept_of_it_holds_no_link(writer, lead):
    planned(writer, wave__made_by=lead)
    inviting.send_due()
    assert not links.is_in(Message.objects.get(direction="out").text)
    assert mail.outbox == []


def test_a_private_message_the_network_refuses_does_not_count_as_asked(writer, network, lead):  # noqa: F811
    invitation = planned(writer, wave__made_by=lead)
    inviting.send_due()
    network.next.append(Rejected("They have blocked us."))
    outbox.deliver(after(invitation).message.delivery.pk)
    inviting.sweep()
    assert (after(invitation).state, invitation.sent_at, invitation.reason) == (
        State.BOUNCED,
        None,
        "They have blocked us.",
    )


def test_a_private_message_needs_one_of_us_who_may_write_there(writer):
    invitation = planned(writer, wave__made_by=None)
    inviting.send_due()
    assert after(invitation).state == State.CANCELLED
    assert "nobody stands behind this survey" in invitation.reason
    assert not Delivery.objects.exists()


def test_a_network_without_room_for_the_link_is_not_tried(writer, network, lead):  # noqa: F811
    network.capabilities = type(network.capabilities)(reply_public=True, reply_private=True, text_limit=60, poll=True)
    invitation = planned(writer, wave__made_by=lead)
    inviting.send_due()
    assert after(invitation).state == State.CANCELLED
    assert "takes 60 characters" in invitation.reason
