"""One line to the mail server, for senders that claimed a row before, and asked whether they may write."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from enum import Enum, auto

from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage

from channels_app.platforms.email import NoSuchAddress, why_not_sent
from channels_app.platforms.errors import PlatformError, TryLater, UnknownOutcome
from crm import reachable
from crm.models import Identity

AGAIN = timedelta(minutes=10)  # after a mail server took nothing


class End(Enum):
    """What became of a mail."""

    LEFT = auto()
    STAYED = auto()  # it may be tried again
    NOBODY_THERE = auto()  # that address is closed from now on: another, or none
    UNKNOWN = auto()  # nobody knows whether it left, so nobody sends it again


class Wire:
    """One line to the mail server for many mails, opened when the first leaves and again after it broke."""

    def __init__(self) -> None:
        self._connection, self.is_down = mail.get_connection(), False

    def carry(self, letter: EmailMessage) -> None:
        """Raises Rejected, TryLater (not sent) or UnknownOutcome (perhaps sent)."""
        self.open()
        try:
            self._connection.send_messages([letter])
        except smtplib.SMTPException as error:
            self.close()
            raise why_not_sent(error) from error
        except OSError as error:
            self.close()
            raise UnknownOutcome("The mail server took the mail and did not answer.") from error

    def open(self) -> None:
        """Raises TryLater."""
        try:
            self._connection.open()
        except (OSError, smtplib.SMTPException) as error:
            self.is_down = True
            raise TryLater(
                "The mail server cannot be reached, or does not let us in.", AGAIN.total_seconds()
            ) from error

    def close(self) -> None:
        with suppress(OSError, smtplib.SMTPException):
            self._connection.close()

    def carry_to(self, box: Identity, letter: EmailMessage) -> End:
        """The same, told by what became of it. An address at which nobody is takes no mail any more."""
        try:
            self.carry(letter)
        except NoSuchAddress as refusal:
            reachable.close(identity=box, why=str(refusal))
            return End.NOBODY_THERE
        except UnknownOutcome:
            return End.UNKNOWN
        except PlatformError:
            return End.STAYED
        return End.LEFT


def one_by_one(pks: Iterable[int], step: Callable[[int, Wire], None]) -> None:
    """Each by the same line. Where the server is down the rest waits, unclaimed."""
    wire = Wire()
    try:
        for pk in pks:
            if wire.is_down:
                return
            step(pk, wire)
    finally:
        wire.close()


def plain(subject: str, text: str, address: str) -> EmailMessage:
    """A mail of ours to one customer, which no machine is to answer."""
    return EmailMessage(
        subject, text, from_email=settings.SURVEY_FROM, to=[address], headers={"Auto-Submitted": "auto-generated"}
    )  # fmt: skip
