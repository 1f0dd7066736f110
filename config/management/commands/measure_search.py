"""`bin/manage measure_search`: how long finding a customer takes, whom it finds, and by which plans."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection

from config.measuring_search import Question, kinds_of_questions
from crm import finding
from crm.finding.windows import bounded
from crm.measuring import MeasuringCommand
from crm.models import Customer

LARGE = 10_000  # rows: below, reading a table costs nothing
HEADINGS = ("by", "asked", "median ms", "slowest ms", "queries", "whom was meant", "hits")
ASIDE = ("savepoint", "release", "rollback", "select set_config", "begin", "commit")


@dataclass
class Measured:
    """What came of all questions of one kind."""

    milliseconds: list[float] = field(default_factory=list)
    slowest: str = ""
    queries: int = 0
    meant: int = 0
    right: int = 0
    hits: list[int] = field(default_factory=list)
    nodes: Counter[str] = field(default_factory=Counter)
    scans: set[str] = field(default_factory=set)

    def figures(self) -> dict[str, Any]:
        return {
            "asked": len(self.milliseconds), "median_ms": round(statistics.median(self.milliseconds), 1),
            "max_ms": round(max(self.milliseconds), 1), "slowest": self.slowest, "queries": self.queries,
            "meant": self.meant, "found": self.right, "hits": statistics.median(self.hits),
            "plan": dict(self.nodes.most_common()), "seq_scans": sorted(self.scans),
        }  # fmt: skip


class Command(MeasuringCommand):
    help = "Search for customers in every way, on the data as it stands; fails where a plan reads a large table."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--times", type=int, default=30, help="questions of each kind")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        if not Customer.objects.exists():
            raise CommandError("There is nobody to find: load the demo or run bin/manage fill first.")
        large = _large_tables()
        chance, measured = Random(options["seed"]), dict[str, Measured]()
        for kind, make in kinds_of_questions().items():
            questions = [question for _ in range(options["times"]) if (question := make(chance))]
            if questions:
                measured[kind] = _measure(questions, large)
        self._show(measured, _about(Customer))
        if read := sorted({scan for one in measured.values() for scan in one.scans}):
            raise CommandError(f"Read as a whole: {', '.join(read)}.")

    def _show(self, measured: dict[str, Measured], customers: int) -> None:
        plans = [("by", "steps of the plans"), *((kind, _steps(one)) for kind, one in measured.items())]
        self.table("Plans", plans)
        figures = {kind: one.figures() for kind, one in measured.items()}
        rows = [HEADINGS, *((kind, *_row(one)) for kind, one in figures.items())]
        self.report(f"Search over {customers:,} customers", rows, {"customers": customers, "kinds": figures})


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    right = f"{one['found']} of {one['meant']}" if one["meant"] else "–"
    return one["asked"], one["median_ms"], one["max_ms"], one["queries"], right, one["hits"]


def _steps(measured: Measured) -> str:
    return ", ".join(f"{count} × {node}" for node, count in measured.nodes.most_common())


def _measure(questions: list[Question], large: set[str]) -> Measured:
    found = Measured()
    finding.closest(Customer.objects.all(), questions[0].words)  # so that nobody pays for the first connection
    for question in questions:
        asked: list[tuple[str, Any]] = []
        began = time.perf_counter()
        with connection.execute_wrapper(_noting(asked)):
            answer = finding.closest(Customer.objects.all(), question.words)
        spent = (time.perf_counter() - began) * 1000
        if spent > max(found.milliseconds, default=0):
            found.slowest = question.words
        found.milliseconds.append(spent)
        found.hits.append(len(answer.hits))
        found.queries = max(found.queries, len(asked))
        if question.customer:
            found.meant += 1
            found.right += any(hit.customer == question.customer for hit in answer.hits)
        for step, table in _planned(asked):
            found.nodes[step] += 1
            if step == "Seq Scan" and table in large:
                found.scans.add(table)
    return found


def _noting(asked: list[tuple[str, Any]]) -> Callable[..., Any]:
    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not sql.lower().startswith(ASIDE):
            asked.append((sql, params))
        return execute(sql, params, many, context)

    return note


def _planned(asked: list[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each step of the plans of these queries, with the table it reads ("" for none)."""
    with bounded(), connection.cursor() as cursor:
        for sql, params in asked:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            answer = cursor.fetchone()[0]
            plans = answer if isinstance(answer, list) else json.loads(answer)
            yield from _walk(plans[0]["Plan"])


def _walk(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield plan["Node Type"], plan.get("Relation Name", "")
    for child in plan.get("Plans", ()):
        yield from _walk(child)


def _large_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [LARGE])
        return {name for (name,) in cursor.fetchall()}


def _about(model: type[Customer]) -> int:
    """How many rows, as the planner knows it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [model._meta.db_table])
        return max(0, int(cursor.fetchone()[0]))
