"""Cells of a CSV file that no spreadsheet runs, and back.

A cell that begins with one of STARTS would be a formula: it gets an apostrophe in front. So does one that begins with
apostrophes and then such a sign, so that `plain` knows which apostrophe is ours: `plain(safe(cell)) == cell`, always.
"""

from __future__ import annotations

import re

STARTS = "=+-@\t\r\n|%＝＋－＠"  # what Excel, LibreOffice, Sheets and Numbers take for one, or drop before one
RUNS = re.compile(rf"'*\s*[{re.escape(STARTS)}]")
MARKED = re.compile(rf"''*\s*[{re.escape(STARTS)}]")


def safe(cell: object) -> str:
    """As it goes into a file."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if RUNS.match(text) else text


def plain(cell: str) -> str:
    """As it was."""
    return cell[1:] if MARKED.match(cell) else cell
