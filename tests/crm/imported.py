"""What the tests of the import share: files brought, checked and run, and the database as one can compare it."""

from __future__ import annotations

import csv
import io
import json

from django.core.files.base import ContentFile

from crm.importing import bringing, running, undoing
from crm.models import (
    Account,
    Consent,
    ConsentChange,
    Customer,
    Identity,
    Import,
    Merge,
    Order,
    Product,
    Stakeholder,
    User,
)
from tests import factories


def as_csv(rows, header=None, delimiter=","):
    """Dicts as a CSV file."""
    header = header or list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, header, delimiter=delimiter, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_json_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def bring(text, *, what="customers", source="crm", name="crm.csv", by=None, **columns) -> Import:
    """A file that was brought; `columns` name ours=theirs beside what is guessed."""
    by = by or User.objects.filter(role="lead").first() or factories.UserFactory(role="lead")
    data = text if isinstance(text, bytes) else text.encode()
    run = bringing.bring(what=what, source=source, file=ContentFile(data, name=name), by=by)
    if columns:
        named = run.columns | {ours: [theirs] for ours, theirs in columns.items()}
        bringing.name_columns(run=run, columns=named, by=by)
        run.refresh_from_db()
    return run


def check(run) -> Import:
    running.check(run=run, by=run.by)
    return _worked_off(run)


def start(run) -> Import:
    running.start(run=run, by=run.by)
    return _worked_off(run)


def undo(run, by=None) -> Import:
    undoing.undo(run=run, by=by or run.by)
    return _worked_off(run)


def _worked_off(run) -> Import:
    running.work(run.pk)
    run.refresh_from_db()
    assert not run.is_under_way
    return run


def load(text, **facts) -> Import:
    """Brought, checked, run."""
    return start(check(bring(text, **facts)))


def load_unchecked(text, **facts) -> Import:
    """The same without the look beforehand."""
    run = bring(text, **facts)
    Import.objects.filter(pk=run.pk).update(state="checked")
    return start(run)


def counts(run):
    """(new, changed, as they were, refused)"""
    return run.made, run.changed, run.same, run.refused


def errors(run):
    return {error.number: error.sentence for error in run.errors.order_by("number")}


# --- the database, keys and the time of day aside

FACTS = "name given_name family_name nickname born_on tier language country city time_zone about".split()


def snapshot():
    """Everything an import may touch, told by what it says instead of by its keys."""
    customers = {customer.pk: customer for customer in Customer.objects.all()}
    called = {pk: _called(customer) for pk, customer in customers.items()}
    accounts = dict(Account.objects.values_list("pk", "external_id"))
    orders = dict(Order.objects.values_list("pk", "external_id"))
    return {
        "customers": sorted(map(str, ((called[pk], _facts(c, called)) for pk, c in customers.items()))),
        "identities": sorted(Identity.objects.values_list("kind", "place", "value", "handle")),
        "accounts": _rows(
            Account, "external_id source name kind industry country city website runs about owner__username closed_at"
        ),
        "stakes": _told(Stakeholder, "role influence persona__name title since_on left_on", called, accounts),
        "orders": _told(
            Order, "external_id number state what amount currency promised_on delivered_on", called, accounts
        ),
        "products": sorted(
            f"{row} {orders.get(row_order)}"
            for row, row_order in zip(
                _told(Product, "external_id name serial state since_on until_on", called, accounts),
                Product.objects.order_by("external_id").values_list("order", flat=True),
                strict=True,
            )
        ),
        "consents": _told(Consent, "purpose state", called),
        "history": _told(ConsentChange, "purpose to how", called),
        "merges": sorted(
            f"{called[m.survivor_id]} {called[m.absorbed_id]} {m.undone_at is None}" for m in Merge.objects.all()
        ),
    }


def _called(customer):
    """All that is linked to them, which no two have in common; of a merged one, its name."""
    links = customer.links.values_list(
        "identity__kind", "identity__place", "identity__value", "state", "method", "evidence"
    )
    return f"{customer.name} {sorted(links)}"


def _facts(customer, called):
    stands = customer.known_at is not None, customer.do_not_contact_at is not None
    return [str(getattr(customer, name)) for name in FACTS], stands, called.get(customer.merged_into_id)


def _rows(model, names):
    return sorted(map(str, model.objects.values_list(*names.split())))


def _told(model, names, called, accounts=None):
    found = []
    order = "external_id" if any(f.name == "external_id" for f in model._meta.fields) else "pk"
    for row in model.objects.order_by(order):
        values = model.objects.filter(pk=row.pk).values_list(*names.split()).get()
        account = accounts.get(row.account_id) if accounts else ""
        found.append(f"{called[row.customer_id]} {account} {values}")
    return found if order == "external_id" else sorted(found)
