"""Pictures and films: as X names them, and as we hand them over."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import Carried, Enclosed, Json, web_address
from channels_app.platforms.errors import Rejected, repeatable
from channels_app.platforms.wire import Wire
from channels_app.platforms.x import problems

MOST, LARGEST, LONGEST_ALT = 4, 5_000_000, 1000  # pictures a post may carry, bytes of each, characters of its words
TAKEN = ("image/jpeg", "image/png", "image/webp")
PLACES = {False: "tweet_image", True: "dm_image"}


def of_post(data: Json, includes: Json) -> tuple[Enclosed, ...]:
    """Those of a post or a message of API v2 that X says the address of."""
    named = (data.get("attachments") or {}).get("media_keys") or ()
    known = {str(one.get("media_key")): one for one in includes.get("media") or ()}
    found = [_of_v2(known[key]) for key in map(str, named) if key in known]
    return tuple(one for one in found if one)


def _of_v2(raw: Json) -> Enclosed | None:
    film = _best(raw.get("variants") or (), "bit_rate")
    url = web_address(str(film.get("url") or raw.get("url") or raw.get("preview_image_url") or ""))
    return _enclosed(url, film, raw.get("alt_text"))


def of_activity(raw: Json) -> Enclosed | None:
    """In the words of the Account Activity API."""
    film = _best((raw.get("video_info") or {}).get("variants") or (), "bitrate")
    url = web_address(str(film.get("url") or raw.get("media_url_https") or ""))
    return _enclosed(url, film, raw.get("ext_alt_text"))


def _enclosed(url: str, film: Json, alt: object) -> Enclosed | None:
    kind = str(film.get("content_type") or mimetypes.guess_type(urlsplit(url).path)[0] or "")
    return Enclosed(url, type=kind[:100], alt=clean_text(alt)[:LONGEST_ALT]) if url else None


def _best(variants: Sequence[Any], rate: str) -> Json:
    """The film with most bits; a list of films for a player is none."""
    whole = [one for one in variants if one.get(rate) is not None and one.get("url")]
    return max(whole, key=lambda one: int(one[rate]), default={})


# --- handing over


def upload(wire: Wire, files: Sequence[Carried], *, private: bool) -> list[str]:
    """Ids of what X has now; it shows to nobody until a post names them. Raises Rejected, TryLater."""
    _must_be_taken(files, private=private)
    with repeatable("X was handed a picture and did not answer."):
        return [_upload(wire, file, private=private) for file in files]


def _must_be_taken(files: Sequence[Carried], *, private: bool) -> None:
    if any(file.type not in TAKEN for file in files):
        raise Rejected("X takes pictures alone: JPEG, PNG or WebP.")
    if private and len(files) > 1:
        raise Rejected("X takes one picture in a direct message.")
    if len(files) > MOST:
        raise Rejected("X takes four pictures in a post.")


def _upload(wire: Wire, file: Carried, *, private: bool) -> str:
    handed = {"media": base64.b64encode(file.read()).decode(), "media_category": PLACES[private]}
    answer = wire.json(wire.act("POST", "/2/media/upload", json=handed))
    number = str(problems.found_in(answer).get("id") or "")
    if file.alt:
        seen = {"id": number, "metadata": {"alt_text": {"text": file.alt[:LONGEST_ALT]}}}
        wire.act("POST", "/2/media/metadata", json=seen)
    return number
