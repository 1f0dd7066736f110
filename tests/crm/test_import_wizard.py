"""The screens of an import: bring a file, name its columns, look, run, mend what was refused, undo."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.importing import bringing, running
from crm.models import Activity, Customer, Identity, Import
from tests import factories
from tests.crm.imported import bring, check, counts, errors, load

pytestmark = pytest.mark.django_db
TEXT = "Contact ID;Full name;E-Mail;Land;Hobby\n1;Ann;ann@example.com;GB;Chess\n2;Bob;no address;Germany;Go\n"


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def desk(as_user, lead):
    return as_user(lead)


def page(answer, status=200):
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def upload(client, data, name="contacts.csv", **fields):
    data = data if isinstance(data, bytes) else data.encode()
    sent = {"what": "customers", "source": "crm", "file": SimpleUploadedFile(name, data), **fields}
    return client.post(reverse("crm:import_new"), sent)


def url(name, run):
    return reverse(f"crm:{name}", args=[run.pk])


def choose(run, **chosen):
    """What the form of columns sends: what is guessed, and `chosen` by the column's name."""
    named = {column: ours for ours, theirs in run.columns.items() for column in theirs} | chosen
    return {f"column_{number}": named.get(column, "") for number, column in enumerate(run.header)}


def work(run):
    running.work(run.pk)
    run.refresh_from_db()
    return run


# --- the way through


def test_a_file_goes_from_the_desk_to_the_customers_and_back(desk, lead):
    answer = upload(desk, TEXT)
    run = Import.objects.get()
    assert (answer.url, run.by, run.name, run.encoding, run.delimiter) == (
        url("import_columns", run), lead, "contacts.csv", "utf-8", ";",
    )  # fmt: skip
    shown = page(desk.get(answer.url))
    for word in ("Contact ID", "Full name", "Hobby", "ann@example.com", "<dd><bdi>Ann</bdi></dd>"):
        assert word in shown
    assert "“Germany” is not a country in two letters" in shown

    assert desk.post(url("import_columns", run), choose(run)).url == url("import", run)
    assert "Hark goes through the file; nothing is written yet." in page(desk.get(url("import", run)))
    assert not Customer.objects.exists()

    work(run)
    shown = page(desk.get(url("import", run)))
    assert "This would come of it; nothing is written yet." in shown
    assert "Import 1 row" in shown
    assert "“no address” is not an e-mail address" in shown
    assert not Customer.objects.exists()

    assert desk.post(url("import_start", run)).url == url("import", run)
    work(run)
    shown = page(desk.get(url("import", run)))
    assert "Imported on" in shown
    assert reverse("crm:customers") in shown
    assert Customer.objects.get().name == "Ann"

    assert desk.post(url("import_undo", run)).url == url("import", run)
    work(run)
    assert "All is as it was before." in page(desk.get(url("import", run)))
    assert not Customer.objects.exists()


def test_refused_rows_are_mended_in_their_file_and_brought_again(desk):
    run = load("id,name,phone,country\n1,Ann,+44 113 496 0123,GB\n2,=Bob,+44 113 496 0124,Germany\n3,Carl,12,\n")
    answer = desk.get(url("import_errors", run))
    assert "refused-rows" in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode()
    assert text.startswith("\ufeff")
    header, bob, carl = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert header == ["id", "name", "phone", "country", "row in the file", "what is wrong", "as it came"]
    assert bob[:5] == ["2", "'=Bob", "'+44 113 496 0124", "Germany", "2"]
    assert bob[5] == "Country: “Germany” is not a country in two letters: GB, DE, US."
    assert carl[5].startswith("“12” is not a phone number")
    mended = text.replace("Germany", "GB").replace(",12,,", ",+44 113 496 0125,,")
    again = load(mended)
    assert counts(again) == (2, 0, 0, 0)
    assert set(Customer.objects.values_list("name", flat=True)) == {"Ann", "=Bob", "Carl"}
    assert Identity.objects.filter(kind="phone").count() == 3


