"""The bulk for measuring: consistent with itself, repeatable, and pages can be measured on it."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from cases.models import Case
from channels_app.models import Message
from config.filling import fill_cases
from crm.models import IdentityLink
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_bulk_hangs_together(team, agent):
    fill_cases(300)
    cases = Case.objects.filter(channel__key="bulk")
    assert cases.count() == 300
    assert set(cases.values_list("state", flat=True)) == {"new", "open", "waiting", "resolved"}
    assert not Message.objects.filter(channel__key="bulk", case_entry=None).exists()
    for case in cases.select_related("identity").prefetch_related("entries__message")[:50]:
        assert IdentityLink.objects.get(identity=case.identity, state="confirmed").customer_id == case.customer_id
        said = sorted(entry.message.occurred_at for entry in case.entries.all())
        assert (said[0], said[-1]) == (case.opened_at, case.last_message_at)


def test_the_same_seed_says_the_same_and_more_may_be_added(team, agent):
    def words():
        return Counter(Case.objects.values_list("subject", "state"))

    fill_cases(40, seed=3)
    first = words()
    fill_cases(40, seed=3)
    assert sum(words().values()) == 2 * sum(first.values())
    assert Case.objects.values("thread", "customer").distinct().count() == 80


def test_it_works_on_an_empty_database(db):
    fill_cases(5)
    assert Case.objects.count() == 5


def test_less_than_one_case_is_refused(db):
    with pytest.raises(CommandError, match="a number above 0"):
        call_command("fill", "--cases", "0")


def test_pages_are_measured_and_the_queue_neither_counts_nor_skips(team):
    factories.UserFactory(username="lead", role="lead", teams=[team])
    fill_cases(120)
    out = StringIO()
    call_command("measure_pages", "--times", "1", "--json", stdout=out)
    figures = json.loads(out.getvalue().splitlines()[-1])
    assert figures["cases"] == 120
    queue = figures["pages"]["/queue/"]
    assert queue["queries"] <= 8
    assert not any(page["offset"] or page["count"] for page in figures["pages"].values())


def test_there_is_nothing_to_measure_on_an_empty_database(db):
    with pytest.raises(CommandError, match="nothing to look at"):
        call_command("measure_pages")
