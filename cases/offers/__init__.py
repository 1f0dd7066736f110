"""The right person for a case: who fits and why, the next case for somebody, and cases offered by turns."""

from cases.offers.deciding import accept, decline, offer
from cases.offers.fitting import Fit
from cases.offers.pulling import next_for, take_next
from cases.offers.pushing import push
from cases.offers.roster import best_for

__all__ = ["Fit", "accept", "best_for", "decline", "next_for", "offer", "push", "take_next"]
