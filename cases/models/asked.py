"""What is asked of cases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case as Whether
from django.db.models import DateTimeField, Exists, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Left

from cases.models.alike import Flood
from cases.models.states import NEEDS_US, UNRESOLVED, State
from cases.models.story import HandOver
from cases.models.wants import NOTHING
from channels_app.models import About, Delivery, Message, Sentiment
from crm.models import Customer, IdentityLink, Stakeholder

if TYPE_CHECKING:
    from cases.models.cases import Case
    from crm.models import Account, User

MOST_CALLED = 200  # customers of a name whose cases are asked for one by one


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, user: User) -> CaseQuerySet:
        """Leads and admins see every case; agents those of their teams, their own and what is handed to them."""
        if user.leads:
            return self
        if not user.answers:
            return self.none()
        return self.filter(Q(team__in=user.team_ids) | Q(owner=user) | Q(pk__in=_handed_to(user)))

    def handed_to(self, user: User) -> CaseQuerySet:
        """Which somebody hands to this person or to a team of theirs, and which nobody has accepted yet."""
        return self.filter(pk__in=_handed_to(user))

    def needing_us(self) -> CaseQuerySet:
        return self.filter(state__in=NEEDS_US)

    def under_one_head(self) -> CaseQuerySet:
        """Of those that began with nearly the same words the one that stands in front."""
        return self.filter(behind=False)

    def at_risk(self, now: datetime) -> CaseQuerySet:
        """A promise of theirs ends soon, and none has ended."""
        return self.filter(risk_at__lte=now, due_at__gte=now)

    def broken(self, now: datetime) -> CaseQuerySet:
        """A promise of theirs that runs is past its end. `risk_at` leads an index there."""
        return self.filter(risk_at__lt=now, due_at__lt=now)

    def locked(self, pk: int, *along: str) -> Case:
        """The case, for us alone until the transaction ends, with the records that its columns `along` name.

        They are asked for once it is ours: of rows joined to one that we wait for, PostgreSQL keeps those it found
        before (EvalPlanQual), so that a case whose team changed meanwhile would not be found, and a new owner be None.
        """
        return self.select_for_update(of=("self",)).prefetch_related(*along).get(pk=pk)

    def unresolved(self) -> CaseQuerySet:
        return self.filter(state__in=UNRESOLVED)

    def resolved(self) -> CaseQuerySet:
        return self.filter(state=State.RESOLVED)

    def of_customer(self, customer: Customer) -> CaseQuerySet:
        return self.filter(customer=customer).exclude(state=State.MERGED)

    def of_account(self, account: Account) -> CaseQuerySet:
        """Of those who are its stakeholders now."""
        people = Stakeholder.objects.of_account(account).present()
        return self.filter(customer__in=people.values("customer")).exclude(state=State.MERGED)

    def saying(self, words: str, *, among: Q | None = None) -> CaseQuerySet:
        """With these words in what it is about or in the customer's name or handle; or the case of that number.

        `among` is a condition these cases fulfil anyway, by which a smaller index finds them. One query, asked now: a
        few customers are named one by one, so that PostgreSQL may walk the queue for a common word, and an index for a
        rare one.
        """
        if words.lstrip("#").isdecimal() and len(words) < 19:
            return self.filter(pk=int(words.lstrip("#")))
        called = list(Customer.objects.called(words).order_by().values_list("pk", flat=True)[: MOST_CALLED + 1])
        if len(called) <= MOST_CALLED:
            return self.filter(Q(subject__icontains=words) | Q(customer__in=called))
        cases = Case.objects.filter(among or Q()).order_by()
        by_subject = cases.filter(subject__icontains=words)
        by_customer = cases.filter(customer__in=Customer.objects.called(words))
        return self.filter(pk__in=by_subject.values("pk").union(by_customer.values("pk"), all=True))

    def turned_around(self) -> CaseQuerySet:
        """Whose customer was unhappy at the start, and was not any more when it was resolved."""
        return self.filter(mood_at_start=Sentiment.NEGATIVE, mood_at_end__in=[Sentiment.NEUTRAL, Sentiment.POSITIVE])

    def with_unsettled_reply(self) -> CaseQuerySet:
        """In which a reply is in doubt, or the last one we wrote was not sent."""
        replies = Delivery.objects.filter(message__case_entry__case=OuterRef("pk"), message__erased_at=None)
        last = replies.order_by("-id").values("state")[:1]
        return self.annotate(last_reply=Subquery(last)).filter(
            Q(Exists(replies.filter(state=Delivery.State.IN_DOUBT))) | Q(last_reply=Delivery.State.FAILED)
        )

    def as_said(self) -> models.QuerySet[Any]:
        """With what the customer's messages tell, in the order they were said; None where they do not.

        `question`: the first words; `tongue`: the first language; `mood`: the last one, `mood_first` the
        first; `mood_last`: of a resolved case the one it was resolved with; `unanswered_since`. `wish`, `matter` and
        `hurry`: as `Wants.then` adds them up, of the last that wants or names something, else of the last.
        """
        said = Message.objects.filter(case_entry__case=OuterRef("pk"))
        ours = said.filter(direction=Message.Direction.OUT).order_by("-occurred_at", "-id")
        theirs = said.filter(direction=Message.Direction.IN)
        moods = theirs.exclude(sentiment=Sentiment.UNKNOWN)
        until = moods.filter(occurred_at__lte=Coalesce(OuterRef("resolved_at"), OuterRef("last_message_at")))
        wanting = (_behind(intent__in=NOTHING), "-occurred_at", "-id")
        naming = (_behind(topic=About.NONE), "-occurred_at", "-id")
        long_ago = Value(datetime(1970, 1, 1, tzinfo=UTC), DateTimeField())
        return self.annotate(answered=Coalesce(Subquery(ours.values("occurred_at")[:1]), long_ago)).annotate(
            question=Subquery(theirs.in_order().values(beginning=Left("text", 1000))[:1]),
            tongue=Subquery(theirs.in_order().exclude(language="").values("language")[:1]),
            mood=Subquery(moods.in_order().reverse().values("sentiment")[:1]),
            mood_first=Subquery(moods.in_order().values("sentiment")[:1]),
            mood_last=Subquery(until.in_order().reverse().values("sentiment")[:1]),
            wish=Subquery(theirs.exclude(intent="").order_by(*wanting).values("intent")[:1]),
            matter=Subquery(theirs.exclude(topic="").order_by(*naming).values("topic")[:1]),
            hurry=Subquery(theirs.exclude(urgency="").order_by(*wanting).values("urgency")[:1]),
            unanswered_since=Subquery(
                theirs.in_order().filter(occurred_at__gt=OuterRef("answered")).values("occurred_at")[:1]
            ),
        )

    def with_sureness(self) -> CaseQuerySet:
        """With `sure_mood`, `sure_intent`, `sure_topic` and `sure_urgency`, 0 to 1: of the customer's last message that
        was read as the case stands."""
        said = Message.objects.filter(case_entry__case=OuterRef("pk"), direction=Message.Direction.IN)

        def of(column: str, confidence: str) -> Coalesce:
            alike = said.filter(**{column: OuterRef(column)}).in_order().reverse()
            return Coalesce(Subquery(alike.values(confidence)[:1]), 0.0)

        return self.annotate(
            sure_mood=of("sentiment", "confidence"), sure_intent=of("intent", "intent_confidence"),
            sure_topic=of("topic", "topic_confidence"), sure_urgency=of("urgency", "urgency_confidence"),
        )  # fmt: skip

    def with_row(self) -> CaseQuerySet:
        """All that a queue row shows; with `reach`, the customer's largest public following, and `alike`, how many
        stand behind it.

        A query for the cases with their customers, and one for each small table they point to: joining them all took
        PostgreSQL longer to plan than all of these take together.
        """
        rows = self.select_related("customer", "identity").prefetch_related("owner", "channel", "rule")
        flood = Flood.objects.filter(head=OuterRef("pk"))
        return rows.annotate(
            reach=IdentityLink.objects.reach_of("customer_id"), alike=Subquery(flood.values("behind")[:1])
        )

    def with_head(self) -> CaseQuerySet:
        """All that the head of a case says."""
        rows = self.with_row().select_related("membership__flood")
        return rows.prefetch_related("team", "cause__parent", "resolved_by")


def _behind(**condition: Any) -> Whether:
    """To sort by: what fulfils it stands behind what does not."""
    return Whether(When(**condition, then=Value(1)), default=Value(0))


def _handed_to(user: User) -> models.QuerySet[HandOver, Any]:
    """Asked once per query, not once per row: few hand-overs are pending at a time, and an index has just them."""
    return HandOver.objects.waiting_for(user).order_by().values("case")
