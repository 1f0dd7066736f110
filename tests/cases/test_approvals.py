"""Replies of who is not certified wait for somebody who is: one decides, nothing is sent twice, nothing is lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases import approvals, drafts, identify, replies, resolution, retention
from cases.models import Approval, Case, CaseMessage, Clock, Draft
from channels_app import certification, live, outbox
from channels_app.models import Delivery, LiveEvent, Message
from crm.errors import Refused
from crm.models import Activity, Notice
from crm.privacy import asking, holders, people, working
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def module(colleague, lead):
    """In force for Chirp; Ben and Lea have passed it, Ana has not."""
    module = factories.ModuleFactory(name="Chirp", place="chirp")
    for person in (colleague, lead):
        factories.AttemptFactory(module=module, user=person)
    return module


@pytest.fixture
def waiting(module, case, agent):
    return approvals.ask(case=case, text="It comes at noon.", by=agent)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def customer_writes(case, text="Are you there?"):
    message = factories.MessageFactory(
        thread=case.thread, identity=case.identity, text=text, occurred_at=timezone.now()
    )
    CaseMessage.objects.create(case=case, message=message)
    return message


def arrived():
    Delivery.objects.update(state="sent", sent_at=timezone.now())


def sent():
    return list(Message.objects.filter(direction="out").order_by("pk").values_list("text", flat=True))


# --- asking


def test_a_reply_without_the_certificate_waits_and_nothing_is_sent(module, case, agent):
    asked = approvals.reply_or_ask(case=case, text=" It comes at noon. ", by=agent)
    assert isinstance(asked, Approval)
    assert (asked.state, asked.text, asked.by) == ("waiting", "It comes at noon.", agent)
    assert asked.why == "Not certified for @skylark on Chirp: “Chirp”."
    assert sent() == []


def test_with_it_or_with_nothing_in_force_it_is_sent_at_once(case, agent, colleague, module):
    assert isinstance(approvals.reply_or_ask(case=case, text="Noon.", by=colleague), Delivery)
    certification.retire(module=module, by=colleague)
    other = factories.CaseFactory(channel=case.channel)
    assert isinstance(approvals.reply_or_ask(case=other, text="At noon.", by=agent), Delivery)


def test_the_case_stays_with_us_and_becomes_its_authors_but_is_not_answered(waiting, case, agent):
    now = fresh(case)
    assert (now.owner, now.state, now.first_answered_at) == (agent, "open", None)
    assert now.waiting_since == case.waiting_since
    assert not Clock.objects.filter(case=case, ended_at__isnull=False).exists()
    assert list(Activity.objects.about(case).order_by("id").values_list("verb", flat=True)) == [
        "taken", "asked for approval",
    ]  # fmt: skip


def test_what_stops_a_reply_stops_it_too(module, case, agent, colleague):
    with pytest.raises(outbox.NothingToSay):
        approvals.ask(case=case, text="  ", by=agent)
    with pytest.raises(outbox.TooLong):
        approvals.ask(case=case, text="x" * 501, by=agent)
    seen = case.entries.get().message_id
    replies.reply(case=case, text="I am on it.", by=colleague)
    with pytest.raises(replies.ReplyOnItsWay):
        approvals.ask(case=case, text="Noon.", by=agent)
    arrived()
    with pytest.raises(replies.AnsweredMeanwhile):
        approvals.ask(case=case, text="Noon.", by=agent, seen=seen)
    assert not Approval.objects.exists()


def test_the_certified_of_the_team_are_told_and_nobody_else(waiting, colleague, lead, stranger):
    told = Notice.objects.filter(kind="approval")
    assert {notice.user for notice in told} == {colleague, lead}
    assert "Are you" not in told[0].text
    assert told[0].url == f"/approvals/{waiting.pk}/"


def test_where_nobody_of_the_team_is_certified_the_leads_are_told(case, agent):
    module, chief = factories.ModuleFactory(), factories.UserFactory(role="lead")
    factories.AttemptFactory(module=module, user=chief)
    approvals.ask(case=case, text="Noon.", by=agent)
    assert [notice.user for notice in Notice.objects.filter(kind="approval")] == [chief]


def test_a_link_for_one_person_alone_is_never_stored_for_others_to_read(module, case, agent):
    with pytest.raises(certification.NotCertified):
        identify.ask_who(case=case, by=agent)
    assert not Approval.objects.exists()
    assert not Delivery.objects.exists()


def test_the_draft_is_done_with_once_it_waits(module, case, agent):
    drafts.keep(case=case, kind="reply", text="It comes", by=agent)
    approvals.ask(case=case, text="It comes at noon.", by=agent)
    assert not Draft.objects.filter(user=agent).exists()


# --- approving


def test_approved_it_leaves_in_its_authors_name_and_says_who_approved(waiting, case, agent, colleague):
    delivery = approvals.approve(approval=waiting, by=colleague)
    message = delivery.message
    assert (message.text, message.sent_by, message.approved_by) == ("It comes at noon.", agent, colleague)
    decided = fresh(waiting)
    assert (decided.state, decided.decided_by, decided.message) == ("sent", colleague, message)
    now = fresh(case)
    assert (now.state, now.owner) == ("waiting", agent)
    assert now.first_answered_at
    told = Notice.objects.get(user=agent)
    assert told.text == f"Ben Okafor approved your reply in case #{case.pk}."


def test_the_words_may_be_changed_first_and_the_author_is_told(waiting, case, agent, colleague):
    approvals.approve(approval=waiting, by=colleague, text="It comes at noon, Sara.")
    assert sent() == ["It comes at noon, Sara."]
    assert fresh(waiting).text == "It comes at noon."
    assert "changed your reply" in Notice.objects.get(user=agent).text


def test_that_it_only_acknowledges_is_kept(module, case, agent, colleague):
    waits = approvals.ask(case=case, text="We have seen it.", by=agent, acknowledges=True)
    delivery = approvals.approve(approval=waits, by=colleague)
    assert CaseMessage.objects.get(message=delivery.message).acknowledges
    assert fresh(case).first_answered_at is None


def test_what_its_author_has_begun_since_is_left_alone(waiting, case, agent, colleague):
    drafts.keep(case=case, kind="reply", text="And one more thing", by=agent)
    approvals.approve(approval=waiting, by=colleague)
    assert Draft.objects.get(user=agent).text == "And one more thing"


def test_nobody_approves_their_own(waiting, agent, module):
    factories.AttemptFactory(module=module, user=agent)
    with pytest.raises(approvals.YourOwnReply):
        approvals.approve(approval=waiting, by=agent)


def test_who_is_not_certified_does_not_decide_a_lead_neither(waiting, module, team):
    boss = factories.UserFactory(role="lead", teams=[team])
    for act in (approvals.approve, lambda **facts: approvals.reject(reason="No", **facts)):
        with pytest.raises(approvals.NotAnApprover, match="You lack “Chirp”"):
            act(approval=waiting, by=boss)


def test_a_certificate_that_ran_out_is_none(waiting, colleague, module):
    module.attempts.filter(user=colleague).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(approvals.NotAnApprover):
        approvals.approve(approval=waiting, by=colleague)


def test_another_teams_agent_does_not_decide(waiting, module, stranger):
    factories.AttemptFactory(module=module, user=stranger)
    with pytest.raises(approvals.NotInYourCases):
        approvals.approve(approval=waiting, by=stranger)


def test_what_was_decided_is_decided(waiting, colleague, lead):
    approvals.approve(approval=waiting, by=colleague)
    with pytest.raises(approvals.Decided, match="Ben Okafor has decided on this reply already: approved and sent"):
        approvals.approve(approval=waiting, by=lead)
    with pytest.raises(approvals.Decided):
        approvals.reject(approval=waiting, reason="No", by=lead)


@pytest.mark.parametrize("role", ["agent", "lead", "admin", "executive", "sales", "support"])
def test_what_may_be_decided_is_of_cases_one_sees(waiting, module, team, role, case):
    """`for_decision` asks for teams by itself; it says the same as `visible_to`."""
    for teams in ([], [team]):
        person = factories.UserFactory(role=role, teams=teams)
        factories.AttemptFactory(module=module, user=person)
        sees = Case.objects.visible_to(person).filter(pk=case.pk).exists()
        assert Approval.objects.for_decision(person).exists() == sees
    owner = factories.UserFactory(role=role)
    factories.AttemptFactory(module=module, user=owner)
    Case.objects.filter(pk=case.pk).update(owner=owner)
    assert Approval.objects.for_decision(owner).exists() == Case.objects.visible_to(owner).exists()


# --- what was said since


def test_that_the_customer_wrote_since_is_said_first_and_seen_it_goes(waiting, case, colleague):
    newer = customer_writes(case, "Never mind, I took a taxi.")
    with pytest.raises(approvals.CustomerWroteSince, match="Never mind, I took a taxi"):
        approvals.approve(approval=waiting, by=colleague)
    with pytest.raises(approvals.CustomerWroteSince):
        approvals.approve(approval=waiting, by=colleague, seen=newer.pk - 1)
    assert sent() == []
    assert approvals.approve(approval=waiting, by=colleague, seen=newer.pk)


def test_also_what_was_stored_before_but_came_to_the_case_after(module, case, agent, colleague):
    early = factories.MessageFactory(thread=case.thread, identity=case.identity, occurred_at=timezone.now())
    waits = approvals.ask(case=case, text="Noon.", by=agent)
    CaseMessage.objects.create(case=case, message=early)
    with pytest.raises(approvals.CustomerWroteSince):
        approvals.approve(approval=waits, by=colleague)


def test_that_a_colleague_answered_since_is_said_first(waiting, case, colleague, lead):
    replies.reply(case=case, text="I am on it.", by=lead)
    arrived()
    with pytest.raises(approvals.AnsweredSince, match="Lea Brandt has answered since"):
        approvals.approve(approval=waiting, by=colleague)
    newest = Message.objects.latest("pk").pk
    assert approvals.approve(approval=waiting, by=colleague, seen=newest)


def test_a_colleagues_reply_on_its_way_is_waited_for(waiting, case, colleague, lead):
    moving = replies.reply(case=case, text="I am on it.", by=lead)
    with pytest.raises(replies.ReplyOnItsWay):
        approvals.approve(approval=waiting, by=colleague, seen=moving.message_id)
    assert fresh(waiting).state == "waiting"


def test_its_author_is_told_when_an_earlier_one_left_meanwhile(waiting, case, agent, colleague):
    seen = case.entries.get().message_id
    gone = approvals.approve(approval=waiting, by=colleague)
    with pytest.raises(approvals.ApprovedMeanwhile, match="Ben Okafor has approved your earlier reply"):
        approvals.ask(case=case, text="At noon!", by=agent, seen=seen)
    assert approvals.ask(case=case, text="At noon!", by=agent, seen=gone.message_id)


# --- several for one case


@pytest.fixture
def rival(waiting, module, case, team):
    return approvals.ask(case=case, text="It is late, sorry.", by=factories.UserFactory(first_name="Ida", teams=[team]))


def test_who_has_not_seen_the_other_replies_is_told_to_look(waiting, rival, colleague):
    with pytest.raises(approvals.AnotherDraft, match=r"^Ida .* has written a reply for this case too"):
        approvals.approve(approval=waiting, by=colleague)
    assert sent() == []


def test_one_is_sent_and_the_others_go_on_waiting(waiting, rival, colleague):
    approvals.approve(approval=waiting, by=colleague, beside=[rival.pk])
    assert (fresh(waiting).state, fresh(rival).state) == ("sent", "waiting")


def test_or_they_go_back_to_their_authors(waiting, rival, colleague):
    approvals.approve(approval=waiting, by=colleague, beside=[rival.pk], reject_others=True)
    back = fresh(rival)
    assert (back.state, back.decided_by, back.reason) == ("rejected", colleague, "Another reply was sent instead.")
    assert Draft.objects.get(user=rival.by).text == "It is late, sorry."
    assert Notice.objects.filter(user=rival.by).exists()
    assert sent() == ["It comes at noon."]


def test_a_refusal_leaves_all_of_them_as_they_were(waiting, rival, case, colleague):
    with pytest.raises(outbox.TooLong):
        approvals.approve(approval=waiting, by=colleague, text="x" * 501, beside=[rival.pk], reject_others=True)
    assert {fresh(waiting).state, fresh(rival).state} == {"waiting"}


# --- rejecting and withdrawing


def test_rejected_it_is_its_authors_draft_again_with_what_to_change(waiting, case, agent, colleague):
    drafts.keep(case=case, kind="reply", text="Meanwhile begun", by=agent)
    approvals.reject(approval=waiting, reason="Say which train.", by=colleague)
    assert (fresh(waiting).state, fresh(waiting).reason) == ("rejected", "Say which train.")
    assert Draft.objects.get(user=agent).text == "It comes at noon.\n\nMeanwhile begun"
    assert "asks you to change your reply" in Notice.objects.get(user=agent).text
    assert sent() == []


@pytest.mark.parametrize("reason", ["", "  \n", "\x00"])
def test_it_is_not_rejected_without_a_word(waiting, colleague, reason):
    with pytest.raises(approvals.SayWhatToChange):
        approvals.reject(approval=waiting, reason=reason, by=colleague)
    assert fresh(waiting).state == "waiting"


def test_its_author_withdraws_it_and_nobody_else(waiting, agent, colleague):
    with pytest.raises(approvals.NotYourReply, match="Only Ana Ruiz"):
        approvals.withdraw(approval=waiting, by=colleague)
    approvals.withdraw(approval=waiting, by=agent)
    assert fresh(waiting).state == "withdrawn"
    assert Draft.objects.get(user=agent).text == "It comes at noon."
    with pytest.raises(approvals.Decided, match="withdrawn"):
        approvals.approve(approval=waiting, by=colleague)


# --- the end of the case


def test_a_case_is_not_resolved_while_one_waits(waiting, case, cause, agent, colleague, lead):
    with pytest.raises(Refused, match="A reply by Ana Ruiz waits for approval"):
        resolution.resolve(case=case, cause=cause, by=agent)
    assert resolution.resolve_many(cases=[case.pk], cause=cause, by=lead) == 0
    approvals.withdraw(approval=waiting, by=agent)
    assert resolution.resolve(case=case, cause=cause, by=agent).state == "resolved"


# --- who is forgotten


def test_of_who_is_erased_no_word_is_left_and_nothing_waits_any_more(waiting, case, colleague, lead):
    second = approvals.ask(case=case, text="Dear Sara", by=waiting.by)
    approvals.reject(approval=second, reason="Her name is Sarah", by=colleague)
    assert [row["text"] for row in exported(case, "approvals")] == ["It comes at noon.", "Dear Sara"]
    request = asking.ask_for_erasure(customer=case.customer, confirmed=str(case.customer_id), reason="person", by=lead)
    working.work(request.pk)
    assert set(Approval.objects.values_list("text", "reason", "state")) == {
        ("", "", "withdrawn"), ("", "", "rejected"),
    }  # fmt: skip
    assert not Approval.objects.for_decision(colleague).exists()


def exported(case, kind):
    holder = next(holder for holder in holders.all_holders() if holder.name == kind)
    return list(holder.rows(people.person(case.customer)))


def test_words_of_cases_kept_no_longer_go_with_the_rest(waiting, case, agent, colleague):
    approvals.reject(approval=waiting, reason="Say which train.", by=colleague)
    factories.resolved(case, agent)
    Case.objects.update(resolved_at=timezone.now() - timedelta(days=9), subject="")
    Message.objects.all().update(text="", erased_at=timezone.now(), reasons="", url="")
    old = retention.closed(timezone.now() - timedelta(days=8))
    assert list(old) == [case]
    retention.take_words(Case.objects.filter(pk=case.pk))
    assert (fresh(waiting).text, fresh(waiting).reason) == ("", "")
    assert not old.all().exists()


# --- at once


def at_once(*acts):
    """What came of each, all begun at the same moment: "done", or the refusal."""
    start = Barrier(len(acts), timeout=60)

    def run(act):
        start.wait()
        try:
            act()
        except Refused as refusal:
            return refusal
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_of_two_approvers_at_once_one_sends_it_and_the_other_is_told_who(waiting, colleague, lead, _round):
    came = at_once(*(lambda by=by: approvals.approve(approval=waiting, by=by) for by in (colleague, lead)))
    assert came.count("done") == 1
    winner = (colleague, lead)[came.index("done")]
    told = next(answer for answer in came if answer != "done")
    assert str(told) == f"{winner} has decided on this reply already: approved and sent."
    assert sent() == ["It comes at noon."]
    assert fresh(waiting).decided_by == winner


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_approved_and_withdrawn_at_once_one_of_it_happens(waiting, agent, colleague, _round):
    came = at_once(
        lambda: approvals.approve(approval=waiting, by=colleague),
        lambda: approvals.withdraw(approval=waiting, by=agent),
    )
    assert came.count("done") == 1
    state = fresh(waiting).state
    assert (state, sent()) in [("sent", ["It comes at noon."]), ("withdrawn", [])]
    assert Draft.objects.filter(user=agent).exists() == (state == "withdrawn")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(3))
def test_approved_while_its_author_writes_another_nobody_is_passed_by(waiting, case, agent, colleague, _round):
    """Either the approver is shown the second before anything leaves, or its author that the first has left."""
    seen = case.entries.get().message_id
    approving, writing = at_once(
        lambda: approvals.approve(approval=waiting, by=colleague),
        lambda: approvals.ask(case=case, text="At one, sorry.", by=agent, seen=seen),
    )
    if approving == "done":
        assert isinstance(writing, approvals.ApprovedMeanwhile)
        assert sent() == ["It comes at noon."]
    else:
        assert isinstance(approving, approvals.AnotherDraft)
        assert writing == "done"
        assert sent() == []


# --- the pages


def page(name, *args):
    return reverse(f"cases:{name}", args=args)


def test_the_pane_says_that_it_waits_and_its_author_withdraws_there(module, case, agent, as_user):
    client = as_user(agent)
    answer = client.post(page("reply", case.pk), {"text": "It comes at noon."}, headers={"HX-Request": "true"})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Your reply waits for approval: you are not certified for @skylark on Chirp yet." in html
    assert "Nothing has been sent." in html
    withdraw = page("approval_withdraw", case.pk, Approval.objects.get().pk)
    assert withdraw in html
    back = client.post(withdraw, headers={"HX-Request": "true"}).content.decode()
    assert "It comes at noon.</textarea>" in back


def test_before_that_the_composer_says_so_and_where_to_pass(module, case, agent, as_user):
    html = as_user(agent).get(page("pane", case.pk)).content.decode()
    assert "what you write here waits for approval" in html
    assert f"/certification/{module.pk}/" in html


def test_an_approver_decides_from_the_list(waiting, case, colleague, as_user):
    client = as_user(colleague)
    html = client.get(page("approvals")).content.decode()
    assert "It comes at noon." in html
    assert "My train is late again" in html
    shown = client.get(page("approval", waiting.pk)).context["columns"]
    form = shown[0][1]
    sending = {f"d{waiting.pk}-{name}": form[name].value() for name in ("text", "seen", "beside")}
    assert client.post(page("approval_approve", waiting.pk), sending).status_code == 302
    assert sent() == ["It comes at noon."]
    assert "Nothing waits for you." in client.get(page("approvals")).content.decode()
    assert "approved by Ben Okafor" in client.get(page("case", case.pk)).content.decode()


def test_a_refusal_shows_what_came_since_and_the_same_press_goes_on(waiting, case, colleague, as_user):
    client, url = as_user(colleague), page("approval_approve", waiting.pk)
    form = client.get(page("approval", waiting.pk)).context["columns"][0][1]
    sending = {f"d{waiting.pk}-{name}": form[name].value() for name in ("text", "seen", "beside")}
    customer_writes(case, "I took a taxi.")
    refused = client.post(url, sending | {f"d{waiting.pk}-text": "My own words."})
    assert refused.status_code == 422
    assert "I took a taxi." in refused.content.decode()
    form = refused.context["columns"][0][1]
    assert form["text"].value() == "My own words."
    again = {f"d{waiting.pk}-{name}": form[name].value() for name in ("text", "seen", "beside")}
    assert client.post(url, again).status_code == 302
    assert sent() == ["My own words."]


def test_drafts_of_one_case_stand_side_by_side_and_one_is_chosen(waiting, rival, colleague, as_user):
    client = as_user(colleague)
    columns = client.get(page("approval", rival.pk)).context["columns"]
    assert [draft for draft, _form in columns] == [waiting, rival]
    form = columns[0][1]
    sending = {f"d{waiting.pk}-{name}": form[name].value() for name in ("text", "seen", "beside")}
    client.post(page("approval_approve", waiting.pk), {**sending, "others": "reject"})
    assert (fresh(waiting).state, fresh(rival).state) == ("sent", "rejected")


def test_a_rejection_says_what_to_change_and_keeps_it_where_it_is_refused(waiting, colleague, as_user):
    client, url = as_user(colleague), page("approval_reject", waiting.pk)
    assert client.post(url, {}).status_code == 422
    assert client.post(url, {f"d{waiting.pk}-reason": "Which train?"}).status_code == 302
    assert fresh(waiting).reason == "Which train?"


def test_the_author_sees_it_under_mine_and_cannot_decide(waiting, agent, as_user):
    client = as_user(agent)
    assert client.get(page("approvals")).context["page"].rows == []
    assert client.get(page("approvals") + "?mine").context["page"].rows == [waiting]
    assert page("approval_approve", waiting.pk) not in client.get(page("approval", waiting.pk)).content.decode()


def test_the_rail_counts_what_one_may_decide(waiting, agent, colleague, as_user):
    assert ">1<" in as_user(colleague).get(page("approvals_count")).content.decode()
    assert ">1<" not in as_user(agent).get(page("approvals_count")).content.decode()


def test_the_number_in_the_rail_is_live_for_who_may_decide(
    module, case, agent, colleague, stranger, django_capture_on_commit_callbacks
):
    streams = {person: f"user:{person.pk}" for person in (agent, colleague, stranger)}
    for stream in streams.values():
        live.follow(stream, 0)
    with django_capture_on_commit_callbacks(execute=True):
        waits = approvals.ask(case=case, text="Noon.", by=agent)
    told = LiveEvent.objects.filter(kind="approvals")
    assert [event.stream for event in told] == [streams[colleague]]
    with django_capture_on_commit_callbacks(execute=True):
        approvals.withdraw(approval=waits, by=agent)
    assert told.all().count() == 2


@pytest.mark.parametrize("other", ["seen", "beside"])
@pytest.mark.parametrize("value", ["", "x", "9" * 40, "-1,,;", "\x00"])
def test_a_form_somebody_tampered_with_is_never_an_error(waiting, colleague, as_user, other, value):
    sending = {f"d{waiting.pk}-text": "Noon.", f"d{waiting.pk}-{other}": value}
    answer = as_user(colleague).post(page("approval_approve", waiting.pk), sending)
    assert answer.status_code in (302, 422)


def test_the_list_costs_the_same_with_one_row_and_with_twenty(module, channel, colleague, as_user):
    client, costs = as_user(colleague), []
    for number in (1, 19):
        for _ in range(number):
            factories.ApprovalFactory(case=factories.CaseFactory(channel=channel))
        for address in (page("approvals"), page("approval", Approval.objects.latest("pk").pk)):
            client.get(address)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            costs.append(len(queries))
    assert costs[:2] == costs[2:]
    assert costs[0] <= 8


def test_the_list_is_paged_with_the_longest_wait_first(module, channel, colleague, as_user):
    made = [factories.ApprovalFactory(case=factories.CaseFactory(channel=channel)) for _ in range(21)]
    first = as_user(colleague).get(page("approvals")).context["page"]
    assert first.rows == made[:20]
    second = as_user(colleague).get(f"{page('approvals')}?{first.next_query}").context["page"]
    assert second.rows == made[20:]
