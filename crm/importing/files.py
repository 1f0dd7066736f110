"""Files as people export them, read row by row: their encoding, what stands between their cells, and their header.

A row that cannot be read is a row with a sentence: it spoils no other. Nothing is guessed within a row; what the file
as a whole is written in is found once, shown, and may be chosen otherwise.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.cells import plain
from crm.errors import Refused
from crm.importing.csv_rows import Record, csv_records
from crm.importing.letters import one_byte_a_letter
from crm.importing.values import keepable

KEYS_FROM = 1_000  # rows of a JSON Lines file whose keys make its header
BLOCK = 1 << 16
EXCELS_OWN = re.compile(rb"(\xef\xbb\xbf)?sep=.", re.IGNORECASE)  # how Excel names the sign between the cells
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252",
    "latin-1": "Latin-1 (ISO 8859-1)",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "mac-roman": "Mac Roman",
}


class EmptyFile(Refused):
    sentence = gettext_lazy("The file is empty.")


class NoRows(Refused):
    sentence = gettext_lazy("The file has a first line with the names of its columns, and no rows below it.")


class NoHeader(Refused):
    sentence = gettext_lazy("The first line cannot be read: {why} It should hold the names of the columns.")


@dataclass(frozen=True)
class Line:
    """A row as it stands in the file. `end` is where the next one begins, in bytes; `trouble` why it cannot be read."""

    cells: list[Any]
    end: int
    trouble: str = ""


@dataclass
class Sheet:
    """A CSV file, or JSON Lines where there is no delimiter. Its header is read when it is asked for."""

    path: Path
    encoding: str
    delimiter: str
    _header: list[str] = field(default_factory=list)
    _begins: int = 0

    @property
    def header(self) -> list[str]:
        """The names of the columns, each once. Raises EmptyFile, NoHeader."""
        if not self._header:
            self._header, self._begins = self._read_header() if self.delimiter else (self._keys(), 0)
        return self._header

    def rows(self, begin: int = 0) -> Iterator[Line]:
        """The rows below the header, or those from byte `begin` on, where a row began."""
        header = self.header
        begin = begin or self._begins
        with self.path.open("rb") as file:
            lines = _lines(file, self.encoding, begin)
            for line in self._csv(lines, header) if self.delimiter else self._json(lines, header):
                yield Line(line.cells, begin + line.end, line.trouble)

    def check(self) -> None:
        """That there is something to read. Raises EmptyFile, NoHeader, NoRows."""
        if not self.path.stat().st_size:
            raise EmptyFile
        if not any(True for _line in self.rows()):
            raise NoRows

    # --- CSV

    def _read_header(self) -> tuple[list[str], int]:
        with self.path.open("rb") as file:
            records = csv_records(_lines(file, self.encoding, 0), self.delimiter)
            record = next(records, None)
            if record and EXCELS_OWN.fullmatch(record.line):
                record = next(records, None)
        if record is None:
            raise EmptyFile
        cells, trouble = self._decoded(record)
        if trouble:
            raise NoHeader(why=trouble)
        return _named_once([cell.removeprefix("\ufeff") for cell in cells]), record.end

    def _csv(self, lines: Iterator[bytes], header: list[str]) -> Iterator[Line]:
        for record in csv_records(lines, self.delimiter):
            cells, trouble = self._decoded(record)
            if not trouble and not any(map(str.strip, cells)):
                continue  # as spreadsheets leave them below the last row
            while len(cells) > len(header) and not cells[-1].strip():
                cells.pop()
            if not trouble and len(cells) != len(header):
                trouble = _("The row has {found} cells and the first line {wanted}: look at its quotes.").format(
                    found=len(cells), wanted=len(header)
                )
            yield Line([plain(cell) for cell in cells], record.end, trouble)

    def _decoded(self, record: Record) -> tuple[list[str], str]:
        """Cells as text and, where it is not all in the file's encoding, in what it seems to be, and a sentence."""
        if record.trouble:
            text, trouble = self._text([record.line.decode("latin-1")])
            return text, trouble or _("The row cannot be read: {why}.").format(why=record.trouble)
        return self._text(record.cells)

    def _text(self, cells: list[str]) -> tuple[list[str], str]:
        """`cells` hold a byte a character."""
        inside = "utf-8" if self.encoding == "utf-16" else self.encoding
        if all(map(str.isascii, cells)):
            return cells, _nulls(cells)
        raw = [cell.encode("latin-1") for cell in cells]
        other = _other(b"\n".join(raw), inside)
        text = [cell.decode(other or inside, "replace") for cell in raw]
        if not other:
            return text, _nulls(text)
        said = _("The row is not in {encoding} as the file is; it looks like {other}.")
        return text, said.format(encoding=ENCODINGS[self.encoding], other=ENCODINGS[other])

    # --- JSON Lines

    def _keys(self) -> list[str]:
        """The keys of the first objects, in the order in which they come."""
        with self.path.open("rb") as file:
            found = [_object(line) for line in islice(_lines(file, self.encoding, 0), KEYS_FROM) if line.strip()]
        keys = list(dict.fromkeys(key for each in found if isinstance(each, dict) for key in each))
        if not found:
            raise EmptyFile
        if not keys:
            raise NoHeader(why=_("It is not a JSON object."))
        return keys

    def _json(self, lines: Iterator[bytes], header: list[str]) -> Iterator[Line]:
        end = 0
        for line in lines:
            end += len(line)
            if not line.strip():
                continue
            found = _object(line)
            if isinstance(found, str):
                yield Line([line.decode("utf-8", "replace").strip()], end, found)
            else:
                yield Line([found.get(key) for key in header], end)


