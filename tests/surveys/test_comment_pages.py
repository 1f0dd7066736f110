"""The comments as a list: found, themed with one press, chosen for a plan; and on the customer's page."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.models import Activity
from surveys.forms.verbatims import CommentsForm, numbers
from surveys.models import ActionPlan, PlanAnswer, Theme
from surveys.views import comments as views
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def show(as_user, lead):
    """`show("topic=price")` is the answer a lead gets."""

    def show(query="", by=lead, **headers):
        answer = as_user(by).get(f"{reverse('surveys:comments')}?{query}", headers=headers)
        assert answer.status_code == 200
        return answer

    return show


@pytest.fixture
def world():
    """One comment that fits every filter, and one that fits none."""
    wave = factories.WaveFactory(name="Spring")
    top = factories.CauseFactory(name="Money")
    cause = factories.CauseFactory(name="Refund late", parent=top)
    fits = factories.AnswerFactory(
        text="Far too expensive for 100% late trains", response__score=3, response__invitation__wave=wave,
        response__invitation__customer__name="Ann Mercer", response__quotable_at=NOON, answered_at=NOON,
    )  # fmt: skip
    factories.ThemeFactory(answer=fits, topic="price", tone="criticism", words="expensive")
    factories.ThemeFactory(answer=fits, topic="", cause=cause, tone="criticism")
    plan = factories.ActionPlanFactory(title="Lower fares")
    PlanAnswer.objects.create(plan=plan, answer=fits)
    asked = factories.InvitationFactory(wave=None, state="answered", ended_at=NOON, customer__name="Bo Nilsson")
    other = factories.AnswerFactory(
        text="Lovely crew", response__invitation=asked, response__score=10, answered_at=NOON - timedelta(days=1)
    )
    factories.ThemeFactory(answer=other, topic="support", tone="praise", decided_at=NOON, decided_by=plan.owner)
    return {"fits": fits, "other": other, "wave": wave, "cause": cause, "top": top, "plan": plan}


def texts(answer):
    return [comment.text.split()[0] for comment in answer.context["page"].rows]


# --- found

FILTERS = [
    "q=expensive", "q=EXPENS+late", "q=100%25", "topic=price", "tone=criticism", "group=detractor", "wave={wave}",
    "cause={cause}", "cause={top}", "themes=open", "quotable=yes", "planned=yes", "plan={plan}",
    "topic=price&tone=criticism",
]  # fmt: skip
OPPOSITES = [
    "q=crew", "topic=support", "tone=praise", "group=promoter", "wave=case", "quotable=no", "planned=no",
    "topic=support&tone=praise",
]  # fmt: skip


def filled(query, world):
    return query.format(**{name: each.pk for name, each in world.items()})


@pytest.mark.parametrize("query", FILTERS)
def test_a_filter_leaves_what_fits(show, world, query):
    answer = show(filled(query, world))
    assert texts(answer) == ["Far"]
    assert "1 comment" in answer.content.decode()


@pytest.mark.parametrize("query", OPPOSITES)
def test_and_its_opposite_the_other(show, world, query):
    assert texts(show(query)) == ["Lovely"]


def test_all_filters_together_leave_what_fits_them_all(show, world):
    assert texts(show(filled("&".join(each for each in FILTERS if "q=1" not in each), world))) == ["Far"]


@pytest.mark.parametrize("query", ["q=expensive+crew", "topic=price&tone=praise", "topic=price&wave=case"])
def test_filters_that_nothing_fits_say_what_to_do(show, world, query):
    answer = show(query)
    assert texts(answer) == []
    assert "No comment fits." in answer.content.decode()


@pytest.mark.parametrize("query", ["wave=x", "wave=999", "topic=nonsense", "plan=-1", f"plan={'9' * 40}", "after=x~y"])
def test_what_cannot_be_read_is_left_out(show, world, query):
    assert texts(show(query)) == ["Far", "Lovely"]


def test_a_dropped_theme_no_longer_finds_its_comment(show, world):
    Theme.objects.filter(topic="price").update(dropped_at=NOON, decided_at=NOON, decided_by=world["plan"].owner)
    assert texts(show("topic=price")) == []


def test_without_themes_finds_what_nobody_has_read(show, world):
    assert texts(show("themes=none")) == []
    world["fits"].themes.all().delete()
    assert texts(show("themes=none")) == ["Far"]


def test_a_cause_that_was_joined_to_another_is_found_under_it(show, world):
    into = factories.CauseFactory(name="Refunds")
    cause = world["cause"]
    cause.retired_at, cause.merged_into = NOON, into
    cause.save()
    assert texts(show(f"cause={into.pk}")) == ["Far"]


def test_nobody_has_answered_yet(show):
    assert "No comments yet." in show().content.decode()


def test_scores_and_empty_answers_are_no_comments(show, world):
    response = world["fits"].response
    nps = response.invitation.version.questions.get(kind="nps")
    factories.AnswerFactory(response=response, question=nps, text="", number=3)
    world["other"].text = ""
    world["other"].save()
    assert texts(show()) == ["Far"]


# --- a line each


def test_a_line_says_who_how_what_and_what_is_done(show, world):
    page = show("topic=price").content.decode()
    for words in (
        "Ann Mercer", "Spring", "Far too expensive", "Detractor", "May be quoted", "Lower fares", "Refund late",
        "Because of: expensive",
    ):  # fmt: skip
        assert words in page, words


def test_a_suggestion_can_be_confirmed_and_what_is_sure_can_not(show, world):
    page = show().content.decode()
    pks = dict(Theme.objects.values_list("topic", "pk"))
    urls = {topic: reverse("surveys:theme_confirm", args=[pks[topic]]) for topic in ("price", "support")}
    assert urls["price"] in page
    assert urls["support"] not in page


def test_an_executive_reads_and_presses_nothing(show, world):
    page = show(by=factories.UserFactory(role="executive")).content.decode()
    assert "Far too expensive" in page
    assert "/confirm/" not in page
    assert 'id="bulk"' not in page
    assert "Lower fares" not in page  # a plan of somebody else


def test_what_a_customer_wrote_is_text_and_nothing_else(show, world):
    world["fits"].text = "<script>alert(1)</script> <b>bold</b>"
    world["fits"].save()
    page = show().content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;b&gt;bold" in page


def test_the_next_page_goes_on_where_this_one_ends(show, world, monkeypatch):
    monkeypatch.setattr(views, "PAGE", 1)
    first = show("quotable=&group=")
    assert (texts(first), first.context["page"].next_query != "") == (["Far"], True)
    following = show(first.context["page"].next_query, **HTMX, **{"HX-Target": "more"})
    assert texts(following) == ["Lovely"]
    assert "<html" not in following.content.decode()


@pytest.mark.parametrize("more", ["", "topic=product&tone=criticism&themes=open&quotable=no&planned=yes&q=train"])
def test_a_list_of_20_costs_the_same_number_of_queries_as_one_of_1(as_user, lead, more):
    client, url = as_user(lead), f"{reverse('surveys:comments')}?{more}"
    wave = factories.WaveFactory()
    plan = factories.ActionPlanFactory()

    def queries(n):
        for answer in factories.AnswerFactory.create_batch(n, response__invitation__wave=wave):
            factories.ThemeFactory(answer=answer)
            factories.ThemeFactory(answer=answer, topic="", cause=factories.CauseFactory())
            PlanAnswer.objects.create(plan=plan, answer=answer)
        with CaptureQueriesContext(connection) as asked:
            assert texts(client.get(url))
        return len(asked)

    assert queries(1) == queries(19) <= 10


# --- taken away


def test_the_export_holds_the_list_under_its_filter(as_user, lead, world):
    url = reverse("surveys:comments_export")
    text = b"".join(as_user(lead).get(url, {"query": "topic=price"}).streaming_content).decode()
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert row["said"] == "Far too expensive for 100% late trains"
    assert (row["customer"], row["score"], row["group"], row["wave"]) == ("Ann Mercer", "3", "detractor", "Spring")
    assert (row["topics"], row["causes"], row["plans"]) == ("price: criticism", "Refund late: criticism", "Lower fares")
    assert "topic=price" in Activity.objects.get(verb="exported").detail


def test_no_cell_of_it_is_a_formula(as_user, lead, world):
    world["fits"].text = "=HYPERLINK(1)"
    world["fits"].save()
    text = b"".join(as_user(lead).get(reverse("surveys:comments_export")).streaming_content).decode()
    assert ",'=HYPERLINK(1)," in text


# --- themed


@pytest.fixture
def press(as_user, lead):
    """`press("theme_confirm", theme)` is the answer a lead gets from one press."""

    def press(name, thing, data=None, query="", **headers):
        return as_user(lead).post(f"{reverse(f'surveys:{name}', args=[thing.pk])}{query}", data or {}, headers=headers)

    return press


def undo_of(answer):
    """The address by which it is taken back: in the notice of an HTMX answer, or on the next page."""
    messages = list(answer.context["messages"])
    (url,) = [tag.removeprefix("undo:") for tag in messages[-1].extra_tags.split() if tag.startswith("undo:")]
    return url


@pytest.mark.parametrize("deed", ["theme_confirm", "theme_drop"])
def test_one_press_answers_with_the_row_and_the_way_back(press, as_user, lead, world, deed):
    theme = Theme.objects.get(topic="price")
    before = Theme.objects.filter(pk=theme.pk).values().get()
    answer = press(deed, theme, **HTMX)
    page = answer.content.decode()
    assert f'id="comment-{world["fits"].pk}"' in page
    assert "<html" not in page
    assert (deed == "theme_drop") == ("Price" not in page.split("toast")[0])
    as_user(lead).post(undo_of(answer), headers=HTMX)
    assert Theme.objects.filter(pk=theme.pk).values().get() == before


def test_without_scripts_it_leads_back_to_the_list(press, world):
    theme = Theme.objects.get(topic="price")
    answer = press("theme_confirm", theme, {"next": "/surveys/comments/?topic=price"})
    assert (answer.status_code, answer["Location"]) == (302, "/surveys/comments/?topic=price")
    theme.refresh_from_db()
    assert theme.decided_at is not None


def test_a_theme_is_added_in_its_row(press, as_user, lead, world):
    url = reverse("surveys:theme_add", args=[world["fits"].pk])
    form = as_user(lead).get(url, headers=HTMX).content.decode()
    assert "Account relationship" in form
    assert "Money › Refund late" in form
    answer = press("theme_add", world["fits"], {"what": "topic:relationship", "tone": "neutral"}, **HTMX)
    assert "Account relationship" in answer.content.decode()
    as_user(lead).post(undo_of(answer), headers=HTMX)
    assert not Theme.objects.filter(topic="relationship").exists()


def test_a_cause_is_added_as_well(press, world):
    press("theme_add", world["other"], {"what": f"cause:{world['cause'].pk}", "tone": "praise"})
    assert Theme.objects.filter(answer=world["other"], cause=world["cause"], tone="praise").exists()


def test_cancelling_shows_the_row_again(as_user, lead, world):
    url = reverse("surveys:theme_add", args=[world["fits"].pk])
    assert "comment__words" in as_user(lead).get(f"{url}?row", headers=HTMX).content.decode()


def test_without_scripts_the_form_has_a_page(as_user, lead, world):
    page = as_user(lead).get(reverse("surveys:theme_add", args=[world["fits"].pk])).content.decode()
    assert "<html" in page
    assert "Far too expensive" in page


@pytest.mark.parametrize("what", ["", "topic:x", "cause:0", "cause:999999", "x"])
def test_what_is_no_theme_stands_beside_the_field(press, world, what):
    answer = press("theme_add", world["fits"], {"what": what, "tone": "praise"}, **HTMX)
    assert answer.status_code == 422
    assert "field__error" in answer.content.decode()
    assert world["fits"].themes.count() == 2


@pytest.mark.parametrize("query", ["", "?was=confirmed", "?was=x&tone=praise", "?was=new&tone=x"])
def test_an_undo_that_says_nothing_sound_is_no_undo(press, world, query):
    before = list(Theme.objects.values())
    assert press("theme_undo", Theme.objects.get(topic="price"), query=query).status_code == 400
    assert list(Theme.objects.values()) == before


def test_confirming_what_is_gone_is_refused_with_a_sentence(press, world):
    theme = Theme.objects.get(topic="price")
    press("theme_drop", theme)
    answer = press("theme_confirm", theme, **HTMX)
    assert answer.status_code == 422
    assert "Lea Brandt took “Price (Criticism)” away" in answer.content.decode()


# --- chosen


def test_the_chosen_go_on_to_a_new_plan(as_user, lead, world):
    chosen = [world["fits"].pk, world["other"].pk]
    answer = as_user(lead).post(reverse("surveys:comments_chosen"), {"answers": chosen, "action": "new"})
    to = urlsplit(answer["Location"])
    assert to.path == reverse("surveys:plan_new")
    assert set(numbers(parse_qs(to.query)["answers"][0])) == set(chosen)


def test_or_behind_a_plan_that_is_there_which_can_be_taken_back(as_user, lead, world):
    data = {"answers": [world["fits"].pk, world["other"].pk], "action": "add", "plan": world["plan"].pk}
    client = as_user(lead)
    page = client.post(reverse("surveys:comments_chosen"), data, follow=True)
    assert "2 comments are behind “Lower fares” now." in page.content.decode()
    assert world["plan"].asked_by.count() == 2
    client.post(undo_of(page))
    assert [ask.answer for ask in world["plan"].asked_by.all()] == [world["fits"]]  # it stood there before


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"action": "new"}, "Choose the comments first."),
        ({"action": "add", "answers": ["x", "0", "9" * 30]}, "Choose the comments first."),
    ],
)
def test_nothing_chosen_is_said(as_user, lead, world, data, said):
    page = as_user(lead).post(reverse("surveys:comments_chosen"), data, follow=True)
    assert said in page.content.decode()


@pytest.mark.parametrize("plan", ["", "x", "0", "done"])
def test_a_plan_has_to_be_chosen_which_is_open(as_user, lead, world, plan):
    if plan == "done":
        plan = factories.ActionPlanFactory(state="done", outcome="So", ended_at=timezone.now()).pk
    data = {"answers": [world["other"].pk], "action": "add", "plan": plan}
    page = as_user(lead).post(reverse("surveys:comments_chosen"), data, follow=True)
    assert "Choose the action plan they belong to." in page.content.decode()
    assert PlanAnswer.objects.count() == 1


def test_numbers_of_rows_are_read_from_an_address():
    assert numbers("3, 1,3,x,-1,²," + "9" * 30) == [3, 1]
    assert numbers(None) == []
    assert len(numbers(",".join(map(str, range(1, 2000))))) == 500


def test_every_filter_of_the_form_narrows_or_is_the_search():
    assert {field.name for field in CommentsForm({}).filters} == {
        "topic", "tone", "group", "wave", "cause", "themes", "quotable", "planned",
    }  # fmt: skip


# --- on the customer's page


@pytest.fixture
def part(as_user):
    def part(customer, by):
        return as_user(by).get(reverse("surveys:of_customer", args=[customer.pk]), headers=HTMX).content.decode()

    return part


def test_the_customer_leads_to_what_they_said_and_to_the_plan(part, lead, world):
    shown = part(world["fits"].response.invitation.customer, lead)
    for words in ("Far too expensive", "Spring", "Lower fares", world["plan"].get_absolute_url()):
        assert words in shown, words
    assert world["fits"].response.get_absolute_url() in shown


def test_who_reads_no_results_sees_their_own_plans_alone(part, world, agent, colleague):
    world["plan"].owner = agent
    world["plan"].save()
    customer = world["fits"].response.invitation.customer
    assert "Lower fares" in part(customer, agent)
    assert "Far too expensive" not in part(customer, agent)
    assert part(customer, colleague).strip() == ""


def test_a_customer_who_has_answered_nothing(part, lead):
    assert "They have answered no survey yet." in part(factories.CustomerFactory(), lead)


def test_the_customers_page_asks_for_it(as_user, lead, world):
    customer = world["fits"].response.invitation.customer
    page = as_user(lead).get(customer.get_absolute_url()).content.decode()
    assert reverse("surveys:of_customer", args=[customer.pk]) in page


def test_the_part_costs_the_same_for_1_and_5_responses(as_user, lead):
    customer = factories.CustomerFactory()
    client, url = as_user(lead), reverse("surveys:of_customer", args=[customer.pk])

    def queries(n):
        for _ in range(n):
            asked = factories.InvitationFactory(customer=customer, state="answered", ended_at=NOON)
            answer = factories.AnswerFactory(response__invitation=asked)
            PlanAnswer.objects.create(plan=factories.ActionPlanFactory(), answer=answer)
        with CaptureQueriesContext(connection) as asked:
            client.get(url, headers=HTMX)
        return len(asked)

    assert queries(1) == queries(4)
    assert ActionPlan.objects.asked_by(customer.pk).count() == 5
