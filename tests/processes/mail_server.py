"""Real mail servers for a test: aiosmtpd takes mail into Maildirs, pymap serves one of them over IMAP.

`Post` is run by aiosmtpd's own command (`-c tests.processes.mail_server.Post DIR`): what is for `dead@…` it refuses,
and what is for `slow@…` it takes and never answers, as a server does whose line breaks.
"""

from __future__ import annotations

import asyncio
import mailbox
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import IO

from aiosmtpd.handlers import Mailbox
from pysasl.hashing import BuiltinHash

from config.places import ROOT
from config.supervisor import _end_with_parent

BIN = Path(sys.executable).parent
READER, PASSWORD = "surveys", "secret"


class Post(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options) -> str:  # noqa: N802 - aiosmtpd's name
        if address.startswith("dead@"):
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if envelope.rcpt_tos[0].startswith("slow@"):
            await asyncio.sleep(3600)
        return answer


class Tally:
    """Takes every mail and keeps a line for each: whom it was for. For so many that nobody would read them."""

    def __init__(self, folder: str) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        self.lines = (Path(folder) / "tally").open("a", buffering=1)

    @classmethod
    def from_cli(cls, parser, *args: str) -> Tally:
        return cls(*args)

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        self.lines.write(f"{envelope.rcpt_tos[0]}\n")
        return "250 OK"


class Servers:
    """`post` is the port customers' mail goes to, `imap` where our own mailbox is read."""

    def __init__(self, folder: Path, handler: type = Post) -> None:
        self.folder, self.handler = folder, handler
        self.post, self.ours, self.imap = free_port(), free_port(), free_port()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "EMAIL_URL": f"smtp://127.0.0.1:{self.post}", "SURVEY_FROM": "care@skylark.example",
            "MAIL_RETURN_TO": f"{READER}@skylark.example", "INVITATION_LEASE_SECONDS": "2",
            "MAILBOX_URL": f"imap://{READER}:{PASSWORD}@127.0.0.1:{self.imap}/INBOX",
            # invitations stand behind what people wait for: the clock must leave the one worker time for them
            "MAIL_SECONDS": "2", "INVITE_SECONDS": "2", "SWEEP_SECONDS": "10", "POLL_SECONDS": "3600",
        }  # fmt: skip

    def arrived(self, address: str = "") -> list[EmailMessage]:
        """What came for this address, or for anybody."""
        found = mailbox.Maildir(self.folder / "post", create=True)
        mails = [message_from_bytes(one.as_bytes(), policy=policy.default) for one in found]
        return [one for one in mails if address in ("", one["X-RcptTo"])]

    def tallied(self) -> list[str]:
        """For whom `Tally` took mail, in order."""
        lines = self.folder / "post" / "tally"
        return lines.read_text().split() if lines.exists() else []

    def deliver(self, mail: bytes, to: str) -> None:
        """Somebody writes to our mailbox."""
        with smtplib.SMTP("127.0.0.1", self.ours) as line:
            line.sendmail("", [to], mail)

    @contextmanager
    def running(self) -> Iterator[Servers]:
        self._accounts()
        with ExitStack() as after:
            log = after.enter_context((self.folder / "log").open("w"))
            for command, port in self._commands():
                after.enter_context(_process(command, port, log))
            yield self

    def _commands(self) -> list[tuple[list[str], int]]:
        smtp = [sys.executable, "-m", "aiosmtpd", "-n", "-c"]
        post, ours = (f"{handler.__module__}.{handler.__qualname__}" for handler in (self.handler, Post))
        imap = [str(BIN / "pymap"), "--host", "127.0.0.1", "--port", str(self.imap), "--no-tls"]
        return [
            ([*smtp, post, "-l", f"127.0.0.1:{self.post}", str(self.folder / "post")], self.post),
            ([*smtp, ours, "-l", f"127.0.0.1:{self.ours}", str(self.folder / READER)], self.ours),
            ([*imap, "--no-service", "managesieve", "maildir", str(self.folder)], self.imap),
        ]

    def _accounts(self) -> None:
        hashed = BuiltinHash().hash(PASSWORD)
        files = {"passwd": f"{READER}:x:::{READER}:{READER}:\n", "shadow": f"{READER}:{hashed}::::::\n", "group": ""}
        for name, text in files.items():
            (self.folder / f"pymap-etc-{name}").write_text(text)
        mailbox.Maildir(self.folder / READER, create=True)


@contextmanager
def _process(command: list[str], port: int, log: IO[str]) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, preexec_fn=_end_with_parent)
    try:
        _wait_for(port, process, Path(log.name))
        yield
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"{process.args!r} ended with {process.poll()} or does not answer:\n{log.read_text()[-2000:]}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
