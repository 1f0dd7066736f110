"""A mailbox in memory that speaks as much IMAP as Hark asks for (RFC 3501), and can be told to misbehave."""

from __future__ import annotations

import base64
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

PASSWORD = 's3cret, with "quotes"'


@dataclass
class Mailbox:
    """`mails` are (number, day it came, bytes). `refuses`: said to a login. `breaks_at`: what is not answered.
    `denies`: what it says NO to, as it is asked: "SEARCH", "FETCH 2"."""

    mails: list[tuple[int, date, bytes]] = field(default_factory=list)
    validity: int = 7
    folder: str = "INBOX"
    user: str = "care@skylark.example"
    password: str = PASSWORD
    refuses: str = ""
    breaks_at: str = ""
    denies: str = ""
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def put(self, uid: int, body: bytes, day: date = date(2026, 11, 20)) -> None:
        self.mails.append((uid, day, body))

    def login(self, user: str, password: str) -> str:
        if self.refuses or (user, password) != (self.user, self.password):
            return f"NO {self.refuses or '[AUTHENTICATIONFAILED] no'}"
        return "OK in"

    def search(self, words: str) -> list[int]:
        """As servers do, "n:*" finds the last mail whatever its number."""
        found = self.mails
        if first := re.search(r"UID (\d+):\*", words):
            last = max((uid for uid, *_ in self.mails), default=0)
            found = [one for one in found if one[0] >= int(first[1]) or one[0] == last]
        if since := re.search(r"SINCE (\S+)", words):
            found = [one for one in found if one[1] >= datetime.strptime(since[1], "%d-%b-%Y").date()]
        if named := re.search(r'HEADER Message-ID "(.*)"', words):
            found = [one for one in found if f"Message-ID: {named[1]}".encode() in one[2]]
        return [uid for uid, *_ in reversed(found)]

    def part(self, words: str) -> bytes:
        uid, name, most = re.match(r"(\d+) \(BODY\.PEEK\[(\w*)\]<0\.(\d+)>\)", words).groups()
        body = next((body for number, _, body in self.mails if number == int(uid)), None)
        if body is None:
            return b""
        text = (body.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if name else body)[: int(most)]
        return b"* 1 FETCH (UID %d BODY[%s]<0> {%d}\r\n%s)\r\n" % (int(uid), name.encode(), len(text), text)


class Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say("* OK ready")
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            tag, _, command = line.partition(" ")
            word, _, rest = command.partition(" ")
            self.server.box.asked.append(command)
            if word == self.server.box.breaks_at:
                return
            answer = getattr(self, word.lower())(rest)
            self.say(f"{tag} {answer}")
            if word == "LOGOUT":
                return

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def capability(self, _rest: str) -> str:
        self.say("* CAPABILITY IMAP4rev1 AUTH=PLAIN")
        return "OK done"

    def login(self, rest: str) -> str:
        words = [word.replace('\\"', '"').replace("\\\\", "\\") for word in re.findall(r'"((?:[^"\\]|\\.)*)"', rest)]
        return self.server.box.login(*words)

    def authenticate(self, _rest: str) -> str:
        self.say("+ ")
        _, user, password = base64.b64decode(self.rfile.readline()).decode().split("\0")
        return self.server.box.login(user, password)

    def examine(self, rest: str) -> str:
        if rest != f'"{self.server.box.folder}"':
            return "NO no such folder"
        self.say(f"* {len(self.server.box.mails)} EXISTS")
        self.say(f"* OK [UIDVALIDITY {self.server.box.validity}] valid")
        return "OK [READ-ONLY]"

    def uid(self, rest: str) -> str:
        if (denied := self.server.box.denies) and rest.startswith(denied):
            return "NO [SERVERBUG] Server is busy"
        word, _, rest = rest.partition(" ")
        if word == "SEARCH":
            self.say(" ".join(["* SEARCH", *map(str, self.server.box.search(rest))]))
        else:
            self.wfile.write(self.server.box.part(rest))
        return "OK done"

    def logout(self, _rest: str) -> str:
        self.say("* BYE")
        return "OK done"


@contextmanager
def serving(box: Mailbox) -> Iterator[Mailbox]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        server.daemon_threads, server.box, box.port = True, box, server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
