"""Whom a note names."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import mentions, replies
from crm.models import Notice
from tests import factories

pytestmark = pytest.mark.django_db


def told():
    return sorted(Notice.objects.values_list("user__username", "kind"))


def note(case, text, by):
    return replies.note(case=case, text=text, by=by)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ben please look", ["ben"]),
        ("Ask @Ben, @travel-care.", ["ben", "travel-care"]),
        ("(@ben) and @ben again", ["ben"]),
        ("write to ben@skylark.example", []),
        ("@@ben or a@ben", []),
        ("@ alone", []),
        ("Zug @jürgen.o'hara", ["jürgen.o"]),
        ("", []),
    ],
)
def test_a_name_stands_after_an_at_sign_at_the_beginning_of_a_word(text, names):
    assert mentions.names_in(text) == names


def test_who_is_named_hears_of_it_and_who_wrote_it_does_not(case, agent, colleague):
    note(case, "@BEN, you know this one. @ana", agent)
    assert told() == [("ben", "mention")]
    notice = Notice.objects.get()
    assert notice.text == f"Ana Ruiz mentions you in a note to case #{case.pk}."
    assert (notice.url, notice.by) == (case.get_absolute_url(), agent)


def test_a_team_is_named_by_its_name_in_small_letters(case, agent, colleague, stranger):
    note(case, "@travel-care who has time?", agent)
    assert told() == [("ben", "mention")]
    assert "mentions your team" in Notice.objects.get().text


def test_who_is_named_twice_is_told_once(case, agent, colleague):
    note(case, "@ben and all of @travel-care", agent)
    assert told() == [("ben", "mention")]


def test_who_may_not_see_the_case_is_not_told_and_the_writer_is(case, agent, stranger, as_user):
    page = as_user(agent).post(f"/cases/{case.pk}/note/", {"text": "@stu can you help?"}, follow=True)
    assert told() == []
    assert "Stu Else cannot see this case." in page.content.decode()


def test_nobody_of_a_team_that_may_not_see_it_is_told(case, agent, stranger):
    team = stranger.teams.get()
    written = note(case, f"@{mentions.slug(team)}?", agent)
    assert told() == []
    assert mentions.of(case, written.text).blind() == [f"Nobody of {team} can see this case."]


def test_somebody_of_another_team_who_has_the_case_may_see_it(case, agent, stranger):
    type(case).objects.update(owner=stranger, state="open")
    note(type(case).objects.get(), "@stu?", agent)
    assert told() == [("stu", "mention")]


def test_who_has_left_and_who_never_was_are_text(case, agent, colleague):
    colleague.is_active = False
    colleague.save()
    written = note(case, "@ben @nobody", agent)
    assert told() == []
    assert mentions.of(case, written.text).blind() == []


def test_a_notice_repeats_no_word_of_the_note(case, agent, colleague):
    note(case, "@ben the customer says zq7x", agent)
    assert "zq7x" not in Notice.objects.get().text


def test_a_name_is_marked_in_the_note_and_addresses_stay_links(case, agent, as_user):
    note(case, "@ben see https://x.example/@ben <b>", agent)
    page = as_user(agent).get(f"/cases/{case.pk}/").content.decode()
    assert '<mark class="mention">@ben</mark> see <a href="https://x.example/@ben"' in page
    assert "&lt;b&gt;" in page


def test_a_customers_words_mark_nobody(channel, agent, as_user):
    case = factories.CaseFactory(channel=channel, message="@ben where is my bag")
    assert '<mark class="mention">' not in as_user(agent).get(f"/cases/{case.pk}/").content.decode()


def test_those_are_offered_who_see_the_case(case, agent, colleague, lead, stranger, as_user):
    page = as_user(agent).get(f"/cases/{case.pk}/mentionable/").content.decode()
    assert {"ana", "ben", "lea", "travel-care"} == {part.split('"')[0] for part in page.split('data-name="')[1:]}


def test_naming_many_costs_what_naming_one_costs(case, agent):
    def cost(n):
        people = [factories.UserFactory(teams=[case.team]) for _ in range(n)]
        with CaptureQueriesContext(connection) as captured:
            note(case, f"@travel-care {' '.join(f'@{person.username}' for person in people)}", agent)
        return len(captured)

    cost(1)
    assert cost(1) == cost(15)
