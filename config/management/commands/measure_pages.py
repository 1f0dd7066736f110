"""`bin/manage measure_pages`: queries and time of each page on the data as it stands."""

from __future__ import annotations

import re
import statistics
import time
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.management.base import CommandError, CommandParser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cases.models import Case
from config import prepare
from crm.measuring import MeasuringCommand
from crm.models import User

LISTS = ("queue", "customers")
CUSTOMERS = (
    "q=Papadop", "q=Papdopoulos", "q=maria&tier=key", "q=suitcase", "tier=key", "known=no", "country=IS&tier=valued",
    "place=twitter", "reach=1000000", "consent=never", "consent=call:refused", "account=yes", "case=yes",
    "known=yes&country=DE&reach=10000",
)  # fmt: skip
HEADINGS = ("page", "queries", "median ms", "of it in the database", "offset", "count of a table")


class Command(MeasuringCommand):
    help = "Open each page several times as a lead; print its queries, its time, and whether it counts or skips rows."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user", default="lead", help="user name of whoever looks")
        parser.add_argument("--times", type=int, default=7)

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        case = Case.objects.visible_to(user).unresolved().order_by("-id").first() if user else None
        if user is None or case is None:
            raise CommandError("There is nothing to look at: load the demo or run bin/manage fill first.")
        if isinstance(staticfiles_storage, ManifestFilesMixin):
            prepare.static()  # pages name their files by what was collected, also where nothing was started yet
        settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["testserver"], False
        client = Client()
        client.force_login(user)
        measured = {path: self._measure(client, path, options["times"]) for path in pages(client, case)}
        rows = [HEADINGS, *((path, *figures.values()) for path, figures in measured.items())]
        total = {"cases": Case.objects.count(), "pages": measured}
        self.report(f"Pages with {total['cases']:,} cases, as {user.username}", rows, total)

    def _measure(self, client: Client, path: str, times: int) -> dict[str, Any]:
        client.get(path)
        seconds, spent = [], []
        for _ in range(times):
            with CaptureQueriesContext(connection) as queries:
                began = time.perf_counter()
                answer = client.get(path)
                seconds.append(time.perf_counter() - began)
            if answer.status_code != 200:
                raise CommandError(f"{path} answers {answer.status_code}.")
            spent.append(sum(float(q["time"]) for q in queries.captured_queries))
        asked = [q["sql"] for q in queries.captured_queries]
        return {
            "queries": len(queries), "median_ms": round(statistics.median(seconds) * 1000, 1),
            "database_ms": round(statistics.median(spent) * 1000, 1),
            "offset": any(" OFFSET " in sql for sql in asked), "count": any(map(counts_a_table, asked)),
        }  # fmt: skip


def counts_a_table(sql: str) -> bool:
    """One that is cut at a limit does not, nor does one of some customers, to which an index leads."""
    return "COUNT(" in sql and '"customer_id" IN' not in sql and not re.search(r"LIMIT \d+\) subquery$", sql)


def pages(client: Client, case: Case) -> list[str]:
    """The pages people live in, and the second page of the queue."""
    following, older = (re.search(r"after=[^\"&]+", client.get(f"/{page}/").content.decode()) for page in LISTS)
    customer = case.customer_id
    return [
        "/queue/", *([f"/queue/?{following[0]}"] if following else []), f"/queue/?case={case.pk}", "/queue/?state=all",
        "/queue/?state=resolved", "/queue/?owner=me&state=unresolved", "/queue/?q=suitcase", f"/cases/{case.pk}/",
        f"/cases/{case.pk}/conversation/", "/customers/", *([f"/customers/?{older[0]}"] if older else []),
        *(f"/customers/?{query}" for query in CUSTOMERS), "/find/?q=Papadop", f"/customers/{customer}/",
        f"/customers/{customer}/panel/", f"/channels/of-customer/{customer}/", f"/cases/of-customer/{customer}/",
    ]  # fmt: skip
