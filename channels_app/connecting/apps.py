"""Apps: what a network calls us by, and the secrets we and it share. Each is replaced without a gap."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from channels_app import hooks
from channels_app.connecting.connecting import connect as connect_account
from channels_app.connecting.found import Found
from channels_app.models import App, Channel
from channels_app.models.credentials import BEFORE, UNTIL
from channels_app.platforms.abilities import Access
from channels_app.platforms.generic import proof
from crm import sealing
from crm.models import Team, User
from crm.models.activity import log

OVERLAP = timedelta(days=1)  # in which what was replaced is still believed
NEVER_BOTH = {"verify_token"}  # asked for once, by the network, when the address is entered


def address(app: App) -> str:
    """Where the network calls us."""
    return hooks.address(app)


@transaction.atomic
def make(*, network: str, name: str, settings: dict[str, str], secrets: dict[str, str], by: User) -> App:
    app = App(network=network, name=name, settings=settings, made_by=by)
    app.seal({name: secret for name, secret in secrets.items() if secret})
    app.save()
    log("made", app, by=by, detail=app.get_network_display())
    return app


@transaction.atomic
def renew(*, app: App, name: str, secrets: dict[str, str], by: User) -> App:
    """Another name, and other secrets for those that are given; what they replace holds for a day more."""
    current = App.objects.select_for_update().get(pk=app.pk)
    given = {key: secret for key, secret in secrets.items() if secret}
    held = _held(current)
    for key, secret in given.items():
        before = held.get(key, "")
        if before and before != secret and key not in NEVER_BOTH:
            held |= {f"{key}{BEFORE}": before, f"{key}{UNTIL}": (timezone.now() + OVERLAP).isoformat()}
        held[key] = secret
    current.name = name
    if given:
        current.seal(held)
    current.save(update_fields=["name", "sealed"])
    log("given new secrets" if given else "changed", current, by=by, detail=", ".join(sorted(given)))
    return current


def with_app(app: App | None, access: Access) -> Access:
    """`access` with what the app holds for all its accounts. Raises CannotOpen."""
    if app is None or app.network == App.Network.OWN:
        return access
    ours = app.access()
    return Access({**ours.settings, **access.settings}, {**ours.secrets, **access.secrets}, access.expires_at)


def has_no_secret(channel: Channel) -> bool:
    """Whether it is one of one's own that was disconnected, and needs a secret."""
    return App.objects.filter(credentials__channel=channel, network=App.Network.OWN, sealed="").exists()


def _held(app: App) -> dict[str, str]:
    """What nobody can open any more is replaced as a whole."""
    try:
        return app.secrets
    except sealing.CannotOpen:
        return {}


# --- channels of one's own: an app for each


@transaction.atomic
def connect_own(
    *, found: Found, name: str, team: Team, owner: User | None, brand: str, by: User
) -> tuple[Channel, str]:  # fmt: skip
    """The channel, and the secret that nobody sees again."""
    app = make(network=App.Network.OWN, name=name, settings={}, secrets={}, by=by)
    secret = _with_another(app)
    access = Access({"name": name, **{key: said for key, said in found.access.settings.items() if key != "name"}})
    mine = Found(found.kind, access, found.health, app.pk)
    return connect_account(found=mine, name=name, team=team, owner=owner, brand=brand, by=by), secret


@transaction.atomic
def new_secret(*, channel: Channel, by: User) -> str:
    """Another secret for a channel of one's own, which nobody sees again; the one before holds for a day more."""
    app = App.objects.select_for_update().get(credentials__channel=channel, network=App.Network.OWN)
    secret = _with_another(app)
    log("given a new secret", channel, by=by)
    return secret


def _with_another(app: App) -> str:
    renewed = proof.with_new_secret(Access({}, _held(app)), now=timezone.now())
    app.seal(dict(renewed.secrets))
    app.save(update_fields=["sealed"])
    return renewed.secrets["secret"]
