"""Not reached by phone: a message where they write to us in private, else a mail; once, and not against consent."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from channels_app.models import Delivery, Message
from channels_app.platforms.email import NoSuchAddress
from channels_app.platforms.errors import TryLater, UnknownOutcome
from crm import consent
from surveys import jobs
from surveys.models import FollowUp
from surveys.outreach import calling, instead, letters
from surveys.wire import Wire
from tests import factories
from tests.channels_app.conftest import connect, fake, network  # noqa: F401 - fixtures
from tests.surveys.outreach.test_calling import call_to, steps_of

pytestmark = pytest.mark.django_db
ADDRESS = "sara@example.com"


@pytest.fixture
def customer(db):
    made = factories.CustomerFactory(name="Sara", country="GB")
    factories.IdentityFactory(kind="email", place="", value=ADDRESS, customer=made)
    return made


@pytest.fixture
def call(customer, agent):
    """Tried often enough, and nobody answered."""
    return call_to(customer, agent, state="not_reached", tries=2)


@pytest.fixture
def wrote(customer, fake, network):  # noqa: F811
    """They wrote to us where we can answer in private."""
    handle = factories.IdentityFactory(place="fake", customer=customer)
    thread = factories.ThreadFactory(channel=fake)
    return factories.MessageFactory(thread=thread, identity=handle)


def mailed(call):
    instead.write(call=call)
    jobs.write_instead(call.pk)
    call.refresh_from_db()
    return call


# --- which way


def test_who_writes_to_us_in_private_is_written_to_there(call, wrote, agent):
    instead.write(call=call)
    message = Delivery.objects.get().message
    assert (message.identity, message.private, message.sent_by) == (wrote.identity, True, agent)
    assert message.text.startswith("Hello Sara,\n\nthank you for your answer to our survey.")
    assert (call.state, len(mail.outbox)) == ("written", 0)


def test_the_others_get_a_mail_once_the_call_is_stored(call, nudges):
    instead.write(call=call)
    assert (call.state, len(mail.outbox)) == ("not_reached", 0)
    assert instead.to_mail() == [call.pk]
    assert mailed(call).state == "written"
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([ADDRESS], "Thank you for your answer")
    assert "What we may write to you about:" in letter.body


def test_what_a_policy_keeps_us_from_writing_in_private_goes_by_mail(call, wrote, fake):  # noqa: F811
    fake.paused_at = timezone.now()
    fake.save()
    assert mailed(call).state == "written"
    assert not Message.objects.filter(direction="out").exists()


def test_whom_nothing_reaches_is_not_written_to_and_the_call_says_why(call, customer):
    customer.links.all().delete()
    instead.write(call=call)
    assert call.state == "cancelled"
    assert call.reason == str(instead.NoWayToThem())


def test_the_second_try_in_vain_writes(customer, agent, wrote):
    call = call_to(customer, agent)
    calling.record(call=call, by=agent, outcome="no_answer")
    assert not Delivery.objects.exists()
    calling.record(call=call, by=agent, outcome="no_answer")
    assert (call.state, Delivery.objects.count()) == ("written", 1)


# --- what it does


def test_in_writing_they_are_thanked_and_no_longer_asked_on_the_phone(call, wrote):
    instead.write(call=call)
    assert steps_of(call) == {"thank": "done", "engage": "cancelled", "share": "open"}
    assert FollowUp.objects.get(step="engage").reason == "Not reached by phone, and written to."


def test_a_second_call_that_is_written_tells_every_answer(customer, agent, wrote):
    call = call_to(customer, agent, steps=("thank",), state="done", ended_at=timezone.now())
    second = factories.CallFactory(loop=call.loop, kind="second", owner=agent, state="not_reached", tries=2)
    attempt = factories.CallAttemptFactory(call=call)
    answer = factories.GroupAnswerFactory(text="Refunds take two days from June on.")
    factories.GroupRequestFactory(attempt=attempt, group=answer.group, answer=answer)
    instead.write(call=second)
    assert "Refunds take two days from June on." in Delivery.objects.get().message.text
    call.loop.refresh_from_db()
    assert call.loop.state == "closed"


@pytest.mark.parametrize(
    ("language", "hello", "subject"),
    [
        ("de-CH", "Guten Tag Sara,\n\nvielen Dank für Ihre Antwort", "Vielen Dank für Ihre Antwort"),
        ("fr", "Bonjour Sara,\n\nmerci", "Merci de votre réponse"),
        ("xx", "Hello Sara,\n\nthank you for your answer", "Thank you for your answer"),
        ("", "Hello Sara,\n\nthank you for your answer", "Thank you for your answer"),
    ],
)
def test_they_are_written_to_in_their_language(call, customer, language, hello, subject):
    customer.language = language
    customer.save()
    assert letters.words(call).startswith(hello)
    assert letters.letter(call, ADDRESS).subject == subject


def test_of_a_second_call_all_but_the_answer_itself_is_in_their_language(customer, agent):
    customer.language = "de"
    customer.save()
    first = call_to(customer, agent, steps=("thank",), state="done", ended_at=timezone.now())
    second = factories.CallFactory(loop=first.loop, kind="second", owner=agent)
    answer = factories.GroupAnswerFactory(text="Erstattungen dauern ab Juni zwei Tage.")
    factories.GroupRequestFactory(attempt=factories.CallAttemptFactory(call=first), group=answer.group, answer=answer)
    letter = letters.letter(second, ADDRESS)
    assert letter.subject == "Was aus dem wurde, was Sie uns gesagt haben"
    assert "\n\nErstattungen dauern ab Juni zwei Tage.\n\nVielen Dank, dass Sie es uns gesagt haben." in letter.body
    assert "Hello" not in letter.body


def test_a_call_that_was_answered_meanwhile_is_not_written_instead_of(customer, agent, wrote):
    call = call_to(customer, agent, state="done", ended_at=timezone.now(), tries=2)
    instead.write(call=call)
    instead.mail(call.pk)
    assert (call.state, len(mail.outbox), Delivery.objects.count()) == ("done", 0, 0)


# --- against their will


@pytest.mark.parametrize("purpose", ["call", "care_reply"])
@pytest.mark.parametrize("when", ["before it is written", "before it leaves"])
def test_who_does_not_want_it_is_not_written_to(call, customer, purpose, when):
    if when == "before it leaves":
        instead.write(call=call)
    consent.record(customer=customer, purpose=purpose, state="refused", how="Said so", by=None)
    if when == "before it is written":
        instead.write(call=call)
    instead.mail(call.pk)
    call.refresh_from_db()
    assert (call.state, len(mail.outbox)) == ("cancelled", 0)
    assert call.reason.startswith("They do not want this")


# --- the mail server


class Broken(Wire):
    """Raises these, one after the other, and carries what comes after."""

    is_down = False

    def __init__(self, *errors):
        self.errors, self.carried = list(errors), []

    def carry(self, letter):
        if self.errors:
            raise self.errors.pop(0)
        self.carried.append(letter)


def test_a_mail_that_did_not_leave_is_tried_again(call):
    instead.mail(call.pk, Broken(TryLater("busy", after=1)))
    call.refresh_from_db()
    assert (call.state, call.ended_at, call.reason) == ("not_reached", None, "")
    assert set(steps_of(call).values()) == {"open"}
    instead.mail(call.pk, wire := Broken())
    assert len(wire.carried) == 1


def test_where_they_answered_again_while_a_mail_did_not_leave_they_are_called_for_that_alone(call, customer, agent):
    class Answering(Broken):
        def carry(self, letter):
            call_to(customer, agent)
            super().carry(letter)

    instead.mail(call.pk, Answering(TryLater("busy", after=1)))
    call.refresh_from_db()
    assert (call.state, call.reason) == ("cancelled", "The mail did not leave, and they are called in another call.")


@pytest.mark.django_db(transaction=True)
def test_of_many_senders_at_once_one_writes(call):
    wire, start = Broken(), Barrier(6, timeout=60)

    def send(_):
        try:
            start.wait()
            instead.mail(call.pk, wire)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, range(6)))
    assert len(wire.carried) == 1


def test_a_mail_of_which_nobody_knows_whether_it_left_is_not_sent_again(call):
    wire = Broken(UnknownOutcome("broke"))
    instead.mail(call.pk, wire)
    instead.mail(call.pk, wire)
    call.refresh_from_db()
    assert (call.state, wire.carried, instead.to_mail()) == ("written", [], [])
    assert call.reason.startswith("Nobody knows whether the mail has left")


def test_an_address_that_is_gone_is_closed_and_the_next_one_is_tried(call, customer):
    other = factories.IdentityFactory(kind="email", place="", value="new@example.com", customer=customer)
    instead.mail(call.pk, Broken(NoSuchAddress("550 nobody")))
    other.refresh_from_db()
    assert other.unreachable_at
    instead.mail(call.pk, wire := Broken())
    assert wire.carried[0].to == [ADDRESS]


def test_where_the_last_address_is_gone_the_call_says_so(call):
    instead.mail(call.pk, Broken(NoSuchAddress("550 nobody")))
    call.refresh_from_db()
    assert call.state == "cancelled"


def test_a_mail_server_that_is_down_leaves_all_of_them_waiting(call, monkeypatch):
    def down(self):
        self.is_down = True
        raise TryLater("down", after=1)

    monkeypatch.setattr(instead.Wire, "open", down)
    jobs.write_instead()
    call.refresh_from_db()
    assert (call.state, len(mail.outbox)) == ("not_reached", 0)


def test_what_was_written_once_is_not_written_again_by_the_sweep(call):
    mailed(call)
    jobs.write_instead()
    jobs.write_instead(call.pk)
    assert len(mail.outbox) == 1
