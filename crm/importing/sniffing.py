"""What a file is, found by looking at all of it: its encoding, and what stands between its cells.

The person who brought the file sees the first rows and may choose another encoding.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.importing.files import EmptyFile
from crm.importing.letters import one_byte_a_letter

HEAD = 64 * 1024
ODD_LINES = 500  # lines outside UTF-8 that are looked at for what they are
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class NotText(Refused):
    sentence = _("This is not a text file. Hark reads CSV and JSON Lines.")


class IsAWorkbook(Refused):
    sentence = _("This is an Excel workbook. In Excel choose Save as, then “CSV UTF-8”, and bring that file.")


class IsASpreadsheet(Refused):
    sentence = _("This is a LibreOffice spreadsheet. Save it as “Text CSV” in UTF-8, and bring that file.")


class IsPacked(Refused):
    sentence = _("This file is packed ({kind}). Unpack it, and bring the CSV or JSON Lines file inside.")


class IsAPdf(Refused):
    sentence = _("This is a PDF. Hark reads CSV and JSON Lines; ask whoever made it to export one of these.")


class IsOneList(Refused):
    sentence = _("This is one JSON list. Hark reads JSON Lines: one object on each line, and nothing around them.")


@dataclass(frozen=True)
class Found:
    """`delimiter` is empty for JSON Lines."""

    encoding: str
    delimiter: str


def look_at(path: Path) -> Found:
    """Raises a Refused for what is no text."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.strip():
        raise EmptyFile
    _refuse_others(head)
    encoding = encoding_of(path, head)
    text = head.decode(encoding, "replace").removeprefix("\ufeff").lstrip()
    if text.startswith("["):
        raise IsOneList
    return Found(encoding, "" if text.startswith("{") else delimiter(text))


def _refuse_others(head: bytes) -> None:
    """By the first bytes, whatever the file is called."""
    if head.startswith(b"PK\x03\x04"):
        if b"application/vnd.oasis.opendocument" in head[:200]:
            raise IsASpreadsheet
        raise IsAWorkbook if b"xl/" in head or b"[Content_Types].xml" in head else IsPacked(kind="zip")
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise IsAWorkbook
    for start, kind in ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"7z\xbc\xaf", "7z"), (b"Rar!", "rar")):
        if head.startswith(start):
            raise IsPacked(kind=kind)
    if head.startswith(b"%PDF"):
        raise IsAPdf
    signs = sum(0 < byte < 9 or 13 < byte < 32 for byte in head)  # null alone may be a row in UTF-16
    if not head.startswith(UTF16) and (signs > len(head) / 20 or head.count(0) > len(head) * 0.6):
        raise NotText


def _is_utf16(head: bytes) -> bool:
    """By its mark or, without one, since every other byte of western text is null."""
    return head.startswith(UTF16) or head[1:2_000:2].count(0) > len(head[:2_000]) / 4


def encoding_of(path: Path, head: bytes) -> str:
    if _is_utf16(head):
        return "utf-16"
    lines, odd = Counter[bool](), list[bytes]()
    with path.open("rb") as file:
        for line in file:
            if line.isascii():
                continue
            lines[valid := _is_utf8(line)] += 1
            if not valid and len(odd) < ODD_LINES:
                odd.append(line[:2_000])
    return "utf-8" if lines[True] >= lines[False] else one_byte_a_letter(b"".join(odd))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def delimiter(head: str) -> str:
    """Of comma, semicolon, tab and bar, what sets the names of the columns apart."""
    if head.lower().startswith("sep=") and len(head) > 4:
        return head[4]
    lines = list(islice(head.splitlines(), 20)) or [""]
    return max(",;\t|", key=lambda sign: _cells_of_each(lines, sign))


def _cells_of_each(lines: list[str], sign: str) -> tuple[int, int]:
    """How many cells the header has, if it has several, and how many of the next lines have as many."""
    try:
        rows = [row for row in csv.reader(lines, delimiter=sign) if row]
    except csv.Error:
        return 0, 0
    width = len(rows[0]) if rows else 0
    return width, sum(len(row) == width for row in rows)
