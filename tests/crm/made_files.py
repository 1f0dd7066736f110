"""Files made in code, good and bad, for tests."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from django.core.files.uploadedfile import SimpleUploadedFile

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


def png(width: int = 2, height: int = 2) -> bytes:
    """A grey picture. Of a huge one only the header says so: its pixels are those of a small one."""
    rows = b"".join(b"\x00" + b"\x80" * min(width, 64) for _ in range(min(height, 64)))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


def jpeg(width: int = 3, height: int = 2) -> bytes:
    app = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + app + frame + b"\xff\xd9"


def gif(width: int = 3, height: int = 2) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00;"


def webp(width: int = 3, height: int = 2) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + sides


def office(folder: str = "word", **parts: bytes) -> bytes:
    return archive({"[Content_Types].xml": b"<Types/>", f"{folder}/document.xml": b"<w/>", **parts})


def archive(parts: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name, body in parts.items():
            out.writestr(name, body)
    return made.getvalue()


def bomb() -> bytes:
    """An office document of some kilobytes that unpacks to 300 MB."""
    return office("xl", **{f"xl/{n}.xml": b"0" * 50_000_000 for n in range(6)})


def lying() -> bytes:
    """A document whose list says that one part of it is 4 GB less a byte."""
    made = bytearray(office())
    at = made.rfind(b"PK\x01\x02")
    made[at + 24 : at + 28] = b"\xff\xff\xff\xfe"
    return bytes(made)


def upload(body: bytes, name: str = "photo.png", said: str = "image/png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body, said)
