"""Who is looking at a case or writing an answer: known for seconds, kept in Redis only."""

from __future__ import annotations

import json
import time
from typing import Any

from crm.handoff import wire
from crm.models import User

SECONDS = 25  # a page says so every 10
Person = dict[str, Any]


def note(case: int, user: User, doing: str) -> list[Person]:
    """`user` is "viewing", "typing" or "gone". Returns who is there now, by name."""
    key, field = f"hark:here:{case}", str(user.pk)
    pipe = wire().pipeline()
    if doing == "gone":
        pipe.hdel(key, field)
    else:
        person = {"id": user.pk, "name": str(user), "initials": user.initials, "doing": doing}
        pipe.hset(key, field, json.dumps(person | {"until": time.time() + SECONDS}))
        pipe.expire(key, SECONDS * 2)
    pipe.hgetall(key)
    return _present(pipe.execute()[-1])


def _present(rows: dict[bytes, bytes]) -> list[Person]:
    people = [json.loads(row) for row in rows.values()]
    now = time.time()
    present = [person for person in people if person.pop("until") > now]
    return sorted(present, key=lambda person: person["name"])
