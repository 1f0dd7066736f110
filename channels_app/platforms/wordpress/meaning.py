"""What WordPress means: the codes of its answers, and the states of a comment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import httpx

from channels_app.platforms.base import Measures, Moderation
from channels_app.platforms.errors import (
    AccessRevoked,
    Duplicate,
    Forbidden,
    ParentGone,
    PlatformError,
    RateLimited,
    Rejected,
    TryLater,
)

NAME = "The WordPress site"
FLOOD = 15.0  # seconds WordPress wants between two comments
GONE = ("trash", "spam")
ON_HOLD = "hold"
MEANT = {Measures.HIDE: ON_HOLD, Measures.REPORT: "spam", Measures.DELETE: "trash"}
BACK = {Measures.HIDE: "approved", Measures.REPORT: "unspam", Measures.DELETE: "untrash"}


def change(act: Moderation, status: str) -> str:
    """The status to ask for; empty where nothing is to be done. Only what we have done is taken back."""
    if act.undo:
        return BACK[act.kind] if status == MEANT[act.kind] else ""
    hidden = act.kind is not Measures.DELETE and status in GONE
    return "" if hidden or status == MEANT[act.kind] else MEANT[act.kind]


WORDS: Mapping[str, Callable[[], PlatformError]] = {
    "comment_duplicate": partial(Duplicate, "These words stand there already."),
    "comment_flood": partial(RateLimited, f"{NAME} wants a pause between two comments.", FLOOD),
    "comment_content_column_length": partial(Rejected, "The reply is too long for a comment."),
    "rest_comment_closed": partial(Forbidden, "Comments are closed below this article."),
    "rest_comment_invalid_post_id": partial(ParentGone, "The article is not there any more."),
    "rest_comment_draft_post": partial(ParentGone, "The article is not public any more."),
    "rest_comment_trash_post": partial(ParentGone, "The article is not there any more."),
    "rest_comment_invalid_id": partial(ParentGone, "The comment is not on the site any more."),
    "rest_post_invalid_id": partial(ParentGone, "The article is not there any more."),
    "rest_already_trashed": partial(ParentGone, "The comment is not on the site any more."),
    "rest_no_route": partial(TryLater, f"{NAME} does not offer its REST API: a plugin may have closed it.", 600.0),
    # said of a wrong password too: WordPress looks at it when it has given up looking for errors
    "rest_not_logged_in": partial(
        AccessRevoked, f"{NAME} does not know us: the user or the password is wrong, or its web server holds them back."
    ),
}


def means(answer: httpx.Response) -> PlatformError | None:
    """By the code of WordPress where there is one. Its own words may quote what was written, so they are left out."""
    if answer.is_redirect:
        return TryLater(f"{NAME} answers at another address: look at the one that was entered.", 600.0)
    if known := WORDS.get(_code(answer)):
        return known()
    if answer.status_code == 401:
        return AccessRevoked(f"{NAME} does not accept the account's application password.")
    if answer.status_code == 403:
        return Forbidden(f"{NAME} does not let the account do this: it needs the role Editor.")
    return None


def _code(answer: httpx.Response) -> str:
    try:
        told = answer.json()
    except ValueError:
        return ""
    return str(told.get("code")) if isinstance(told, dict) else ""
