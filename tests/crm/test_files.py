"""What may be attached: judged by its bytes, kept under names nobody chose."""

import os
import tracemalloc
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from cases.models import NoteFile
from channels_app.models import Attachment
from crm import files
from crm.files import checking, uploads
from tests import factories
from tests.crm.made_files import HTML, SVG, archive, bomb, gif, jpeg, lying, office, png, upload, webp

KINDS = {
    "image/png": png(), "image/jpeg": jpeg(), "image/gif": gif(), "image/webp": webp(),
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3", "text/plain": "Größe: 12".encode(),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": office(),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": office("xl"),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": office("ppt"),
}  # fmt: skip
REFUSED = {
    "svg": SVG, "html": HTML, "zip": archive({"a.txt": b"x"}), "program": b"MZ\x90\x00\x03", "elf": b"\x7fELF\x02",
    "gzip": b"\x1f\x8b\x08\x00", "spaces before a page": b"\n\n  <html>", "bom before a page": b"\xef\xbb\xbf<svg/>",
    "macros": office(**{"word/vbaProject.bin": b"x"}), "torn zip": office()[:-30], "blanks": b" \n ",
    "picture in zip": b"PK\x03\x04" + png(), "script": b"#!/bin/sh\x07",
}  # fmt: skip


def shown(name, body=b"words"):
    return files.checked(upload(body, name, "x/y")).name


# --- what it is


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_what_its_bytes_are_whatever_it_is_called(kind):
    found = files.checked(upload(KINDS[kind], "harmless.html", "text/html"))
    assert found.content_type == kind
    assert found.name.startswith("harmless.html.")
    assert found.size == len(KINDS[kind])


@pytest.mark.parametrize("what", REFUSED)
def test_what_may_run_or_hide_something_is_refused(what):
    with pytest.raises(checking.NotTaken, match=r"“photo\.png” cannot be attached"):
        files.checked(upload(REFUSED[what]))


def test_a_table_is_told_by_its_name_alone():
    assert files.checked(upload(b"a,b\n1,2\n", "list.csv")).content_type == "text/csv"


def test_an_open_document_names_itself():
    import io
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        out.writestr("content.xml", "<x/>")
    assert files.checked(upload(made.getvalue(), "a.odt")).content_type.endswith("opendocument.text")


def test_nothing_is_refused():
    with pytest.raises(checking.Empty):
        files.checked(upload(b""))


def test_a_large_one_is_refused_with_the_limit(settings):
    settings.ATTACHMENT_BYTES = 1024
    with pytest.raises(checking.TooLarge, match=r"larger than 1\.0"):
        files.checked(upload(b"x" * 1025, "long.txt"))
    assert files.checked(upload(b"x" * 1024, "long.txt"))


@pytest.mark.parametrize("made", [png, jpeg, gif, webp])
def test_a_picture_that_would_fill_the_memory_is_refused_by_its_header(made):
    with pytest.raises(checking.HugePicture, match=r"of 2,500 megapixels; 50 is the most"):
        files.checked(upload(made(50_000, 50_000)))


@pytest.mark.parametrize("body", [png()[:20], b"\xff\xd8\xff\xe0\x00\x01", b"GIF89a", b"RIFF....WEBPVP8?", png(0, 7)])
def test_a_picture_without_a_size_is_refused(body):
    with pytest.raises(checking.BrokenPicture):
        files.checked(upload(body))


@pytest.mark.parametrize("made", [bomb, lying])
def test_what_unpacks_to_far_more_than_it_is_is_refused_without_unpacking(made):
    with pytest.raises(checking.Bomb):
        files.checked(upload(made(), "report.xlsx"))


def test_an_honest_document_that_is_well_packed_is_taken():
    assert files.checked(upload(office(**{"word/a.xml": b"word " * 100_000}), "a.docx"))


# --- names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("..\\..\\x", "x.txt"),
        ("a\x00b\x1b[31m.txt", "ab[31m.txt"),
        ("photo\u202egnp.exe", "photognp.exe.txt"),
        ("  spaced   out .txt", "spaced out .txt"),
        ("...", "file.txt"),
        ("", "file.txt"),
        ("NOTES.TXT", "NOTES.TXT"),
        ("x" * 300 + ".txt", "x" * 115 + "….txt"),
    ],
)
def test_a_name_is_for_show_and_shows_what_it_is(name, expected):
    found = files.checked(ContentFile(b"words", name=name))
    assert found.name == expected


@pytest.mark.django_db
def test_a_name_never_decides_a_path(settings):
    note = factories.NoteFactory()
    kept = files.keep(NoteFile, files.checked(ContentFile(b"words", name="../../x")), by=note.by, note=note)
    path = Path(kept.file.path)
    assert path.is_relative_to(Path(settings.MEDIA_ROOT) / "attachments")
    assert path.name != "x"
    assert len(path.name) == 32
    assert oct(path.stat().st_mode)[-3:] == "600"
    assert kept.read() == b"words"


