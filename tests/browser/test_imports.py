"""In and out in a browser: a file with faults goes in, is mended and goes in again; a list is taken away."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
from playwright.sync_api import expect

from crm.models import Customer, Import
from tests import factories
from tests.browser.looking import faults_of, looked_at

pytestmark = pytest.mark.browser
PROCESSES = ("web", "worker")

HEADER = ["Record ID", "First Name", "Last Name", "Email", "Mobile Phone", "Twitter", "Country", "Note"]


def write(path: Path, rows) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def bring(page, path: Path, source: str) -> None:
    page.get_by_role("link", name="Import a file").first.click()
    page.get_by_label("From which system").fill(source)
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Bring the file").click()
    expect(page.locator("#preview")).to_be_visible()


def test_a_file_with_faults_comes_in_is_mended_and_comes_in_again(desk, sit, tmp_path):
    rows = [
        ["1", "Ann", "Mercer", "ann@in.example", "+44 113 496 0123", "annie_in", "GB", "=1+1"],
        ["2", "Bob", "Okoro", "not an address", "", "", "GB", ""],
        ["3", "ליאור", "כהן", "lior@in.example", "", "", "Israel", "🚂"],
    ]
    lea = sit("lea")
    page = lea.go("/imports/")
    bring(page, write(tmp_path / "contacts.csv", rows), "shop")
    expect(page.locator("#preview")).to_contain_text("“Israel” is not a country in two letters")
    page.get_by_label("Note").select_option(label="What to know")
    expect(page.locator("#preview")).to_contain_text("=1+1")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("button", name="Import 1 row")).to_be_visible()
    expect(page.locator("#import")).to_contain_text("“not an address” is not an e-mail address")
    assert not Customer.objects.filter(name="Ann Mercer").exists()
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.locator("#import")).to_contain_text("Imported on")
    assert Customer.objects.get(name="Ann Mercer").about == "=1+1"

    with page.expect_download() as download:
        page.get_by_role("link", name="All of them as CSV").click()
    mended = tmp_path / "mended.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    mended.write_text(text.replace("not an address", "bob@in.example").replace("Israel", "IL"), encoding="utf-8")
    lea.go("/imports/")
    bring(page, mended, "shop")
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Import 2 rows").click()
    expect(page.locator("#import")).to_contain_text("Imported on")
    expect(page.locator(".tally .is-bad")).to_have_count(0)
    assert Customer.objects.get(name="ליאור כהן").country == "IL"
    page.get_by_role("link", name="Look at the customers").click()
    expect(page.get_by_role("link", name="Bob Okoro")).to_be_visible()
    assert lea.errors == []


def test_an_import_is_undone_and_refused_where_something_builds_on_it(desk, sit, tmp_path):
    rows = [["7", "Una", "Doe", "una@in.example", "", "", "GB", ""]]
    lea = sit("lea")
    page = lea.go("/imports/")
    bring(page, write(tmp_path / "una.csv", rows), "till")
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.locator("#import")).to_contain_text("Imported on")
    case = factories.CaseFactory(channel=desk.channel, customer=Customer.objects.get(name="Una Doe"))
    page.get_by_role("button", name="Undo the whole import").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was undone, since more builds on this import by now")
    case.entries.all().delete()
    links = list(case.customer.links.filter(method="by_hand"))
    case.delete()
    for link in links:
        link.delete()
    page.get_by_role("button", name="Undo the whole import").click()
    expect(page.locator("#import")).to_contain_text("All is as it was before.")
    assert not Customer.objects.filter(name="Una Doe").exists()
    assert lea.errors == []


def test_it_all_works_without_javascript(desk, sit, tmp_path):
    rows = [["8", "Ned", "Plain", "ned@in.example", "", "", "GB", ""]]
    page = sit("lea", java_script_enabled=False).go("/imports/")
    bring(page, write(tmp_path / "ned.csv", rows), "plain")
    page.get_by_role("button", name="Check the file").click()
    run = Import.objects.get(name="ned.csv")
    desk.wait_until("it is checked", lambda: Import.objects.get(pk=run.pk).state == "checked")
    page.reload()
    page.get_by_role("button", name="Import 1 row").click()
    desk.wait_until("it is done", lambda: Import.objects.get(pk=run.pk).state == "done")
    page.reload()
    expect(page.locator("#import")).to_contain_text("Imported on")


def test_a_list_is_taken_away_as_it_is_filtered(desk, sit):
    for name, tier in (("Key Keeper", "key"), ("Stan Dard", "standard")):
        factories.CustomerFactory(name=name, tier=tier)
    lea = sit("lea")
    page = lea.go("/customers/")
    page.locator("#filter-tier").select_option("key")
    expect(page.get_by_role("link", name="Stan Dard")).to_have_count(0)
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV, for spreadsheets").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "Key Keeper" in text
    assert "Stan Dard" not in text
    assert lea.errors == []


@pytest.fixture(scope="module")
def awkward(desk, tmp_path_factory):
    """Imports in every state, one of forty columns with names nobody would choose."""
    chance = random.Random(2)
    header = [
        f"Übergrößenverzeichnis_ohne_Leerzeichen_{n}" if n % 2 else f"Column {n} ليلى " + "x" * 80 for n in range(40)
    ]
    path = tmp_path_factory.mktemp("files") / f"{'long name ' * 12}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for _ in range(6):
            writer.writerow(["w" * chance.choice([2, 400]) for _ in header])
    runs = [
        factories.ImportFactory(
            state=state, name="n" * 120 + ".csv", made=1_234_567, changed=7, refused=30, parked=12, trouble=trouble,
            started_at="2026-01-01T00:00Z", finished_at="2026-01-01T00:00Z", undone_at="2026-01-01T00:00Z",
            undone_by=factories.UserFactory(role="lead"),
        )
        for state, trouble in (
            ("checking", ""), ("checked", ""), ("running", ""), ("done", "b" * 200), ("undoing", ""), ("undone", ""),
            ("broken", "Something went wrong."),
        )
    ]  # fmt: skip
    for run in runs:
        for number in range(1, 31):
            cells = ["ا" * 60, "w" * 300, "🚂"]
            factories.RefusedRowFactory(
                run=run, number=number, cells=cells, sentence="“" + "q" * 60 + "” is not one. " * 6
            )
    yield path, runs
    Import.objects.filter(pk__in=[run.pk for run in runs]).delete()


def test_no_screen_of_an_import_has_a_serious_fault(sit, awkward):
    path, runs = awkward
    lea = sit("lea", reduced_motion="reduce")
    assert faults_of(lea, ("/imports/", "/imports/new/", *(run.get_absolute_url() for run in runs))) == {}
    lea.go("/imports/")
    bring(lea.page, path, "awkward")
    assert looked_at(lea) == []
    lea.page.locator("select").nth(1).select_option(index=1)
    lea.page.locator("select").nth(2).select_option(index=1)
    lea.page.get_by_role("button", name="Check the file").click()
    expect(lea.page.get_by_text("holds this already")).to_be_visible()
    lea.errors.clear()  # the browser tells of the 422
    assert looked_at(lea) == []
