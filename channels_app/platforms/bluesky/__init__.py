"""Bluesky: posts that mention us, answer or quote us, and our answers to them. See `account.BlueskyPlatform`."""

from channels_app.platforms.bluesky.account import BlueskyPlatform

__all__ = ["BlueskyPlatform"]
