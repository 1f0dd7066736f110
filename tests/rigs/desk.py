"""Hark's side of a rig: a channel connected to our account, and an agent who answers on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from channels_app import health, inbox, jobs, outbox
from channels_app.models import Channel, Credential, Delivery, Message
from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Idempotency
from crm.models import User
from tests import factories
from tests.rigs.rig import Rig, Said

T = TypeVar("T")


def words(text: str) -> str:
    """Without whom a post names before it speaks, nor how its lines break."""
    return " ".join(word for word in text.split() if not word.startswith("@"))


@dataclass
class Desk:
    rig: Rig
    channel: Channel
    agent: User

    @classmethod
    def opened(cls, rig: Rig, agent: User) -> Desk:
        channel = factories.ChannelFactory(name=rig.server, platform=rig.kind, place=rig.name)
        desk = cls(rig, channel, agent)
        desk.connect(rig.access())
        return desk

    @property
    def idempotency(self) -> Idempotency:
        return self.channel.capabilities.idempotency

    def connect(self, access: Access) -> None:
        """The account is opened with this from now on."""
        held = Credential.objects.filter(channel=self.channel).first()
        held = held or Credential(channel=self.channel, connected_by=self.agent)
        held.put(access)
        held.save()

    def reopen(self, access: Access) -> None:
        """A person has connected it anew."""
        self.connect(access)
        health.opened(self.now())

    def now(self) -> Channel:
        self.channel.refresh_from_db()
        return self.channel

    # --- what comes in

    def look(self) -> Channel:
        """Ask the network once, and work off what came. What is wrong stands on the channel."""
        jobs.poll(self.channel.pk)
        inbox.drain(self.now())
        return self.now()

    def sees(self, what: str, condition: Callable[[], T]) -> T:
        """Looks until it is so. A look that fails is a failure."""

        def looked() -> T:
            assert not self.look().trouble, self.channel.trouble
            return condition()

        return self.rig.wait_until(what, looked)

    def find(self, id: str) -> Message | None:
        return Message.objects.filter(channel=self.channel, external_id=id).first()

    def message(self, id: str) -> Message:
        """The post, as soon as it is here."""
        return self.find(id) or self.sees(f"the post {id} is here", lambda: self.find(id))

    def count(self, **wanted: object) -> int:
        return Message.objects.filter(channel=self.channel, **wanted).count()

    # --- what goes out

    def write(self, to: Message, text: str) -> Delivery:
        return outbox.write(answer_to=to, text=text, by=self.agent)

    def deliver(self, delivery: Delivery) -> Delivery:
        outbox.deliver(delivery.pk)
        delivery.refresh_from_db()
        return delivery

    def reply(self, to: str, text: str) -> Delivery:
        """Answer the post with this id, now."""
        return self.deliver(self.write(self.message(to), text))

    def reads_once(self, delivery: Delivery) -> Said:
        """The customer reads it below what it answers, once."""
        return self._once(delivery, self.rig.thread)

    def stands_once(self, delivery: Delivery) -> Said:
        """The same as anybody sees it under our name, where a server shows that at once; else as the customer does."""
        public = self.rig.profile() is not None
        return self._once(delivery, (lambda _id: self.rig.profile() or []) if public else self.rig.thread)

    def _once(self, delivery: Delivery, shown: Callable[[str], list[Said]]) -> Said:
        question, text = delivery.message.parent_external_id, delivery.message.text

        def copies() -> list[Said]:
            return [said for said in shown(question) if said.by_us and words(said.text) == text]

        self.rig.wait_until("our reply stands there", copies)
        [there] = copies()
        assert there.parent == question
        return there

    def settle(self, delivery: Delivery) -> Delivery:
        """What the clock does for it, until nothing moves any more: once it is due, look for it or send it again."""
        for _ in range(10):
            Delivery.objects.filter(pk=delivery.pk).update(not_before=delivery.created_at)
            outbox.resolve_doubt(delivery.pk)
            outbox.deliver(delivery.pk)
            before, _now = delivery.state, delivery.refresh_from_db()
            if delivery.state in (Delivery.State.SENT, Delivery.State.FAILED) or before == delivery.state:
                break
        return delivery
