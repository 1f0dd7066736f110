"""Responses one by one: the list, its file, one of them, and whether it counts."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import Activity
from tests import factories
from tests.surveys.figured import answer, wave

pytestmark = pytest.mark.django_db
URL = "/surveys/responses/"


@pytest.fixture
def of(db):
    return wave("Spring", 30)


@pytest.fixture
def executive(db):
    return factories.UserFactory(role="executive")


def listed(client, **query):
    return [response.pk for response in client.get(URL, query).context["page"].rows]


def test_responses_are_listed_the_newest_first(as_user, executive, of):
    old, new = answer(of, 9), answer(wave("Autumn", 2), 3)
    client = as_user(executive)
    assert listed(client) == [new.pk, old.pk]
    assert listed(client, wave=of.pk) == [old.pk]
    assert listed(client, wave="cases") == []


def test_the_list_can_be_narrowed(as_user, lead, of):
    happy, passive, angry = answer(of, 10, country="GB"), answer(of, 7, tier="key"), answer(of, 0, flagged=True)
    client = as_user(lead)
    assert listed(client, group="promoter") == [happy.pk]
    assert listed(client, score=7) == listed(client, tier="key") == [passive.pk]
    assert listed(client, score=0) == listed(client, flag="fast") == listed(client, flag="yes") == [angry.pk]
    assert listed(client, flag="device") == []
    assert listed(client, country="GB") == [happy.pk]
    assert set(listed(client, counted="yes")) == {happy.pk, passive.pk}
    assert listed(client, counted="no") == [angry.pk]
    assert len(listed(client, group="nonsense", score="x")) == 3


def test_who_was_asked_after_a_case_is_listed_with_what_they_chose_on_the_scale(as_user, lead):
    version = factories.VersionFactory(survey__kind="case")
    first = factories.QuestionFactory(version=version, kind="scale", key="satisfied", low=1, high=7)
    second = factories.QuestionFactory(version=version, kind="scale", key="easy", low=1, high=5)
    said = factories.ResponseFactory(invitation__version=version, invitation__wave=None, score=None)
    factories.AnswerFactory(response=said, question=second, number=2, text="")
    factories.AnswerFactory(response=said, question=first, number=6, text="")
    silent = factories.ResponseFactory(invitation__version=version, invitation__wave=None, score=None)
    page = as_user(lead).get(URL)
    assert {row.pk: (row.number, row.most) for row in page.context["page"].rows} == {
        said.pk: (6, 7), silent.pk: (None, None),
    }  # fmt: skip
    assert "of 7" in page.content.decode()
    assert "no number" in page.content.decode()
    one = as_user(lead).get(said.get_absolute_url()).content.decode()
    assert one.count("of 7") == 2  # beside the name, and at the answer


def test_a_long_list_goes_on_where_it_broke_off(as_user, lead, of):
    made = {answer(of, 9).pk for _each in range(53)}
    client = as_user(lead)
    page = client.get(URL).context["page"]
    following = client.get(f"{URL}?{page.next_query}").context["page"]
    assert len(page.rows) == 50
    assert {row.pk for row in [*page.rows, *following.rows]} == made
    assert following.next_query == ""


def test_an_empty_list_says_what_to_do(as_user, lead, of):
    client = as_user(lead)
    assert "Nobody has answered yet." in client.get(URL).content.decode()
    answer(of, 9)
    assert "No response fits this filter." in client.get(URL, {"score": 1}).content.decode()


def test_the_file_holds_what_the_list_holds_and_says_who_took_it(as_user, lead, of):
    shown = answer(of, 3, flagged=True, name="Ann Mercer")
    factories.AnswerFactory(response=shown, question=of.version.questions.get(key="why"), text="=late again")
    answer(of, 9)
    got = as_user(lead).get(f"{URL}export/?group=detractor")
    head, *rows = b"".join(got.streaming_content).decode().splitlines()
    assert head.startswith("\ufeffresponse,customer,name")
    [row] = rows
    assert row.startswith(f"{shown.pk},{shown.invitation.customer_id},Ann Mercer")
    assert "Answered in two seconds" in row
    assert ",=late" not in row  # no formula
    assert Activity.objects.filter(verb="exported").exists()


def test_an_executive_reads_but_takes_no_list_of_people_away(as_user, executive, of):
    assert as_user(executive).get(f"{URL}export/").status_code == 403


def test_one_response_shows_what_was_answered_and_what_came_of_it(as_user, executive, of):
    response = answer(of, 3, name="Ann Mercer")
    said = factories.AnswerFactory(response=response, question=of.version.questions.get(key="why"), text="Late again")
    factories.ThemeFactory(answer=said, topic="support", tone="criticism")
    plan = factories.ActionPlanFactory(title="More trains")
    plan.asked_by.create(answer=said)
    page = as_user(executive).get(response.get_absolute_url()).content.decode()
    for words in ("Ann Mercer", "Late again", "What about nps?", "Support", "More trains", "Detractor"):
        assert words in page
    assert "Leave it out" not in page


def test_words_of_a_customer_are_never_markup(as_user, lead, of):
    response = answer(of, 3)
    factories.AnswerFactory(
        response=response, question=of.version.questions.get(key="why"), text="<script>alert(1)</script>"
    )
    for url in (URL, response.get_absolute_url()):
        assert "<script>alert" not in as_user(lead).get(url).content.decode()


def decide(client, response, deed):
    answered = client.post(f"{URL}{response.pk}/decide/", {"deed": deed})
    response.refresh_from_db()
    return answered


def test_a_flagged_response_can_be_let_in_left_out_and_neither(as_user, lead, of):
    response, client = answer(of, 3, flagged=True), as_user(lead)
    assert "No, until somebody lets it in" in client.get(response.get_absolute_url()).content.decode()
    assert decide(client, response, "let_in").status_code == 302
    assert (response.let_in_by, response.left_out_at) == (lead, None)
    decide(client, response, "leave_out")
    assert (response.left_out_by, response.let_in_at) == (lead, None)
    assert "Lea Brandt left it out" in client.get(response.get_absolute_url()).content.decode()
    decide(client, response, "undecide")
    assert response.left_out_at is response.let_in_at is None


def test_only_leads_decide_and_only_what_can_be_decided(as_user, lead, executive, of):
    response = answer(of, 3, flagged=True)
    assert decide(as_user(executive), response, "let_in").status_code == 403
    assert decide(as_user(lead), response, "burn").status_code == 400
    assert response.let_in_at is None


def test_lists_cost_the_same_with_one_and_twenty(as_user, lead, of):
    def cost(url):
        client = as_user(lead)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    def one():
        response = answer(of, 3, flagged=True)
        said = factories.AnswerFactory(response=response, question=of.version.questions.get(key="why"))
        factories.ThemeFactory(answer=said)
        factories.ActionPlanFactory().asked_by.create(answer=said)
        return response

    first = one()
    urls = (URL, first.get_absolute_url())
    few = [cost(url) for url in urls]
    for _each in range(20):
        one()
        factories.ActionPlanFactory().asked_by.create(answer=first.answers.get(question__key="why"))
    assert [cost(url) for url in urls] == few
