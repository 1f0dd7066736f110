"""What a file is, by its bytes. Its name and what the sender says of it count for nothing.

Sources of the layouts: PNG (W3C, 11.2.2 IHDR), JPEG (ITU T.81, B.2.2 frame header), GIF89a (18, logical screen), WebP
(RFC 9649, 2.5 to 2.7), ZIP (PKWARE APPNOTE 4.3).
"""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from typing import IO

HEAD = 4096  # bytes that tell the kind
LONGEST_LIST = 2 * 1024 * 1024  # bytes of a zip's list of parts
OFFICE = {
    "word/": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    "xl/": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    "ppt/": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
}
OPEN_DOCUMENTS = {
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
}
IMAGES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
EXTENSIONS = {
    **IMAGES, **OPEN_DOCUMENTS, **dict(OFFICE.values()), "application/pdf": "pdf", "text/plain": "txt",
    "text/csv": "csv",
}  # fmt: skip
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG markers that are followed by the size of the picture
ALONE = {0x01, *range(0xD0, 0xD8)}  # JPEG markers without a length


@dataclass(frozen=True, slots=True)
class Kind:
    """`pixels` is width times height of a picture; None where its header is broken."""

    content_type: str
    pixels: int | None = 0


def kind_of(file: IO[bytes], name: str) -> Kind | None:
    """None for what is none of the kinds we take. `name` only tells a table from other plain text."""
    file.seek(0)
    head = file.read(HEAD)
    if picture := _picture(file, head):
        return picture
    if head.startswith(b"%PDF-"):
        return Kind("application/pdf")
    if head.startswith(b"PK\x03\x04"):
        return _office(file)
    return _text(file, name)


# --- pictures


def _picture(file: IO[bytes], head: bytes) -> Kind | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind("image/png", _area(head[16:24], ">II") if head[12:16] == b"IHDR" else None)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Kind("image/gif", _area(head[6:10], "<HH"))
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Kind("image/webp", _webp(head))
    if head.startswith(b"\xff\xd8\xff"):
        return Kind("image/jpeg", _jpeg(file))
    return None


def _area(size: bytes, layout: str) -> int | None:
    try:
        width, height = struct.unpack(layout, size)
    except struct.error:
        return None
    return width * height or None


def _webp(head: bytes) -> int | None:
    match head[12:16]:
        case b"VP8 ":
            sides = [int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28)]
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            sides = [(bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1]
        case b"VP8X":
            sides = [int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27)]
        case _:
            return None
    return sides[0] * sides[1] or None if len(head) >= 30 else None


def _jpeg(file: IO[bytes]) -> int | None:
    """Segment by segment to the frame header; a file of nothing but segments is 20 MB of seeks at most."""
    file.seek(2)
    while len(start := file.read(2)) == 2 and start[0] == 0xFF:
        marker = start[1]
        if marker == 0xFF:  # a byte of padding
            file.seek(-1, 1)
        elif marker in FRAMES:
            header = file.read(7)
            return _area(header[5:7] + header[3:5], ">HH") if len(header) == 7 else None
        elif marker not in ALONE:
            length = int.from_bytes(file.read(2), "big")
            if length < 2:
                return None
            file.seek(length - 2, 1)
    return None


# --- what is a zip inside


def _office(file: IO[bytes]) -> Kind | None:
    """By what must lie in it; nothing is unpacked but the few letters by which OpenDocument names itself."""
    if not _list_is_short(file):
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            first = archive.infolist()[0] if names else None
            if first and first.filename == "mimetype" and first.compress_type == zipfile.ZIP_STORED:
                return _open_document(archive.read(first) if first.file_size < 100 else b"")
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, RuntimeError):
        return None
    macros = any(name.lower().endswith("vbaproject.bin") for name in names)
    if "[Content_Types].xml" not in names or macros:
        return None
    return next((Kind(kind) for folder, (kind, _) in OFFICE.items() if any(n.startswith(folder) for n in names)), None)


def _list_is_short(file: IO[bytes]) -> bool:
    """Whether the list of parts fits into `LONGEST_LIST`: it is read into memory. Those of 4 GB and more do not."""
    size = file.seek(0, 2)
    file.seek(max(0, size - (1 << 16) - 22))
    end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or b"PK\x06\x07" in end[max(0, at - 20) : at]:
        return False
    return int.from_bytes(end[at + 12 : at + 16], "little") <= LONGEST_LIST


def _open_document(named: bytes) -> Kind | None:
    kind = named.decode("ascii", "replace").strip()
    return Kind(kind) if kind in OPEN_DOCUMENTS else None


# --- plain text


def _text(file: IO[bytes], name: str) -> Kind | None:
    """Text without a control character, and not the beginning of a page or a drawing, which may carry programs."""
    file.seek(0)
    begun = False
    while block := file.read(1 << 16):
        if any(byte < 32 and byte not in b"\t\n\r\f" for byte in set(block)) or 127 in block:
            return None
        if not begun and (words := block.removeprefix(b"\xef\xbb\xbf").lstrip()):
            begun = True
            if words.startswith(b"<"):
                return None
    if not begun:
        return None
    return Kind("text/csv" if name.lower().endswith((".csv", ".tsv")) else "text/plain")
