"""What only mail has: written as HTML, without an id, answered by a machine."""

from __future__ import annotations

import pytest

from channels_app.platforms.abilities import Access
from channels_app.platforms.errors import AccessRevoked, UnknownOutcome
from tests.rigs.letters import arrives, outgoing
from tests.rigs.mailing import OURS, MailRig

ONLY = ["mail", "postfix"]


def test_a_letter_in_html_is_read_as_its_words(rig: MailRig):
    letter = rig.letter("")
    letter.clear_content()
    letter.set_content(
        "<p>It is <b>late</b>.</p><script>alert(1)</script><img src='http://far.example/seen.png'>", "html"
    )
    id = rig.mail(letter)
    event = arrives(rig, rig.platform(), lambda event: event.external_id == id)
    assert event.text == "It is late."
    assert not event.attachments


def test_a_letter_without_an_id_is_the_same_letter_each_time(rig: MailRig):
    letter = rig.letter("Nobody gave me an id")
    del letter["Message-ID"]
    rig.mail(letter)
    found = [arrives(rig, rig.platform(), lambda event: event.text == "Nobody gave me an id") for _ in range(2)]
    assert found[0].external_id == found[1].external_id != ""


def test_who_answers_by_machine_is_not_read(rig: MailRig):
    absent = rig.letter("I am away")
    absent["Auto-Submitted"] = "auto-replied"
    rig.mail(absent)
    here = rig.post("I am here")
    assert arrives(rig, rig.platform(), lambda event: event.external_id == here)
    payloads = rig.platform().fetch_since({}, limit=200).payloads
    texts = [event.text for raw in payloads for event in rig.platform().parse(raw.body)]
    assert "I am away" not in texts


def test_nobody_knows_of_a_mail_whose_line_broke(rig: MailRig):
    with rig.door.loses_answer(rig.sending) as lost, pytest.raises(UnknownOutcome):
        rig.platform().send(outgoing())
    lost.wait()


def test_a_mailbox_without_a_password_says_so(rig: MailRig):
    with pytest.raises(AccessRevoked):
        rig.platform(Access(rig.access().settings)).check()


def test_the_mailbox_knows_who_it_is(rig: MailRig):
    assert rig.platform().check().handle == OURS
