"""`bin/manage measure_webhooks --seconds 30 --rate 1000`: a network that calls, until all it said is a message."""

from __future__ import annotations

import gc
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.core.management.base import CommandError, CommandParser

from channels_app import hooks, inbox
from channels_app.models import App, Channel, Message, RawEvent
from config import measuring_webhooks, serving
from config.serving import Served as Web
from crm.measuring import MeasuringCommand


class Command(MeasuringCommand):
    help = (
        "Call Hark’s webhook as Meta does, so many times a second; tell how soon each call was answered, and whether"
        " all of it became messages, in order; then send all of it again. For a database made for measuring, and"
        " without workers: it works off what came itself."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--rate", type=float, default=1000, help="calls a second")
        parser.add_argument("--seconds", type=float, default=30)
        parser.add_argument(
            "--url", default="", help="of a Hark that runs, on this database; without it, a web process of its own"
        )
        parser.add_argument("--within", type=float, default=1000, help="milliseconds for 99 of 100 calls")

    def handle(self, *args: Any, **options: Any) -> None:
        app, channels = measuring_webhooks.app()
        said = measuring_webhooks.bodies(int(options["rate"] * options["seconds"]), secrets.token_hex(4))
        for channel in channels:
            inbox.drain(channel)  # what an earlier run left
        before = RawEvent.objects.order_by("id").values_list("id", flat=True).last() or 0
        messages = Message.objects.filter(channel__in=channels).count()
        found = {}
        for time_ in ("first", "again"):
            with _web(options["url"]) as web:
                found[time_] = self._call(app, web, said, options["rate"])
            found[time_] |= self._work_off(channels, before, messages)
            before = found[time_].pop("last")
            self._tell(time_, options, found[time_])
        self._judge(found["first"], found["again"], len(said), options["within"])

    def _call(self, app: App, web: Web, said: list[bytes], rate: float) -> dict[str, Any]:
        requests = measuring_webhooks.requests(app, web.url, said)
        httpx.get(web.url + urlsplit(hooks.address(app)).path)  # the first call of a process reads who may call
        gc.freeze()  # what is to be sent does not concern the collector, which would make calls late
        before = measuring_webhooks.worked(web.pid)
        try:
            figures = measuring_webhooks.call(web.url, requests, rate).figures(len(requests))
        finally:
            gc.unfreeze()
        spent = (measuring_webhooks.worked(web.pid) - before) * 1000 / len(requests)
        return figures | {"processor_ms of the web process, each": round(spent, 2)}

    def _work_off(self, channels: list[Channel], before: int, messages: int) -> dict[str, Any]:
        rows = RawEvent.objects.filter(channel__in=channels, id__gt=before)
        stored, began = rows.count(), time.monotonic()
        for channel in channels:
            inbox.drain(channel)
        states = Counter(rows.values_list("state", flat=True))
        return {
            "raw rows": stored, "worked off in s": round(time.monotonic() - began, 1),
            "rows of a new message": states["stored"], "rows known already": states["duplicate"],
            "other rows": stored - states["stored"] - states["duplicate"],
            "messages": Message.objects.filter(channel__in=channels).count() - messages,
            "in order": all(_in_order(channel) for channel in channels),
            "last": rows.order_by("id").values_list("id", flat=True).last() or before,
        }  # fmt: skip

    def _tell(self, time_: str, options: dict[str, Any], figures: dict[str, Any]) -> None:
        title = f"{options['rate']:g} calls a second for {options['seconds']:g} s, {time_}"
        self.report(title, [["figure", "value"], *figures.items()], figures)

    def _judge(self, first: dict[str, Any], again: dict[str, Any], sent: int, within: float) -> None:
        for figures in (first, again):
            if figures["answered 200"] != sent:
                raise CommandError("Some call was not answered with 200.")
            if figures["p99_ms"] > within:
                raise CommandError(f"One call of 100 took longer than {within:g} ms.")
        if not (first["messages"] == again["messages"] == sent and first["in order"]):
            raise CommandError("Not each call is one message, or not in order.")
        if again["rows of a new message"]:
            raise CommandError("What was sent again changed something.")


def _in_order(channel: Channel) -> bool:
    """Whether the messages stand in the order in which their payloads came."""
    rows = RawEvent.objects.filter(channel=channel, state=RawEvent.State.STORED).order_by("id")
    bodies = rows.values_list("body", flat=True)
    came = [bytes(body).partition(b'"mid": "')[2].partition(b'"')[0].decode() for body in bodies]
    return came == list(Message.objects.filter(channel=channel).order_by("id").values_list("external_id", flat=True))


@contextmanager
def _web(url: str) -> Iterator[Web]:
    """The web process that is called. Of one that is not ours only the address is known."""
    if url:
        yield Web(url.rstrip("/"), 0)
    else:
        with serving.served() as own:
            yield own
