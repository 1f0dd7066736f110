"""Likely causes: told by what was said, with why, learned from resolved cases; and whether they help."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from cases import causes, conversation, resolution
from cases.likely import learning, measuring, signs, suggesting, taken, weighing
from cases.likely.weighing import Counts, Reason
from cases.models import Case, CauseSign, CauseSuggestion
from channels_app.models import Message
from tests import factories

pytestmark = pytest.mark.django_db

NOTHING = Counts()


@pytest.fixture
def command():
    """`command(name, …)`: the figures it ends with."""

    def run(name, *arguments):
        out = io.StringIO()
        call_command(name, *arguments, "--json", stdout=out)
        return json.loads(out.getvalue().splitlines()[-1])

    return run


# --- signs of a text


@pytest.mark.parametrize(
    "words",
    ["delay delays delayed delaying", "cancel cancels cancelled canceled", "charge charges charged", "miss missed"],
)
def test_one_word_in_several_endings_is_one_sign(words):
    assert len(signs.of_text(words)) == 1


def test_handles_links_numbers_and_short_words_are_no_signs():
    assert signs.of_text("@skylark.care my ABC123 is at https://sky.example/lost 2 of us") == {}


def test_what_it_is_about_is_a_sign_where_it_was_read():
    assert signs.of_case(["Hm"], "price") == {"=topic:price": "Price"}
    assert signs.of_case(["Hm"], "none") == signs.of_case(["Hm"]) == {}


@pytest.mark.parametrize("text", ["", "🙃", "\x00", "ﷺ" * 50_000, "a" * 100_000, "שלום " * 9, "'’--"])
def test_any_text_has_at_most_forty_signs_of_thirty_letters(text):
    found = signs.of_case([text, text])
    assert len(found) <= signs.MOST
    assert all(0 < len(sign) <= 30 for sign in found)


# --- weighing


def ranked(text, names, counts=NOTHING, topic=""):
    likely = weighing.weigh(signs.of_case([text], topic), counts, weighing.names(names, {"refund": "price"}))
    return [each.cause for each in likely]


NAMES = {1: "On the way › Delay", 2: "Money › Refund late", 3: "Baggage › Lost or late"}


def test_before_anything_is_resolved_the_words_of_a_name_speak_for_it():
    assert ranked("My train is delayed", NAMES) == [1]
    assert ranked("Where is my refund?", NAMES) == [2]
    assert ranked("Where is my baggage?", NAMES) == [3]  # what it stands under


def test_a_word_that_several_names_have_tells_none_of_them():
    assert ranked("You are late", NAMES) == []


def test_the_topic_that_a_name_speaks_of_speaks_for_it():
    assert ranked("This is a lot", NAMES, topic="price") == [2]


def test_nothing_is_suggested_for_which_nothing_speaks():
    assert ranked("Hello?", NAMES, Counts({1: 90, 2: 5, 3: 5})) == []


def test_what_cases_were_resolved_with_counts_more_the_more_there_are():
    names = {1: "One", 2: "Two"}
    few, many = ({"gate": {1: 2 * n, 2: n}, "belt": {2: 3 * n}} for n in (1, 20))
    for counted, n in ((few, 1), (many, 20)):
        likely = weighing.weigh({"belt": "belt"}, Counts({1: 10 * n, 2: 10 * n}, counted), weighing.names(names, {}))
        assert likely[0].cause == 2
        assert likely[0].reasons == (Reason("belt", 3 * n, 3 * n),)


def test_at_most_three_are_suggested_the_likeliest_first():
    names = {pk: f"Cause {pk}" for pk in range(1, 9)}
    counts = Counts(dict.fromkeys(names, 10), {"bag": {8: 10, 7: 9, 6: 8, 5: 7}})
    likely = weighing.weigh({"bag": "bags"}, counts, weighing.names(names, {}))
    assert [each.cause for each in likely] == [8, 7, 6]
    assert weighing.rank_of(7, likely) == 2
    assert weighing.rank_of(1, likely) == 0


# --- learning


@pytest.fixture
def bag():
    return factories.CauseFactory(name="On the belt")


@pytest.fixture
def bill():
    return factories.CauseFactory(name="On the bill")


def resolve(channel, agent, cause, text, n=1, **facts):
    return [
        factories.resolved(factories.CaseFactory(channel=channel, message=text, **facts), agent, cause)
        for _ in range(n)
    ]


@pytest.fixture
def history(channel, agent, bag, bill):
    """Four of one cause, five of the other, each of another customer."""
    resolve(channel, agent, bag, "My suitcase went round the carousel and was gone", 4)
    resolve(channel, agent, bill, "Two invoices came and both were wrong", 5)


def known():
    return {(row.sign, row.cause.name): row.cases for row in CauseSign.objects.select_related("cause")}


def test_words_are_counted_by_the_cause_their_cases_were_resolved_with(history):
    assert learning.learn() == 9
    found = known()
    assert found["", "On the belt"] == 4
    assert found["suitcas", "On the belt"] == 4
    assert ("suitcas", "On the bill") not in found


def test_counting_again_changes_nothing(history):
    learning.learn()
    rows = list(CauseSign.objects.order_by("pk").values_list())
    learning.learn()
    assert list(CauseSign.objects.order_by("pk").values_list()) == rows


def test_a_case_that_came_back_and_a_cause_that_was_joined_change_the_counts(history, agent, lead, bag, bill):
    learning.learn()
    resolution.reopen(case=Case.objects.filter(cause=bag).first(), by=agent)
    causes.merge(cause=bag, into=bill, by=lead)
    learning.learn()
    assert {cause for _sign, cause in known()} == {"On the bill"}
    assert known()["", "On the bill"] == 8


def test_no_word_of_one_or_two_customers_is_kept(channel, agent, bag, bill, history):
    same = factories.CustomerFactory()
    resolve(channel, agent, bag, "Ask for Dorothea", 4, customer=same)
    learning.learn()
    assert not CauseSign.objects.filter(sign__startswith="doroth").exists()


def test_words_that_were_erased_are_forgotten(history):
    learning.learn()
    for message in Message.objects.filter(text__contains="suitcase"):
        message.fall_silent()
        message.save()
    learning.learn()
    assert not CauseSign.objects.filter(sign="suitcas").exists()


def test_a_word_that_all_causes_have_in_common_is_no_reason(channel, agent, bag, bill, as_user):
    resolve(channel, agent, bag, "Again the suitcase", 4)
    resolve(channel, agent, bill, "Again the invoice", 4)
    learning.learn()
    case = factories.CaseFactory(channel=channel, message="Again a suitcase")
    assert [each.why for each in likely(as_user(agent), case)] == ["“suitcase” (4 of 4)"]


# --- suggesting


def likely(client, case):
    return client.get(f"/cases/{case.pk}/").context["likely"]


def test_a_case_like_others_gets_their_cause_with_why(history, channel, agent, as_user):
    learning.learn()
    case = factories.CaseFactory(channel=channel, message="Suitcase not on the carousel!")
    [first] = likely(as_user(agent), case)
    assert first.name == "On the belt"
    assert first.why == "“suitcase” (4 of 4), “carousel” (4 of 4)"
    page = as_user(agent).get(f"/cases/{case.pk}/").content.decode()
    assert "because of “suitcase” (4 of 4), “carousel” (4 of 4)" in page
    assert page.index('<optgroup label="Likely here"><option value="' + str(first.pk)) < page.index(
        'label="All others"'
    )


def test_a_topic_is_named_as_what_it_is(channel, agent, as_user):
    factories.CauseFactory(name="Invoice wrong")
    case = factories.CaseFactory(channel=channel, message="This is a lot", topic="price")
    assert [each.why for each in likely(as_user(agent), case)] == ["its topic, Price"]


def test_only_what_the_customer_said_in_this_case_counts(history, channel, agent, as_user):
    learning.learn()
    case = factories.CaseFactory(channel=channel, message="Hello?")
    factories.DeliveryFactory(case=case, by=agent, message__text="Was it your suitcase on the carousel?")
    factories.MessageFactory(thread=case.thread, text="Mine was the suitcase on the carousel")  # somebody else's
    assert likely(as_user(agent), case) == []


def test_a_retired_cause_is_not_suggested(history, channel, agent, lead, bag, as_user):
    learning.learn()
    causes.retire(cause=bag, retired=True, by=lead)
    case = factories.CaseFactory(channel=channel, message="Suitcase not on the carousel!")
    assert likely(as_user(agent), case) == []


def test_nothing_is_suggested_for_a_case_that_is_over(history, channel, agent, bag, as_user):
    learning.learn()
    [case] = resolve(channel, agent, bag, "Suitcase not on the carousel!")
    assert likely(as_user(agent), case) == []


def test_a_suggestion_costs_one_query_however_many_causes_and_words(channel, asked):
    def suggest(n):
        known = [(factories.CauseFactory(name=f"Thing {n} {each}").pk, f"Thing {n} {each}") for each in range(n)]
        for pk, _name in known:
            factories.CauseSignFactory(sign="", cause_id=pk)
            factories.CauseSignFactory(sign="suitcas", cause_id=pk)
        case = factories.CaseFactory(channel=channel)
        said = conversation.of_case(case).entries
        return asked(lambda: suggesting.of(case, said, known))

    assert suggest(1) == suggest(20) == 1


# --- whether they help


@pytest.fixture
def open_case(history, channel):
    learning.learn()
    return factories.CaseFactory(channel=channel, message="Suitcase not on the carousel!")


def resolve_in_the_browser(client, case, cause):
    """With all that its form holds."""
    form = client.get(f"/cases/{case.pk}/").context["resolve_form"]
    facts = {"cause": cause.pk, "outcome": "solved", "shown": form.initial["shown"]}
    return client.post(f"/cases/{case.pk}/resolve/", facts)


def test_whether_the_likeliest_was_chosen_is_kept(open_case, agent, bag, as_user):
    resolve_in_the_browser(as_user(agent), open_case, bag)
    kept = CauseSuggestion.objects.get()
    assert (kept.case, kept.first, kept.chosen, kept.place) == (open_case, bag, bag, 1)


def test_another_one_chosen_is_kept_too(open_case, agent, bag, bill, as_user):
    resolve_in_the_browser(as_user(agent), open_case, bill)
    kept = CauseSuggestion.objects.get()
    assert (kept.first, kept.chosen, kept.place) == (bag, bill, 0)


def test_where_nothing_was_suggested_nothing_is_kept(channel, agent, cause, as_user):
    case = factories.CaseFactory(channel=channel, message="Hello?")
    resolve_in_the_browser(as_user(agent), case, cause)
    assert Case.objects.get(pk=case.pk).cause == cause
    assert not CauseSuggestion.objects.exists()


@pytest.mark.parametrize("shown", ["0", "x", "-1", "9" * 30, ",,,", "1" * 80, "\u0661"])
def test_a_form_that_was_tampered_with_still_resolves(open_case, agent, bag, as_user, shown):
    as_user(agent).post(f"/cases/{open_case.pk}/resolve/", {"cause": bag.pk, "shown": shown})
    assert Case.objects.get(pk=open_case.pk).cause == bag
    assert not CauseSuggestion.objects.exists()


def test_leads_see_how_often_suggestions_were_taken(lead, as_user):
    delay, bill = factories.CauseFactory(name="Delay"), factories.CauseFactory(name="The bill")
    for place in (1, 1, 1, 2, 0):
        facts = {"chosen": delay} if place == 1 else {"chosen": bill}
        factories.CauseSuggestionFactory(first=delay, place=place, **facts)
    old = factories.CauseSuggestionFactory(first=delay)
    CauseSuggestion.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=taken.DAYS + 1))
    page = as_user(lead).get("/settings/causes/")
    figures = page.context["suggested"]
    assert (figures.shown, figures.first, figures.among) == (5, 3, 4)
    text = page.content.decode()
    assert "shown in 5 cases" in text
    assert "3 times (60 %)" in text
    assert "4 times (80 %)" in text
    assert "suggested first 5×, chosen 3×" in text


def test_before_there_is_anything_to_learn_from_the_page_says_so(lead, as_user):
    assert "Nothing is learned from resolved cases yet" in as_user(lead).get("/settings/causes/").content.decode()


def test_what_is_old_is_forgotten():
    factories.CauseSuggestionFactory()
    CauseSuggestion.objects.update(at=timezone.now() - timedelta(days=500))
    factories.CauseSuggestionFactory()
    assert taken.forget_old() == 1
    assert CauseSuggestion.objects.count() == 1


# --- measured


def test_it_is_measured_on_the_newest_cases_and_on_every_second(history, channel, agent, bag, bill):
    resolve(channel, agent, bag, "My suitcase was not on the carousel", 4)
    resolve(channel, agent, bill, "Both invoices were wrong", 3)
    newest = measuring.of_history()
    assert (newest.learned, newest.tried) == (11, 5)
    other = measuring.of_history(2)
    assert (other.learned, other.tried, other.first, other.among) == (8, 8, 8, 8)


def test_a_file_is_measured_by_its_halves(tmp_path, command):
    rows = [f"my {thing} number {n} is gone,{cause}" for n in range(40)
            for thing, cause in (("suitcase", "bag"), ("invoice", "bill"))]  # fmt: skip
    file = tmp_path / "said.csv"
    file.write_text("\n".join(["text,cause", *rows, "nothing came of it,"]))
    found = command("measure_causes", str(file))
    assert (found["tried"], found["first"]) == (80, 1.0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--every", "2"], "There is no resolved case to try it on."),
        (["no-such-file.csv"], "The file cannot be read"),
    ],
)
def test_what_cannot_be_measured_is_said(command, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        command("measure_causes", *arguments)
