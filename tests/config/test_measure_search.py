"""Measuring the search: every way is asked, whoever is meant is found, and a plan that reads a table is told on."""

from __future__ import annotations

import json
from io import StringIO
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.http import QueryDict

from config.filling import fill_cases
from config.filling_accounts import fill_accounts
from config.filling_customers import fill_customers
from config.management.commands import measure_search
from config.measuring_search import Question, kinds_of_questions
from crm.forms.customers import NARROWING
from crm.models import Customer

pytestmark = pytest.mark.django_db


def measured(*options):
    out = StringIO()
    call_command("measure_search", "--times", "3", "--json", *options, stdout=out)
    return out.getvalue(), json.loads(out.getvalue().splitlines()[-1])


@pytest.fixture
def crowd(team):
    fill_customers(300)
    fill_accounts(40)
    fill_cases(60)


def test_every_way_of_finding_is_measured(crowd):
    printed, figures = measured()
    assert set(figures["kinds"]) == set(kinds_of_questions())
    assert figures["customers"] >= 300
    for kind in figures["kinds"].values():
        assert 0 < kind["asked"] <= 3
        assert 0 < kind["median_ms"] <= kind["max_ms"]
        assert kind["seq_scans"] == []
        assert any("Scan" in step for step in kind["plan"])
    assert "customer_sought_trigrams" in figures["kinds"]["full name"]["indexes"]
    for heading in ("What the plans read", "Through which indexes", "Search over"):
        assert heading in printed


def test_who_was_meant_is_found(crowd):
    kinds = measured()[1]["kinds"]
    for kind in (
        "account by name",
        "account by outside id",
        "a name within a filter",
        "full name",
        "part of a name",
        "handle",
        "part of an e-mail",
        "phone",
        "outside id",
        "typo in a name",
    ):
        assert (kinds[kind]["found"], kinds[kind]["meant"]) == (3, 3), kind
    assert kinds["nothing to be found"]["hits"] == 0
    assert kinds["words they wrote"]["hits"] > 0


def test_the_same_seed_asks_the_same(crowd):
    def asked(seed):
        chance = Random(seed)
        return [make(chance) for make in kinds_of_questions().values()]

    assert asked(3) == asked(3)
    assert asked(3) != asked(4)


def _what_is_said_of_everybody(words):
    return list(Customer.objects.values_list("about", flat=True))


def test_a_plan_that_reads_a_large_table_fails_and_names_it(crowd, monkeypatch):
    monkeypatch.setattr(measure_search, "LARGE", 100)
    read = Question("all", None, _what_is_said_of_everybody)
    monkeypatch.setattr(measure_search, "kinds_of_questions", lambda: {"everybody": lambda chance: read})
    with pytest.raises(CommandError, match="Read as a whole: crm_customer"):
        measured()


def test_a_small_table_may_be_read_as_a_whole(crowd, monkeypatch):
    read = Question("all", None, _what_is_said_of_everybody)
    monkeypatch.setattr(measure_search, "kinds_of_questions", lambda: {"everybody": lambda chance: read})
    kind = measured()[1]["kinds"]["everybody"]
    assert (kind["seq_scans"], kind["seq_scans_of_small_tables"]) == ([], ["crm_customer"])


def test_every_filter_of_the_list_is_asked_for(crowd):
    chance, asked = Random(1), set()
    for _ in range(300):
        asked |= QueryDict(kinds_of_questions()["list, three filters"](chance).words).keys()
    assert asked == set(NARROWING)


def test_there_is_nobody_to_find_in_an_empty_database(db):
    with pytest.raises(CommandError, match="nobody to find"):
        call_command("measure_search")
