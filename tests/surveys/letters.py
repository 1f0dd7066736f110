"""A mail server that does as it is told, and somebody to write to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from tests import factories


class Server(EmailBackend):
    """A mail server that does as it is told: `fate` is raised at the next mail, `shut` when it is opened."""

    fate: BaseException | None = None
    shut: bool = False
    swallows = False

    def open(self):
        if Server.shut:
            raise ConnectionRefusedError

    def send_messages(self, messages):
        fate, Server.fate = Server.fate, None
        if fate and not Server.swallows:
            raise fate
        sent = super().send_messages(messages)
        if fate:
            raise fate
        return sent


@pytest.fixture(autouse=True)
def mail_server(settings):
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    settings.SURVEY_FROM, settings.MAIL_RETURN_TO = "care@skylark.example", "surveys@skylark.example"
    Server.fate, Server.shut, Server.swallows = None, False, False


def somebody(address="maria@example.com", **facts):
    customer = factories.CustomerFactory(**{"name": "Maria Kent", **facts})
    if address:
        factories.IdentityFactory(kind="email", place="", value=address, customer=customer)
    return customer


def planned(customer=None, **facts):
    return factories.InvitationFactory(customer=customer or somebody(), state="planned", sent_at=None, **facts)


def after(invitation):
    invitation.refresh_from_db()
    return invitation


def asked(customer, **facts):
    """Sent so long ago that a reminder is due."""
    wave = factories.WaveFactory(remind_days=5, reminders=1, **facts)
    return factories.InvitationFactory(customer=customer, wave=wave, sent_at=timezone.now() - timedelta(days=6))
