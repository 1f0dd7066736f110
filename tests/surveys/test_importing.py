"""Answers that another survey tool asked for: brought, looked at, kept as waves that are over, and taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import merging
from crm.models import Import, ImportChange
from crm.privacy import asking, working
from surveys import themes
from surveys.models import Answer, Invitation, Response, Survey, Theme, Wave
from tests import factories
from tests.crm.imported import as_csv, bring, check, counts, errors, load, start, undo

pytestmark = pytest.mark.django_db
SPRING = "Spring 2025"


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def people(lead):
    """Ann, Bo and Cy, as the customer system knows them: C-1, C-2, C-3."""
    names = ("Ann Mercer", "Bo Lindqvist", "Cy Haddad")
    return [person(f"C-{n}", name) for n, name in enumerate(names, 1)]


def person(number, name):
    customer = factories.CustomerFactory(name=name, known_at=timezone.now())
    factories.IdentityFactory(customer=customer, kind="external", place="crm", value=number, handle=number)
    address = f"{name.split()[0].lower()}@example.com"
    factories.IdentityFactory(customer=customer, kind="email", place="", value=address, handle=address)
    return customer


def row(number=1, **facts):
    said = {"id": f"R-{number}", "customer": f"C-{number}", "wave": SPRING, "asked_at": "2025-03-04T09:00:00Z"}
    return said | {"answered_at": "2025-03-05T18:20:00Z", "score": "9", "comment": "The guard found my cello."} | facts


def responses(*rows, **facts):
    return load(as_csv(rows), what="responses", **facts)


def everything():
    tables = (Survey, Wave, Invitation, Response, Answer, Theme)
    return [list(table.objects.order_by("pk").values()) for table in tables]


# --- what comes of a file


def test_a_file_becomes_a_wave_that_is_over(people):
    run = responses(row(1), row(2, score="6", comment="Late."), row(3, answered_at="", score="", comment=""))
    assert counts(run) == (3, 0, 0, 0), errors(run)
    wave = Wave.objects.get()
    assert (wave.name, wave.state, wave.imported) == (SPRING, "closed", True)
    assert wave.opens_at == datetime(2025, 3, 4, 9, tzinfo=UTC)
    assert wave.closes_at > datetime(2025, 3, 5, 18, 20, tzinfo=UTC)
    ann, bo, cy = Invitation.objects.order_by("customer")
    assert [each.customer for each in (ann, bo, cy)] == people
    assert {each.by for each in (ann, bo, cy)} == {"elsewhere"}
    assert [each.state for each in (ann, bo, cy)] == ["answered", "answered", "expired"]
    assert ann.sent_at == wave.opens_at
    assert list(Response.objects.order_by("score").values_list("score", "group")) == [(6, "detractor"), (9, "promoter")]
    assert ann.response.finished_at == datetime(2025, 3, 5, 18, 20, tzinfo=UTC)
    assert {answer.question.key: answer.value for answer in ann.response.answers.all()} == {
        "nps": 9, "why": "The guard found my cello.",
    }  # fmt: skip
    assert not Response.objects.filter(invitation=cy).exists()


def test_the_survey_it_stands_under_is_not_asked_here(people):
    responses(row(1))
    survey = Survey.objects.get()
    assert survey not in Survey.objects.in_use()
    assert not survey.versions.drafts().exists()
    responses(row(2, wave="Autumn 2025"))
    assert Wave.objects.values("version").distinct().count() == 1


def test_a_wave_is_as_long_as_all_that_was_asked_in_it_over_however_many_files(people):
    responses(row(1, asked_at="2025-03-10T09:00:00Z", answered_at="2025-03-11T09:00:00Z"))
    responses(row(2, asked_at="2025-03-04T09:00:00Z", answered_at="2025-03-20T09:00:00Z"))
    wave = Wave.objects.get()
    assert (wave.opens_at.day, wave.closes_at.day) == (4, 20)


def test_who_it_was_is_known_by_an_address_too(people):
    run = responses({"id": "1", "email": "Bo@Example.com", "wave": SPRING, "answered_at": "2025-03-05", "nps": "7"})
    assert counts(run) == (1, 0, 0, 0), errors(run)
    assert Response.objects.get().invitation.customer == people[1]


def test_columns_are_known_by_the_names_other_tools_give_them(people):
    head = "Respondent ID,Email Address,Campaign,Date Sent,Submitted At,Likelihood to recommend,Verbatim,Locale,Device"
    cells = "88,ann@example.com,Spring 2025,2025-03-04,2025-03-05,10,Lovely,en,Phone"
    run = load(f"{head}\n{cells}\n", what="responses", source="tool")
    assert counts(run) == (1, 0, 0, 0), errors(run)
    assert Response.objects.get().score == 10
    assert Answer.objects.verbatims().get().text == "Lovely"


def test_without_a_column_for_it_the_file_names_the_wave(people):
    told = row(1)
    del told["wave"]
    responses(told, name="Autumn 2024.csv")
    assert Wave.objects.get().name == "Autumn 2024"


def test_who_was_asked_elsewhere_may_be_quoted_only_with_a_yes(people):
    responses(row(1, quotable="yes"), row(2, quotable="no"), row(3))
    assert Response.objects.get(quotable_at__isnull=False).invitation.customer == people[0]


def test_a_date_alone_is_not_before_the_hour_in_which_they_were_asked(people):
    run = responses(row(1, asked_at="2025-03-04T09:00:00Z", answered_at="2025-03-04"))
    assert counts(run) == (1, 0, 0, 0), errors(run)


# --- again


def test_the_same_file_again_changes_nothing(people):
    rows = [row(1), row(2), row(3, answered_at="", score="", comment="")]
    responses(*rows)
    before = everything()
    assert counts(responses(*rows)) == (0, 0, 3, 0)
    assert everything() == before


def test_what_was_mended_in_the_file_is_changed_and_who_has_answered_since_is_answered(people):
    responses(row(1), row(2, answered_at="", score="", comment=""))
    run = responses(row(1, score="3"), row(2, score="8", comment="Fine."))
    assert counts(run) == (0, 2, 0, 0), errors(run)
    assert list(Response.objects.order_by("invitation__customer").values_list("score", flat=True)) == [3, 8]
    assert Answer.objects.get(response__invitation__customer=people[0], number=3)
    assert Invitation.objects.filter(state="answered").count() == 2


def test_after_a_merge_the_same_file_is_still_as_it_was(people, lead):
    rows = [row(1), row(2)]
    responses(*rows)
    merging.merge(survivor=people[0], absorbed=people[1], by=lead, reason="Same")
    before = everything()
    assert counts(responses(*rows)) == (0, 0, 2, 0)
    assert everything() == before


# --- refused


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"score": "11"}, "“11” is not a whole number from 0 to 10"),
        ({"score": "8.5"}, "not a whole number from 0 to 10"),
        ({"score": "-1"}, "not a whole number from 0 to 10"),
        ({"comment": "x" * 4001}, "longer than 4000 characters"),
        ({"customer": ""}, "Say who was asked"),
        ({"customer": "C-9"}, "There is no customer C-9 in crm"),
        ({"customer": "", "email": "nobody@example.com"}, "Nobody we know has the address nobody@example.com"),
        ({"asked_at": "", "answered_at": ""}, "Say when they were asked"),
        ({"answered_at": "2025-03-01"}, "cannot have answered before they were asked"),
        ({"asked_at": "", "answered_at": "2199-01-01"}, "is still to come"),
        ({"quotable": "perhaps"}, "neither yes nor no"),
        ({"asked_at": "03/04/2025"}, "may be"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_refused_with_the_reason_and_the_others_go_in(people, facts, said):
    run = responses(row(1) | facts, row(2))
    assert counts(run) == (1, 0, 0, 1)
    assert said in errors(run)[1]
    assert Response.objects.get().invitation.customer == people[1]


def test_a_wave_we_asked_ourselves_is_not_added_to(people):
    factories.WaveFactory(name=SPRING)
    run = responses(row(1))
    assert errors(run) == {
        1: f"We asked the wave “{SPRING}” ourselves; what came in elsewhere needs a name of its own."
    }
    assert not Response.objects.exists()


def test_a_wave_of_another_tool_is_not_added_to(people):
    responses(row(1))
    told = {"id": "1", "email": "bo@example.com", "wave": SPRING, "answered_at": "2025-03-05", "score": "7"}
    assert "asked in another system" in errors(responses(told, source="tool"))[1]


def test_nobody_answers_twice_in_one_wave(people):
    run = responses(row(1), row(1, id="R-77", score="2"))
    assert counts(run) == (1, 0, 0, 1)
    assert errors(run)[2] == f"Ann Mercer stands in the wave “{SPRING}” already, under another id."


def test_an_id_is_one_persons_answer_in_one_wave(people):
    responses(row(1))
    run = responses(row(2, id="R-1"), row(1, wave="Autumn 2025"))
    assert [said.startswith("This id is an answer of Ann Mercer") for said in errors(run).values()] == [True, True]
    assert Wave.objects.count() == 1


def test_who_was_erased_is_not_brought_back(people, lead):
    responses(row(1), row(2))
    request = asking.ask_for_erasure(customer=people[0], confirmed=str(people[0].pk), reason="person", by=lead)
    working.work(request.pk)
    assert not ImportChange.objects.filter(
        after__text="The guard found my cello.", row=Answer.objects.first().pk
    ).exists()
    assert counts(responses(row(1), row(2))) == (0, 0, 1, 1)
    assert not Answer.objects.filter(response__invitation__customer=people[0]).exclude(text="").exists()


# --- looked at first, and taken back


def test_a_check_says_what_would_come_of_it_and_writes_nothing(people):
    run = check(bring(as_csv([row(1), row(2, score="11")]), what="responses"))
    assert counts(run) == (1, 0, 0, 1)
    assert everything() == [[], [], [], [], [], []]
    assert counts(start(run)) == (1, 0, 0, 1)


def test_an_undo_takes_back_all_of_it_with_what_hark_made_of_the_comments(people):
    run = responses(row(1), row(2))
    assert themes.catch_up() == 2
    factories.FlagFactory(response=Response.objects.first())
    undo(run)
    assert (run.state, run.trouble) == ("undone", "")
    assert not Wave.objects.exists()
    assert not Answer.objects.exists()
    assert not Theme.objects.exists()


def test_an_undo_puts_back_what_a_second_file_changed(people):
    responses(row(1))
    before = everything()
    second = responses(row(1, score="2", answered_at="2025-04-01"), row(2))
    undo(second)
    assert second.trouble == ""
    assert everything() == before


def test_an_undo_is_refused_where_a_plan_was_made_of_a_comment(people):
    run = responses(row(1))
    factories.PlanAnswerFactory(answer=Answer.objects.verbatims().get())
    before = everything()
    undo(run)
    assert run.state == "done"
    assert run.trouble == "Nothing was undone, since more builds on this import by now: 1 comment behind a plan."
    assert everything() == before


def test_an_undo_is_refused_where_a_person_decided_on_a_theme(people, lead):
    run = responses(row(1))
    factories.ThemeFactory(answer=Answer.objects.verbatims().get(), decided_by=lead, decided_at=timezone.now())
    undo(run)
    assert run.trouble.endswith(": 1 theme.")


# --- beside it


def test_a_batch_of_twenty_asks_no_more_than_a_batch_of_one(people):
    def asked(rows):
        with CaptureQueriesContext(connection) as queries:
            assert counts(responses(*rows))[3] == 0
        return len(queries)

    many = [row(n) for n in range(4, 24)]
    for n in range(4, 24):
        person(f"C-{n}", f"P{n} Q{n}")
    responses(row(1))
    one = asked([row(2)])
    assert asked(many) <= one + 2


def test_in_a_terminal(people, tmp_path, lead):
    path = tmp_path / "spring.csv"
    path.write_text(as_csv([row(1), row(2)]))
    call_command("import_records", str(path), "--what", "responses", "--source", "crm", "--dry-run", stdout=StringIO())
    assert not Import.objects.exists()
    assert not Response.objects.exists()
    call_command("import_records", str(path), "--what", "responses", "--source", "crm", stdout=StringIO())
    assert Response.objects.count() == 2


def test_the_screens_know_the_kind(people, as_user, lead):
    run = bring(as_csv([row(1)]), what="responses")
    shown = as_user(lead).get(f"/imports/{run.pk}/columns/")
    assert shown.status_code == 200
    assert "May be quoted" in shown.content.decode()


def test_who_was_asked_elsewhere_lately_was_asked(people):
    """For the rest of a person, and for the year: what sampling looks at is when they were sent something."""
    lately = (timezone.now() - timedelta(days=20)).isoformat()
    responses(row(1, asked_at=lately, answered_at="", score="", comment=""))
    assert Invitation.objects.left().get().customer == people[0]