def test_a_row_that_could_not_be_read_stands_readable_in_the_file_of_refused_rows(desk):
    data = "id,name\n1,Zoë\n2,José\n".encode() + "3,Müller\n".encode("cp1252") + b'4,"torn\n'
    run = load(data)
    text = b"".join(desk.get(url("import_errors", run)).streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[1][:2] == ["3", "Müller"]
    assert (rows[2][:3], rows[2][4]) == (["", "", "4"], '4,"torn')
    again = load(text)
    assert (counts(again), errors(again)) == ((1, 0, 0, 1), {2: "Customer id is missing."})


def test_the_preview_follows_what_is_chosen_and_keeps_nothing(desk):
    run = bring(TEXT)
    sent = choose(run, Hobby="nickname")
    shown = page(desk.post(url("import_columns", run), sent, headers={"HX-Request": "true", "HX-Target": "preview"}))
    assert "<html" not in shown
    assert "Also called" in shown
    assert "Chess" in shown
    run.refresh_from_db()
    assert "nickname" not in run.columns
    assert run.state == "uploaded"


def test_the_file_can_be_read_in_another_encoding(desk):
    run = bring("id,name\n1,Dvořák\n".encode("cp1250"))
    assert "Dvoøák" in page(desk.get(url("import_columns", run)))
    assert desk.post(url("import_columns", run), {"encoding": "cp1250"}).url == url("import_columns", run)
    assert "Dvořák" in page(desk.get(url("import_columns", run)))
    desk.post(url("import_columns", run), {"encoding": "klingon"})
    run.refresh_from_db()
    assert run.encoding == "cp1250"


def test_columns_can_be_named_anew_after_the_check(desk):
    run = check(bring(TEXT))
    assert url("import_columns", run) in page(desk.get(url("import", run)))
    desk.post(url("import_columns", run), choose(run, Hobby="about", Land=""))
    run.refresh_from_db()
    assert (run.state, run.columns["about"], run.made, run.errors.count()) == ("checking", ["Hobby"], 0, 0)
    assert counts(work(run)) == (1, 0, 0, 1)


def test_two_with_one_address_are_told_with_the_way_to_decide(desk):
    run = load("id,name,email\n1,Ann,both@example.com\n2,Bob,both@example.com\n")
    shown = page(desk.get(url("import", run)))
    assert "1 address, number or handle belongs to somebody else we know already. Nothing is decided" in shown
    assert reverse("crm:matches") in shown


def test_what_keeps_an_import_from_being_undone_is_told_on_its_page(desk):
    run = load("id,name\n1,Ann\n")
    factories.CaseFactory(customer=Customer.objects.get(name="Ann"))
    desk.post(url("import_undo", run))
    work(run)
    shown = page(desk.get(url("import", run)))
    assert "Nothing was undone, since more builds on this import by now: " in shown
    assert "1 case" in shown
    assert "Undo the whole import" in shown


def test_one_that_broke_off_offers_to_go_on(desk):
    run = check(bring(TEXT))
    Import.objects.filter(pk=run.pk).update(state="broken", trouble="Something went wrong.")
    shown = page(desk.get(url("import", run)))
    assert "Something went wrong." in shown
    assert desk.post(url("import_go_on", run)).url == url("import", run)
    assert work(run).state == "checked"


# --- while it runs


def test_the_page_asks_for_itself_only_while_something_is_under_way(desk):
    run = check(bring(TEXT))
    assert 'hx-trigger="every 2s"' not in page(desk.get(url("import", run)))
    Import.objects.filter(pk=run.pk).update(state="running", bytes_done=run.size // 2, done=1)
    part = page(desk.get(url("import", run), headers={"HX-Request": "true"}))
    assert 'hx-trigger="every 2s"' in part
    assert "1 row · 49 %" in part or "1 row · 50 %" in part
    assert "<html" not in part


@pytest.mark.parametrize("name", ["import_start", "import_go_on", "import_undo"])
def test_a_deed_at_the_wrong_time_is_refused_on_the_page(desk, name):
    run = bring(TEXT)
    shown = page(desk.post(url(name, run)), 422)
    assert "“Columns to be named”" in shown
    part = page(desk.post(url(name, run), headers={"HX-Request": "true"}), 422)
    assert 'id="import"' in part
    assert "<html" not in part


def test_a_deed_by_htmx_answers_with_the_part(desk):
    run = check(bring(TEXT))
    part = page(desk.post(url("import_start", run), headers={"HX-Request": "true"}))
    assert 'hx-trigger="every 2s"' in part


def test_an_import_that_began_cannot_be_named_anew(desk):
    run = load("id,name\n1,Ann\n")
    assert desk.get(url("import_columns", run)).url == url("import", run)
    assert desk.post(url("import_columns", run), {"column_0": ""}).url == url("import", run)


def test_one_whose_columns_are_to_be_named_leads_there(desk):
    run = bring(TEXT)
    assert desk.get(url("import", run)).url == url("import_columns", run)


# --- what is wrong is said beside the field


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The submitted file is empty."),
        (b"\n", "The file is empty."),
        (b"id,name\n", "and no rows below it"),
        (b"PK\x03\x04xl/workbook.xml", "This is an Excel workbook"),
        (b'[{"id": 1}]', "This is one JSON list"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_beside_its_field(desk, files, data, sentence):
    assert sentence in page(upload(desk, data), 422)
    assert not Import.objects.exists()
    assert not [path for path in files.rglob("*") if path.is_file()]


def test_a_file_that_is_too_large_is_refused_beside_its_field(desk, monkeypatch):
    monkeypatch.setattr(bringing, "MOST_BYTES", 20)
    assert "is the most Hark takes at once" in page(upload(desk, TEXT), 422)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"source": "our crm"}, "Enter a valid"),
        ({"source": ""}, "This field is required."),
        ({"what": "cats"}, "Select a valid choice"),
        ({"source": "x" * 41}, "at most 40 characters"),
    ],
)
def test_so_is_what_else_is_wrong_with_the_form(desk, fields, sentence):
    assert sentence in page(upload(desk, TEXT, **fields), 422)


