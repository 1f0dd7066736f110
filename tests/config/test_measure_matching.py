"""The commands that measure who is found, who is recorded twice, and what a look costs."""

import gzip
import json
import os
import subprocess
import sys
from io import StringIO
from urllib.parse import quote

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from config.places import ROOT
from crm.matching.learning import count_all
from crm.matching.measuring import tables_of_its_own
from crm.models import Commonness, Customer, Identity, IdentityLink
from tests.factories import CustomerFactory, IdentityFactory

pytestmark = pytest.mark.django_db
GIVEN = "Anna Bert Carla David Elena Frank Greta Hugo Irene Jonas".split()
SYLLABLES = ("bran", "del", "for", "gat", "hol", "kin")
FAMILIES = [f"{one}{two}".title() for one in SYLLABLES for two in SYLLABLES]
CUSTOMERS = "customer_id,first,middle,nickname,last,full,birthday,state,district,role,party,phone,url,in_crm"
ACCOUNTS = "network,handle,customer_id,owner_absent_from_crm"


@pytest.fixture
def files(tmp_path):
    """36 people, the last six of whom are no customers; all have a handle, one an id instead of a name."""
    people = [(f"P{n}", GIVEN[n % 10], family, n < 30) for n, family in enumerate(FAMILIES)]
    customers = [
        f"{pk},{first},,,{last},{first} {last},,WA,,,,,https://{last.lower()}.example.org,{int(inside)}"
        for pk, first, last, inside in people
    ]
    accounts = [
        f"chirp,{'7003393423' if pk == 'P3' else first + last},{pk},{int(not inside)}"
        for pk, first, last, inside in people
    ]
    (tmp_path / "customers.csv").write_text("\n".join([CUSTOMERS, *customers]))
    (tmp_path / "accounts.csv").write_text("\n".join([ACCOUNTS, *accounts]))
    return ["--customers", str(tmp_path / "customers.csv"), "--accounts", str(tmp_path / "accounts.csv")]


@pytest.fixture
def persons(tmp_path):
    """Ten people, each twice: the second time with a slip in the name and without the city."""
    rows = ["unique_id,first_name,surname,dob,city,email,cluster"]
    for n in range(10):
        family, born = FAMILIES[n], f"19{60 + n}-0{n % 9 + 1}-1{n}" if n < 9 else "no date"
        rows.append(f"{2 * n},{GIVEN[n]},{family},{born},Hull,{GIVEN[n]}@x.example,{n}")
        rows.append(f"{2 * n + 1},{GIVEN[n]},{family[:-1]},{born},,{GIVEN[n].upper()}@x.example,{n}")
    file = tmp_path / "persons.csv"
    file.write_text("\n".join(rows))
    return file


@pytest.fixture
def without_tables():
    """The address of a database nobody has migrated yet."""
    at = connection.settings_dict
    where = {"host": at["HOST"], "port": at["PORT"] or None, "user": at["USER"], "password": at["PASSWORD"]}
    door = "".join(["postgres://", at["USER"], ":", quote(at["PASSWORD"], safe=""), "@"])
    place = f"{at['HOST']}:{at['PORT']}" if at["PORT"] else f"/{quote(at['HOST'])}"
    with psycopg.connect(dbname="postgres", autocommit=True, **where) as server:
        server.execute("CREATE DATABASE hark_without_tables")
        yield f"{door}{place}/hark_without_tables"
        server.execute("DROP DATABASE hark_without_tables WITH (FORCE)")


def said(command, *options):
    out = StringIO()
    call_command(command, *options, stdout=out)
    return out.getvalue()


def figures(command, *options):
    return json.loads(said(command, *options, "--json").splitlines()[-1])


# --- owners of handles


def test_owners_are_found_and_absent_ones_are_given_none(files):
    found = figures("measure_matching", *files)
    assert found == {
        "n": 36, "precision": 1.0, "recall": round(29 / 30, 4), "false_links_absent": 0.0, "owners_in_crm": 30,
        "owners_absent": 6, "proposed": 29, "right": 29,
    }  # fmt: skip


def test_people_get_a_table(files):
    told = said("measure_matching", *files)
    assert "given an owner though theirs is no customer" in told
    assert "{" not in told


def test_what_is_in_the_database_neither_helps_nor_stays(files):
    kept = IdentityFactory(value="AnnaBranbran", customer=CustomerFactory(name="Anna Branbran"))
    before = figures("measure_matching", *files)
    assert (Customer.objects.count(), Identity.objects.count(), IdentityLink.objects.count()) == (1, 1, 1)
    assert Commonness.objects.count() == 0
    kept.delete()
    Customer.objects.all().delete()
    assert figures("measure_matching", *files) == before


