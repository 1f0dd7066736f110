"""What hangs on a customer, found by looking at the models: rows of an app to come are moved without a word here.

Not among them: what has rules of its own (links, consents) and the record of merges itself.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet

from crm.models import Consent, Customer, Identity, IdentityLink, Merge

WITH_RULES_OF_THEIR_OWN = (Customer, Merge, Consent, IdentityLink)


@dataclass(frozen=True)
class Relation:
    """A foreign key by which rows of `model` belong to a customer; of `uses`, to an identity."""

    model: type[models.Model]
    field: models.ForeignKey[Any, Any]

    @property
    def kind(self) -> str:
        return self.model._meta.label_lower

    @property
    def column(self) -> str:
        return self.field.attname

    def rows_of(self, customer: int | OuterRef) -> QuerySet[Any]:
        return self.model._base_manager.filter(**{self.column: customer})

    def of_identity(self, customer: int, identity: int) -> QuerySet[Any]:
        """The customer's rows that stand under this identity of theirs."""
        fields = _keys_to(self.model, Identity)
        return self.rows_of(customer).filter(reduce(operator.or_, (Q(**{f.attname: identity}) for f in fields)))

    def kept_back(self, customer: int, to: int) -> QuerySet[Any]:
        """The customer's rows that cannot go `to` another, since that one has the same: a unique rule forbids two."""
        return self.clashing(self.rows_of(customer), to)

    def clashing(self, rows: QuerySet[Any], to: int | OuterRef) -> QuerySet[Any]:
        """Those of these rows of which `to`, a record or the name of a column of theirs, has the same."""
        clashes = [_clash(self, rule, to) for rule in rules(self)]
        return rows.filter(reduce(operator.or_, clashes)) if clashes else rows.none()

    def free_to_go(self, customer: int, to: int) -> QuerySet[Any]:
        return self.rows_of(customer).exclude(pk__in=self.kept_back(customer, to).values("pk"))


@dataclass(frozen=True)
class Rule:
    """Of a customer's rows that fulfil `condition`, one only has the same in these columns."""

    columns: tuple[str, ...]
    condition: Q | None = None


LINKS = Relation(IdentityLink, IdentityLink._meta.get_field("customer"))  # type: ignore[arg-type]


@cache
def relations() -> tuple[Relation, ...]:
    return tuple(
        Relation(model, field)
        for model in _tables()
        if model not in WITH_RULES_OF_THEIR_OWN
        for field in _keys_to(model, Customer)
    )


@cache
def followers() -> tuple[Relation, ...]:
    """Those that stand under one identity of the customer: they go where it goes."""
    return tuple(relation for relation in relations() if _keys_to(relation.model, Identity))


@cache
def uses() -> tuple[Relation, ...]:
    """The foreign keys to an identity, of all but its links: what stands under it."""
    tables = (model for model in _tables() if model not in WITH_RULES_OF_THEIR_OWN)
    return tuple(Relation(model, field) for model in tables for field in _keys_to(model, Identity))


@cache
def hangers_on() -> tuple[Relation, ...]:
    """What belongs to an identity alone, and so to its owner without a word: messages, say."""
    return tuple(relation for relation in uses() if not _keys_to(relation.model, Customer))


def by_kind() -> dict[tuple[str, str], Relation]:
    return {(relation.kind, relation.column): relation for relation in (*relations(), LINKS)}


def rules(relation: Relation) -> Iterator[Rule]:
    """The unique rules of a table in which the customer has a part."""
    meta, name = relation.model._meta, relation.field.name
    if relation.field.unique:
        yield Rule(())
    for together in meta.unique_together:
        if name in together:
            yield Rule(tuple(other for other in together if other != name))
    for constraint in meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and name in constraint.fields:
            yield Rule(tuple(other for other in constraint.fields if other != name), constraint.condition)


def _clash(relation: Relation, rule: Rule, to: int | OuterRef) -> Q:
    same = relation.rows_of(to).filter(**{column: OuterRef(column) for column in rule.columns})
    if rule.condition is None:
        return Q(Exists(same))
    return rule.condition & Q(Exists(same.filter(rule.condition)))


@cache
def _tables() -> tuple[type[models.Model], ...]:
    found = apps.get_models(include_auto_created=True)
    return tuple(model for model in found if model._meta.managed and not model._meta.proxy)


@cache
def _keys_to(model: type[models.Model], target: type[models.Model]) -> tuple[models.ForeignKey[Any, Any], ...]:
    local = model._meta.local_concrete_fields
    return tuple(f for f in local if isinstance(f, models.ForeignKey) and f.related_model is target)
