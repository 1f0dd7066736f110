"""X, through its API v2. Contract-tested against what X publishes; never run live."""

from channels_app.platforms.x.platform import XPlatform

__all__ = ["XPlatform"]
