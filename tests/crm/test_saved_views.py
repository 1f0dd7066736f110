"""Saved views: of the queue and of the customers, the same in both."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.models import SavedView
from tests import factories

pytestmark = pytest.mark.django_db
LISTS = {"queue": ("/queue/", "mood=negative"), "customers": ("/customers/", "tier=key")}


@pytest.fixture(params=LISTS)
def page(request):
    return request.param


def save(client, page, name, query=None, **data):
    query = LISTS[page][1] if query is None else query
    return client.post(reverse("crm:save_view"), {"page": page, "name": name, "query": query, **data})


def test_a_filter_is_kept_under_a_name_and_opens_again(agent, as_user, page):
    address, query = LISTS[page]
    response = save(as_user(agent), page, "Mine")
    assert response["Location"] == f"{address}?{query}"
    view = SavedView.objects.get()
    assert (view.owner, view.page, view.name, view.query, view.shared_at) == (agent, page, "Mine", query, None)
    opened = as_user(agent).get(response["Location"])
    assert opened.context["views"].title == "Mine"
    assert f'href="{address}?{query}"' in opened.content.decode()


def test_the_same_name_again_replaces_the_view(agent, as_user, page):
    client = as_user(agent)
    save(client, page, "Angry")
    save(client, page, "  Angry ", query="q=x", shared="on")
    view = SavedView.objects.get()
    assert view.query == "q=x"
    assert view.shared_at


def test_two_people_and_two_lists_may_use_the_same_name(agent, colleague, as_user):
    for person in (agent, colleague):
        for page in LISTS:
            save(as_user(person), page, "Angry")
    assert SavedView.objects.count() == 4


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "\x00"])
def test_a_view_without_a_usable_name_is_not_kept(agent, as_user, page, name):
    response = save(as_user(agent), page, name)
    assert response.status_code == 302
    assert not SavedView.objects.exists()


def test_a_view_of_a_list_there_is_not_is_not_kept(agent, as_user):
    as_user(agent).post(reverse("crm:save_view"), {"page": "payroll", "name": "All", "query": ""})
    assert not SavedView.objects.exists()


def test_i_see_my_views_of_this_list_and_what_others_share(agent, colleague, as_user, page):
    other = next(iter(LISTS.keys() - {page}))
    factories.SavedViewFactory(owner=agent, page=page, name="My own")
    factories.SavedViewFactory(owner=agent, page=other, name="Of another list")
    factories.SavedViewFactory(owner=colleague, page=page, name="Bens own")
    factories.SavedViewFactory(owner=colleague, page=page, name="Shared by Ben", shared_at=timezone.now())
    views = as_user(agent).get(LISTS[page][0]).context["views"]
    assert [view.name for view in views.saved] == ["My own", "Shared by Ben"]


def test_a_view_is_deleted_by_its_owner_alone(agent, lead, as_user, page):
    view = factories.SavedViewFactory(owner=agent, page=page, shared_at=timezone.now())
    assert as_user(lead).post(reverse("crm:delete_view", args=[view.pk])).status_code == 404
    gone = as_user(agent).post(reverse("crm:delete_view", args=[view.pk]))
    assert gone["Location"] == LISTS[page][0]
    assert not SavedView.objects.exists()


def test_who_does_not_answer_keeps_views_of_the_customers_but_none_of_the_queue(as_user):
    client = as_user(factories.UserFactory(role="sales"))
    assert save(client, "customers", "Mine").status_code == 302
    assert save(client, "queue", "Mine").status_code == 403
    assert SavedView.objects.get().page == "customers"


def test_a_filter_no_view_stands_for_is_called_what_the_list_calls_such(agent, as_user, page):
    address, query = LISTS[page]
    factories.SavedViewFactory(owner=agent, page=page, query=query)
    views = as_user(agent).get(address, {"q": "something else"}).context["views"]
    assert views.title == (views.otherwise or views.standing[0].name)
