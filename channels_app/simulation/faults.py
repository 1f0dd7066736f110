"""Faults a test or a demo can order, so that what goes wrong on real networks can be watched here."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    SWALLOW = "swallow"  # take the reply and hang up without an answer
    LOSE = "lose"  # hang up without having taken it
    BUSY = "busy"  # answer `status` (503) with Retry-After, take nothing
    REFUSE = "refuse"  # answer 403, take nothing
    DELAY = "delay"  # take it, answer after `seconds`


@dataclass(slots=True)
class Order:
    fault: Fault
    times: int = 1
    on: str = "replies"  # or "events": the endpoint it strikes
    status: int = 503
    seconds: float = 2.0  # of DELAY; of Retry-After with BUSY


class Faults:
    """The faults still to come, first ordered first served. Gone after a restart, on purpose."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Order] = []

    def order(self, order: Order) -> None:
        with self._lock:
            self._orders.append(order)

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def strike(self, endpoint: str) -> Order | None:
        """The fault that hits this request, used up by it."""
        with self._lock:
            order = next((order for order in self._orders if order.on == endpoint), None)
            if order is None:
                return None
            order.times -= 1
            if order.times <= 0:
                self._orders.remove(order)
            return order
