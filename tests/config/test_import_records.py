"""`bin/manage import_records`: the import of the screen, from a terminal; and how fast it is."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from crm.models import Customer, Identity, Import, Order
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def file(folder):
    def file(text, name="customers.csv"):
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(folder / name)

    return file


def run(path, *more, what="customers", source="crm"):
    """The figures, as the last line says them."""
    out = StringIO()
    call_command("import_records", path, "--what", what, "--source", source, "--json", *more, stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def test_a_file_is_imported_and_again_nothing_changes(lead, file):
    path = file("id,name,email\n1,Ann,ann@example.com\n2,Bob,\n")
    found = run(path)
    assert found | {"import": 0} == {
        "import": 0, "state": "done", "rows": 2, "made": 2, "changed": 0, "same": 0, "refused": 0, "parked": 0,
    }  # fmt: skip
    assert Import.objects.get(pk=found["import"]).by == lead
    assert (run(path)["same"], Customer.objects.count()) == (2, 2)


def test_a_dry_run_tells_what_would_come_and_leaves_nothing(lead, file, folder, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        found = run(file("id,name\n1,Ann\n"), "--dry-run")
    assert (found["state"], found["made"]) == ("checked", 1)
    assert not Customer.objects.exists()
    assert not Import.objects.exists()
    assert not [path for path in (folder / "media").rglob("*") if path.is_file()]


def test_columns_are_named_where_they_are_not_guessed(lead, file):
    path = file("Schlüssel;Wer;Tel A;Tel B\n1;Ann;+44 113 496 0123;+44 113 496 0124\n".encode("cp1252"))
    named = ["--column", "id=Schlüssel", "--column", "name=Wer", "--column", "phone=Tel A", "--column", "phone=Tel B"]
    assert run(path, *named)["made"] == 1
    assert Identity.objects.filter(kind="phone").count() == 2


def test_refused_rows_are_written_beside_with_what_is_wrong(lead, file, folder):
    assert run(file("id,name,tier\n1,Ann,gold\n2,Bob,key\n"))["refused"] == 1
    with (folder / "customers.csv.refused.csv").open(encoding="utf-8-sig", newline="") as refused:
        header, row = csv.reader(refused)
    assert header[:3] == ["id", "name", "tier"]
    assert row[:4] == ["1", "Ann", "gold", "1"]
    assert "gold" in row[4]


def test_the_encoding_and_who_answers_for_it_may_be_named(lead, file):
    factories.UserFactory(username="ada", role="admin")
    run(file("id,name\n1,Dvořák\n".encode("cp1250")), "--encoding", "cp1250", "--by", "ada")
    assert (Customer.objects.get().name, Import.objects.get().by.username) == ("Dvořák", "ada")


def test_other_kinds_are_imported_too(lead, file):
    run(file("id,name\n1,Ann\n"))
    assert run(file("id,customer,number\nO-1,1,A1\n", "orders.csv"), what="orders")["made"] == 1
    assert Order.objects.get().customer.name == "Ann"


@pytest.mark.parametrize(
    ("text", "more", "sentence"),
    [
        ("id,name\n1,Ann\n", ["--column", "name"], "--column takes OURS=THEIRS"),
        ("id,name\n1,Ann\n", ["--column", "name=nom"], "The file has no column “nom”"),
        ("id,name\n1,Ann\n", ["--column", "size=name"], "There is no field “size” here"),
        ("a,b\n1,Ann\n", [], "Say which column holds this: Customer id."),
        ("id,name\n1,Ann\n", ["--encoding", "klingon"], "Hark does not read this encoding"),
        ("id,name\n1,Ann\n", ["--by", "nobody"], "nobody does not lead here."),
        (b"PK\x03\x04", [], "This file is packed"),
        ("", [], "The file is empty."),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(lead, file, text, more, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(file(text), *more)
    assert not Customer.objects.exists()


def test_a_file_there_is_not_and_a_house_without_a_lead_are_told(file):
    path = file("id,name\n1,Ann\n")
    with pytest.raises(CommandError, match="Nobody here leads"):
        run(path)
    factories.UserFactory(role="lead")
    with pytest.raises(CommandError, match="There is no file"):
        run(f"{path}.no")


def test_it_is_measured_and_leaves_nothing(lead):
    out = StringIO()
    call_command("measure_import", "--rows", "30", "--json", stdout=out)
    figures = json.loads(out.getvalue().splitlines()[-1])
    assert (figures["made"], figures["same"], figures["refused"], figures["undone"]) == (30, 30, 0, True)
    assert figures["rows_per_second_importing"] > 0
    assert figures["peak_megabytes"] > 0
    assert not Customer.objects.exists()
    assert not Import.objects.exists()
