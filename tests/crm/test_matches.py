"""The screens on which people say who is whom: matches, the merge sheet, the history, links by hand."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm import decisions, merging
from crm.models import Customer, IdentityLink, Merge
from tests import factories

pytestmark = pytest.mark.django_db
POINTS = [{"says": "Same name: Ann", "weight": 3.2}, {"says": "Other city: Leeds / York", "weight": -1.0}]


@pytest.fixture
def ann():
    customer = factories.CustomerFactory(name="Ann Mercer", known_at=timezone.now(), city="Leeds", language="en")
    factories.IdentityFactory(kind="email", place="", value="ann@example.com", customer=customer)
    factories.StakeholderFactory(customer=customer, account=factories.AccountFactory(name="Acme"))
    return customer


@pytest.fixture
def bea():
    return factories.CustomerFactory(name="Bea Lind", known_at=timezone.now())


@pytest.fixture
def handle():
    identity = factories.IdentityFactory(
        value="annie_m", display_name="Annie", location="Leeds, UK", customer=factories.CustomerFactory(name="Annie")
    )
    factories.CaseFactory(customer=identity.links.get().customer, identity=identity)
    return identity


def propose(identity, customer, **wishes):
    wishes = {"score": 0.93, "points": POINTS, **wishes}
    return factories.IdentityLinkFactory(
        identity=identity, customer=customer, state="proposed", method="matched", **wishes
    )


@pytest.fixture
def match(handle, ann):
    return propose(handle, ann)


@pytest.fixture
def get(as_user, agent):
    def get(name, *args, headers=None, by=agent, status=200, **query):
        answer = as_user(by).get(reverse(name, args=args), query, headers=headers)
        assert answer.status_code == status
        return answer.content.decode()

    return get


@pytest.fixture
def post(as_user, agent):
    """`post("crm:match_accept", pk)`: the answer to a plain form; with htmx=True to a live one."""

    def post(name, *args, by=agent, htmx=False, **fields):
        headers = {"HX-Request": "true"} if htmx else None
        return as_user(by).post(reverse(name, args=args), fields, headers=headers)

    return post


def said(answer):
    return [str(notice) for notice in get_messages(answer.wsgi_request)]


def undo_of(answer):
    """The address the last message can be undone at."""
    return [m.extra_tags.removeprefix("undo:") for m in get_messages(answer.wsgi_request) if "undo:" in m.extra_tags][
        -1
    ]


# --- the list


def test_a_card_shows_both_sides_and_what_speaks_for_and_against(get, match):
    page = get("crm:matches")
    for left in ("@annie_m", "Chirp", "Annie", "Leeds, UK", "1 case", "1 message"):
        assert left in page
    for right in ("Ann Mercer", "ann@example.com", "Acme", "English"):
        assert right in page
    for why in ("Very likely", "93 %", "Same name: Ann", "Other city: Leeds / York", "Nobody else comes near."):
        assert why in page
    assert page.index("Same name: Ann") < page.index("Other city")


def test_a_customer_on_two_cards_is_described_on_both(get, match, ann):
    propose(factories.IdentityFactory(customer=factories.CustomerFactory()), ann)
    page = get("crm:matches")
    assert page.count("ann@example.com") == page.count("Acme") == 2


def test_the_next_best_is_named_and_one_that_is_close_is_marked(get, match, handle, bea):
    propose(handle, bea, score=0.9)
    page = get("crm:matches")
    assert "Next best: Bea Lind, 90 %" in page
    assert "match__close" in page


def test_the_surest_stands_first(get, ann):
    for score, name in ((0.7, "third"), (0.99, "first"), (0.8, "second")):
        propose(factories.IdentityFactory(value=name, customer=factories.CustomerFactory()), ann, score=score)
    page = get("crm:matches")
    assert page.index("@first") < page.index("@second") < page.index("@third")


def test_the_rest_comes_behind_one_link(get, ann):
    for n in range(25):
        propose(factories.IdentityFactory(value=f"handle{n:02}.", customer=None), ann, score=0.9 - n / 100)
    first = get("crm:matches")
    url = first.split('rel="next" href="?')[1].split('"')[0].replace("&amp;", "&")
    rest = get("crm:matches", headers={"HX-Request": "true", "HX-Target": "more"}, after=url.removeprefix("after="))
    assert ("handle19." in first, "handle20." in first) == (True, False)
    assert [f"handle{n:02}." in rest for n in range(25)] == [n > 19 for n in range(25)]
    assert "<html" not in rest


def test_an_empty_list_says_what_to_do(get):
    assert "No match to decide on." in get("crm:matches")
    assert "No handle has two claims." in get("crm:matches", show="conflicts")
    assert "Nothing was decided yet." in get("crm:matches", show="decided")


def test_the_navigation_counts_what_waits_for_those_who_decide(get, match, lead):
    sales = factories.UserFactory(role="sales")
    assert "matches-count" in get("crm:customers")
    assert '<span id="matches-count" class="count">1<' in get("crm:customers", by=lead)
    assert "matches-count" not in get("crm:customers", by=sales)


def test_what_concerns_one_customer_can_be_seen_alone(get, match, handle, bea):
    other = propose(factories.IdentityFactory(customer=None), bea)
    for customer in (match.customer, handle.links.confirmed().get().customer):
        page = get("crm:matches", customer=customer.pk)
        assert f"match-{match.pk}" in page
        assert f"match-{other.pk}" not in page


def test_a_record_says_who_it_may_be(get, match, handle, ann):
    provisional = handle.links.confirmed().get().customer
    assert "Ann Mercer" in get("crm:may_be", provisional.pk)
    for other in (ann, factories.CustomerFactory()):
        assert get("crm:may_be", other.pk).strip() == ""


def count(ask):
    """How many queries it costs, once signed in; five of them sign in anew."""
    ask()
    with CaptureQueriesContext(connection) as queries:
        ask()
    return len(queries)


@pytest.mark.parametrize("show", ["", "conflicts", "decided"])
def test_a_list_of_twenty_costs_as_many_queries_as_a_list_of_one(get, agent, show):
    def fill(n):
        for _ in range(n):
            owner = factories.CustomerFactory(known_at=timezone.now() if show == "conflicts" else None)
            identity = factories.IdentityFactory(customer=owner)
            factories.CaseFactory(customer=owner, identity=identity)
            candidate = factories.CustomerFactory()
            factories.StakeholderFactory(customer=candidate)
            factories.IdentityFactory(customer=candidate)
            link = propose(identity, candidate)
            propose(identity, factories.CustomerFactory(), score=0.5)
            if show == "decided":
                decisions.reject(link=link, by=agent)

    fill(1)
    one = count(lambda: get("crm:matches", show=show))
    fill(19)
    assert count(lambda: get("crm:matches", show=show)) == one <= 5 + 14


# --- deciding


def test_accepting_by_a_plain_form_says_so_and_can_be_undone(post, match, ann, handle):
    answer = post("crm:match_accept", match.pk)
    assert answer["Location"] == reverse("crm:matches")
    assert said(answer) == ["@annie_m is Ann Mercer."]
    assert handle.links.confirmed().get().customer == ann
    answer = post("crm:match_undo", match.pk)
    assert "It waits for a decision again." in said(answer)
    assert handle.links.confirmed().get().customer.name == "Annie"


def test_rejecting_by_a_plain_form_says_so_and_can_be_undone(post, match):
    answer = post("crm:match_reject", match.pk)
    assert said(answer) == ["@annie_m is not Ann Mercer, and will not be proposed again."]
    assert undo_of(answer) == reverse("crm:match_undo", args=[match.pk])
    post("crm:match_undo", match.pk)
    match.refresh_from_db()
    assert match.state == "proposed"


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_a_decided_card_takes_the_place_of_the_open_one_with_its_undo_and_the_new_count(post, match, verdict):
    answer = post(f"crm:match_{verdict}", match.pk, htmx=True).content.decode()
    assert f'id="match-{match.pk}"' in answer
    assert "data-decided" in answer
    assert reverse("crm:match_undo", args=[match.pk]) in answer
    assert 'id="matches-count" class="count" hx-swap-oob="true"></span>' in answer
    back = post("crm:match_undo", match.pk, htmx=True).content.decode()
    assert reverse("crm:match_accept", args=[match.pk]) in back


def test_a_refusal_stands_in_the_card(post, match, colleague):
    decisions.reject(link=match, by=colleague)
    answer = post("crm:match_accept", match.pk, htmx=True)
    assert answer.status_code == 422
    assert "Ben Okafor decided on this already. It is rejected now." in answer.content.decode()


def test_a_refusal_of_a_plain_form_is_a_message(post, match, colleague):
    decisions.reject(link=match, by=colleague)
    (sentence,) = said(post("crm:match_accept", match.pk))
    assert "Ben Okafor decided on this already." in sentence


def test_a_match_that_is_gone_is_not_found(post, match):
    pk = match.pk
    match.delete()
    assert post("crm:match_accept", pk).status_code == 404


def test_what_was_decided_is_listed_with_who_and_can_be_undone_from_there(get, match, agent):
    decisions.reject(link=match, by=agent)
    page = get("crm:matches", show="decided")
    assert "Ana Ruiz" in page
    assert reverse("crm:match_undo", args=[match.pk]) in page


@pytest.fixture
def conflict(ann, bea):
    hers = factories.IdentityFactory(value="bea", customer=bea)
    return decisions.claim(identity=hers, customer=ann, method="asked", evidence="Code by mail")


def test_a_conflict_has_three_ways_out_and_accepting_is_none_of_them(get, conflict, ann, bea):
    page = get("crm:matches", show="conflicts")
    for way in ("One person: merge", "It moves to Ann Mercer", "It stays with Bea Lind"):
        assert way in page
    assert 'data-row-key="y"' not in page
    assert f"{reverse('crm:merge', args=[ann.pk])}?with={bea.pk}" in page
    assert "They identified themselves" in page
    assert "Code by mail" in page


def test_the_handle_of_a_conflict_moves(post, conflict, ann):
    post("crm:match_accept", conflict.pk, how="move")
    assert conflict.identity.links.confirmed().get().customer == ann


def test_a_conflict_is_not_accepted(post, conflict, bea):
    (sentence,) = said(post("crm:match_accept", conflict.pk))
    assert sentence.startswith("@bea belongs to Bea Lind, whom we know.")
    assert conflict.identity.links.confirmed().get().customer == bea


# --- the sheet


def test_the_other_record_is_found_by_name_or_handle(get, ann, handle):
    page = get("crm:merge", ann.pk, q="@annie")
    assert f"?with={handle.links.get().customer_id}" in page
    assert "Nobody by that name" in get("crm:merge", ann.pk, q="zzz")


def test_who_is_proposed_is_offered_without_a_search(get, match, ann, handle):
    assert f"?with={handle.links.confirmed().get().customer_id}" in get("crm:merge", ann.pk)


def test_the_sheet_offers_a_choice_where_they_differ_and_names_all_that_moves(get, ann, handle):
    other = handle.links.get().customer
    page = get("crm:merge", ann.pk, **{"with": other.pk})
    for words in ("@annie_m", "1 case", "1 message", "Merge the two", "The other way round"):
        assert words in page
    assert 'name="choose_name"' in page
    assert 'name="choose_tier"' not in page


def test_merging_takes_the_values_chosen_and_leads_to_the_survivor(post, get, ann, handle):
    other = handle.links.get().customer
    answer = post("crm:merge", ann.pk, **{
        "with": other.pk, "choose_name": "absorbed", "choose_city": "survivor", "choose_language": "survivor",
        "reason": "Same person",
    })  # fmt: skip
    ann.refresh_from_db()
    assert (answer["Location"], ann.name, ann.city) == (ann.get_absolute_url(), "Annie", "Leeds")
    done = Merge.objects.get()
    assert (done.reason, undo_of(answer)) == ("Same person", reverse("crm:merge_undo", args=[done.pk]))
    assert get("crm:customer", other.pk, status=302) == ""


def test_a_merge_that_cannot_be_is_refused_on_the_page(post, get, ann):
    gone = factories.CustomerFactory(erased_at=timezone.now())
    for other, words in ((ann, "one and the same record"), (gone, "was erased")):
        assert words in get("crm:merge", ann.pk, status=422, **{"with": other.pk})
    answer = post("crm:merge", ann.pk)
    assert (answer.status_code, "Choose the record" in answer.content.decode()) == (422, True)


@pytest.mark.parametrize("number", ["", "x", "-1", "²", "9" * 40, "0"])
def test_nonsense_for_the_other_record_asks_again(get, ann, number):
    assert "Which record is the same person?" in get("crm:merge", ann.pk, **{"with": number})


# --- the history


def test_the_history_says_who_when_and_what_and_offers_the_undo(get, ann, handle, agent):
    other = handle.links.get().customer
    done = merging.merge(survivor=ann, absorbed=other, by=agent, reason="Same address")
    for page in (get("crm:merges", ann.pk), get("crm:merges", other.pk)):
        for words in ("Annie", "Ana Ruiz", "Same address", "1 case", "@annie_m", "just now"):
            assert words in page
        assert reverse("crm:merge_undo", args=[done.pk]) in page


def test_what_was_merged_just_now_stands_on_the_customers_page_with_its_undo(get, ann, handle, agent):
    done = merging.merge(survivor=ann, absorbed=handle.links.get().customer, by=agent)
    assert reverse("crm:merge_undo", args=[done.pk]) in get("crm:customer", ann.pk)
    assert reverse("crm:merge_undo", args=[done.pk]) not in get(
        "crm:customer", ann.pk, by=factories.UserFactory(role="sales")
    )
    Merge.objects.update(at=timezone.now() - timedelta(days=2))
    assert reverse("crm:merge_undo", args=[done.pk]) not in get("crm:customer", ann.pk)


def test_the_part_of_the_page_comes_without_the_frame(get, ann):
    assert "<html" not in get("crm:merges", ann.pk, headers={"HX-Request": "true"})
    assert "<html" in get("crm:merges", ann.pk)


def test_undoing_says_what_stayed_and_the_history_keeps_it(post, get, ann, handle, agent):
    done = merging.merge(survivor=ann, absorbed=handle.links.get().customer, by=agent)
    factories.OrderFactory(customer=ann)
    answer = post("crm:merge_undo", done.pk)
    stayed = "Came in since, and stays with the record it came to: 1 order."
    assert said(answer) == ["Undone: both records are as they were.", stayed]
    page = get("crm:merges", ann.pk)
    assert "Undone by Ana Ruiz" in page
    assert stayed in page
    assert reverse("crm:merge_undo", args=[done.pk]) not in page


def test_a_merge_that_cannot_be_undone_says_which_to_undo_first(post, ann, bea, handle, agent):
    done = merging.merge(survivor=ann, absorbed=handle.links.get().customer, by=agent)
    merging.merge(survivor=bea, absorbed=ann, by=agent)
    (sentence,) = said(post("crm:merge_undo", done.pk))
    assert "Undo that merge first." in sentence


def test_sales_read_the_history_and_undo_nothing(get, ann, handle, agent):
    done = merging.merge(survivor=ann, absorbed=handle.links.get().customer, by=agent)
    page = get("crm:merges", ann.pk, by=factories.UserFactory(role="sales"))
    assert "Annie" in page
    assert reverse("crm:merge_undo", args=[done.pk]) not in page


def test_a_history_of_ten_costs_as_many_queries_as_of_one(get, ann, agent):
    def fill(n):
        for _ in range(n):
            other = factories.CustomerFactory()
            factories.OrderFactory(customer=other)
            factories.IdentityFactory(customer=other)
            merging.merge(survivor=ann, absorbed=other, by=agent)

    fill(1)
    one = count(lambda: get("crm:merges", ann.pk))
    fill(9)
    assert count(lambda: get("crm:merges", ann.pk)) == one


def test_of_many_merges_the_oldest_is_found_too(get, ann, agent):
    others = [factories.CustomerFactory(name=f"No. {n:02}") for n in range(22)]
    for other in others:
        merging.merge(survivor=ann, absorbed=other, by=agent)
    page = get("crm:merges", ann.pk)
    assert ("No. 21" in page, "No. 02" in page, "No. 01" in page) == (True, True, False)
    query = parse_qs(unescape(re.search(r'rel="next" href="[^?]+\?([^"]+)"', page)[1]))
    older = get("crm:merges", ann.pk, **query)
    assert ("No. 02" in older, "No. 01" in older, "No. 00" in older) == (False, True, True)
    assert 'rel="next"' not in older


def test_a_record_of_many_handles_is_shown_with_ten_and_the_rest_at_hand(get, ann, agent):
    other = factories.CustomerFactory()
    for n in range(12):
        factories.IdentityFactory(value=f"many{n:02}", customer=other)
    sheet = get("crm:merge", ann.pk, **{"with": other.pk})
    assert "2 more handles and addresses" in sheet
    assert sheet.index("many09") < sheet.index('<details class="more-of"') < sheet.index("many10")
    merging.merge(survivor=ann, absorbed=other, by=agent)
    assert "and 2 more" in get("crm:merges", ann.pk)


# --- by hand


def test_an_address_is_linked_by_hand_and_can_be_undone(post, ann):
    answer = post("crm:link_new", ann.pk, kind="email", value="Ann.M@Example.com", evidence="Signed with it")
    assert answer["Location"] == ann.get_absolute_url()
    link = IdentityLink.objects.get(identity__value="ann.m@example.com")
    assert (link.customer, link.evidence, undo_of(answer)) == (
        ann, "Signed with it", reverse("crm:match_undo", args=[link.pk]),
    )  # fmt: skip
    assert "Undone." in said(post("crm:match_undo", link.pk))
    assert not IdentityLink.objects.filter(pk=link.pk).exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "email", "value": "ann at example"}, "is not an e-mail address"),
        ({"kind": "phone", "value": "020 7946 0958"}, "does not say which country"),
        ({"kind": "handle", "value": "ann"}, "Say on which network"),
        ({"kind": "email", "value": "ann@example.org", "evidence": ""}, "Say how we know"),
        ({"kind": "nonsense", "value": "x"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_with_a_link_stands_beside_the_field_and_nothing_is_lost(post, bea, fields, words):
    answer = post("crm:link_new", bea.pk, **{"evidence": "Said so", **fields})
    page = answer.content.decode()
    assert (answer.status_code, words in page, fields["value"] in page) == (422, True, True)


def test_a_handle_of_somebody_else_leads_to_where_one_decides(post, ann, bea):
    factories.IdentityFactory(value="bea", customer=bea)
    answer = post("crm:link_new", ann.pk, kind="handle", place="Chirp", value="@Bea", evidence="Said so")
    link = IdentityLink.objects.conflicts().get()
    assert answer["Location"] == f"{reverse('crm:matches')}?show=conflicts#match-{link.pk}"
    assert said(answer) == ["@bea belongs to somebody we know. Decide here what is true."]


def test_the_form_offers_the_networks_we_know(get, ann, handle):
    factories.IdentityFactory(kind="external", place="shop", value="1", customer=None)
    page = get("crm:link_new", ann.pk)
    for network in ("chirp", "shop", "mastodon"):
        assert f'<option value="{network}">' in page


def test_a_link_is_taken_back_with_its_reason_and_that_can_be_undone(post, get, ann):
    link = ann.links.get()
    assert "ann@example.com is not Ann Mercer" in get("crm:link_withdraw", link.pk)
    assert post("crm:link_withdraw", link.pk).status_code == 422
    answer = post("crm:link_withdraw", link.pk, why="It is the office's")
    assert said(answer) == ["ann@example.com is not linked to Ann Mercer any more."]
    link.refresh_from_db()
    assert link.state == "withdrawn"
    post("crm:merge_undo", Merge.objects.get().pk)
    link.refresh_from_db()
    assert (link.state, Customer.objects.standing().count()) == ("confirmed", 1)


def test_only_a_confirmed_link_is_taken_back(post, match):
    assert post("crm:link_withdraw", match.pk, why="x").status_code == 404


# --- old numbers


def test_the_pages_of_a_merged_record_lead_to_the_survivor(as_user, agent, ann, bea):
    merging.merge(survivor=bea, absorbed=ann, by=agent)
    answer = as_user(agent).get(reverse("crm:customer", args=[ann.pk]))
    assert (answer.status_code, answer["Location"]) == (302, bea.get_absolute_url())
    for ask in (as_user(agent).get, as_user(agent).post):
        assert ask(reverse("crm:customer_edit", args=[ann.pk]))["Location"] == ann.get_absolute_url()
    for name in ("crm:merge", "crm:merges", "crm:link_new"):
        assert "Bea Lind" in as_user(agent).get(reverse(name, args=[ann.pk])).content.decode()
