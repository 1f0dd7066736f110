"""What keeps Hark from starting: asked by every command, and before the programs start (config/prepare.py)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error

HINT = "Set HARK_SEALING_KEY to a long random text, the same on every machine, and keep it with your backups."


def sealing_key(app_configs: Any = None, **more: Any) -> list[Error]:
    """The secrets of channels are sealed with a key that does not lie beside them.

    The embedded database may do without: whoever reads its files reads the state folder with its key as well.
    """
    if settings.DEBUG or settings.DATABASE_IS_EMBEDDED or settings.SEALING_KEY_IS_SET:
        return []
    return [Error("There is no key to seal the secrets of channels and webhooks with.", hint=HINT, id="hark.E001")]
