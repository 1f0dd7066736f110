"""Dead letters mended: a person writes what a payload should have said, and it comes in again beside the original."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import inbox
from channels_app.models import Channel, RawEvent
from crm import handoff
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log


class StillUnreadable(Refused):
    sentence = gettext_lazy("It still cannot be read: {reason}")


class NoLongerDead(Refused):
    sentence = gettext_lazy("Somebody was faster: #{number} is no longer a dead letter.")


def check(*, channel: Channel, text: str) -> bytes:
    """`text` as a body of this channel. Refuses what would only be a dead letter again."""
    row = RawEvent(channel=channel, body=text.replace("\r\n", "\n").strip().encode("utf-8", "replace"))
    if not inbox.parse(channel, [row]):
        raise StillUnreadable(reason=row.reason or _("there is no message in it."))
    return bytes(row.body)


@transaction.atomic
def mend(*, row: RawEvent, text: str, by: User) -> RawEvent:
    """Keep `text` as a payload of its own and have it read. What came stays as it is, and names what replaced it."""
    dead = (
        RawEvent.objects.dead_letters()
        .select_for_update(of=("self",))
        .select_related("channel")
        .filter(pk=row.pk)
        .first()
    )
    if dead is None:
        raise NoLongerDead(number=row.pk)
    body = check(channel=dead.channel, text=text)
    mended = RawEvent.objects.create(channel=dead.channel, body=body, origin=_("mended from #%(pk)s") % {"pk": dead.pk})
    # known already, through its successor: so it leaves the list of what waits for somebody
    dead.state = RawEvent.State.DUPLICATE
    dead.reason = (_("Mended as #%(pk)s. ") % {"pk": mended.pk} + dead.reason)[:500]
    dead.save(update_fields=["state", "reason"])
    log("mended", dead, by=by, detail=f"#{mended.pk}")
    handoff.nudge(inbox.DRAIN_JOB, dead.channel_id)
    return mended
