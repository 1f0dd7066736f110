"""The network's memory: one SQLite file, so that ids, threads and tempers survive a restart and a kill -9."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from .conversation import Conversation

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('message', 'edit', 'delete')),
    id TEXT NOT NULL,
    thread TEXT NOT NULL,
    parent TEXT NOT NULL DEFAULT '',
    author TEXT NOT NULL,              -- a handle
    recipient TEXT NOT NULL DEFAULT '', -- of a reply of ours: whom it answers, a handle
    ours INTEGER NOT NULL DEFAULT 0,
    key TEXT NOT NULL DEFAULT '',      -- of a reply of ours: what the sender called it
    text TEXT NOT NULL DEFAULT '',
    language TEXT NOT NULL DEFAULT '',
    story TEXT NOT NULL DEFAULT '',
    act TEXT NOT NULL DEFAULT '',
    files TEXT NOT NULL DEFAULT '',    -- JSON: [{"name", "type", "url"}], as a customer's post brings them
    at TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_message_per_id ON events (id) WHERE kind = 'message';
CREATE INDEX IF NOT EXISTS replies_by_key ON events (key) WHERE key <> '';
CREATE INDEX IF NOT EXISTS events_by_thread ON events (thread);
CREATE TABLE IF NOT EXISTS conversations (
    thread TEXT PRIMARY KEY, author TEXT NOT NULL, story TEXT NOT NULL, last_id TEXT NOT NULL, began REAL NOT NULL,
    next_act TEXT NOT NULL, due REAL NOT NULL, turn INTEGER NOT NULL, insisted INTEGER NOT NULL,
    explained INTEGER NOT NULL, protested INTEGER NOT NULL, returned INTEGER NOT NULL, thanked INTEGER NOT NULL,
    heard TEXT NOT NULL, angriest TEXT NOT NULL, place TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS conversations_by_due ON conversations (due) WHERE next_act <> '';
CREATE TABLE IF NOT EXISTS files (
    post TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL -- what Skylark's replies brought
);
CREATE TABLE IF NOT EXISTS moderation (
    kind TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (kind, subject)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""
_LATER = {"events": "files", "conversations": "place"}  # columns that a file of an earlier version has not
_EVENT = (
    "kind", "id", "thread", "parent", "author", "recipient", "ours", "key", "text", "language", "story", "act", "files",
    "at",
)  # fmt: skip
_TALK = tuple(field.name for field in fields(Conversation))

Row = dict[str, Any]


class Store:
    """Safe to use from several threads: one connection behind one lock, held for a whole transaction."""

    def __init__(self, path: Path | str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(_SCHEMA)
        for table, column in _LATER.items():
            if column not in {row["name"] for row in self._rows(f"PRAGMA table_info({table})")}:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, also for other processes that read the file. Not to be nested."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, sql: str, *values: object) -> list[Row]:
        with self._lock:
            return [dict(row) for row in self._db.execute(sql, values)]

    # --- events

    def next_seq(self) -> int:
        """The number the next event will get; only true inside a transaction."""
        return int(self._rows("SELECT coalesce(max(seq), 0) + 1 AS n FROM events")[0]["n"])

    def newest_seq(self) -> int:
        return int(self._rows("SELECT coalesce(max(seq), 0) AS n FROM events")[0]["n"])

    def add(self, event: Row) -> Row:
        """Store an event; missing columns are empty. Returns it as stored."""
        row = {**dict.fromkeys(_EVENT, ""), "ours": 0, **event}
        marks = ", ".join("?" * len(_EVENT))
        sql = f"INSERT INTO events ({', '.join(_EVENT)}) VALUES ({marks})"  # noqa: S608 - names are constants
        cursor = self._db.execute(sql, [row[name] for name in _EVENT])
        return {**row, "seq": cursor.lastrowid}

    def events_after(self, seq: int, limit: int) -> list[Row]:
        """What Skylark is told of: not what people say among themselves."""
        return self._rows("SELECT * FROM events WHERE seq > ? AND act <> 'aside' ORDER BY seq LIMIT ?", seq, limit)

    def said(self, words: list[str], after: int, limit: int) -> list[Row]:
        """Public posts of people with all these words in them, whatever their case, oldest first."""
        sql = "SELECT * FROM events WHERE seq > ? AND kind = 'message' AND NOT ours AND thread NOT LIKE 'dm-%'"
        like = " AND text LIKE ?" * len(words)
        return self._rows(f"{sql}{like} ORDER BY seq LIMIT ?", after, *(f"%{word}%" for word in words), limit)

    def post(self, post_id: str) -> Row | None:
        """The post as first written, or None if there is none or it was deleted."""
        rows = self._rows("SELECT * FROM events WHERE id = ? ORDER BY seq", post_id)
        return rows[0] if rows and rows[-1]["kind"] != "delete" else None

    def replies(self, key: str, thread: str = "") -> list[Row]:
        """What arrived of Skylark's under this key, oldest first."""
        sql = "SELECT * FROM events WHERE key = ? AND key <> '' AND (? = '' OR thread = ?) ORDER BY seq"
        return self._rows(sql, key, thread, thread)

    def received(self) -> dict[str, int]:
        """How often each reply arrived, by key."""
        rows = self._rows("SELECT key, count(*) AS n FROM events WHERE key <> '' GROUP BY key ORDER BY key")
        return {row["key"]: row["n"] for row in rows}

    def count(self, *, ours: bool) -> int:
        sql = "SELECT count(*) AS n FROM events WHERE kind = 'message' AND ours = ?"
        return int(self._rows(sql, int(ours))[0]["n"])

    # --- conversations

    def talk(self, thread: str) -> Conversation | None:
        rows = self._rows("SELECT * FROM conversations WHERE thread = ?", thread)
        return Conversation(**rows[0]) if rows else None

    def talk_in(self, place: str) -> Conversation | None:
        """The newest conversation that goes on in this thread: its own, or the one it moved from."""
        sql = "SELECT * FROM conversations WHERE place = ? ORDER BY began DESC, thread DESC LIMIT 1"
        rows = self._rows(sql, place)
        return Conversation(**rows[0]) if rows else self.talk(place)

    def keep(self, talk: Conversation) -> None:
        marks = ", ".join(f":{name}" for name in _TALK)
        sql = f"INSERT OR REPLACE INTO conversations ({', '.join(_TALK)}) VALUES ({marks})"  # noqa: S608 - constants
        self._db.execute(sql, asdict(talk))

    def due(self, second: float, limit: int) -> list[Conversation]:
        sql = "SELECT * FROM conversations WHERE next_act <> '' AND due <= ? ORDER BY due, thread LIMIT ?"
        return [Conversation(**row) for row in self._rows(sql, second, limit)]

    def unanswered(self, *, since: str) -> list[Conversation]:
        """Threads whose newest word is a customer's who waits for an answer or gave up waiting, newest first."""
        sql = (
            "SELECT c.* FROM conversations c JOIN events e ON e.id = c.last_id AND e.kind = 'message'"
            " WHERE NOT e.ours AND e.at >= ? AND c.thanked = 0 AND (c.next_act <> '' OR c.insisted > 0)"
            " ORDER BY e.seq DESC"
        )
        return [Conversation(**row) for row in self._rows(sql, since)]

    def latest(self, limit: int) -> list[Conversation]:
        """The conversations begun last."""
        sql = (
            "SELECT c.* FROM conversations c JOIN events e ON e.id = c.thread AND e.kind = 'message'"
            " ORDER BY e.seq DESC LIMIT ?"
        )
        return [Conversation(**row) for row in self._rows(sql, limit)]

    def rescale(self, now: float, factor: float) -> None:
        """Everything that is still to come happens `factor` times sooner."""
        sql = "UPDATE conversations SET due = ? + (due - ?) / ? WHERE next_act <> '' AND due > ?"
        self._db.execute(sql, (now, now, factor, now))

    # --- files and moderation

    def add_file(self, post: str, name: str, kind: str, body: bytes) -> None:
        self._db.execute("INSERT INTO files (post, name, type, body) VALUES (?, ?, ?, ?)", (post, name, kind, body))

    def files(self, post: str) -> list[Row]:
        """What this reply of Skylark's brought: name, type and body."""
        return self._rows("SELECT name, type, body FROM files WHERE post = ? ORDER BY rowid", post)

    def moderate(self, kind: str, subject: str, reason: str, *, undo: bool) -> None:
        """Hidden is a post, blocked an author, reported either. The same twice is once."""
        self._db.execute("DELETE FROM moderation WHERE kind = ? AND subject = ?", (kind, subject))
        if not undo:
            self._db.execute("INSERT INTO moderation VALUES (?, ?, ?)", (kind, subject, reason))

    def moderated(self, kind: str) -> set[str]:
        return {row["subject"] for row in self._rows("SELECT subject FROM moderation WHERE kind = ?", kind)}

    # --- single figures: ticks, opened, speed

    def figure(self, name: str, default: float = 0) -> float:
        rows = self._rows("SELECT value FROM facts WHERE name = ?", name)
        return float(rows[0]["value"]) if rows else default

    def set_figure(self, name: str, value: float) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))
