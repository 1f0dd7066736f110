"""Background steps of webhooks. Each reads again what is to be done, and may run twice."""

from __future__ import annotations

from crm.webhooks import sending


def send(webhook_id: int) -> None:
    sending.send(webhook_id)


def sweep() -> None:
    """By the clock: nudge what is due, take back what a dead worker held."""
    sending.sweep()
