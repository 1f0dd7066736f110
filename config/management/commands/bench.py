"""`bin/manage bench`: queries and time of each page on the data as it stands, against a page that asks nothing.

The floor is a page of the same size from the same server: the same sign-in, one template, no query of its own. A ratio
to it says what Hark adds, whatever the machine is; `--against` a file of an earlier `--json` says how pages grew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.management.base import CommandError, CommandParser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cases.models import Case, CaseMessage
from cases.views.queue import KEY, STANDING
from config import prepare, serving
from crm.measuring import MeasuringCommand
from crm.models import SavedView, User

CUSTOMERS = (
    "q=Papadop", "q=Papdopoulos", "q=maria&tier=key", "q=suitcase", "tier=key", "known=no", "country=IS&tier=valued",
    "place=twitter", "reach=1000000", "consent=never", "consent=call:refused", "account=yes", "case=yes",
    "known=yes&country=DE&reach=10000",
)  # fmt: skip
COMMON = "train"
ASKED = ("page", "queries", "offset", "count of a table")
TIMED = ("p50 ms", "p95 ms", "floor p50", "ratio", "growth")


class Command(MeasuringCommand):
    help = "Open each page as a lead; print its queries, its time, and its ratio to a floor page of the same size."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user", default="lead", help="user name of whoever looks")
        parser.add_argument("--times", type=int, default=30, help="how often each page is opened")
        parser.add_argument("--queries-only", action="store_true", help="start no server and measure no time")
        parser.add_argument("--against", type=Path, help="a file with the JSON of an earlier run, to tell the growth")
        parser.add_argument("--only", default="", help="pages whose address holds this")

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
        found = {path: _asked(client, path) for path in pages(user, case) if options["only"] in path}
        if not options["queries_only"]:
            self._time(found, user, options["times"])
        earlier = json.loads(options["against"].read_text())["pages"] if options["against"] else {}
        self._report(user, found, earlier)

    def _time(self, found: dict[str, dict[str, Any]], user: User, times: int) -> None:
        cookies = {settings.SESSION_COOKIE_NAME: serving.session(user)}
        with serving.served(HARK_URLCONF="config.floor") as at, httpx.Client(base_url=at.url, cookies=cookies) as web:
            for path, figures in found.items():
                floor = f"/floor/{figures['bytes']}/"
                for address in (path, floor):
                    web.get(address, timeout=60)
                page, under = serving.timed(lambda address: web.get(address, timeout=60), path, floor, times)
                figures |= {"p50": round(page.p50, 1), "p95": round(page.p95, 1), "floor": round(under.p50, 1)}
                figures["ratio"] = round(page.p50 / under.p50, 2)

    def _report(self, user: User, found: dict[str, dict[str, Any]], earlier: dict[str, Any]) -> None:
        headings, rows = [*ASKED, *(TIMED if any("p50" in figures for figures in found.values()) else ())], []
        for path, figures in found.items():
            row: list[Any] = [path, figures["queries"], figures["offset"], figures["count"]]
            if "p50" in figures:
                before = earlier.get(path, {}).get("ratio")
                figures["growth"] = round(figures["ratio"] / before, 2) if before else None
                row += [figures[name] for name in ("p50", "p95", "floor", "ratio")] + [figures["growth"] or ""]
            rows.append(row)
        total = {"cases": Case.objects.count(), "messages": _estimate("channels_app_message"), "pages": found}
        title = f"Pages with {total['cases']:,} cases and about {total['messages']:,} messages, as {user.username}"
        self.report(title, [headings, *rows], total)


def _asked(client: Client, path: str) -> dict[str, Any]:
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    if answer.status_code != 200:
        raise CommandError(f"{path} answers {answer.status_code}.")
    asked = [q["sql"] for q in queries.captured_queries]
    return {
        "queries": len(queries), "bytes": len(answer.content),
        "offset": any(" OFFSET " in sql for sql in asked), "count": any(map(counts_a_table, asked)),
    }  # fmt: skip


def counts_a_table(sql: str) -> bool:
    """One that is cut at a limit does not, nor does one of some customers, to which an index leads."""
    return "COUNT(" in sql and '"customer_id" IN' not in sql and not re.search(r"LIMIT \d+\) subquery$", sql)


def _estimate(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE relname = %s", [table])
        return int(cursor.fetchone()[0])


# --- which pages


def pages(user: User, case: Case) -> list[str]:
    """Those people live in: the queue, near its top and deep in it, each view of it, searches, a case, customers."""
    views = [standing.query for standing in STANDING]
    views += SavedView.objects.visible_to(user).of("queue").values_list("query", flat=True)
    customer = case.customer_id
    return list(
        dict.fromkeys([
            "/queue/", f"/queue/?case={case.pk}", *(f"/queue/?{query}" for query in views if query),
            *deep("needs_us"), *deep("all"), "/queue/?state=all", "/queue/?state=resolved", "/queue/?q=suitcase",
            f"/search/?q={quote(rare_word())}", f"/search/?q={COMMON}", f"/search/?q={COMMON}+refund",
            f"/cases/{case.pk}/", f"/cases/{case.pk}/conversation/", "/care/", "/customers/",
            *(f"/customers/?{query}" for query in CUSTOMERS), "/find/?q=Papadop", f"/customers/{customer}/",
            f"/customers/{customer}/panel/", f"/channels/of-customer/{customer}/", f"/cases/of-customer/{customer}/",
        ])
    )  # fmt: skip


def deep(state: str) -> list[str]:
    """The queue in this state, from its middle on: found by skipping, which the page itself never does."""
    cases = Case.objects.needing_us() if state == "needs_us" else Case.objects.exclude(state=Case.State.MERGED)
    ranked = cases.order_by(*KEY).values_list(*KEY)
    middle = cases.order_by().count() // 2
    return [f"/queue/?state={state}&after={_place(key)}" for key in ranked[middle : middle + 1]]


def _place(key: tuple[Any, ...]) -> str:
    return quote("~".join(value.isoformat() if hasattr(value, "isoformat") else str(value) for value in key))


def rare_word() -> str:
    """A booking reference or the like out of an old message: a word hardly anybody else wrote."""
    for text in CaseMessage.objects.order_by("id").values_list("message__text", flat=True)[:500]:
        if found := re.search(r"\b(?=\w*\d)(?=\w*[A-Z])[A-Z0-9]{6}\b", text):
            return found[0]
    return "zyzzyva"
