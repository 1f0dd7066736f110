"""Any sequence of merges, undos and everything else: in the end all is as if there had been no merge.

Beside the database runs an account of it without merges: what each deed but a merge or its undoing changes, row by row
and column by column, is entered there. At the end everything merged is put apart, in any order, and both must be equal.
"""

from __future__ import annotations

import json
from itertools import count
from random import Random

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from cases.models import Case, CaseMessage
from channels_app.models import Message
from crm import consent, decisions, merging
from crm.errors import Refused
from crm.merging import restoring, undoing
from crm.models import (
    Consent,
    ConsentChange,
    Customer,
    Identity,
    IdentityLink,
    Merge,
    Move,
    Order,
    Product,
    Stakeholder,
    User,
)
from surveys.models import Attempt, Call, FollowUp, GroupRequest, Invitation, Loop
from tests import factories
from tests.rows import rows_of

pytestmark = pytest.mark.django_db
TABLES = (
    Customer, Identity, IdentityLink, Case, CaseMessage, Message, Order, Product, Stakeholder, Consent, ConsentChange,
    Invitation, Loop, Call, FollowUp, Attempt, GroupRequest,
)  # fmt: skip
State = IdentityLink.State
MAYBE = (undoing.UndoThatFirst, undoing.DecidedSince, undoing.CameSince)
numbers = st.integers(0, 11)  # few: of large ones, hypothesis likes some much better than others


def snapshot():
    """Table → key → row."""
    rows = zip(TABLES, rows_of(*TABLES).values(), strict=True)
    return {table: {row["id"]: row for row in json.loads(said)} for table, said in rows}