# --- at the door


def a_form(*bodies, text="Typed", field="files"):
    posted = [upload(body, f"{n}.txt", "text/plain") for n, body in enumerate(bodies)]
    return RequestFactory().post("/", {"text": text, field: posted})


def test_a_large_upload_is_dropped_at_the_door_and_what_was_typed_is_there(settings):
    settings.ATTACHMENT_BYTES = 1000
    request = a_form(b"x" * 200_000)
    assert request.POST["text"] == "Typed"
    assert not request.FILES
    with pytest.raises(checking.TooLarge, match=r"“0\.txt”"):
        files.uploaded(request)


def test_a_form_that_says_it_is_far_too_large_stores_nothing_of_its_files(settings):
    settings.ATTACHMENT_BYTES, settings.ATTACHMENTS_PER_MESSAGE, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000, 1, 1000
    request = a_form(b"x" * 900, b"y" * 900, b"z" * 900)
    assert not request.FILES
    assert len(request.too_large) == 3


def test_two_hundred_megabytes_fill_neither_memory_nor_disk(monkeypatch):
    """The body is made up as it is read; nothing of the file is kept, and no temporary file is written."""
    head = (
        b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nTyped\r\n--b\r\n'
        b'Content-Disposition: form-data; name="files"; filename="film.mov"\r\nContent-Type: video/mp4\r\n\r\n'
    )
    body = Endless(head, 200 * 1024 * 1024, b"\r\n--b--\r\n")
    written = []
    monkeypatch.setattr(TemporaryUploadedFile, "__init__", lambda *args, **kwargs: written.append(args))
    asked = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "multipart/form-data; boundary=b", "wsgi.input": body}
    request = WSGIRequest(RequestFactory()._base_environ(**asked, CONTENT_LENGTH=str(body.size)))
    tracemalloc.start()
    assert request.POST["text"] == "Typed"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (dict(request.FILES), written) == ({}, [])
    assert peak < 8 * 1024 * 1024
    with pytest.raises(checking.TooLarge, match=r"“film\.mov” is larger than 20"):
        files.uploaded(request)


class Endless:
    """`head`, so many bytes, `tail`: as a stream."""

    def __init__(self, head, middle, tail):
        self.parts, self.size = [head, middle, tail], len(head) + middle + len(tail)

    def readline(self):
        raise NotImplementedError  # nobody reads a form by lines

    def read(self, size=-1):
        if not self.parts:
            return b""
        if isinstance(self.parts[0], bytes):
            piece, rest = self.parts[0][:size], self.parts[0][size:]
            self.parts[0:1] = [rest] if rest else []
            return piece
        taken = min(size, self.parts[0])
        self.parts[0:1] = [self.parts[0] - taken] if self.parts[0] > taken else []
        return b"x" * taken


def test_more_than_five_are_too_many():
    with pytest.raises(checking.TooMany, match="6 files are too many: 5 at once"):
        files.uploaded(a_form(*[b"x"] * 6))


def test_a_form_without_files_has_none():
    assert files.uploaded(RequestFactory().post("/", {"text": "x"})) == []


def test_files_of_other_forms_have_limits_of_their_own(settings):
    settings.ATTACHMENT_BYTES = 10
    request = a_form(b"x" * 1000, field="table")
    assert request.FILES["table"].size == 1000


def test_the_handler_stands_before_those_that_store(settings):
    assert settings.FILE_UPLOAD_HANDLERS[0] == f"{uploads.__name__}.CappedHandler"


# --- what nobody names


@pytest.mark.django_db
def test_what_a_rolled_back_upload_left_behind_is_swept_and_the_rest_stays(settings):
    kept, note_file = factories.AttachmentFactory(), factories.NoteFileFactory()
    folder = Path(settings.MEDIA_ROOT) / "attachments" / "2026" / "01"
    folder.mkdir(parents=True)
    orphan, fresh = folder / "orphan", folder / "fresh"
    orphan.write_bytes(b"x")
    fresh.write_bytes(b"x")
    for path in (orphan, Path(kept.file.path), Path(note_file.file.path)):
        os.utime(path, (1, 1))
    assert files.sweep() == 1
    assert not orphan.exists()
    assert fresh.exists()
    assert (kept.read(), note_file.read()) == (b"Seat 12A", b"Seat 12A")


@pytest.mark.django_db
def test_removed_rows_take_their_files_with_them():
    kept = factories.AttachmentFactory()
    path = Path(kept.file.path)
    assert files.remove(Attachment.objects.all()) == 1
    assert not path.exists()
    assert not Attachment.objects.exists()
