"""A colleague who knows: a group is asked inside a case, answers there, and the asker keeps the case."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from cases import assignment, questions, replies
from cases.models import Case, GroupQuestion
from crm import hours
from crm.models import Activity, Notice
from tests import factories

NOW = timezone.now()


def fresh(row):
    return type(row).objects.get(pk=row.pk)


@pytest.fixture
def uri(db):
    return factories.UserFactory(role="support", first_name="Uri", last_name="Katz")


@pytest.fixture
def billing(uri):
    return factories.SupportGroupFactory(name="Billing", members=[uri])


@pytest.fixture
def mine(case, agent):
    return assignment.take(case=case, by=agent)


def ask(case, group, by, text="Was it charged twice?"):
    return questions.ask(case=case, group=group, text=text, by=by)


def told(user):
    return list(Notice.objects.filter(user=user).order_by("id").values_list("kind", "text", "url"))


@pytest.mark.django_db
def test_the_group_is_told_and_the_asker_keeps_the_case(mine, billing, agent, uri):
    asked = ask(mine, billing, agent)
    assert (fresh(mine).owner, fresh(mine).state) == (agent, "open")
    assert told(uri) == [("asked", f"Ana Ruiz asks Billing in case #{mine.pk}.", f"/asked/{asked.pk}/")]
    assert Activity.objects.about(mine).order_by("id").last().verb == "question asked"


@pytest.mark.django_db
def test_the_answer_is_due_after_so_many_minutes_of_the_groups_own_hours(mine, billing, agent):
    billing.answer_minutes = 90
    billing.calendar = factories.CalendarFactory()
    billing.save()
    before = timezone.now()
    due = ask(mine, billing, agent).due_at
    assert hours.after(billing.calendar, before, 5400) <= due <= hours.after(billing.calendar, timezone.now(), 5400)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "change", "refusal"),
    [
        (" ", {}, questions.NothingAsked),
        ("Why?", {"closed_at": NOW}, questions.GroupClosed),
    ],
)
def test_what_is_asked_of_nobody_or_without_words_is_refused(mine, billing, agent, text, change, refusal):
    for name, value in change.items():
        setattr(billing, name, value)
    with pytest.raises(refusal):
        ask(mine, billing, agent, text)


@pytest.mark.django_db
def test_a_group_in_which_nobody_is_left_is_not_asked(mine, billing, agent, uri):
    uri.is_active = False
    uri.save()
    with pytest.raises(questions.NobodyInGroup, match="Nobody who still works here is in Billing"):
        ask(mine, billing, agent)


@pytest.mark.django_db
def test_nothing_is_asked_in_a_resolved_case(case, billing, agent):
    with pytest.raises(questions.CaseIsOver):
        ask(factories.resolved(case, agent), billing, agent)


@pytest.mark.django_db
def test_the_answer_stands_in_the_case_and_who_asked_and_who_has_it_are_told(mine, billing, agent, lead, uri):
    asked = ask(mine, billing, lead)
    answered = questions.answer(question=asked, text="Yes, twice.", by=uri)
    assert (answered.answer, answered.answered_by, answered.waits) == ("Yes, twice.", uri, False)
    for person in (agent, lead):
        assert told(person) == [("answer", f"Billing has answered in case #{mine.pk}.", f"/cases/{mine.pk}/")]


@pytest.mark.django_db
def test_only_who_is_a_member_now_answers(mine, billing, agent, uri):
    asked = ask(mine, billing, agent)
    billing.members.clear()
    for person in (uri, agent):
        with pytest.raises(questions.NotInGroup, match=r"Only members of Billing answer what it is asked."):
            questions.answer(question=asked, text="Yes", by=person)


@pytest.mark.django_db
def test_an_empty_answer_is_none_and_a_second_one_is_told_of_the_first(mine, billing, agent, uri):
    asked = ask(mine, billing, agent)
    with pytest.raises(questions.NothingAnswered):
        questions.answer(question=asked, text=" ", by=uri)
    questions.answer(question=asked, text="Yes", by=uri)
    with pytest.raises(questions.AnsweredAlready, match=r"Uri Katz has answered this already."):
        questions.answer(question=asked, text="No", by=uri)
    with pytest.raises(questions.AnsweredAlready):
        questions.withdraw(question=asked, by=agent)
    assert fresh(asked).answer == "Yes"


@pytest.mark.django_db
def test_who_asked_who_has_the_case_or_a_lead_withdraws_it(mine, billing, agent, colleague, lead, uri):
    asked = ask(mine, billing, agent)
    with pytest.raises(questions.NotYourQuestion, match="Only Ana Ruiz, who asked,"):
        questions.withdraw(question=asked, by=colleague)
    questions.withdraw(question=asked, by=lead)
    with pytest.raises(questions.Withdrawn):
        questions.answer(question=asked, text="Yes", by=uri)


@pytest.mark.django_db
def test_the_group_is_reminded_once_of_what_is_overdue(mine, billing, agent, uri):
    late = factories.GroupQuestionFactory(case=mine, group=billing, by=agent, due_at=NOW - timedelta(minutes=1))
    factories.GroupQuestionFactory(case=mine, group=billing, by=agent)
    assert (questions.remind(), questions.remind()) == (1, 0)
    text = f"Ana Ruiz still waits for an answer from Billing in case #{mine.pk}."
    assert told(uri) == [("asked", text, f"/asked/{late.pk}/")]


@pytest.mark.django_db
def test_reminding_costs_the_same_however_many(mine, uri, asked):
    def remind(size):
        for _ in range(size):
            group = factories.SupportGroupFactory(members=[uri])
            factories.GroupQuestionFactory(case=mine, group=group, due_at=NOW)
        return asked(lambda: questions.remind() == size or pytest.fail("not all"))

    assert remind(1) == remind(20) <= 14


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_of_two_who_answer_at_once_one_answer_counts(case, agent, attempt):
    people = [factories.UserFactory(role="support", first_name=f"Person {n}", last_name="") for n in range(2)]
    asked = ask(case, factories.SupportGroupFactory(members=people), agent)
    start = Barrier(2, timeout=60)

    def rush(person):
        start.wait()
        try:
            return questions.answer(question=fresh(asked), text=f"By {person}", by=person).answer
        except questions.AnsweredAlready as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(rush, people))
    winner = fresh(asked).answered_by
    assert sorted(found) == sorted([f"By {winner}", f"{winner} has answered this already."])


# --- the pages of who is asked


def page(client, asked=None, **query):
    return client.get(f"/asked/{asked.pk}/" if asked else "/asked/", query)


@pytest.mark.django_db
def test_what_waits_stands_oldest_due_first_and_what_was_answered_beside_it(mine, billing, agent, uri, as_user):
    due = [NOW + timedelta(hours=n) for n in (3, 1, 2)]
    asked = [factories.GroupQuestionFactory(case=mine, group=billing, by=agent, due_at=at) for at in due]
    factories.GroupQuestionFactory(case=mine, by=agent)  # of another group
    questions.answer(question=asked[0], text="Yes", by=uri)
    client = as_user(uri)
    assert page(client).context["page"].rows == [asked[1], asked[2]]
    assert page(client, show="answered").context["page"].rows == [asked[0]]


@pytest.mark.django_db
def test_a_support_member_begins_the_day_there(uri, as_user):
    response = as_user(uri).get("/", follow=True)
    assert response.redirect_chain[-1][0] == "/asked/"
    assert "You are in no support group." in response.content.decode()


@pytest.mark.django_db
def test_a_member_reads_what_was_said_in_the_case_and_no_note_and_nobody_elses_words(
    mine, billing, agent, uri, as_user
):
    replies.note(case=mine, text="Between us", by=agent)
    factories.MessageFactory(thread=mine.thread, text="I am somebody else")
    text = page(as_user(uri), ask(mine, billing, agent)).content.decode()
    assert "My train is late again and nobody says why." in text
    assert "Was it charged twice?" in text
    for hidden in ("Between us", "I am somebody else", f"/customers/{mine.customer_id}/", f"/cases/{mine.pk}/"):
        assert hidden not in text


@pytest.mark.django_db
def test_who_is_no_member_any_more_finds_nothing(mine, billing, agent, uri, as_user):
    asked = ask(mine, billing, agent)
    client = as_user(uri)
    assert page(client, asked).status_code == 200
    billing.members.clear()
    assert page(client, asked).status_code == 404
    assert client.post(f"/asked/{asked.pk}/", {"text": "Yes"}).status_code == 404
    assert page(client).context["page"].rows == []


@pytest.mark.django_db
def test_answering_leads_back_to_the_list_and_a_refusal_keeps_what_was_typed(mine, billing, agent, uri, as_user):
    asked, client = ask(mine, billing, agent), as_user(uri)
    assert client.post(f"/asked/{asked.pk}/", {"text": " "}).status_code == 422
    assert client.post(f"/asked/{asked.pk}/", {"text": "Yes"})["Location"] == "/asked/"
    refused = client.post(f"/asked/{asked.pk}/", {"text": "No, only once"})
    assert refused.status_code == 422
    assert refused.context["form"]["text"].value() == "No, only once"


@pytest.mark.django_db
def test_the_list_costs_the_same_with_one_question_and_with_twenty(mine, billing, uri, as_user, asked):
    client = as_user(uri)

    def look(size):
        for _ in range(size):
            factories.GroupQuestionFactory(case=mine, group=billing, by=factories.UserFactory())
        return asked(lambda: page(client))

    assert look(1) == look(20) <= 7


@pytest.mark.django_db
def test_a_question_costs_the_same_however_much_was_said(mine, billing, uri, agent, as_user, asked):
    question, client = ask(mine, billing, agent), as_user(uri)

    def look(size):
        for _ in range(size):
            said = factories.MessageFactory(thread=mine.thread, identity=mine.identity)
            mine.entries.create(message=said)
        return asked(lambda: page(client, question))

    assert look(1) == look(20) <= 7


@pytest.mark.django_db
def test_there_is_more_than_one_page_of_them(mine, billing, uri, as_user):
    for n in range(31):
        factories.GroupQuestionFactory(case=mine, group=billing, due_at=NOW + timedelta(minutes=n))
    client = as_user(uri)
    first = page(client)
    rest = client.get(f"/asked/?{first.context['page'].next_query}")
    assert [len(first.context["page"].rows), len(rest.context["page"].rows)] == [30, 1]


# --- groups


@pytest.mark.django_db
def test_a_lead_makes_changes_closes_and_opens_a_group(lead, uri, as_user):
    client = as_user(lead)
    facts = {"name": "Legal", "purpose": "Contracts", "answer_minutes": 480, "members": [uri.pk]}
    assert client.post("/settings/groups/new/", facts)["Location"] == "/settings/groups/"
    group = uri.support_groups.get()
    client.post(f"/settings/groups/{group.pk}/", facts | {"closed": "on"})
    assert fresh(group).closed_at
    assert "closed" in client.get("/settings/groups/").content.decode()
    client.post(f"/settings/groups/{group.pk}/", facts)
    assert fresh(group).closed_at is None


@pytest.mark.django_db
@pytest.mark.parametrize("minutes", ["0", "-1", "86401", "x", ""])
def test_a_group_answers_within_a_time_that_can_be_counted(lead, as_user, minutes):
    response = as_user(lead).post("/settings/groups/new/", {"name": "Legal", "answer_minutes": minutes})
    assert response.status_code == 422


# --- in the case


@pytest.mark.django_db
def test_asking_on_the_screen_and_the_answer_in_the_conversation(mine, billing, agent, uri, as_user):
    client = as_user(agent)
    response = client.post(f"/cases/{mine.pk}/ask/", {"group": billing.pk, "question": "Twice?"}, headers=HTMX)
    assert response.status_code == 200
    asked = GroupQuestion.objects.get()
    questions.answer(question=asked, text="Indeed, twice.", by=uri)
    text = client.get(f"/cases/{mine.pk}/conversation/").content.decode()
    assert "Twice?" in text
    assert "Indeed, twice." in text
    assert "Indeed, twice." in client.get(f"/cases/{mine.pk}/").content.decode().split('id="case-side"')[1]


HTMX = {"HX-Request": "true"}


@pytest.mark.django_db
@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("sent", "sentence"),
    [({"question": "Why so?"}, "Choose the group to ask."), ({"group": "0", "question": "Why so?"}, "valid choice")],
)
def test_a_question_to_nobody_keeps_what_was_typed(mine, billing, agent, as_user, sent, sentence, headers):
    response = as_user(agent).post(f"/cases/{mine.pk}/ask/", sent, headers=headers)
    text = response.content.decode()
    assert response.status_code == 422
    assert sentence in text
    assert "Why so?</textarea>" in text
    assert Case.objects.get(pk=mine.pk).owner == agent


@pytest.mark.django_db
def test_a_question_is_withdrawn_on_the_screen(mine, billing, agent, as_user):
    asked = ask(mine, billing, agent)
    as_user(agent).post(f"/cases/{mine.pk}/ask/{asked.pk}/withdraw/")
    assert fresh(asked).withdrawn_at
