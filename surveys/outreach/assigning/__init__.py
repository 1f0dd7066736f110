"""Who has a call: fairly split, taken, handed back, given, and got out of the hands of those who are not here."""

from surveys.outreach.assigning.giving import assign, assign_pool
from surveys.outreach.assigning.moving import (
    CannotCall,
    CannotMove,
    IsAway,
    IsOver,
    NobodyHasIt,
    NoRoom,
    NotForYou,
    RefusedTaken,
    SayWhy,
    ask_for_more,
    give,
    hand_back,
    take,
)
from surveys.outreach.assigning.watching import escalate, release_absent

__all__ = [
    "CannotCall",
    "CannotMove",
    "IsAway",
    "IsOver",
    "NoRoom",
    "NobodyHasIt",
    "NotForYou",
    "RefusedTaken",
    "SayWhy",
    "ask_for_more",
    "assign",
    "assign_pool",
    "escalate",
    "give",
    "hand_back",
    "release_absent",
    "take",
]
