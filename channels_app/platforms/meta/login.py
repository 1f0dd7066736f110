"""Facebook Login: somebody who looks after a Page lets us speak for it, and for the Instagram account tied to it.

A Page's own key, taken with a long-lived key of a person, does not run out; it dies when that person changes their
password or does not look after the Page any more. WhatsApp has no such login here: its key is made for a system user.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import httpx

from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Json
from channels_app.platforms.errors import Rejected, TryLater, repeatable
from channels_app.platforms.meta.graph import VERSION, Graph, line
from channels_app.platforms.meta.reading import objects, within, word, words

DIALOG = f"https://www.facebook.com/{VERSION}/dialog/oauth"
NAME = "Facebook"
PAGE_FIELDS = "id,name,access_token,instagram_business_account{id,username}"


def authorize_url(access: Access, scopes: Sequence[str], *, back: str, state: str) -> str:
    """Where a person says yes. `state` is secret, another each time, and comes back with them."""
    asked = {
        "client_id": access.settings["client_id"], "redirect_uri": back, "state": state, "response_type": "code",
        "scope": ",".join(scopes),
    }  # fmt: skip
    return f"{DIALOG}?{urlencode(asked)}"


def exchange(
    access: Access, needs: str, *, code: str, back: str, transport: httpx.BaseTransport | None = None
) -> Access:
    """The Page's key for a code. `needs` is the setting that has to come of it: "page_id" or "instagram_id".

    Raises Rejected where the code does not hold or it is not clear which Page is meant, and TryLater.
    """
    short = _key(access, {"redirect_uri": back, "code": code}, transport)
    long = _key(access, {"grant_type": "fb_exchange_token", "fb_exchange_token": short}, transport)
    wire = line(NAME, Access(access.settings, {"access_token": long}), transport)
    page = _chosen(_rows(wire, "/me/accounts", {"fields": PAGE_FIELDS, "limit": 100}), access, needs)
    rights = [word(row.get("permission")) for row in _rows(wire, "/me/permissions") if row.get("status") == "granted"]
    settings = {**access.settings, **_settings(page), "scopes": " ".join(rights)}
    return Access(settings, {**access.secrets, "access_token": words(page.get("access_token"))})


def _key(access: Access, asked: Json, transport: httpx.BaseTransport | None) -> str:
    """In a form, not in an address: addresses are written down on their way."""
    ours = {"client_id": access.settings["client_id"], "client_secret": access.secrets["app_secret"]}
    wire = line(NAME, Access(access.settings), transport)
    with repeatable():
        told = wire.json(wire.act("POST", "/oauth/access_token", data={**ours, **asked}))
    key = words(told.get("access_token")) if isinstance(told, dict) else ""
    if not key:
        raise TryLater("Facebook gave no key. Connect the account again.")
    return key


def _rows(wire: Graph, path: str, asked: Json | None = None) -> list[Json]:
    told = wire.json(wire.look(path, asked))
    return objects(told.get("data")) if isinstance(told, dict) else []


def _chosen(pages: Sequence[Json], access: Access, needs: str) -> Json:
    """The one that is named in the settings, else the only one there is."""
    named = access.settings.get(needs, "")
    able = [page for page in pages if words(page.get("access_token")) and _settings(page).get(needs)]
    fit = [page for page in able if not named or _settings(page)[needs] == named]
    if len(fit) == 1:
        return fit[0]
    if fit:
        raise Rejected("You look after several Pages: enter the id of the one to connect, and connect it again.")
    raise Rejected("Facebook shows us no such account that you look after. Choose it when Facebook asks which.")


def _settings(page: Json) -> dict[str, str]:
    instagram = within(page, "instagram_business_account")
    told = {
        "page_id": word(page.get("id")), "name": word(page.get("name")), "instagram_id": word(instagram.get("id")),
        "username": word(instagram.get("username")),
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}
