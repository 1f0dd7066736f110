"""`bin/manage load_posts FILE --channel KEY --map id=tweet_id,author=name,text=text,at=tweet_created`"""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cases.models import Case
from channels_app import inbox
from channels_app.loading import FIELDS, CannotLoad, Columns, PostFile, finish, load
from channels_app.models import Channel, FileLoad, RawEvent
from crm import handoff
from crm.measuring import MeasuringCommand
from crm.models import Customer, Team


class Watch:
    """Seconds per step, in order."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, step: str) -> None:
        now = time.monotonic()
        self.laps[step], self._last = now - self._last, now

    @property
    def total(self) -> float:
        return sum(self.laps.values())


class Command(MeasuringCommand):
    help = "Load posts from a CSV or JSON Lines file, plain or .gz, into a channel. Killed, it goes on when run again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--channel", required=True, help="key of the channel; an archive channel is made if there is none"
        )
        parser.add_argument("--map", required=True, help=f"field=column, comma-separated; fields: {', '.join(FIELDS)}")
        parser.add_argument("--ours", default="", help="column=value that marks our own posts, such as inbound=False")
        parser.add_argument(
            "--rejects", type=Path, help="where to write rejected rows (default: FILE.rejects.csv here)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file = PostFile(options["file"], Columns(_pairs(options["map"]), _value(options["ours"])))
        if not file.path.is_file():
            raise CommandError(f"There is no file {file.path}.")
        channel = _channel(options["channel"])
        before, watch = _counts(channel), Watch()
        try:
            done = self._keep(file, channel)
        except CannotLoad as error:
            raise CommandError(str(error)) from error
        except (OSError, EOFError) as error:
            raise CommandError(
                f"{file.path.name} cannot be read: {error}. What was read is stored; mend it and run again."
            ) from error
        watch.lap("reading the file")
        self._work_off(channel, watch)
        finish(done)
        self._report(done, channel, before, watch, options)

    def _keep(self, file: PostFile, channel: Channel) -> FileLoad:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("Reading", total=file.size)
            for state in load(file=file, channel=channel):
                progress.update(bar, completed=file.bytes_read, description=f"Reading · {state.rows:,} rows")
        return state

    def _work_off(self, channel: Channel, watch: Watch) -> None:
        """The way to the case, step by step so that each can be timed. Workers that run help at every step."""
        with Console(stderr=True).status("Storing …") as status:
            while inbox.take_in(channel):
                pass
            watch.lap("storing and linking")
            status.update("Reading moods …")
            while inbox.read_batch(channel):
                pass
            watch.lap("reading moods")
            status.update("Routing …")
            handoff.carry_on("message_ready", channel.pk)
            watch.lap("routing")

    def _report(self, done: FileLoad, channel: Channel, before: dict[str, int], watch: Watch, options: Any) -> None:
        tally, after = done.tally(), _counts(channel)
        figures: dict[str, Any] = {
            "received": done.rows, "stored": tally["stored"], "duplicate": tally["duplicate"],
            "rejected": tally["rejected"], "waiting": tally["new"],
            "customers": after["customers"] - before["customers"],
            "cases": after["cases"] - before["cases"], "seconds": round(watch.total, 2),
            **{f"seconds_{step.replace(' ', '_')}": round(seconds, 2) for step, seconds in watch.laps.items()},
            "posts_per_second": round(done.rows / watch.total, 1),
        }  # fmt: skip
        if tally["rejected"]:
            self._write_rejects(done, options["rejects"] or Path(f"{done.name}.rejects.csv"))
        rows = [(name.replace("_", " "), f"{value:,}") for name, value in figures.items()]
        self.report(f"{done.name} → {channel.name}", [("", ""), *rows], figures)

    def _write_rejects(self, done: FileLoad, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["row", "reason", "as_received"])
            for raw in done.raw_events.filter(state=RawEvent.State.REJECTED).order_by("id").iterator():
                writer.writerow([raw.origin, raw.reason, raw.readable])
        self.stdout.write(f"Rejected rows, with reasons: {path}. They also stand in the admin's dead letters.")


def _counts(channel: Channel) -> dict[str, int]:
    return {
        "customers": Customer.objects.filter(links__identity__place=channel.place).count(),
        "cases": Case.objects.filter(channel=channel).exclude(state=Case.State.MERGED).count(),
    }


def _pairs(text: str) -> dict[str, str]:
    pairs = dict(part.partition("=")[::2] for part in text.split(",") if part.strip())
    pairs = {name.strip(): column.strip() for name, column in pairs.items()}
    if unknown := [name for name in pairs if name not in FIELDS]:
        raise CommandError(f"{', '.join(unknown)}: not a field of a post. The fields are {', '.join(FIELDS)}.")
    if missing := {"id", "text", "at"} - {name for name, column in pairs.items() if column}:
        raise CommandError(f"--map must say which column holds {', '.join(sorted(missing))}.")
    return pairs


def _value(text: str) -> tuple[str, str] | None:
    column, equals, value = text.partition("=")
    if text and not equals:
        raise CommandError("--ours takes column=value, such as inbound=False.")
    return (column.strip(), value.strip()) if text else None


def _channel(key: str) -> Channel:
    found = Channel.objects.filter(key=key).first()
    if found and found.platform != "archive":
        raise CommandError(f"{found.name} is not an archive channel: what it has to say comes from its network.")
    if found:
        return found
    team = Team.objects.in_use().order_by("id").first() or Team.objects.create(name="Care")
    try:
        channel = Channel(
            key=key, name=key.replace("-", " ").replace("_", " ").capitalize(), platform="archive", place=key, team=team
        )
        channel.full_clean()
    except Exception as error:
        raise CommandError(f"“{key}” cannot be a channel's key: use letters, digits, - and _.") from error
    channel.save()
    return channel
