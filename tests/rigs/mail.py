"""aiosmtpd takes mail into Maildirs, pymap serves them over IMAP. Both are among the project's pinned packages."""

from __future__ import annotations

import mailbox
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.rigs.door import Door, free_port
from tests.rigs.mailing import OURS, PASSWORD, THEIRS, MailRig
from tests.rigs.rig import CannotInstall, Server


class Mail(MailRig):
    """SMTP knows no login here, and each of its ports is one mailbox: for AUTH and refusals see postfix."""

    name, server = "mail", "aiosmtpd+pymap"

    @classmethod
    def install(cls) -> None:
        lacking = [package for package in ("aiosmtpd", "pymap") if not find_spec(package)]
        if lacking:
            raise CannotInstall(f"{' and '.join(lacking)} stand in requirements.txt and are not installed.")

    def start(self) -> None:
        from pysasl.hashing import BuiltinHash

        self.imap_port, self.to_us, self.to_them = free_port(), free_port(), free_port()
        users = [self.login(address) for address in (OURS, THEIRS)]
        for user in users:
            mailbox.Maildir(self.folder / user, create=True)
        hashed = BuiltinHash().hash(PASSWORD)
        self._file("passwd", "".join(f"{user}:x:::{user}:{user}:\n" for user in users))
        self._file("shadow", "".join(f"{user}:{hashed}::::::\n" for user in users))
        self._file("group", "")
        for user, port in zip(users, (self.to_us, self.to_them), strict=True):
            command = [sys.executable, "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Mailbox"]
            self.run(self._server(f"smtp-{user}", [*command, "-l", f"127.0.0.1:{port}", self.folder / user], port))
        imap = [Path(sys.executable).parent / "pymap", "--host", "127.0.0.1", "--port", str(self.imap_port)]
        imap += ["--no-tls", "--no-service", "managesieve", "maildir", self.folder]
        self.run(self._server("pymap", imap, self.imap_port))
        self.door = Door(self.to_them)

    def _server(self, name: str, command: list, port: int) -> Server:
        return Server(name, command, self.folder / f"{name}.log", port)

    def _file(self, name: str, text: str) -> None:
        (self.folder / f"pymap-etc-{name}").write_text(text)

    def inwards(self) -> int:
        return self.to_us
