"""Loops: from what somebody answered to what they were told of it; how they end, and what is known of many.

A loop stands open while somebody still has to call, to answer or to tell. It is closed once they were told; or, where
nothing was asked of anybody, a day after the call, in which more may yet be written down. It breaks off where its call
was called off, or where nobody reached them: then it says at which step, and why.
"""

from surveys.outreach.loops.coming import Coming, coming, comings
from surveys.outreach.loops.ending import GRACE, close, die, settle
from surveys.outreach.loops.figures import Board, Reason, Stage, board, times_of
from surveys.outreach.loops.steps import Step
from surveys.outreach.loops.story import Dated, people, register, story, streams

__all__ = [
    "GRACE",
    "Board",
    "Coming",
    "Dated",
    "Reason",
    "Stage",
    "Step",
    "board",
    "close",
    "coming",
    "comings",
    "die",
    "people",
    "register",
    "settle",
    "story",
    "streams",
    "times_of",
]
