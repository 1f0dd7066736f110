"""`bin/manage measure_search`: how long finding a customer or an account takes, whom it finds, and by which plans."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from django.core.management.base import CommandError, CommandParser
from django.db import connection, models

from config.measuring_search import Question, kinds_of_questions
from crm.measuring import MeasuringCommand
from crm.models import Account, Customer

LARGE = 10_000  # rows: below, reading a table costs nothing
HEADINGS = ("by", "asked", "median ms", "slowest ms", "queries", "whom was meant", "hits")
READS = ("Index Only Scan", "Index Scan", "Bitmap Index Scan", "Seq Scan")


class Step(NamedTuple):
    """One step of a plan; the table it reads and the index it reads `through`, "" for none."""

    node: str
    table: str
    through: str


@dataclass
class Measured:
    """What came of all questions of one kind."""

    milliseconds: list[float] = field(default_factory=list)
    slowest: str = ""
    queries: int = 0
    meant: int = 0
    right: int = 0
    hits: list[int] = field(default_factory=list)
    steps: Counter[Step] = field(default_factory=Counter)

    def figures(self, large: set[str]) -> dict[str, Any]:
        nodes = Counter[str]()
        for step, count in self.steps.items():
            nodes[step.node] += count
        return {
            "asked": len(self.milliseconds), "median_ms": round(statistics.median(self.milliseconds), 1),
            "max_ms": round(max(self.milliseconds), 1), "slowest": self.slowest, "queries": self.queries,
            "meant": self.meant, "found": self.right, "hits": statistics.median(self.hits),
            "plan": dict(nodes.most_common()), "indexes": sorted({step.through for step in self.steps if step.through}),
            "seq_scans": sorted({s.table for s in self.steps if s.node == "Seq Scan" and s.table in large}),
            "seq_scans_of_small_tables": sorted(
                {s.table for s in self.steps if s.node == "Seq Scan" and s.table not in large}
            ),
        }  # fmt: skip


class Command(MeasuringCommand):
    help = "Look for customers and accounts in every way there is; fails where a plan reads a large table as a whole."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--times", type=int, default=30, help="questions of each kind")
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        if not Customer.objects.exists():
            raise CommandError("There is nobody to find: load the demo or run bin/manage fill first.")
        chance, measured = Random(options["seed"]), dict[str, Measured]()
        for kind, make in kinds_of_questions().items():
            questions = [question for _ in range(options["times"]) if (question := make(chance))]
            if questions:
                measured[kind] = _measure(questions)
        self._show(measured)

    def _show(self, measured: dict[str, Measured]) -> None:
        large = _large_tables()
        kinds = {kind: one.figures(large) for kind, one in measured.items()}
        self.table("What the plans read", [("by", *READS[:3], "large tables read whole"), *map(_plan, kinds.items())])
        self.table("Through which indexes, over all", [("index", "of", *READS[:3]), *_indexes(measured.values())])
        figures = {"customers": _about(Customer), "accounts": _about(Account), "kinds": kinds}
        title = f"Search over {figures['customers']:,} customers and {figures['accounts']:,} accounts"
        self.report(title, [HEADINGS, *((kind, *_row(one)) for kind, one in kinds.items())], figures)
        if read := sorted({table for one in kinds.values() for table in one["seq_scans"]}):
            raise CommandError(f"Read as a whole: {', '.join(read)}.")


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    right = f"{one['found']} of {one['meant']}" if one["meant"] else "–"
    return one["asked"], one["median_ms"], one["max_ms"], one["queries"], right, one["hits"]


def _plan(kind: tuple[str, dict[str, Any]]) -> tuple[object, ...]:
    name, one = kind
    return name, *(one["plan"].get(node, 0) for node in READS[:3]), ", ".join(one["seq_scans"]) or "none"


def _indexes(measured: Iterable[Measured]) -> list[tuple[object, ...]]:
    """How often each index was read, and in which way, the most read first."""
    read = sum((one.steps for one in measured), Counter[Step]())
    tables = _tables_of_indexes()
    by_index: dict[str, Counter[str]] = {}
    for step, count in read.items():
        if step.through:
            by_index.setdefault(step.through, Counter())[step.node] += count
    ordered = sorted(by_index.items(), key=lambda item: -item[1].total())
    return [(index, tables.get(index, ""), *(nodes[node] for node in READS[:3])) for index, nodes in ordered]


def _measure(questions: list[Question]) -> Measured:
    found = Measured()
    questions[0].ask(questions[0].words)  # so that nobody pays for the first connection
    for question in questions:
        _take(found, question)
    return found


def _take(found: Measured, question: Question) -> None:
    began = time.perf_counter()
    answer = question.ask(question.words)
    spent = (time.perf_counter() - began) * 1000
    if spent > max(found.milliseconds, default=0):
        found.slowest = question.words
    found.milliseconds.append(spent)
    found.hits.append(len(answer))
    if question.meant:
        found.meant += 1
        found.right += question.meant in answer
    queries = _explained(question)
    found.queries = max(found.queries, len(queries))
    for steps in queries:
        found.steps.update(steps)


def _explained(question: Question) -> list[list[Step]]:
    """Asked once more: each query is explained where it is asked, under whatever settings hold there."""
    queries: list[list[Step]] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith(("SELECT", "WITH", "(SELECT")) and "set_config" not in sql:
            execute(f"EXPLAIN (FORMAT JSON) {sql}", params, many, context)
            answer = context["cursor"].fetchone()[0]
            plans = answer if isinstance(answer, list) else json.loads(answer)
            queries.append(list(_walk(plans[0]["Plan"])))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        question.ask(question.words)
    return queries


def _walk(plan: dict[str, Any]) -> Iterator[Step]:
    yield Step(plan["Node Type"], plan.get("Relation Name", ""), plan.get("Index Name", ""))
    for child in plan.get("Plans", ()):
        yield from _walk(child)


def _large_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s", [LARGE])
        return {name for (name,) in cursor.fetchall()}


def _tables_of_indexes() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, tablename FROM pg_indexes")
        return dict(cursor.fetchall())


def _about(model: type[models.Model]) -> int:
    """How many rows, as the planner knows it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [model._meta.db_table])
        return max(0, int(cursor.fetchone()[0]))