class Desk(RuleBasedStateMachine):
    """`expected` is the account without merges. `fresh` are records that were opened for a withdrawn handle."""

    agent: User

    @initialize(known=st.lists(st.booleans(), min_size=4, max_size=4), seed=st.integers(0, 999))
    def open(self, known, seed):
        self.chance = Random(seed)
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.numbers = count(1)
        self.channel = factories.ChannelFactory()
        self.accounts = factories.AccountFactory.create_batch(2)
        self.threads = factories.ThreadFactory.create_batch(2, channel=self.channel)
        self.waves = factories.WaveFactory.create_batch(3, version=factories.sent_version())
        self.hashtag = factories.HashtagFactory()
        self.originals = [self._customer(is_known).pk for is_known in known]
        self.expected = snapshot()

    def teardown(self):
        if not hasattr(self, "transaction"):
            return
        try:
            self.put_all_apart()
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def _customer(self, is_known):
        n = next(self.numbers)
        customer = factories.CustomerFactory(
            name=f"Name {n}", city=f"City {n}" if n % 2 else "", tier=("standard", "valued", "key")[n % 3],
            known_at=timezone.now() if is_known else None,
        )  # fmt: skip
        for _ in range(2):
            factories.IdentityFactory(customer=customer)
        factories.OrderFactory(customer=customer)
        factories.StakeholderFactory(customer=customer, account=self.accounts[0], role="buyer")
        asked = factories.InvitationFactory(
            customer=customer, wave=self.waves[n % 3], state="answered", ended_at=timezone.now()
        )
        if n % 4 < 3:
            call = factories.CallFactory(loop__customer=customer, owner=self.agent)
            factories.FollowUpFactory(call=call, response=factories.ResponseFactory(invitation=asked))
        if n % 2:
            consent.record(customer=customer, purpose="survey", state="refused", how="Said so", by=self.agent)
        return customer

    # --- the account

    def deed(self, act):
        """Do something that is no merge, and enter what it changed."""
        before = snapshot()
        try:
            with transaction.atomic():
                act()
        except Refused:
            return
        after = snapshot()
        for table in before:
            self._enter(table, before[table], after[table])

    def _enter(self, table, before, after):
        rows = self.expected[table]
        for pk in before.keys() - after.keys():
            rows.pop(pk, None)
        for pk, row in after.items():
            was = before.get(pk)
            if was == row:
                continue
            changed = {name for name in row if was is None or was[name] != row[name]}
            given = table is IdentityLink and "state" in changed and row["state"] == State.CONFIRMED
            if was is None or pk not in rows or given:  # what is given to a record now is that record's
                rows[pk] = row
            else:
                rows[pk] = rows[pk] | {name: row[name] for name in changed}

    def standing(self, n):
        """One of the first records, as it stands now."""
        customer = Customer.objects.get(pk=self.originals[n % len(self.originals)])
        return customer.survivor

    def link(self, n, **of):
        links = list(IdentityLink.objects.filter(customer__in=self.originals, **of).order_by("pk"))
        return links[n % len(links)] if links else None

    # --- merges

    @rule(
        a=numbers,
        b=numbers,
        choices=st.dictionaries(st.sampled_from(["name", "tier", "city"]), st.sampled_from(["survivor", "absorbed"])),
    )
    def merge(self, a, b, choices):
        survivor, absorbed = self.standing(a), self.standing(b)
        if survivor != absorbed:
            merging.merge(survivor=survivor, absorbed=absorbed, choices=choices, by=self.agent)

    @precondition(lambda self: Merge.objects.in_force().exists())
    @rule(n=numbers)
    def undo_one(self, n):
        merges = list(Merge.objects.in_force().order_by("pk"))
        self._undo(merges[n % len(merges)])

    def _undo(self, merge):
        try:
            merging.undo(merge=merge, by=self.agent)
        except MAYBE:
            return False
        return True

    @rule(n=numbers)
    def withdraw(self, n):
        link = self.link(n, state=State.CONFIRMED)
        if link:
            self._decide(decisions.withdraw, link=link, by=self.agent, why="Not theirs")

    @rule(n=numbers)
    def accept(self, n):
        link = self.link(n, state=State.PROPOSED)
        if link is None:
            return
        owned = IdentityLink.objects.confirmed().filter(identity=link.identity_id).exists()
        if owned:  # a merge, or a conflict
            self._decide(decisions.accept, link=link, by=self.agent)
        else:
            self.deed(lambda: decisions.accept(link=link, by=self.agent))

    @rule(n=numbers)
    def move(self, n):
        link = self.link(n, state=State.PROPOSED)
        if link and IdentityLink.objects.confirmed().filter(identity=link.identity_id).exists():
            self._decide(decisions.move, link=link, by=self.agent)

    def _decide(self, act, **what):
        try:
            with transaction.atomic():
                act(**what)
        except Refused:
            pass

    # --- everything else

    @rule(n=numbers, m=numbers)
    def propose_a_handle_of_somebody(self, n, m):
        owner, customer = self.link(m, state=State.CONFIRMED), self.standing(n)
        if owner and not IdentityLink.objects.filter(identity=owner.identity_id, customer=customer).exists():
            self._propose(owner.identity, customer)

    @rule(n=numbers)
    def propose_a_handle_of_a_stranger(self, n):
        stranger = factories.CustomerFactory.build(name="stranger")

        def act():
            stranger.save()
            factories.IdentityFactory(customer=stranger)

        self.deed(act)
        self._propose(stranger.links.get().identity, self.standing(n))

    @rule(n=numbers)
    def propose_a_handle_of_nobody(self, n):
        identity = factories.IdentityFactory.build()
        self.deed(identity.save)
        self._propose(identity, self.standing(n))

    def _propose(self, identity, customer):
        wishes = {"state": "proposed", "method": "matched", "evidence": "Same name"}
        self.deed(lambda: factories.IdentityLinkFactory(identity=identity, customer=customer, **wishes))

    @rule(n=numbers)
    def reject(self, n):
        link = self.link(n, state=State.PROPOSED)
        if link:
            self.deed(lambda: decisions.reject(link=link, by=self.agent))

    @rule(n=numbers)
    def link_a_new_handle(self, n):
        customer = self.standing(n)
        self.deed(lambda: factories.IdentityFactory(customer=customer))

    @rule(n=numbers, thread=numbers)
    def write(self, n, thread):
        """Somebody writes under one of their handles: in a case that is open there, else in a new one."""
        link = self.link(n, state=State.CONFIRMED)
        if link is None:
            return
        on = self.threads[thread % len(self.threads)]
        case = Case.objects.unresolved().filter(customer=link.customer_id, thread=on).first()

        def act():
            said = factories.MessageFactory(thread=on, identity=link.identity)
            CaseMessage.objects.create(case=case or self._case(link, on), message=said)

        self.deed(act)

    def _case(self, link, thread):
        return factories.CaseFactory(
            customer=link.customer, identity=link.identity, thread=thread, channel=self.channel, message=False
        )

    @rule(n=numbers)
    def resolve(self, n):
        cases = list(Case.objects.unresolved().order_by("pk"))
        if cases:
            self.deed(lambda: factories.resolved(cases[n % len(cases)], self.agent))

    @rule()
    def bring_along(self):
        merging.bring_along()

    @rule(n=numbers)
    def order(self, n):
        customer = self.standing(n)
        self.deed(lambda: (factories.OrderFactory(customer=customer), factories.ProductFactory(customer=customer)))

    @rule(n=numbers, gone=st.booleans())
    def change_an_order(self, n, gone):
        orders = list(Order.objects.order_by("pk"))
        if orders:
            one = Order.objects.filter(pk=orders[n % len(orders)].pk)
            self.deed(one.delete if gone else lambda: one.update(what=f"Changed {next(self.numbers)}"))

    @rule(n=numbers, wave=st.integers(0, 2), by_handle=st.booleans())
    def ask(self, n, wave, by_handle):
        """A customer once a wave, and one survey at a time."""
        customer, wave = self.standing(n), self.waves[wave]
        link = customer.links.filter(state=State.CONFIRMED).order_by("pk").first() if by_handle else None
        asked = Invitation.objects.filter(customer=customer)
        if not asked.filter(wave=wave).exists() and not asked.open().exists():
            who = {"customer": customer, "identity": link.identity if link else None, "wave": wave}
            self.deed(lambda: factories.InvitationFactory(**who))

    @rule(n=numbers)
    def answer(self, n):
        asked = list(Invitation.objects.open().order_by("pk"))
        if asked:
            one = Invitation.objects.filter(pk=asked[n % len(asked)].pk)
            self.deed(lambda: one.update(state="answered", ended_at=timezone.now()))

    @rule(n=numbers, kind=st.sampled_from(["first", "second"]))
    def owe_a_call(self, n, kind):
        """One of a kind at a time, in a loop of its own or in one they have."""
        customer = self.standing(n)
        loop = Loop.objects.filter(customer=customer).order_by("pk").last() if kind == "second" else None
        if Call.objects.live().filter(customer=customer, kind=kind).exists():
            return

        def act():
            call = factories.CallFactory(
                loop=loop or factories.LoopFactory(customer=customer), kind=kind, owner=self.agent
            )  # fmt: skip
            asked = Invitation.objects.filter(customer=customer, state="answered", response=None).first()
            if asked:
                factories.FollowUpFactory(call=call, response=factories.ResponseFactory(invitation=asked))

        self.deed(act)

    @rule(n=numbers, asks=st.booleans())
    def call(self, n, asks):
        """A live call comes about, and asks a group something, or not."""
        live = list(Call.objects.live().order_by("pk"))
        if not live:
            return
        one = live[n % len(live)]

        def act():
            attempt = factories.CallAttemptFactory(call=one)
            if asks:
                factories.GroupRequestFactory(attempt=attempt, hashtag=self.hashtag)
            Call.objects.filter(pk=one.pk).update(state="done", ended_at=timezone.now())
            one.follow_ups.update(done_at=timezone.now())

        self.deed(act)

    @rule(n=numbers)
    def close_a_loop(self, n):
        found = list(Loop.objects.open().order_by("pk"))
        if found:
            one = Loop.objects.filter(pk=found[n % len(found)].pk)
            self.deed(lambda: one.update(state="closed", ended_at=timezone.now()))

    @rule(n=numbers, account=numbers, role=st.sampled_from(["user", "manager"]))
    def join_an_account(self, n, account, role):
        customer, account = self.standing(n), self.accounts[account % len(self.accounts)]
        if not Stakeholder.objects.filter(customer=customer, account=account, role=role).exists():
            self.deed(lambda: factories.StakeholderFactory(customer=customer, account=account, role=role))

    @rule(n=numbers, purpose=st.sampled_from(["survey", "call"]), state=st.sampled_from(["given", "refused", None]))
    def say_what_is_allowed(self, n, purpose, state):
        customer, said = self.standing(n), {"purpose": purpose, "state": state, "how": "Said so"}
        self.deed(lambda: consent.record(customer=customer, by=self.agent, **said))

    @rule(n=numbers, forbid=st.booleans())
    def forbid_or_allow_all(self, n, forbid):
        customer, act = self.standing(n), consent.forbid if forbid else consent.lift
        self.deed(lambda: act(customer=customer, how="Said so", by=self.agent))

    @rule(n=numbers, field=st.sampled_from(["name", "city", "about"]))
    def edit(self, n, field):
        customer = self.standing(n)
        new = {field: f"Edited {next(self.numbers)}"}
        self.deed(lambda: Customer.objects.filter(pk=customer.pk).update(**new))

    # --- what holds at any time, and in the end

    def teardown_checks(self):
        confirmed = IdentityLink.objects.confirmed()
        assert not confirmed.filter(customer__merged_into__isnull=False).exists()
        for identity in self.owned():
            assert confirmed.filter(identity=identity).count() == 1

    def owned(self):
        links = self.expected[IdentityLink].values()
        return {link["identity_id"] for link in links if link["state"] == State.CONFIRMED}

    def put_all_apart(self):
        self.teardown_checks()
        while merges := list(Merge.objects.in_force().order_by("pk")):
            self.chance.shuffle(merges)
            undone = [self._undo(merge) for merge in merges]
            assert any(undone), "None of what is left can be undone, not even the last"
        merging.bring_along()
        found = snapshot()
        self._let_stay(found)
        self._set_aside(found)
        for table, rows in found.items():
            assert rows == self.expected[table], table.__name__

    def _let_stay(self, found):
        """What may be there once stays where it went, where the record it came from has the same by now."""
        for pk, row in found[Invitation].items():
            home = self.expected[Invitation][pk]["customer_id"]
            if row["customer_id"] != home:
                theirs = [one for one in found[Invitation].values() if one["customer_id"] == home]
                same_wave = row["wave_id"] in {one["wave_id"] for one in theirs}
                assert same_wave or (row["state"] == "sent" and "sent" in {one["state"] for one in theirs})
                row["customer_id"] = home
        live = {(call["customer_id"], call["kind"]) for call in found[Call].values() if call["ended_at"] is None}
        for pk, row in found[Call].items():
            home = self.expected[Call][pk]["customer_id"]
            if row["customer_id"] != home:
                assert row["ended_at"] is None
                assert (home, row["kind"]) in live
                row["customer_id"] = home
        is_open = ("new", "open", "waiting")
        for pk, row in found[Case].items():
            home = self.expected[Case][pk]["customer_id"]
            if row["customer_id"] != home:
                others = [c for c in found[Case].values() if c["customer_id"] == home and c["state"] in is_open]
                assert row["state"] in is_open
                assert row["thread_id"] in {other["thread_id"] for other in others}
                row["customer_id"] = home

    def _set_aside(self, found):
        """What an undoing may leave over: records opened for a handle, empty and leading home; and rejections."""
        opened = Move.objects.filter(kind="crm.customer", column="id").values_list("row", flat=True)
        for pk in opened:
            row = found[Customer].pop(pk)
            assert row["merged_into_id"] in self.expected[Customer]
            held = [table for table in found for one in found[table].values() if one.get("customer_id") == pk]
            assert held == []
        rejected = {
            (link["identity_id"], link["decided_at"])
            for link in self.expected[IdentityLink].values()
            if link["state"] == State.REJECTED
        }
        for pk in found[IdentityLink].keys() - self.expected[IdentityLink].keys():
            link = found[IdentityLink].pop(pk)
            assert (link["identity_id"], link["decided_at"]) in rejected, link


