"""What a network tells of messages, as FakePlatform reads it, for tests."""

from __future__ import annotations

from tests.channels_app.posts import Row, post


def receipt(state: str, of: object = "", *, minute: int = 5, **more: object) -> Row:
    """A receipt of the message `of`; `key`, `thread`, `until` and `said` as the network gives them."""
    return about("receipt", f"{state}:{of}:{minute}", of, minute, state=state, **more)


def sign(of: object, *, who: str = "bob", emoji: str = "", minute: int = 5, **more: object) -> Row:
    """Somebody likes `of`; with undo="yes" no more."""
    return about("reaction", f"{who}:{of}:{emoji}:{minute}", of, minute, author=who, emoji=emoji, **more)


def about(kind: str, id: str, of: object, minute: int, **more: object) -> Row:
    row = post(id, minute=minute, kind=kind, of=str(of)) | {"author": None} | more
    return {name: said for name, said in row.items() if name != "text" and said is not None}
