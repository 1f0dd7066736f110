"""What leaves for Mastodon: a post that names whom it answers, seen by those who see what it answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

import regex

from channels_app.platforms import counting
from channels_app.platforms.base import Carried, Json, Outgoing, Sent
from channels_app.platforms.errors import Rejected, TryLater, repeatable
from channels_app.platforms.html_text import WRITTEN, text_of
from channels_app.platforms.mastodon.joining import NAME
from channels_app.platforms.mastodon.reading import OPEN, Us, key_of
from channels_app.platforms.wire import Wire
from crm.leading import address_of

# as Mastodon's Account::MENTION_RE finds the people a post names
NAMED = regex.compile(r"(?<![=/\w])@([a-z0-9_]+(?:[a-z0-9_.-]*[a-z0-9_])?(?:@\w+(?:[.:-]+\w+)*)?)", regex.I)
WAITS = (0.5, 1.0, 2.0, 4.0)  # seconds between looks at a file being prepared


def post_path(external_id: str) -> str:
    return f"/api/v1/statuses/{quote(external_id, safe='')}"


def post(out: Outgoing, parent: Json, us: Us, limit: int) -> Json:
    """What is asked of the server. Raises Rejected where it is too long or would reach others."""
    handle = whom(out, parent, us)
    words = naming(out.text, handle, us)
    if out.private:
        _for_one(words, handle, us)
    if (length := counting.length(words, counting.Counting.MASTODON)) > limit:
        raise Rejected(f"With the name of whom it answers it has {length} characters; this server takes {limit}.")
    asked: Json = {"status": words, "visibility": visibility(out, parent)}
    return asked | ({"in_reply_to_id": out.parent_id} if out.parent_id else {})


def whom(out: Outgoing, parent: Json, us: Us) -> str:
    """The handle of whom it is for, as its server writes it; "" where that is nobody."""
    account = parent.get("account") or {}
    author = "" if us.is_author(account) else str(account.get("acct") or "")
    same = key_of(author, us.domain) == key_of(out.recipient, us.domain)
    return us.called(author if same or not out.recipient else out.recipient)


def naming(text: str, handle: str, us: Us) -> str:
    """With the name before it, where it does not stand in it: only who is named is told."""
    named = {key_of(found, us.domain) for found in NAMED.findall(text)}
    return text if not handle or key_of(handle, us.domain) in named else f"@{handle} {text}"


def _for_one(words: str, handle: str, us: Us) -> None:
    """A private post is read by everybody it names."""
    if not handle:
        raise Rejected("Nobody is named to whom this private message goes.")
    others = {key_of(found, us.domain) for found in NAMED.findall(words)} - {key_of(handle, us.domain), us.key}
    if others:
        raise Rejected("A private message is read by everybody it names here: take the other names out of it.")


def visibility(out: Outgoing, parent: Json) -> str:
    """Never for more people than what it answers."""
    above = str(parent.get("visibility") or "public")
    if out.private or above not in OPEN:
        return "direct"
    return "public" if above == "public" else "unlisted"


def upload(wire: Wire, file: Carried) -> str:
    """The id of a file at the server, when it is ready. Nothing is published by it. Raises Rejected, TryLater."""
    with repeatable():
        answer = wire.act(
            "POST", "/api/v2/media", files={"file": (file.name, file.read(), file.type)}, data={"description": file.alt}
        )
    told = wire.json(answer)
    named = str(told.get("id") or "") if isinstance(told, dict) else ""
    if not named:
        raise TryLater(f"{NAME} did not say where it keeps the file.")
    if answer.status_code == 202:
        _await(wire, named)
    return named


def _await(wire: Wire, named: str) -> None:
    for wait in WAITS:
        if wire.look(f"/api/v1/media/{quote(named, safe='')}").status_code == 200:
            return
        time.sleep(wait)
    raise TryLater(f"{NAME} is still preparing the files.", 10.0)


def sent(told: Json, us: Us) -> Sent:
    """Raises KeyError, TypeError or ValueError where it is no post."""
    if not told["id"]:
        raise ValueError("a post without its id")
    return Sent(us.post_id(str(told["id"])), datetime.fromisoformat(told["created_at"]))


# --- whether it arrived


def is_it(found: Json, out: Outgoing, us: Us) -> bool:
    """Ours, below the same post, as public, and with the same words."""
    ours = us.is_author(found.get("account") or {}) and us.post_id(found.get("in_reply_to_id") or "") == out.parent_id
    closed = str(found.get("visibility") or "") not in OPEN
    return ours and closed == out.private and gist(text_of(str(found.get("content") or ""))) == gist(out.text)


def gist(text: str) -> str:
    """Letters and digits alone: servers shorten names, set marks and make lists. Of what has none, all it has."""
    whole = NAMED.sub("", WRITTEN.sub(lambda found: address_of(found[0]) or found[0], text)).casefold()
    return "".join(_kept(whole)) or "".join(whole.split())


def _kept(text: str) -> Iterator[str]:
    return (sign for sign in text if sign.isalnum())
