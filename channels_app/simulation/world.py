"""The world: who posts when, and what a reply does to them. The same seed and the same ticks give the same posts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from channels_app.platforms.counting import graphemes

from .chance import chance
from .conversation import Act, Conversation, after_act, after_reply, seconds_until, words
from .judging import judge
from .muttering import ASIDE, muttered
from .people import Person, cast
from .privately import direct, points_elsewhere
from .showing import as_event, iso, person_of, utc_now
from .store import Row, Store
from .stories import BRAND, Story, in_language, story_of

Json = dict[str, Any]
File = tuple[str, str, bytes]  # name, type, content
TEXT_LIMIT = 500
MOST_FILES = 4
ACTS_PER_TICK = 3
CALM = 12  # unanswered threads above which people see that nobody listens, and write less
LATELY = timedelta(hours=2)
MODERATION = ("hide", "block", "report", "like", "delete")
OF_POSTS = ("hide", "like", "delete")


class RefusalError(Exception):
    """The network does not take this. `status` is the HTTP status it is told with."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class World:
    """Safe to use from several threads. Every public method is one transaction."""

    def __init__(self, seed: int, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        self.seed = seed
        self.store = store
        self.clock = clock

    # --- what people do by themselves

    def tick(self, now: datetime | None = None) -> list[Json]:
        """One heartbeat: whoever is due acts, and perhaps somebody new appears. Returns what was posted."""
        now = now or self.clock()
        with self.store.transaction():
            number = int(self.store.figure("ticks")) + 1
            self.store.set_figure("ticks", number)
            blocked = self.store.moderated("block")
            due = self.store.due(now.timestamp(), ACTS_PER_TICK)
            rows = [self._act(talk, now) for talk in due if person_of(talk.author).key not in blocked]
            if not rows or chance(self.seed, "beside", number).random() < 0.5:
                rows += self._newcomer(number, now)
        return [as_event(row) for row in rows]

    def _newcomer(self, number: int, now: datetime) -> list[Row]:
        """Somebody opens a thread, less often the more of them are left without an answer."""
        waiting = self.store.unanswered(since=iso(now - LATELY))
        rng = chance(self.seed, "newcomer", number)
        if rng.random() > CALM / max(CALM, len(waiting)):
            return []
        busy = {talk.author for talk in waiting}
        person = rng.choice([person for person in cast() if person.handle not in busy] or list(cast()))
        told = {talk.story for talk in self.store.latest(15)}
        choice = in_language(person.language)
        fresh = [story for story in choice if story.key not in told] or choice
        story = rng.choices(fresh, [story.weight for story in fresh])[0]
        return [self._open(person, story, now)]

    def _open(self, person: Person, story: Story, now: datetime, text: str = "") -> Row:
        post_id = self._next_id()
        talk = Conversation(post_id, person.handle, story.key, post_id, now.timestamp())
        return self._say(talk, Act.OPENS, person, story, now, text)

    def _act(self, talk: Conversation, now: datetime) -> Row:
        person = person_of(talk.author)
        story = story_of(talk.story, person.language)
        act = Act(talk.next_act)
        if act is Act.CORRECTS:
            return self._correct(talk, person, story, now)
        if act is Act.TAKES_BACK:
            return self._take_back(talk, now)
        return self._say(talk, act, person, story, now)

    def _say(self, talk: Conversation, act: Act, person: Person, story: Story, now: datetime, text: str = "") -> Row:
        rng = chance(self.seed, talk.thread, talk.turn, act)
        text = text or words(talk, act, story, person, self.seed, rng)
        post_id = self._next_id()
        parent = "" if act is Act.OPENS else talk.last_id
        row = self._add(talk, act, now, id=post_id, parent=parent, text=text, language=person.language)
        talk = replace(talk, last_id=post_id, angriest=post_id if act is Act.INSISTS else talk.angriest)
        self._keep(after_act(talk, act, story, person, rng), now)
        return row

    def _correct(self, talk: Conversation, person: Person, story: Story, now: datetime) -> Row:
        first = self.store.post(talk.thread)
        rng = chance(self.seed, talk.thread, talk.turn, Act.CORRECTS)
        added = words(talk, Act.CORRECTS, story, person, self.seed, rng)
        text = f"{first['text']} {added}" if first else added
        row = self._add(talk, Act.CORRECTS, now, kind="edit", id=talk.thread, text=text, language=person.language)
        self._keep(after_act(talk, Act.CORRECTS, story, person, rng), now)
        return row

    def _take_back(self, talk: Conversation, now: datetime) -> Row:
        row = self._add(talk, Act.TAKES_BACK, now, kind="delete", id=talk.angriest)
        self.store.keep(replace(talk, next_act="", angriest="", turn=talk.turn + 1))
        return row

    # --- what Skylark does

    def receive_reply(
        self, key: str, parent_id: str, text: str, *, private: bool = False, files: Sequence[File] = (),
        now: datetime | None = None,
    ) -> Json:  # fmt: skip
        """Store a reply and let the customer hear it. The same key twice is two replies: this network does not care.

        A private one is for their eyes, in a conversation of their own with Skylark; there they go on.

        Raises RefusalError when it is empty, too long, or answers a post that is gone.
        """
        now = now or self.clock()
        _check(text)
        if len(files) > MOST_FILES:
            raise RefusalError(f"At most {MOST_FILES} files.", 400)
        with self.store.transaction():
            parent = self.store.post(parent_id)
            if parent is None:
                raise RefusalError("The post this answers is gone.", 404)
            row = self._answer(parent, key, text, now, Act.WHISPER if private else Act.REPLY)
            for name, kind, body in files:
                self.store.add_file(row["id"], name, kind, body)
            self._hear(row, parent["thread"], now)
        return as_event(row)

    def _answer(self, parent: Row, key: str, text: str, now: datetime, act: Act) -> Row:
        thread = {name: parent[name] for name in ("kind", "thread", "story")}
        recipient = parent["recipient"] or parent["author"]  # an answer to our own post is for whom that one was
        if act is Act.WHISPER:
            thread["thread"] = direct(person_of(recipient).key)
        ours = {"author": BRAND, "recipient": recipient, "ours": 1, "key": key, "act": act}
        return self.store.add(
            {**thread, **ours, "id": self._next_id(), "parent": parent["id"], "text": text, "at": iso(now)}
        )

    def _hear(self, reply: Row, answered_in: str, now: datetime) -> None:
        """Whoever was written to in private goes on there, until Skylark says more in public than just that."""
        talk = self.store.talk_in(answered_in)
        if talk is None or (talk.place and reply["act"] == Act.REPLY and points_elsewhere(reply["text"])):
            return
        story = story_of(talk.story, person_of(talk.author).language)
        place = reply["thread"] if reply["act"] == Act.WHISPER else ""
        talk = replace(talk, last_id=reply["id"], heard=reply["text"], place=place)
        self._keep(
            after_reply(talk, judge(reply["text"]), story, chance(self.seed, talk.thread, talk.turn, "hear")), now
        )

    # --- what a test or a demo does

    def post(
        self, handle: str, text: str, *, story: str = "", parent: str = "", private: bool = False,
        files: Sequence[Json] = (),
    ) -> Json:  # fmt: skip
        """Let a named person say this: a new thread, or an answer to `parent`. Unknown handles are strangers.

        `private`: to Skylark alone. `files`: [{"name", "type", "url"}], which come along.
        """
        now = self.clock()
        person = person_of(handle)
        with self.store.transaction():
            if person.key in self.store.moderated("block"):
                raise RefusalError("Skylark has blocked this person.", 403)
            above = self.store.post(parent) if parent else None
            if parent and above is None:
                raise RefusalError("The post this answers is gone.", 404)
            if private:
                row = self._whisper(person, text, now, files)
            else:
                row = self._join(above, person, text, now) if above else self._begin(person, text, story, now)
        return as_event(row)

    def _whisper(self, person: Person, text: str, now: datetime, files: Sequence[Json]) -> Row:
        """To Skylark alone; what they have said is not said again by the conversation that moved there."""
        thread = direct(person.key)
        talk = self.store.talk_in(thread) or Conversation(thread, person.handle, "", "", now.timestamp(), place=thread)
        row = self._add(
            talk, Act.INSISTS, now, id=self._next_id(), parent=talk.last_id, text=text, language=person.language,
            files=json.dumps(list(files)),
        )  # fmt: skip
        self.store.keep(replace(talk, last_id=row["id"], next_act=""))
        return row

    def moderate(self, kind: str, subject: str, *, reason: str = "", undo: bool = False) -> None:
        """What Skylark does about a post ("hide"), an author by key ("block"), or either ("report"). Twice is once."""
        if kind not in MODERATION or not subject:
            raise RefusalError("Say what to do about which post or person.", 400)
        with self.store.transaction():
            post = self.store.post(subject) if kind in OF_POSTS else None
            if kind in OF_POSTS and post is None and kind != "delete":
                raise RefusalError("There is no such post.", 404)
            if kind == "delete" and post and not post["ours"]:
                raise RefusalError("This is not a post of Skylark’s.", 403)
            self.store.moderate(kind, subject, reason, undo=undo)
        if kind == "delete" and post:
            self.delete(subject)

    def _begin(self, person: Person, text: str, story: str, now: datetime) -> Row:
        told = story_of(story, person.language)
        if not text and not told.key:
            raise RefusalError("Say what to post: a text, or the key of a story.", 400)
        return self._open(person, told, now, text)

    def _join(self, above: Row, person: Person, text: str, now: datetime) -> Row:
        talk = self.store.talk(above["thread"]) or Conversation(
            above["thread"], person.handle, "", above["id"], now.timestamp()
        )
        row = self._add(
            replace(talk, author=person.handle), Act.INSISTS, now,
            id=self._next_id(), parent=above["id"], text=text, language=person.language,
        )  # fmt: skip
        if talk.author == person.handle:
            self.store.keep(replace(talk, last_id=row["id"]))
        return row

    def mutter(self, handle: str, text: str) -> Json:
        """A named person says this among people: Skylark is not told, and can find it. Who is answered goes on."""
        with self.store.transaction():
            return as_event(self._mutter(person_of(handle), text, self.clock()))

    def mutter_perhaps(self) -> None:
        """At some heartbeats somebody speaks of Skylark and not to it."""
        with self.store.transaction():
            if said := muttered(self.seed, int(self.store.figure("ticks"))):
                self._mutter(*said, self.clock())

    def _mutter(self, person: Person, text: str, now: datetime) -> Row:
        post_id = self._next_id()
        talk = Conversation(post_id, person.handle, "", post_id, now.timestamp())
        said = {"id": post_id, "thread": post_id, "author": person.handle, "text": text, "language": person.language}
        row = self.store.add({"kind": "message", "act": ASIDE, "at": iso(now), **said})
        self.store.keep(replace(talk, next_act=""))
        return row

    def edit(self, post_id: str, text: str) -> Json:
        return self._alter(post_id, "edit", text)

    def delete(self, post_id: str) -> Json:
        return self._alter(post_id, "delete", "")

    def _alter(self, post_id: str, kind: str, text: str) -> Json:
        with self.store.transaction():
            post = self.store.post(post_id)
            if post is None:
                raise RefusalError("There is no such post.", 404)
            changed = {"kind": kind, "text": text, "at": iso(self.clock()), "key": ""}
            row = self.store.add({name: value for name, value in {**post, **changed}.items() if name != "seq"})
        return as_event(row)

    def remember(self, events: Iterable[Json]) -> int:
        """Take posts that happened before (see history.py), so that their authors can be answered.

        They come in /events as well, under their own ids. Returns how many were new. Those who were left without an
        answer are silent now; a reply wakes them.
        """
        count = 0
        with self.store.transaction():
            for event in events:
                count += self._recall(event)
        return count

    def _recall(self, event: Json) -> int:
        if self.store.post(event["id"]):
            return 0
        plain = {"author": event["author"]["handle"], "ours": int(event["ours"])}
        row = self.store.add({**event, **plain, "files": json.dumps(event.get("files") or [])})
        talk = self.store.talk(row["thread"]) or Conversation(
            row["thread"], row["author"], row["story"], row["id"], datetime.fromisoformat(row["at"]).timestamp()
        )
        talk = replace(talk, last_id=row["id"])
        if not row["ours"]:
            person = person_of(row["author"])
            story = story_of(row["story"], person.language)
            talk = after_act(talk, Act(row["act"]), story, person, chance(self.seed, row["id"]))
        self.store.keep(replace(talk, next_act=""))
        return 1

    @property
    def speed(self) -> float:
        return self.store.figure("speed", 1.0)

    @speed.setter
    def speed(self, factor: float) -> None:
        if not 0 < factor <= 1000:
            raise RefusalError("Speed is a number above 0, at most 1000.", 400)
        with self.store.transaction():
            self.store.rescale(self.clock().timestamp(), factor / self.speed)
            self.store.set_figure("speed", factor)

    # --- the ground below

    def _next_id(self) -> str:
        return f"p{self.store.next_seq():06d}"

    def _add(self, talk: Conversation, act: Act, now: datetime, **columns: Any) -> Row:
        common = {"author": talk.author, "story": talk.story, "act": act, "at": iso(now)}
        common["thread"] = talk.place or talk.thread
        return self.store.add({"kind": "message", **common, **columns})

    def _keep(self, talk: Conversation, now: datetime) -> None:
        """Store the state, with the second at which the next act is due."""
        rng = chance(self.seed, talk.thread, talk.turn, "due", talk.next_act)
        wait = seconds_until(talk.next_act, talk, person_of(talk.author), rng) / self.speed
        self.store.keep(replace(talk, due=now.timestamp() + wait))


def _check(text: str) -> None:
    if not text.strip():
        raise RefusalError("A reply needs a text.", 400)
    if graphemes(text) > TEXT_LIMIT:
        raise RefusalError(f"Too long: {graphemes(text)} characters of {TEXT_LIMIT}.", 400)
