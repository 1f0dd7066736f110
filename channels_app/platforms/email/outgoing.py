"""The mail that answers one: in its thread (RFC 5322 §3.6.4), under its subject, with our files."""

from __future__ import annotations

import re
from email.message import Message
from email.utils import formataddr

from django.core import mail

from channels_app.platforms.base import Outgoing
from channels_app.platforms.email import conversation
from channels_app.platforms.email.headers import header
from channels_app.platforms.email.mailbox import Mailbox
from channels_app.platforms.errors import Rejected, TryLater

NO_SUBJECT = "Re: Your message to us"
ANSWERED = re.compile(r"^(?:(?:re|aw|sv|vs|antw|r[eé]f?)(?:\[\d+\])?\s?:\s*)+", re.I)
LONGEST_SUBJECT = 200
LONGEST_CHAIN = 20  # ids in References besides the first: longer ones are cut in the middle, as RFC 1036 advises


def letter(out: Outgoing, box: Mailbox, original: Message | None) -> mail.EmailMessage:
    """`original` is the head of the mail it answers, where it could be read. Raises Rejected, TryLater."""
    back = conversation.return_to(out.key, box)
    headers = {"Message-ID": conversation.message_id(out.key, box), **_chain(out, original)}
    if box.name or back != box.address:
        headers["From"] = formataddr((box.name, box.address))
    if back != box.address:
        headers["Reply-To"] = back
    made = mail.EmailMessage(subject(original), out.text, back, [out.recipient], headers=headers)
    try:
        for file in out.files:
            made.attach(file.name, file.read(), file.type)
        made.message()
    except OSError as error:
        raise TryLater("A file of this mail cannot be read.") from error
    except (ValueError, LookupError) as error:
        raise Rejected(
            "This cannot be written as a mail: look at the address and at the names of its files."
        ) from error
    return made


def subject(original: Message | None) -> str:
    """Theirs, with one "Re:"."""
    theirs = header(original, "Subject") if original else ""
    bare = ANSWERED.sub("", theirs)[:LONGEST_SUBJECT].strip()
    return f"Re: {bare}" if bare else NO_SUBJECT


def _chain(out: Outgoing, original: Message | None) -> dict[str, str]:
    """In-Reply-To and References. The name of the thread stands first: by it their answer finds back."""
    theirs = conversation.ids_in(header(original, "References")) if original else []
    theirs = theirs or (conversation.ids_in(header(original, "In-Reply-To"))[:1] if original else [])
    line = [one for one in dict.fromkeys((out.thread_id, *theirs, out.parent_id)) if conversation.is_id(one)]
    line = line[:1] + line[1:][-LONGEST_CHAIN:]
    answered = {"In-Reply-To": out.parent_id} if conversation.is_id(out.parent_id) else {}
    return answered | ({"References": " ".join(line)} if line else {})
