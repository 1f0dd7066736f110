"""Who is here, looking at a case or writing an answer: known for seconds, kept in Redis only."""

from __future__ import annotations

import json
import time
from typing import Any

from redis.client import Pipeline

from crm.handoff import wire
from crm.models import User

SECONDS = 25  # a page says so every 10
ON = "hark:on"  # pk of each person → which case they have open, and until when we believe it
Person = dict[str, Any]


def note(case: int, user: User, doing: str) -> list[Person]:
    """`user` is "viewing", "typing" or "gone". Returns who is there now, by name."""
    pipe = wire().pipeline()
    _at(pipe, f"hark:here:{case}", user, doing)
    _on(pipe, user, 0 if doing == "gone" else case, doing)
    pipe.hgetall(f"hark:here:{case}")
    return _present(pipe.execute()[-1])


def note_at(place: str, user: User, doing: str) -> tuple[list[Person], list[Person]]:
    """The same anywhere but at a case, such as "request:7": who was there until now, and who is there now."""
    key = f"hark:here:{place}"
    pipe = wire().pipeline()
    pipe.hgetall(key)
    _at(pipe, key, user, doing)
    pipe.hgetall(key)
    done = pipe.execute()
    return _present(done[0]), _present(done[-1])


def _at(pipe: Pipeline, key: str, user: User, doing: str) -> None:
    if doing == "gone":
        pipe.hdel(key, str(user.pk))
    else:
        person = {"id": user.pk, "name": str(user), "initials": user.initials, "doing": doing}
        pipe.hset(key, str(user.pk), json.dumps(person | {"until": time.time() + SECONDS}))
        pipe.expire(key, SECONDS * 2)


def on(user: User) -> None:
    """`user` has Hark open, and no case."""
    pipe = wire().pipeline()
    _on(pipe, user, 0, "here")
    pipe.execute()


def _on(pipe: Pipeline, user: User, case: int, doing: str) -> None:
    pipe.hset(ON, str(user.pk), json.dumps({"case": case, "doing": doing, "until": time.time() + SECONDS}))
    pipe.expire(ON, SECONDS * 2)


def who_is_on() -> dict[int, Person]:
    """By the pk of each person who has Hark open now: the `case` they look at (0: none) and what they are `doing`."""
    known = {int(pk): json.loads(row) for pk, row in wire().hgetall(ON).items()}
    now = time.time()
    return {pk: person for pk, person in known.items() if person.pop("until") > now}


def _present(rows: dict[bytes, bytes]) -> list[Person]:
    people = [json.loads(row) for row in rows.values()]
    now = time.time()
    present = [person for person in people if person.pop("until") > now]
    return sorted(present, key=lambda person: person["name"])