def _object(line: bytes) -> dict[str, Any] | str:
    """The object, or a sentence on why it is none."""
    try:
        found = json.loads(line.decode("utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError:
        return _("The line is not in UTF-8, which JSON is.")
    except (ValueError, RecursionError):
        return _("The line is not valid JSON.")
    return found if isinstance(found, dict) else _("The line is not a JSON object: it should begin with a brace.")


def _other(raw: bytes, encoding: str) -> str:
    """What a row seems to be in, where it is not in its file's encoding; "" where it is."""
    as_utf8 = _fits(raw, "utf-8")
    if encoding == "utf-8":
        return "" if as_utf8 else one_byte_a_letter(raw)
    if as_utf8:  # in the other encodings these bytes would be as good as never what somebody wrote
        return "utf-8"
    return "" if _fits(raw, encoding) else "latin-1"


def _fits(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _nulls(cells: Iterable[str]) -> str:
    if all(map(keepable, cells)):
        return ""
    return _("The row has null characters in it, as if it were binary or in UTF-16.")


def _named_once(names: list[str]) -> list[str]:
    """Of two columns with one name the second is "name (2)"; one without a name is "Column 3"."""
    found: list[str] = []
    for number, name in enumerate((" ".join(plain(name).split()) for name in names), 1):
        base = name[:100] or _("Column {number}").format(number=number)
        again = sum(other == base or other.rpartition(" (")[0] == base for other in found)
        found.append(f"{base} ({again + 1})" if again else base)
    return found


# --- bytes to lines


def _lines(file: BinaryIO, encoding: str, begin: int) -> Iterator[bytes]:
    """Lines from byte `begin` on; of UTF-16 as UTF-8, and counted as that."""
    if encoding == "utf-16":
        marked = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        file.seek(0)
        text = io.TextIOWrapper(file, "utf-16" if marked else "utf-16-le", errors="replace", newline="")
        return _from(begin, (line.encode() for line in text))
    head = file.read(BLOCK)
    file.seek(begin)
    if b"\n" not in head and b"\r" in head:
        return _old_mac(file)
    return map(_begun, file)


def _begun(line: bytes) -> bytes:
    """Behind a row in UTF-16 stands half of its line end: that is not the next row's."""
    return b" " + line[1:] if line.startswith(b"\x00") else line


def _from(begin: int, lines: Iterator[bytes]) -> Iterator[bytes]:
    passed = 0
    for line in lines:
        if passed >= begin:
            yield line
        passed += len(line)


def _old_mac(file: BinaryIO) -> Iterator[bytes]:
    """Lines that end with CR alone."""
    rest = b""
    while block := file.read(BLOCK):
        *whole, rest = (rest + block).split(b"\r")
        yield from (line + b"\r" for line in whole)
    if rest:
        yield rest
