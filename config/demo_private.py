"""A case that went on in private, a spammer who calls nobody any more, and a block that waits for a second person.

To be loaded before policies are in force: what is answered here is answered by people who have read none yet.
"""

from __future__ import annotations

import json
import struct
import zlib
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.utils import timezone

from cases import assignment, malicious, private
from cases.models import Case, CaseMessage
from channels_app import inbox
from channels_app.models import Attachment, Channel, Delivery, Message
from channels_app.platforms.base import RawPayload
from crm import files
from crm.models import User

SPAMMER = {"key": "x-followers4you", "handle": "followers4you", "name": "Followers 4 You"}
OFFERS = (
    "@skylark 10,000 real followers for only 9.99!!! Link in bio",
    "@skylark last chance, 20,000 followers, your competitors have them already",
)
WHISPER = "Thank you for telling us. Could you send us a photo of the suitcase here, and the number on the bag tag?"
ANSWER = "Here it is. Tag 0117 482 913. The handle is gone and the shell is cracked right through."
SIDE = 24  # of the picture, in units of `UNIT` pixels
UNIT = 8
AIR, SHELL, EDGE, CRACK, FLOOR = (233, 239, 245), (38, 92, 140), (22, 56, 90), (250, 214, 120), (201, 196, 188)


def load() -> None:
    channel = Channel.objects.filter(platform="simulator").order_by("pk").first()
    if channel is None:
        return
    staff = {user.username: user for user in User.objects.who_answer()}
    _goes_private(channel, staff["agent"])
    _spams(channel, staff["agent"], staff["agent2"])


# --- to private


def _goes_private(channel: Channel, agent: User) -> None:
    """About a bag, where one waits; both messages count as sent, and the customer has answered with a photo."""
    waiting = Case.objects.needing_us().filter(channel=channel, owner=None, customer__do_not_contact_at=None)
    case = waiting.filter(subject__iregex="suitcase|luggage|bag").first() or waiting.first()
    if case is None:
        return
    assignment.take(case=case, by=agent)
    whispered = private.move(case=case, text=WHISPER, by=agent, public_line=private.default_line()).message
    now = timezone.now()
    for n, delivery in enumerate(Delivery.objects.filter(message__case_entry__case=case, sent_at=None).order_by("pk")):
        delivery.confirm(external_id=f"demo-private-{n}", at=now)
    key = whispered.identity.value if whispered.identity else ""
    author = {"key": key, "handle": case.identity.handle, "name": case.identity.display_name}
    whispered.refresh_from_db()
    post = {"thread": whispered.thread.external_id, "parent": whispered.external_id, "private": True}
    answer = _says(channel, "demo-private-answer", ANSWER, author, now + timedelta(seconds=1), **post)
    files.keep(Attachment, files.checked(ContentFile(suitcase(), name="suitcase.png")), by=None, message=answer)


def _says(channel: Channel, number: str, text: str, author: dict[str, str], at: datetime, **more: object) -> Message:
    """A post, all the way to its case."""
    body = {"kind": "message", "id": number, "at": at.isoformat(), "text": text, "author": author, **more}
    inbox.keep(channel=channel, payloads=[RawPayload(json.dumps(body).encode(), f"demo, {number}")])
    inbox.work_off(channel)
    return Message.objects.get(channel=channel, external_id=number)


# --- malicious


def _spams(channel: Channel, agent: User, colleague: User) -> None:
    """Muted for the first post, so that the second is set aside; whether to block them is for somebody else to say."""
    since = timezone.now() - timedelta(minutes=50)
    first = _says(channel, "demo-spam-1", OFFERS[0], SPAMMER, since, thread="demo-spam-1")
    case = CaseMessage.objects.get(message=first).case
    malicious.take(case=case, message=first, kind="mute", reason="spam", by=agent, detail="The same to everybody")
    later = since + timedelta(minutes=30)
    again = _says(channel, "demo-spam-2", OFFERS[1], SPAMMER, later, thread="demo-spam-2")
    case = CaseMessage.objects.get(message=again).case
    malicious.take(case=case, message=again, kind="block", reason="spam", by=colleague, detail="Goes on after the mute")


# --- a photo


def suitcase() -> bytes:
    """A broken suitcase, drawn in squares: a PNG of 192 by 192 pixels (W3C, Portable Network Graphics)."""
    rows = b"".join((b"\x00" + b"".join(bytes(_colour(x, y)) * UNIT for x in range(SIDE))) * UNIT for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE * UNIT, SIDE * UNIT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))


def _chunk(chunk: tuple[bytes, bytes]) -> bytes:
    kind, body = chunk
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _colour(x: int, y: int) -> tuple[int, int, int]:
    if 4 <= x < 20 and 8 <= y < 20:
        if x - 4 == 7 + (y % 3) or (y == 13 and 9 <= x < 15):
            return CRACK
        return EDGE if x in (4, 19) or y in (8, 19) else SHELL
    if y in (5, 6, 7) and x == 9:  # what is left of the handle
        return EDGE
    return FLOOR if y >= 20 else AIR
