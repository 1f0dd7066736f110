"""Promise clocks: what was promised of a case, until when, and whether it was kept (docs/promises.md)."""

from cases.promises.reckoning import recompute, sweep
from cases.promises.settling import settle
from cases.promises.showing import clocks_of
from cases.promises.watching import watch

__all__ = ["clocks_of", "recompute", "settle", "sweep", "watch"]
