"""Whether a file may come in: its size, what it is, what is hidden in it, and what it may be called."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.errors import Refused
from crm.files import sniffing
from crm.files.sniffing import EXTENSIONS, IMAGES

LONGEST_NAME = 120
MOST_UNPACKED = 200 * 1024 * 1024  # bytes of all that lies in an office file
MOST_RATIO = 100  # unpacked to packed; text in such files is seldom beyond 20
MOST_PARTS = 10_000
SMALL = 10 * 1024 * 1024  # unpacked: harmless whatever its ratio


class Refusal(Refused):
    """Why a file may not come in. `name` is what it is called, made fit to be shown."""

    def __init__(self, *, name: str, **facts: object) -> None:
        super().__init__(name=clean_name(name), **facts)


class Empty(Refusal):
    sentence = gettext_lazy("“{name}” is empty.")


class TooLarge(Refusal):
    sentence = gettext_lazy("“{name}” is larger than {most}. Send a smaller copy, or a link to it.")


class TooMany(Refused):
    sentence = gettext_lazy("{n} files are too many: {most} at once.")


class NotTaken(Refusal):
    sentence = gettext_lazy(
        "“{name}” cannot be attached. Hark takes pictures (PNG, JPEG, GIF, WebP), PDF, plain text, tables and office"
        " documents without macros; no archives, programs, web pages or SVG drawings."
    )


class BrokenPicture(Refusal):
    sentence = gettext_lazy("“{name}” is a picture that cannot be read. Save it again and attach that.")


class HugePicture(Refusal):
    sentence = gettext_lazy("“{name}” is a picture of {megapixels} megapixels; {most} is the most. Make it smaller.")


class Bomb(Refusal):
    sentence = gettext_lazy("“{name}” unpacks to far more than it is: that is how files are made that do harm.")


@dataclass(frozen=True)
class Checked:
    """A file that may be kept: what it is, whatever its sender said."""

    file: File[Any]
    name: str
    content_type: str
    size: int
    sha256: str


def checked(upload: File[Any], *, most: int | None = None) -> Checked:
    """Look at a file from end to end, in pieces. `most` is in bytes. Raises the Refusal that says what is wrong."""
    name, size, most = upload.name or "", upload.size, most or settings.ATTACHMENT_BYTES
    if size > most:
        raise TooLarge(name=name, most=filesizeformat(most))
    if not size:
        raise Empty(name=name)
    kind = sniffing.kind_of(upload, name)  # type: ignore[arg-type]
    if kind is None:
        raise NotTaken(name=name)
    if kind.content_type in IMAGES:
        _look_at_picture(name, kind.pixels)
    if kind.content_type in sniffing.OPEN_DOCUMENTS or kind.content_type in dict(sniffing.OFFICE.values()):
        _look_inside(upload, name, size)
    return Checked(upload, _shown(name, kind.content_type), kind.content_type, size, _digest(upload))


def _look_at_picture(name: str, pixels: int | None) -> None:
    if pixels is None:
        raise BrokenPicture(name=name)
    if pixels > settings.ATTACHMENT_PIXELS:
        most = settings.ATTACHMENT_PIXELS // 1_000_000
        raise HugePicture(name=name, megapixels=f"{pixels // 1_000_000:,}", most=most)


def _look_inside(upload: File[Any], name: str, size: int) -> None:
    """From the list of its parts alone: nothing is unpacked. Parts that overlap are more than the file can hold."""
    with zipfile.ZipFile(upload) as archive:  # type: ignore[arg-type]
        parts = archive.infolist()
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or packed > size:
        raise Bomb(name=name)
    if unpacked > SMALL and unpacked > MOST_RATIO * max(packed, 1):
        raise Bomb(name=name)
    if any(part.flag_bits & 1 for part in parts):
        raise NotTaken(name=name)


def _digest(upload: File[Any]) -> str:
    found = hashlib.sha256()
    upload.seek(0)
    for block in upload.chunks():
        found.update(block)
    upload.seek(0)
    return found.hexdigest()


# --- names


def clean_name(name: str) -> str:
    """What a file may be called on a page: the last part of a path, in letters that are what they look like."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C")
    words = " ".join(seen.split()).strip(". ")
    return _cut(words) or _("file")


def _cut(name: str) -> str:
    """The beginning and the extension of a long one."""
    if len(name) <= LONGEST_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    end = dot + extension if dot and len(extension) < 10 else ""
    return (stem or name)[: LONGEST_NAME - len(end) - 1] + "…" + end


def _shown(name: str, content_type: str) -> str:
    """With the extension of what it is, where it bears another."""
    clean, right = clean_name(name), EXTENSIONS[content_type]
    extension = clean.rpartition(".")[2].lower() if "." in clean else ""
    alike = {"jpg": {"jpg", "jpeg", "jpe"}, "txt": {"txt", "log", "md", "text"}, "csv": {"csv", "tsv"}}
    return clean if extension in alike.get(right, {right}) else f"{clean}.{right}"