def test_tables_of_its_own_hold_the_same_constraints():
    with tables_of_its_own():
        IdentityFactory(value="twice")
        with pytest.raises(IntegrityError, match="kind, place, value"), transaction.atomic():
            IdentityFactory(value="twice")


def test_a_wrong_owner_costs_precision_and_an_absent_one_is_counted(files, tmp_path):
    accounts = tmp_path / "accounts.csv"
    text = accounts.read_text()
    accounts.write_text(
        text.replace("AnnaBranbran,P0,0", "AnnaBranbran,P1,0").replace("BertBrandel,P1,0", "BertBrandel,P1,1")
    )
    found = figures("measure_matching", *files)
    assert (found["right"], found["proposed"]) == (28, 29)
    assert found["precision"] == round(28 / 29, 4)
    assert found["false_links_absent"] == round(1 / 7, 4)


def test_a_handle_that_stands_twice_in_the_file_counts_twice(files, tmp_path):
    accounts = tmp_path / "accounts.csv"
    accounts.write_text(accounts.read_text() + "\nchirp,AnnaBranbran,P0,0\n")
    assert figures("measure_matching", *files)["n"] == 37


def test_a_file_without_its_columns_is_refused_with_those_there_are(files):
    wrong = ["--customers", files[3], "--accounts", files[3]]
    with pytest.raises(CommandError, match=r'no column "first" and .* Its columns are: network, handle'):
        said("measure_matching", *wrong)


def test_a_missing_file_and_no_file_at_all_are_refused(files):
    with pytest.raises(CommandError, match="cannot be read"):
        said("measure_matching", "--customers", "/nowhere.csv", "--accounts", files[3])
    with pytest.raises(CommandError, match="Name both files"):
        said("measure_matching", *files[:2])


# --- what it costs


def test_one_look_is_timed_and_explained_and_nothing_of_it_stays():
    for n in range(40):
        family = FAMILIES[n % len(FAMILIES)]
        someone = CustomerFactory(name=f"{GIVEN[n % 10]} {family}", given_name=GIVEN[n % 10], family_name=family)
        IdentityFactory(customer=someone)
    count_all()
    found = figures("measure_matching", "--at-size", "--handles", "3")
    assert (found["customers"], found["handles"]) == (40, 3)
    assert 0 < found["median_ms"] <= found["worst_ms"]
    assert (Customer.objects.count(), IdentityLink.objects.proposed().count()) == (40, 0)
    told = said("measure_matching", "--at-size", "--handles", "1")
    for words in ("Bitmap Index Scan on customer_match_keys", "customers by name", "tables read whole"):
        assert words in told


def test_without_customers_there_is_nothing_to_time():
    with pytest.raises(CommandError, match="fill --customers"):
        said("measure_matching", "--at-size")
    with pytest.raises(CommandError, match="above 0"):
        said("measure_matching", "--at-size", "--handles", "0")


# --- recorded twice


def test_who_is_recorded_twice_is_found(persons):
    assert figures("measure_duplicates", str(persons), "--cluster", "cluster") == {
        "n": 20, "precision": 1.0, "recall": 1.0, "f1": 1.0, "pairs": 10, "found": 10,
    }  # fmt: skip
    assert Customer.objects.count() == 0


def test_a_packed_file_without_some_columns_is_measured(persons, tmp_path):
    rows = [",".join(line.split(",")[column] for column in (1, 2, 3, 6)) for line in persons.read_text().splitlines()]
    packed = tmp_path / "persons.csv.gz"
    packed.write_bytes(gzip.compress("\n".join(rows).encode()))
    assert figures("measure_duplicates", str(packed), "--cluster", "cluster")["f1"] > 0.9


def test_rows_of_no_cluster_stand_alone(persons):
    persons.write_text(
        "\n".join(
            line.rsplit(",", 1)[0] + ("," if n else ",cluster")
            for n, line in enumerate(persons.read_text().splitlines())
        )
    )
    found = figures("measure_duplicates", str(persons), "--cluster", "cluster")
    assert (found["pairs"], found["precision"], found["f1"]) == (0, 0.0, 0.0)


def test_without_the_column_of_clusters_it_is_refused(persons):
    with pytest.raises(CommandError, match='no column "person"'):
        said("measure_duplicates", str(persons), "--cluster", "person")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "none.csv").write_text("")
    with pytest.raises(CommandError, match="Its columns are: none"):
        said("measure_duplicates", str(tmp_path / "none.csv"), "--cluster", "cluster")


def test_it_may_be_the_first_command_on_a_new_machine(without_tables, persons):
    command = [sys.executable, "manage.py", "measure_duplicates", str(persons), "--cluster", "cluster", "--json"]
    at = os.environ | {"DATABASE_URL": without_tables, "HARK_SEALING_KEY": "any"}
    done = subprocess.run(command, cwd=ROOT, env=at, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["n"] == 20