def run(agent, **wishes):
    Desk.agent = agent
    wishes = {"max_examples": 40, "stateful_step_count": 25, **wishes}
    quiet = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
    run_state_machine_as_test(Desk, settings=settings(**wishes, **quiet))


def test_whatever_happens_in_between_merges_undone_leave_no_trace(agent):
    run(agent)


def forget_orders(monkeypatch):
    back = restoring._rows_back
    monkeypatch.setattr(
        restoring, "_rows_back", lambda m, way, *said: way.relation.model is Order or back(m, way, *said)
    )


def forget_what_is_said_of_the_customer(monkeypatch):
    monkeypatch.setattr(restoring, "_facts_back", lambda merge, stayed: None)


def forget_calls(monkeypatch):
    back = restoring._rows_back
    monkeypatch.setattr(
        restoring, "_rows_back", lambda m, way, *said: way.relation.model is Call or back(m, way, *said)
    )


def forget_answers_to_surveys(monkeypatch):
    back = restoring._rows_back
    monkeypatch.setattr(
        restoring, "_rows_back", lambda m, way, *said: way.relation.model is Invitation or back(m, way, *said)
    )


FAULTS = [forget_orders, forget_answers_to_surveys, forget_calls, forget_what_is_said_of_the_customer]


@pytest.mark.parametrize("fault", FAULTS)
def test_it_would_be_noticed(agent, monkeypatch, fault):
    """The test above can fail: a fault put in on purpose is found."""
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        run(agent, max_examples=100, phases=[Phase.generate], derandomize=True, print_blob=False)