def test_the_system_is_one_whatever_its_letters(desk):
    upload(desk, TEXT, source="CRM")
    assert Import.objects.get().source == "crm"


def test_two_columns_for_one_field_are_told_beside_the_second(desk):
    run = bring(TEXT)
    shown = page(desk.post(url("import_columns", run), choose(run, Hobby="name")), 422)
    assert "“Full name” holds this already; only one column can." in shown
    at_the_top = shown.partition("To be mended below:")[2].partition("</p>")[0]
    assert "Hobby" in at_the_top  # a file may have more columns than fit a screen
    assert "Full name" not in at_the_top
    run.refresh_from_db()
    assert run.state == "uploaded"


def test_a_missing_id_is_told(desk):
    run = bring(TEXT)
    shown = page(desk.post(url("import_columns", run), choose(run, **{"Contact ID": ""})), 422)
    assert "Say which column holds this: Customer id." in shown
    assert "To be mended below:" not in shown


def test_a_file_that_is_gone_is_told_and_breaks_no_page(desk):
    run = bring(TEXT)
    run.file.storage.delete(run.file.name)
    assert "The file is no longer here. Bring it again." in page(desk.get(url("import_columns", run)))
    assert "The file is no longer here. Bring it again." in page(
        desk.post(url("import_columns", run), choose(run)), 422
    )


def test_a_file_with_forty_awkward_columns_has_a_line_for_each(desk):
    header = ",".join(["id", *(f"<b>column {n}</b>" for n in range(39))])
    run = bring(f"{header}\n{','.join(['1', *['<script>'] * 39])}\n")
    shown = page(desk.get(url("import_columns", run)))
    assert shown.count("<select") == 41
    assert "<b>column" not in shown
    assert "<script>" not in shown.split("</head>")[1]


def test_a_name_of_a_file_is_only_a_name(desk, files):
    upload(desk, TEXT, name="../../etc/<b>passwd</b>.csv")
    run = Import.objects.get()
    assert "/" not in run.name
    assert run.file.path.startswith(str(files))
    assert "<b>" not in page(desk.get(url("import_columns", run)))


# --- the list


def test_the_list_says_what_came_of_each_import(desk, lead):
    done = load("id,name\n1,Ann\n2,Bob\n", by=lead, name="first.csv")
    check(bring("id,name\n3,Carl\n", name="second.csv"))
    shown = page(desk.get(reverse("crm:imports")))
    for word in ("first.csv", "second.csv", "Done", "Checked", "Lea Brandt", url("import", done)):
        assert word in shown
    assert shown.index("second.csv") < shown.index("first.csv")


def test_an_empty_list_says_what_to_do(desk):
    shown = page(desk.get(reverse("crm:imports")))
    assert "Nothing was imported yet." in shown
    assert reverse("crm:import_new") in shown


def test_the_rest_of_a_long_list_stands_behind_a_link(desk):
    factories.ImportFactory.create_batch(60, by=factories.UserFactory(role="lead"))
    shown = page(desk.get(reverse("crm:imports")))
    assert 'rel="next"' in shown
    rest = shown.split('rel="next" href="?')[1].split('"')[0].replace("&amp;", "&")
    more = page(desk.get(f"{reverse('crm:imports')}?{rest}", headers={"HX-Request": "true", "HX-Target": "more"}))
    assert more.count("<tr>") == 10
    assert "<html" not in more


@pytest.mark.parametrize("name", ["imports", "import"])
def test_a_page_costs_the_same_number_of_queries_with_1_and_with_20_rows(desk, name):
    found = []
    run = factories.ImportFactory()
    for more in (1, 19):
        factories.RefusedRowFactory.create_batch(more, run=run)
        factories.ImportFactory.create_batch(more)
        with CaptureQueriesContext(connection) as queries:
            page(desk.get(reverse("crm:imports") if name == "imports" else url(name, run)))
        found.append(len(queries))
    assert found[0] == found[1]


def test_who_took_refused_rows_away_is_in_the_log(desk, lead):
    run = load("id,name,tier\n1,Ann,gold\n")
    b"".join(desk.get(url("import_errors", run)).streaming_content)
    line = Activity.objects.get(verb="exported")
    assert (line.by, line.detail) == (lead, f"refused-rows-{run.pk} (CSV)")
