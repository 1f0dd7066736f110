"""Cases that turn out to be one, to be two, or to have to do with each other; each can be undone (cases/deeds.py)."""

from cases.joining.linking import AlreadyOne, NotLinked, link, link_together, unlink
from cases.joining.merging import (
    CannotMerge,
    DifferentCustomers,
    HandedOver,
    WithItself,
    join,
    merge,
)
from cases.joining.splitting import NothingChosen, NothingLeft, SeveralThreads, split, split_off

__all__ = [
    "AlreadyOne", "CannotMerge", "DifferentCustomers", "HandedOver", "NotLinked", "NothingChosen", "NothingLeft",
    "SeveralThreads", "WithItself", "join", "link", "link_together", "merge", "split", "split_off",
    "unlink",
]  # fmt: skip
