"""The story on the screen: the form, the banner, the promises beside the case, and the page that counts."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from cases import handover, repeats, replies, told_once
from cases.models import Case, Commitment, HandOver
from cases.storytelling import LONGEST, story_so_far
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
NOW = timezone.now()


def url(case, what=""):
    return f"/cases/{case.pk}/{what}"


def fresh(row):
    return type(row).objects.get(pk=row.pk)


@pytest.fixture
def mine(case, agent):
    Case.objects.filter(pk=case.pk).update(owner=agent, state="open")
    return fresh(case)


def sent(to, **more):
    return {"receiver": f"person-{to.pk}", "story": "Late, twice.", "next_step": "Call the depot."} | more


# --- the story, put together


def test_the_story_says_who_what_first_and_last_what_we_said_noted_promised_and_asked(channel, agent):
    customer = factories.CustomerFactory(name="Cleo Vance", known_at=NOW - timedelta(days=400))
    case = factories.CaseFactory(channel=channel, customer=customer, message="My bag is gone.", hand_overs=2)
    replies.reply(case=case, text="Which bag?", by=agent)
    last = factories.MessageFactory(
        thread=case.thread, identity=case.identity, text="A red one. Where is it?", occurred_at=NOW + timedelta(hours=1)
    )
    case.entries.create(message=last)
    replies.note(case=case, text="Rang the depot.\nThey do not know.", by=agent)
    factories.CommitmentFactory(case=case, text="A call back")
    factories.GroupQuestionFactory(case=case, group__name="Depot", text="A red bag?")
    lines = story_so_far(fresh(case)).split("\n")
    expected = [
        "Cleo Vance writes as", "First, ", "Last, ", "We answered once: Ana Ruiz", "Note by Ana Ruiz: Rang the depot.",
        "We promised: A call back, until", "Depot was asked “A red bag?” and has not answered yet.",
        "Still to answer: Where is it?", "This case has been handed over 2 times before.",
    ]  # fmt: skip
    assert [line.startswith(begins) for line, begins in zip(lines, expected, strict=True)] == [True] * 9, lines
    assert "a customer since" in lines[0]
    assert "My bag is gone." in lines[1]
    assert "They do not know" not in "\n".join(lines)


def test_the_story_of_somebody_unknown_says_so_and_that_nobody_has_answered(case):
    story = story_so_far(case)
    assert "known to us by that name alone" in story
    assert "We have not answered yet." in story


def test_the_story_is_never_long_whatever_was_said(channel, agent):
    case = factories.CaseFactory(channel=channel, message="Why? " * 5000)
    for _ in range(4):
        factories.NoteFactory(case=case, text="Long " * 900)
        factories.CommitmentFactory(case=case, text="x" * 500)
        said = factories.MessageFactory(thread=case.thread, identity=case.identity, text="So what? " * 900)
        case.entries.create(message=said)
    assert len(story_so_far(case)) <= LONGEST
    assert story_so_far(case).count("\n") <= 10


def test_the_story_has_no_words_that_were_erased(case):
    said = case.entries.get().message
    said.fall_silent()
    said.save()
    assert "late again and nobody" not in story_so_far(case)


def test_putting_it_together_costs_the_same_however_much_was_said(case, asked):
    found = Case.objects.with_row().get(pk=case.pk)

    def put_together(size):
        for _ in range(size):
            factories.NoteFactory(case=case, by=factories.UserFactory())
            said = factories.MessageFactory(thread=case.thread, identity=case.identity)
            case.entries.create(message=said)
        return asked(lambda: story_so_far(found))

    assert put_together(1) == put_together(20) == 4


# --- handing over on the screen


def test_the_form_is_a_page_of_its_own_with_the_story_and_whom_it_may_go_to(mine, agent, colleague, team, as_user):
    factories.UserFactory(role="sales", first_name="Sam", last_name="Seller")
    page = as_user(agent).get(url(mine, "hand-over/")).content.decode()
    assert "<html" in page
    assert mine.customer.name.replace("'", "&#x27;") in page
    assert f'<option value="person-{colleague.pk}">Ben Okafor</option>' in page
    assert f'<option value="team-{team.pk}">' in page
    assert "Ana Ruiz</option>" not in page
    assert "Sam Seller" not in page


def test_htmx_gets_the_form_alone(mine, agent, as_user):
    text = as_user(agent).get(url(mine, "hand-over/"), headers=HTMX).content.decode()
    assert 'id="hand-over-form"' in text
    assert "<html" not in text


def test_a_plain_form_hands_it_over_and_leads_back(mine, agent, colleague, as_user):
    response = as_user(agent).post(url(mine, "hand-over/"), sent(colleague, promised="A call", until="4h"))
    assert (response.status_code, response["Location"]) == (302, url(mine))
    given = HandOver.objects.get()
    assert (given.to, given.story, given.promised) == (colleague, "Late, twice.", "A call")
    assert timedelta(hours=3, minutes=59) < given.promised_until - given.at <= timedelta(hours=4, minutes=1)


def test_htmx_gets_the_pane_with_who_it_waits_for_and_a_way_back(mine, agent, colleague, as_user):
    response = as_user(agent).post(url(mine, "hand-over/"), sent(colleague), headers=HTMX)
    text = response.content.decode()
    assert 'id="case-pane"' in text
    assert "Handed to Ben Okafor, not accepted yet" in text
    assert f"/hand-over/{HandOver.objects.get().pk}/withdraw/" in text


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"receiver": ""}, "This field is required."),
        ({"receiver": "person-0"}, "Select a valid choice."),
        ({"receiver": "nonsense"}, "Select a valid choice."),
        ({"story": ""}, "This field is required."),
        ({"promised": "A call", "until": "at"}, "Say when, or choose"),
        ({"promised": "A call", "until_at": "soon"}, "Enter a valid date/time."),
    ],
)
def test_what_is_wrong_stands_in_the_form_and_nothing_typed_is_lost(
    mine, agent, colleague, as_user, headers, change, sentence
):
    typed = sent(colleague, next_step="Call the <depot>.") | change
    response = as_user(agent).post(url(mine, "hand-over/"), typed, headers=headers)
    text = response.content.decode()
    assert response.status_code == 422
    assert sentence in text
    assert "Call the &lt;depot&gt;." in text
    assert response.get("HX-Retarget") == ("#hand-over-form" if headers else None)
    assert not HandOver.objects.exists()


def test_a_refusal_stands_in_the_form_too(mine, agent, colleague, lead, as_user):
    handover.hand_over(case=mine, to=lead, story="Late", next_step="Call", by=agent)
    response = as_user(agent).post(url(mine, "hand-over/"), sent(colleague), headers=HTMX)
    assert response.status_code == 422
    assert "This case is being handed to Lea Brandt" in response.content.decode()


def test_when_is_a_natural_choice_on_the_readers_clock(mine, agent, colleague, as_user):
    agent.time_zone = "Asia/Tokyo"
    agent.save()
    as_user(agent).post(url(mine, "hand-over/"), sent(colleague, promised="A call", until="tomorrow"))
    with timezone.override("Asia/Tokyo"):
        until = timezone.localtime(HandOver.objects.get().promised_until)
        assert (until.hour, until.date()) == (12, timezone.localdate() + timedelta(days=1))


def test_hand_over_is_offered_to_who_has_the_case_and_to_leads_and_give_where_nobody_has_it(
    mine, case, agent, colleague, lead, channel, as_user
):
    offered = {
        who: url(mine, "hand-over/") in as_user(who).get(url(mine)).content.decode() for who in (agent, colleague, lead)
    }
    assert list(offered.values()) == [True, False, True]
    free = factories.CaseFactory(channel=channel)
    page = as_user(agent).get(url(free)).content.decode()
    assert url(free, "assign/") in page
    assert url(free, "hand-over/") not in page


# --- the banner, accepting, returning


@pytest.fixture
def given(mine, agent, stranger):
    return handover.hand_over(
        case=mine, to=stranger, story="Late, twice.", next_step="Call the depot.", promised="A call", by=agent
    )


def test_who_gets_it_reads_the_story_and_accepts(given, mine, stranger, as_user):
    client = as_user(stranger)
    page = client.get(url(mine)).content.decode()
    for words in ("Ana Ruiz hands you this case", "Late, twice.", "Call the depot.", "A call"):
        assert words in page
    text = client.post(url(mine, f"hand-over/{given.pk}/accept/"), headers=HTMX).content.decode()
    assert "The story so far" in text  # in the conversation now
    assert "Late, twice." in text
    assert fresh(mine).owner == stranger
    assert "handed over once" in text


def test_returning_another_teams_case_leads_back_to_the_queue(given, mine, agent, stranger, as_user):
    response = as_user(stranger).post(url(mine, f"hand-over/{given.pk}/return/"), {"why": "No time"}, headers=HTMX)
    assert response["HX-Redirect"] == "/queue/"
    page = as_user(agent).get(url(mine)).content.decode()
    assert "Stu Else has returned it: No time" in page


def test_returning_without_a_reason_asks_for_one(given, mine, stranger, as_user):
    response = as_user(stranger).post(url(mine, f"hand-over/{given.pk}/return/"))
    assert response.status_code == 422
    assert "Say why you return it" in response.content.decode()


def test_who_handed_it_over_may_withdraw_it(given, mine, agent, as_user):
    as_user(agent).post(url(mine, f"hand-over/{given.pk}/withdraw/"))
    assert fresh(given).state == "withdrawn"


def test_a_hand_over_of_another_case_is_not_found_here(given, mine, stranger, as_user):
    other = factories.CaseFactory(channel=factories.ChannelFactory(team=stranger.teams.get()))
    assert as_user(stranger).post(url(other, f"hand-over/{given.pk}/accept/")).status_code == 404


def test_what_is_handed_to_me_is_a_view_of_the_queue(given, mine, stranger, agent, as_user):
    client = as_user(stranger)
    page = client.get("/queue/?handed=me&state=unresolved")
    assert [case.pk for case in page.context["page"].rows] == [mine.pk]
    assert "Handed to me" in page.content.decode()
    assert as_user(agent).get("/queue/?handed=me&state=unresolved").context["page"].rows == []


# --- promises beside the case, and what was said again


def test_a_promise_is_written_down_kept_and_taken_back_on_the_screen(mine, agent, as_user):
    client = as_user(agent)
    client.post(url(mine, "promised/"), {"promise": "A call <back>", "until": "1h"}, headers=HTMX)
    made = Commitment.objects.get()
    assert "A call &lt;back&gt;" in client.get(url(mine)).content.decode()
    text = client.post(url(mine, f"promised/{made.pk}/keep/"), headers=HTMX).content.decode()
    assert f"/promised/{made.pk}/undo/" in text
    client.post(url(mine, f"promised/{made.pk}/undo/"))
    assert fresh(made).stands
    client.post(url(mine, f"promised/{made.pk}/drop/"), {"why": "Found it"})
    assert fresh(made).why == "Found it"


def test_a_promise_that_cannot_be_kept_as_typed_keeps_what_was_typed(mine, agent, as_user):
    client = as_user(agent)
    response = client.post(url(mine, "promised/"), {"promise": "A call", "until": "at"}, headers=HTMX)
    assert response.status_code == 422
    assert "A call</textarea>" in response.content.decode()
    assert "Write what we promised" in client.post(url(mine, "promised/"), {}).content.decode()


@pytest.mark.parametrize(
    ("until", "word"), [(timedelta(hours=-1), "Overdue"), (timedelta(minutes=30), "At risk"), (timedelta(days=1), "")]
)
def test_what_is_late_or_will_be_says_so(mine, agent, as_user, until, word):
    now = timezone.now()
    factories.CommitmentFactory(case=mine, at=now - timedelta(hours=9), until=now + until)
    side = as_user(agent).get(url(mine)).content.decode().split('id="story-promised"')[1].split("</section>")[0]
    assert [said in side for said in ("Overdue", "At risk")] == [word == "Overdue", word == "At risk"]


def test_had_to_say_it_again_is_marked_at_the_message_and_counted_at_the_case(mine, agent, as_user):
    client, message = as_user(agent), mine.entries.get().message
    text = client.post(url(mine, f"repeated/{message.pk}/"), headers=HTMX).content.decode()
    assert 'aria-pressed="true"' in text
    assert 'id="conversation"' in text
    assert "had to repeat it once" in client.get(url(mine)).content.decode()
    assert client.post(url(mine, f"repeated/{message.pk}/"))["Location"] == url(mine)
    assert fresh(mine).repeats == 0


# --- told once


def test_the_figures_of_a_week_are_about_the_cases_opened_in_it(channel, agent, colleague, stranger):
    fortnight = NOW - timedelta(days=14)
    ours = [factories.CaseFactory(channel=channel, owner=agent, state="open", opened_at=fortnight) for _ in range(4)]
    factories.CaseFactory(channel=channel, opened_at=NOW - timedelta(weeks=13))
    elsewhere = factories.CaseFactory(channel=factories.ChannelFactory(team=stranger.teams.get()))
    given = handover.hand_over(case=ours[0], to=colleague, story="x", next_step="y", by=agent)
    handover.accept(handover=given, by=colleague)
    given = handover.hand_over(case=ours[1], to=colleague, story="x", next_step="y", by=agent)
    handover.give_back(handover=given, why="No", by=colleague)
    repeats.mark(case=ours[2], message=ours[2].entries.get().message, by=agent)
    factories.CommitmentFactory(case=ours[0], kept_at=NOW)
    factories.CommitmentFactory(case=ours[0], dropped_at=NOW, why="No")
    factories.CommitmentFactory(case=ours[1], until=NOW - timedelta(minutes=1))
    factories.CommitmentFactory(case=ours[1])
    told = told_once.told_once(NOW)
    monday = (fortnight - timedelta(days=fortnight.weekday())).date()
    here = told_once.Figures(cases=4, handed=1, returned=1, repeats=1, promised=4, kept=1, dropped=1, overdue=1)
    assert dict(told.weeks)[monday] == here
    assert here.handed_per_case == 0.25
    assert dict(told.teams) == {channel.team.name: here, elsewhere.team.name: told_once.Figures(cases=1)}
    assert told.whole.cases == 5
    assert len(told.weeks) == 12
    assert told_once.Figures().handed_per_case is None


def test_a_week_begins_on_the_readers_monday(channel):
    late = NOW - timedelta(days=14 + NOW.weekday())
    sunday = late.replace(hour=20, minute=0) - timedelta(days=1)  # in Tokyo it is Monday already
    factories.CaseFactory(channel=channel, opened_at=sunday)
    found = {}
    for zone in ("UTC", "Asia/Tokyo"):
        with timezone.override(zone):
            ((found[zone], _team),) = told_once.told_once(NOW).cells
    assert found["Asia/Tokyo"] - found["UTC"] == timedelta(days=7)


def test_the_page_and_the_file_say_the_same(mine, lead, as_user):
    client = as_user(lead)
    page = client.get("/story/").content.decode()
    assert "in the time zone UTC; 1 case in all." in page
    file = b"".join(client.get("/story/export/").streaming_content).decode().lstrip("\ufeff")
    (line,) = csv.DictReader(io.StringIO(file))
    assert (line["team"], line["cases opened"], line["time zone"]) == ("Travel care", "1", "UTC")


def test_the_page_costs_the_same_however_many_cases(lead, as_user, asked):
    client = as_user(lead)

    def look(size):
        for _ in range(size):
            factories.CaseFactory(channel=factories.ChannelFactory())
        return asked(lambda: client.get("/story/"))

    assert look(1) == look(20) <= 7


# --- what it costs


def fill(case, by, size):
    for _ in range(size):
        who = factories.UserFactory(teams=[case.team])
        done = {"state": "accepted", "decided_at": NOW, "decided_by": who}
        factories.HandOverFactory(case=case, by=by, to=who, **done)
        factories.CommitmentFactory(case=case, by=who, kept_at=NOW, ended_by=who)
        factories.CommitmentFactory(case=case, by=who)
        group = factories.SupportGroupFactory(members=[who])
        factories.GroupQuestionFactory(case=case, by=by, group=group)
        factories.GroupQuestionFactory(case=case, group=group, answer="Yes", answered_by=who, answered_at=NOW)
        said = factories.MessageFactory(thread=case.thread, identity=case.identity)
        case.entries.create(message=said, repeated_at=NOW, repeated_by=who)


@pytest.mark.parametrize("page", ["", "pane/", "conversation/", "hand-over/"])
def test_a_case_costs_the_same_however_long_its_story(mine, agent, as_user, asked, page):
    client = as_user(agent)

    def look(size):
        fill(mine, agent, size)
        return asked(lambda: client.get(url(mine, page)))

    assert look(1) == look(20)
