"""Who speaks on a channel and how: the policy, version after version, and who has said that they keep to it.

The newest version is in force. Whoever answers has accepted it first: `must_keep_to` is asked by the outbox itself.
"""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app.models import Channel, Policy, PolicyAcceptance
from crm import notices
from crm.errors import Refused
from crm.models import Notice, User
from crm.models.activity import log


class PolicyNotAccepted(Refused):
    sentence = gettext_lazy(
        "{who} has not accepted the policy of {channel} yet (version {version})."
        " Read it and accept it, then send again."
    )


class NotInForceAnyMore(Refused):
    sentence = gettext_lazy("This version is not in force any more: version {version} is. Read that one.")


class PolicyChangedMeanwhile(Refused):
    sentence = gettext_lazy(
        "{who} has published version {version} meanwhile. Look at it, then publish yours if it is still needed."
    )


class NothingChanged(Refused):
    sentence = gettext_lazy("This says the same as version {version}, which is in force: nothing was published.")


def in_force(channel: Channel) -> Policy | None:
    return Policy.objects.of(channel).first()


def accepted(user: User, policy: Policy) -> bool:
    return PolicyAcceptance.objects.filter(policy=policy, user=user).exists()


def to_accept(user: User, channel: Channel) -> Policy | None:
    """The policy in force, while this person has not accepted it. One query."""
    policy = Policy.objects.of(channel).with_accepted(user).first()
    return policy if policy and not policy.is_accepted else None  # type: ignore[attr-defined]


def must_keep_to(*, user: User, channel: Channel) -> None:
    """Raises PolicyNotAccepted. What is written down by hand goes nowhere, and needs no policy."""
    if channel.capabilities.written_by_hand:
        return
    if policy := to_accept(user, channel):
        raise PolicyNotAccepted(who=user, channel=channel, version=policy.version)


@transaction.atomic
def publish(*, channel: Channel, who: str, how: str, never: str, by: User, seen: int | None = None) -> Policy:
    """The next version, in force at once; everybody who answers there is told that there is something to read.

    `seen` is the version `by` started from (0: none). Raises PolicyChangedMeanwhile, NothingChanged.
    """
    Channel.objects.select_for_update(no_key=True).get(pk=channel.pk)
    current = Policy.objects.of(channel).select_related("made_by").first()
    version = current.version if current else 0
    if current and seen not in (None, version):
        raise PolicyChangedMeanwhile(who=current.made_by, version=version)
    if current and (current.who, current.how, current.never) == (who, how, never):
        raise NothingChanged(version=version)
    policy = Policy.objects.create(channel=channel, version=version + 1, who=who, how=how, never=never, made_by=by)
    log("published", policy, by=by, detail=str(policy))
    text = _("{channel} has a new policy (version {version}): read and accept it before you answer there.")
    notices.tell(
        User.objects.who_answer().filter(teams=channel.team_id).distinct(), Notice.Kind.TEAM,
        text.format(channel=channel, version=policy.version), url=address(channel), about=policy, by=by,
    )  # fmt: skip
    return policy


@transaction.atomic
def accept(*, policy: Policy, by: User) -> PolicyAcceptance:
    """`by` will keep to it. Twice is once. Raises NotInForceAnyMore for a version that was replaced."""
    newest = Policy.objects.filter(channel=policy.channel_id).order_by("-version").first()
    if newest and newest.version != policy.version:
        raise NotInForceAnyMore(version=newest.version)
    acceptance, new = PolicyAcceptance.objects.get_or_create(policy=policy, user=by)
    if new:
        log("accepted", policy, by=by)
    return acceptance


def address(channel: Channel) -> str:
    return reverse("channels_app:policy", args=[channel.pk])
