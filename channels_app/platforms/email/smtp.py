"""Handing a mail in, and what the server says of it. SMTP does not know a mail it has seen before: each goes once."""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from email.errors import MessageError
from typing import Any

from django.core import mail
from django.core.mail.backends.smtp import EmailBackend

from channels_app.platforms.archive import clean_text
from channels_app.platforms.email.mailbox import Mailbox, Security
from channels_app.platforms.errors import AccessRevoked, PlatformError, Rejected, TryLater, UnknownOutcome

TIMEOUT = 20  # seconds, of each step
STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
# full, too large, their system, the line, the form of a mail, our own server: another mail may arrive
FOR_NOW = ("5.2.2", "5.2.3", "5.3", "5.4", "5.5", "5.6", "5.7")
NO_ADDRESS = "No mail can be sent to this address. Nothing was sent: look at how it is written."


class NoSuchAddress(Rejected):
    """The mail server says that nobody can be reached there, now or later."""


def hand_in(letter: mail.EmailMessage, box: Mailbox) -> None:
    """Raises Rejected, TryLater, AccessRevoked or UnknownOutcome."""
    line = opened(box)
    try:
        sent = line.send_messages([letter])
    except (ValueError, MessageError) as error:  # of an address, before anything of the mail is written
        raise Rejected(NO_ADDRESS) from error
    except smtplib.SMTPException as error:
        raise why_not_sent(error) from error
    except OSError as error:
        raise UnknownOutcome("The mail server took the mail and did not answer.") from error
    finally:
        with suppress(OSError, smtplib.SMTPException):
            line.close()
    if sent == 0:
        raise Rejected(NO_ADDRESS)


def opened(box: Mailbox) -> Any:
    """A line to the server, past its login. Raises TryLater, AccessRevoked."""
    line = _line(box)
    try:
        line.open()
    except (OSError, ValueError) as error:  # smtplib's own are an OSError; ValueError: a password it cannot write
        with suppress(OSError):
            line.close()
        raise _why_not_open(error) from error
    return line


def _line(box: Mailbox) -> Any:
    server = box.hands_in
    if server is None:
        return mail.get_connection()
    return EmailBackend(
        host=server.host, port=server.port, username=server.user, password=server.password, timeout=TIMEOUT,
        use_ssl=server.security is Security.TLS, use_tls=server.security is Security.STARTTLS,
    )  # fmt: skip


def _why_not_open(error: Exception) -> PlatformError:
    temporary = isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code < 500
    if isinstance(error, smtplib.SMTPAuthenticationError | ValueError) and not temporary:
        return AccessRevoked("The mail server does not accept our name and password.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return TryLater("The certificate of the mail server is not good for its name.")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return TryLater("The mail server does not offer the security, or the login, that was asked for.")
    return TryLater("The mail server cannot be reached.")


def why_not_sent(error: smtplib.SMTPException) -> Rejected | TryLater | UnknownOutcome:
    """What a mail server's answer means: refused for good, for now, or nobody knows whether it was taken."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = _answer(*next(iter(error.recipients.values())))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, words = _answer(error.smtp_code, error.smtp_error)
    else:
        return UnknownOutcome("The line to the mail server broke.")
    told = f"The mail server said: {code} {words}"
    if isinstance(error, smtplib.SMTPRecipientsRefused) and _is_about_the_address(code, words):
        return NoSuchAddress(told)
    return Rejected(told) if _is_for_good(error, code, words) else TryLater(told, after=600.0)


def _is_for_good(error: smtplib.SMTPException, code: int, words: str) -> bool:
    """What it says of the sender or of itself may be mended; that the mail is too large may not."""
    ours = isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPHeloError | smtplib.SMTPAuthenticationError)
    status = STATUS.search(words)
    too_large = code == 552 and (status is None or status[0] in ("5.3.4", "5.2.3"))
    return too_large or (500 <= code < 600 and not ours)


def _answer(code: int, said: bytes | str) -> tuple[int, str]:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return code, " ".join(clean_text(words).split())[:200]


def _is_about_the_address(code: int, words: str) -> bool:
    """Not that it refuses to carry mail for us. RFC 5321 where it gives no status of RFC 3463."""
    status = STATUS.search(words)
    return is_for_good(status[0]) if status else code in (550, 551, 553)


def is_for_good(status: str) -> bool:
    """RFC 3463: class 5 is permanent, but for what is no fault of the address. No status: for now."""
    return status.startswith("5.") and not any(status == each or status.startswith(f"{each}.") for each in FOR_NOW)
