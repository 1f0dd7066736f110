"""Cells of a CSV file that no spreadsheet runs, and back.

A cell that begins with one of STARTS would be a formula: it gets an apostrophe in front. So does a sign behind a
semicolon, a tab or the end of a line, since a spreadsheet that sets cells apart by these begins another cell there. And
so does what begins with apostrophes and then such a sign, so that `plain` knows which apostrophe is ours:
`plain(safe(cell)) == cell`, always.
"""

from __future__ import annotations

import re

SIGNS = "=+-@|%＝＋－＠"  # what Excel, LibreOffice, Sheets and Numbers take for the start of a formula
STARTS = SIGNS + "\t\r\n"  # and what they drop before one
BLANK = r"[^\S\t\r\n]*"  # spaces of any width within a line
FIRST = rf"^{{ours}}(?='*\s*[{re.escape(STARTS)}])"
LATER = rf"([;\t\r\n]{BLANK}){{ours}}(?='*{BLANK}[{re.escape(SIGNS)}])"
RUNS = re.compile(f"{FIRST}|{LATER}".format(ours=""))
MARKED = re.compile(f"{FIRST}|{LATER}".format(ours="'"))


def safe(cell: object) -> str:
    """As it goes into a file."""
    return RUNS.sub(lambda found: f"{found[1] or ''}'", "" if cell is None else str(cell))


def plain(cell: str) -> str:
    """As it was."""
    return MARKED.sub(lambda found: found[1] or "", cell)
