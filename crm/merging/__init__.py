"""Two records that turn out to be one person: made one, and put apart again exactly. docs/merging.md tells how."""

from crm.merging.gathering import bring_along
from crm.merging.joining import merge
from crm.merging.ledger import AtThisMoment
from crm.merging.links import Proof
from crm.merging.previewing import preview
from crm.merging.undoing import undo

__all__ = ["AtThisMoment", "Proof", "bring_along", "merge", "preview", "undo"]
