"""Who an account says it is, before or after it is connected."""

from __future__ import annotations

from dataclasses import dataclass, replace

from channels_app.connecting.kinds import Kind, Way
from channels_app.platforms import registry
from channels_app.platforms.abilities import Access, Checked, Health, Renews
from channels_app.platforms.base import Platform
from channels_app.platforms.errors import AccessExpired, AccessRevoked


@dataclass(frozen=True, slots=True)
class Found:
    """An account that opens with `access`. `app` is the pk of the app it is opened through, if any."""

    kind: Kind
    access: Access
    health: Health
    app: int | None = None

    @property
    def account(self) -> str:
        return self.kind.account_of(self.access, self.health.key)


def found(kind: Kind, access: Access, app: int | None = None) -> Found:
    """Ask the account who it is. Raises PlatformError with the sentence of what is wrong."""
    if kind.way is Way.OWN:  # it cannot know our signature yet
        return Found(kind, access, Health(access.settings.get("name", "")), app)
    access, health = _asked(kind, access)
    return Found(kind, told(kind, access, health), health, app)


def _asked(kind: Kind, access: Access) -> tuple[Access, Health]:
    platform = registry.connect(kind.name, access)
    try:
        return access, _checked(platform)
    except AccessExpired as refusal:
        if not isinstance(platform, Renews):
            raise AccessRevoked(str(refusal)) from refusal
    access = platform.renew()
    return access, _checked(registry.connect(kind.name, access))


def _checked(platform: Platform) -> Health:
    return platform.check() if isinstance(platform, Checked) else Health("")


def told(kind: Kind, access: Access, health: Health) -> Access:
    """`access` with what the account said of itself, for its page and for the platform."""
    said = {**access.settings, "granted": " ".join(health.scopes), "missing": " ".join(health.missing)}
    if "account_id" in kind.account:
        said.setdefault("account_id", health.key)
    return replace(access, settings=said, expires_at=access.expires_at or health.expires_at)
