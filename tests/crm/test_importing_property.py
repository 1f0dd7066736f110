"""Whatever is in a file: read twice, or half and then whole, or in batches of any size, it leaves the same database."""

from __future__ import annotations

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm.importing import running
from tests import factories
from tests.crm.imported import as_csv, as_json_lines, snapshot, undo
from tests.crm.imported import load_unchecked as load

pytestmark = pytest.mark.django_db
CALM = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example imports some files: shrinking takes minutes
)


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def cells(**pools):
    """A row of a file: few values, so that rows meet. A row of empty cells is none, and a file of such is refused."""
    rows = st.fixed_dictionaries({name: st.sampled_from(pool) for name, pool in pools.items()})
    return rows.filter(lambda row: any(row.values()))


CUSTOMERS = cells(
    id=["1", "2", "3", "4", ""],
    name=["", "", "Ann Mercer", "Ann M.", "(empty)", "x" * 201],
    email=[
        *("", "ann@example.com", "ANN@example.com", "bob@example.com", "pro@example.com; ann@example.com"),
        *("known@example.com", "no"),
    ],
    phone=["", "", "+44 113 496 0123", "0113 496 0123", "12"],
    handle=["", "twitter:annie", "twitter:Pro", "annie"],
    country=["", "GB", "DE", "Germany", "(empty)"],
    tier=["", "key", "Valued", "gold", "(empty)"],
    born_on=["", "1984-02-29", "29.02.1984", "03/04/1984"],
    about=["", "=1+1", "two\nlines", " spaces "],
)  # fmt: skip
KINDS = {
    "accounts": cells(
        id=["1", "2", "3"], name=["Northwind", "Acme", ""], country=["", "GB", "xx"],
        owner=["", "sam", "(empty)", "nobody"],
        closed_on=["", "2025-12-31", "(empty)"],
    ),
    "links": cells(
        customer=["1", "2", "3", "9"], kind=["email", "handle", "external", "phone"], place=["", "twitter"],
        value=["ann@example.com", "pro", "known@example.com", "+44 113 496 0123"],
    ),
    "stakeholders": cells(
        account=["1", "2", "9"], customer=["1", "2", "9"], role=["buyer", "user", "king"],
        persona=["", "Driver", "(empty)", "none"],
        since_on=["", "2024-01-01"], left_on=["", "2023-01-01", "2025-01-01", "(empty)"],
    ),
    "orders": cells(
        id=["1", "2", "3"], customer=["1", "2", "9", ""], account=["", "1", "9", "(empty)"], number=["A1", "A2"],
        state=["", "paid", "Shipped"], amount=["", "12.50", "1,234", "(empty)"], currency=["", "EUR"],
        placed_at=["", "2026-01-01"],
    ),
    "products": cells(
        id=["1", "2", "3"], customer=["1", "2"], order=["", "77", "9", "(empty)"], name=["Pass", ""],
        state=["", "ended"],
        since_on=["", "2024-01-01"],
    ),
    "consents": cells(
        customer=["1", "2", "3"], purpose=["survey", "marketing", "any"], state=["given", "refused", "forbidden", "x"],
        how=["", "Said so"],
    ),
}  # fmt: skip


def world():
    """Somebody we know, somebody of whom we know a handle and an address, and what the other kinds refer to."""
    known = factories.CustomerFactory(name="Known", known_at="2026-01-01T00:00Z")
    factories.IdentityFactory(kind="email", place="", value="known@example.com", customer=known)
    pro = factories.CustomerFactory(name="pro", city="York")
    factories.IdentityFactory(place="twitter", value="pro", handle="pro", customer=pro)
    factories.IdentityFactory(kind="email", place="", value="pro@example.com", customer=pro)
    factories.IdentityFactory(kind="email", place="", value="bob@example.com", customer=None)


def people():
    world()
    for number in "123":
        someone = factories.CustomerFactory(name=f"Customer {number}", known_at="2026-01-01T00:00Z")
        factories.IdentityFactory(kind="external", place="crm", value=number, handle=number, customer=someone)
    someone_else = factories.AccountFactory(name="Old", source="crm", external_id="1")
    factories.AccountFactory(name="Older", source="crm", external_id="2")
    factories.OrderFactory(customer=someone, source="crm", external_id="77", number="77", account=someone_else)
    factories.PersonaFactory(name="Driver")


def after(begin, *steps):
    """The database after these steps, which are then taken back."""
    with transaction.atomic():
        factories.UserFactory(username="sam", role="lead")
        begin()
        for step in steps:
            step()
        found = snapshot()
        transaction.set_rollback(True)
    return found


def in_batches(size, step):
    before, running.BATCH = running.BATCH, size
    try:
        step()
    finally:
        running.BATCH = before


def the_same_however_it_is_read(begin, rows, what, size, half, written=as_csv, name="crm.csv"):
    whole, some = written(rows), written(rows[: half % (len(rows) + 1)] or rows)
    once = after(begin, lambda: load(whole, what=what, name=name))
    assert after(begin, *[lambda: load(whole, what=what, name=name)] * 2) == once
    assert after(begin, lambda: load(some, what=what, name=name), lambda: load(whole, what=what, name=name)) == once
    assert after(begin, lambda: in_batches(size, lambda: load(whole, what=what, name=name))) == once


@given(rows=st.lists(CUSTOMERS, min_size=1, max_size=8), size=st.integers(1, 4), half=st.integers(0, 8))
@CALM
def test_customers_however_often_they_are_imported_are_the_same(rows, size, half):
    the_same_however_it_is_read(world, rows, "customers", size, half)


@pytest.mark.parametrize("what", KINDS)
@given(data=st.data(), size=st.integers(1, 4), half=st.integers(0, 8))
@settings(CALM, max_examples=8)
def test_so_is_everything_else(what, data, size, half):
    rows = data.draw(st.lists(KINDS[what], min_size=1, max_size=8))
    the_same_however_it_is_read(people, rows, what, size, half)


@given(rows=st.lists(CUSTOMERS, min_size=1, max_size=6))
@settings(CALM, max_examples=10)
def test_so_is_json_lines(rows):
    the_same_however_it_is_read(world, rows, "customers", 2, 3, as_json_lines, "crm.jsonl")


@given(rows=st.lists(CUSTOMERS, min_size=1, max_size=8))
@settings(CALM, max_examples=20)
def test_undone_all_is_as_it_was(rows):
    before = after(world)
    merges = before.pop("merges")
    found = after(world, lambda: undone(as_csv(rows), "customers"))
    assert found.pop("merges")[: len(merges)] == merges
    assert found == before


@pytest.mark.parametrize("what", ["accounts", "links", "stakeholders", "orders", "products"])
@given(data=st.data())
@settings(CALM, max_examples=8)
def test_undone_all_of_any_kind_is_as_it_was(what, data):
    rows = data.draw(st.lists(KINDS[what], min_size=1, max_size=8))
    before, found = after(people), after(people, lambda: undone(as_csv(rows), what))
    before.pop("merges"), found.pop("merges")
    assert found == before


def undone(text, what):
    run = undo(load(text, what=what))
    assert run.state == "undone", run.trouble
