"""Shares, and how far a share of a few can be trusted."""

from __future__ import annotations

from math import sqrt

Z = 1.959964  # of the 95 % interval


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson's score interval (1927) of `part` of `whole`, 95 %, both ends 0 to 1. `whole` is 1 at least."""
    share = part / whole
    middle = (share + Z * Z / (2 * whole)) / (1 + Z * Z / whole)
    reach = Z / (1 + Z * Z / whole) * sqrt(share * (1 - share) / whole + Z * Z / (4 * whole * whole))
    return max(0.0, middle - reach), min(1.0, middle + reach)
