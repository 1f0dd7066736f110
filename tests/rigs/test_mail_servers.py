"""Mail servers that ask for logins, refuse whom they do not know, and send back what they cannot deliver."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels_app.platforms.base import EventKind
from channels_app.platforms.email import EmailPlatform, NoSuchAddress
from channels_app.platforms.errors import AccessRevoked
from tests.rigs.letters import arrives, outgoing
from tests.rigs.mailing import MailRig
from tests.rigs.postfix import GONE

ONLY = ["postfix"]


@pytest.fixture
def smart(rig: MailRig) -> EmailPlatform:
    """Our mailbox, where care+anything@ reaches it too."""
    access = rig.access()
    return rig.platform(replace(access, settings={**access.settings, "plus_addresses": "yes"}))


def test_who_has_another_password_hands_in_nothing(rig: MailRig):
    with pytest.raises(AccessRevoked):
        rig.platform(rig.wrong_access()).send(outgoing())


def test_who_is_not_there_is_refused_at_once(rig: MailRig):
    with pytest.raises(NoSuchAddress, match="550"):
        rig.platform().send(outgoing(recipient="nobody@customer.test"))


def test_what_comes_back_names_the_reply_and_whom_it_was_for(rig: MailRig, smart: EmailPlatform):
    """Postfix takes it, dovecot knows nobody of that name: a report comes back to us."""
    for platform in (rig.platform(), smart):
        out = outgoing(recipient=GONE)
        platform.send(out)
        back = arrives(rig, platform, lambda event, key=out.key: event.extra.get("key") == key)
        assert (back.kind, back.extra["address"], back.extra["status"][:2]) == (EventKind.RETURNED, GONE, "5.")


def test_an_answer_that_names_nothing_finds_its_thread_by_where_it_was_sent(rig: MailRig, smart: EmailPlatform):
    out = outgoing()
    smart.send(out)
    [ours] = rig.wait_until("they have it", lambda: [mail for mail in rig.arrived() if out.key in mail["Message-ID"]])
    assert ours["Reply-To"].startswith("care+")
    letter = rig.letter("It names nothing")
    letter.replace_header("To", ours["Reply-To"])
    id = rig.mail(letter)
    event = arrives(rig, smart, lambda event: event.external_id == id)
    assert event.parent_id == ours["Message-ID"]
