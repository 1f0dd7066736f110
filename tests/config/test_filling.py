"""The bulk for measuring: consistent with itself, repeatable, and pages can be measured on it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from cases.models import Case
from channels_app.models import Message
from config import filling_customers
from config.filling import fill_cases
from config.filling_accounts import fill_accounts
from config.filling_customers import fill_customers
from crm.models import Account, Customer, Identity, IdentityLink, Stakeholder
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


@pytest.mark.parametrize("kind", ["cases", "customers", "accounts"])
def test_less_than_one_is_refused(db, kind):
    with pytest.raises(CommandError, match=f"--{kind} takes a number above 0"):
        call_command("fill", f"--{kind}", "0")


def test_one_has_to_say_what_to_add(db):
    with pytest.raises(CommandError, match="Say what to add"):
        call_command("fill")


def test_a_crowd_hangs_together(db):
    fill_customers(600)
    customers = Customer.objects.all()
    assert customers.count() == 600
    known = customers.filter(known_at__isnull=False)
    assert 240 < known.count() < 360
    assert set(Identity.objects.values_list("kind", flat=True)) == {"handle", "email", "phone", "external"}
    assert not customers.filter(links=None).exists()
    assert not known.exclude(links__identity__kind__in=["email", "phone", "external"]).exists()
    assert not known.filter(given_name="").exists()
    assert not IdentityLink.objects.exclude(state="confirmed").exists()
    assert customers.exclude(country="").values("country").distinct().count() > 20
    assert {"standard", "valued", "key"} == set(customers.values_list("tier", flat=True))


def test_nobody_of_a_crowd_waits_for_the_matching(db):
    fill_customers(50)
    fill_cases(20)
    assert not Identity.objects.filter(matched_at=None).exists()


def test_a_crowd_met_later_has_higher_numbers(db, monkeypatch):
    monkeypatch.setattr(filling_customers, "CHUNK", 20)
    fill_customers(60)
    seen = list(Customer.objects.order_by("pk").values_list("created_at", flat=True))
    assert max(seen[:20]) <= min(seen[20:40])
    assert max(seen[20:40]) <= min(seen[40:])


def test_names_are_common_and_rare_in_many_scripts(db):
    fill_customers(3_000)
    names = Counter(Customer.objects.exclude(family_name="").values_list("family_name", flat=True))
    assert names.most_common(1)[0][1] >= 10
    assert sum(1 for count in names.values() if count == 1) > 300
    everybody = " ".join(Customer.objects.values_list("name", flat=True))
    scripts = {unicodedata.name(letter, "").split()[0] for letter in set(everybody) if letter.isalpha()}
    assert {"LATIN", "CYRILLIC", "ARABIC", "CJK", "GREEK", "DEVANAGARI"} <= scripts
    assert {"é", "ü", "ø", "ł", "-", "'"} <= set(everybody)


def test_every_address_of_a_crowd_is_one_that_reaches_nobody(db):
    fill_customers(200)
    addresses = Identity.objects.filter(kind="email").values_list("value", flat=True)
    assert addresses
    assert all(address.endswith(".example") for address in addresses)


def test_phone_numbers_are_kept_as_they_are_dialled_from_abroad(db):
    fill_customers(200)
    for value, written in Identity.objects.filter(kind="phone").values_list("value", "handle"):
        assert re.fullmatch(r"\+[1-9]\d{7,14}", value)
        assert re.sub(r"\D", "", written)[-6:] == value[-6:]


def test_a_second_crowd_of_the_same_seed_has_the_same_names_and_handles_of_its_own(db):
    fill_customers(150, seed=5)
    first = Counter(Customer.objects.values_list("given_name", "family_name"))
    fill_customers(150, seed=5)
    both = Counter(Customer.objects.values_list("given_name", "family_name"))
    assert both == Counter({name: 2 * count for name, count in first.items()})


def test_accounts_have_people_we_know_and_ids_of_their_own(db):
    fill_customers(200)
    fill_accounts(30, seed=2)
    fill_accounts(30, seed=2)
    assert Account.objects.count() == Account.objects.values("external_id").distinct().count() == 60
    assert Account.objects.values("name").distinct().count() <= 30
    assert Stakeholder.objects.filter(customer__known_at=None).count() == 0
    assert not Account.objects.filter(stakeholders=None).exists()
    assert all(".example/" in website for website in Account.objects.values_list("website", flat=True))


def test_accounts_of_nobody_may_be_filled_too(db):
    fill_accounts(5)
    assert (Account.objects.count(), Stakeholder.objects.count()) == (5, 0)


def test_a_crowd_is_added_by_a_command_that_says_how_fast(db):
    out = StringIO()
    call_command("fill", "--customers", "30", "--cases", "10", stdout=out)
    assert re.match(r"30 customers in .+ a second\)\.\n10 cases in .+ a second\)\.", out.getvalue())
    assert Case.objects.count() == 10


def test_pages_are_measured_and_the_queue_neither_counts_nor_skips(team):
    factories.UserFactory(username="lead", role="lead", teams=[team])
    fill_cases(120)
    out = StringIO()
    call_command("bench", "--queries-only", "--json", stdout=out)
    figures = json.loads(out.getvalue().splitlines()[-1])
    assert figures["cases"] == 120
    queue = figures["pages"]["/queue/"]
    assert queue["queries"] <= 12
    assert [path for path, page in figures["pages"].items() if page["offset"]] == []
    assert [path for path, page in figures["pages"].items() if page["count"]] == ["/care/"]  # which is there to count


def test_there_is_nothing_to_measure_on_an_empty_database(db):
    with pytest.raises(CommandError, match="nothing to look at"):
        call_command("bench")
