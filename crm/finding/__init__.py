"""Finding customers by anything: a name, a handle, a part of an e-mail, a number, what they wrote, a slip of the keys.

`closest(customers, words)` is the search of the list and of the finder. Each way of finding (`ways`) is one module and
asks indexes alone; an app that knows something more of customers adds a way of its own with `add_way`.
"""

from crm.finding.closest import MOST_TAKEN, Found, add_way, closest, on_page, rows
from crm.finding.hits import Closeness, Hit
from crm.finding.reading import Asked
from crm.finding.walking import counted, walked
from crm.finding.windows import Search, TookTooLong, bounded, newest

__all__ = [
    "MOST_TAKEN",
    "Asked",
    "Closeness",
    "Found",
    "Hit",
    "Search",
    "TookTooLong",
    "add_way",
    "bounded",
    "closest",
    "counted",
    "newest",
    "on_page",
    "rows",
    "walked",
]
