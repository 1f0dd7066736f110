"""Causes that turn out to be one are joined, and put apart again exactly; what is to be done in each of their cases."""

from __future__ import annotations

import pytest

from cases import causes, checklists, deeds, resolution
from cases.models import Case, Cause, CheckedItem, ChecklistItem
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def lost():
    return factories.CauseFactory(name="Lost")


@pytest.fixture
def missing():
    return factories.CauseFactory(name="Missing")


def standing():
    return (
        list(Cause.objects.order_by("pk").values("pk", "name", "parent", "retired_at", "merged_into")),
        dict(Case.objects.values_list("pk", "cause")),
        dict(ChecklistItem.objects.values_list("pk", "cause")),
    )


# --- joining


def test_cases_children_and_checklist_go_over_and_the_other_is_retired(channel, agent, lead, lost, missing):
    done = factories.resolved(factories.CaseFactory(channel=channel), agent, lost)
    child, item = factories.CauseFactory(name="At sea", parent=lost), factories.ChecklistItemFactory(cause=lost)
    shown = causes.preview(cause=lost, into=missing)
    assert (shown.cases, shown.items, shown.plan.children) == (1, 1, [child])
    causes.merge(cause=lost, into=missing, by=lead)
    for thing in (done, child, item, lost):
        thing.refresh_from_db()
    assert (done.cause, child.parent, item.cause) == (missing, missing, missing)
    assert lost.merged_into == missing
    assert lost.retired_at


def test_undoing_it_restores_exactly_what_was_moved(channel, agent, lead, lost, missing):
    for cause in (lost, missing):
        factories.resolved(factories.CaseFactory(channel=channel), agent, cause)
        factories.CauseFactory(name="At sea", parent=cause)
        factories.ChecklistItemFactory(cause=cause)
    factories.CauseFactory(name="In the air", parent=lost)
    factories.resolved(factories.CaseFactory(channel=channel), agent, lost.children.get(name="At sea"))
    before = standing()
    deed = causes.merge(cause=lost, into=missing, by=lead)
    assert standing() != before
    deeds.undo(deed=deed, by=lead)
    assert standing() == before


def test_what_was_moved_on_since_stays_where_it_is(channel, agent, lead, lost, missing, cause):
    first, second = (factories.resolved(factories.CaseFactory(channel=channel), agent, lost) for _ in range(2))
    deed = causes.merge(cause=lost, into=missing, by=lead)
    Case.objects.filter(pk=second.pk).update(cause=cause)
    assert deeds.undo(deed=deed, by=lead) == 1
    assert dict(Case.objects.values_list("pk", "cause")) == {first.pk: lost.pk, second.pk: cause.pk}


def test_many_cases_move_in_batches(channel, agent, lead, lost, missing, monkeypatch):
    monkeypatch.setattr(causes, "AT_ONCE", 2)
    for _ in range(5):
        factories.resolved(factories.CaseFactory(channel=channel), agent, lost)
    causes.merge(cause=lost, into=missing, by=lead)
    assert Case.objects.filter(cause=missing).count() == 5


def test_what_cannot_be_joined_is_refused_in_words(lead, lost, missing):
    child = factories.CauseFactory(name="At sea", parent=lost)
    with pytest.raises(causes.WithItself):
        causes.merge(cause=lost, into=lost, by=lead)
    with pytest.raises(causes.IsUnderIt):
        causes.merge(cause=lost, into=child, by=lead)
    with pytest.raises(causes.WouldBeTooDeep):
        causes.merge(cause=lost, into=factories.CauseFactory(name="Deep", parent=missing), by=lead)
    causes.merge(cause=lost, into=missing, by=lead)
    lost.refresh_from_db()
    with pytest.raises(causes.JoinedAlready, match=r"^“Lost” was joined to “Missing” already.$"):
        causes.merge(cause=lost, into=factories.CauseFactory(), by=lead)
    with pytest.raises(causes.CauseRetired):
        causes.merge(cause=missing, into=lost, by=lead)


def test_a_name_taken_since_keeps_it_from_being_undone(lead, lost, missing):
    for parent in (lost, missing):
        factories.CauseFactory(name="At sea", parent=parent)
    other = factories.CauseFactory(name="In the air", parent=lost)
    deed = causes.merge(cause=lost, into=missing, by=lead)
    missing.children.filter(name="At sea").update(name="On the sea")
    Cause.objects.filter(pk=other.pk).update(name="At sea")
    with pytest.raises(causes.CannotComeBack):
        deeds.undo(deed=deed, by=lead)


def test_on_the_page_one_sees_what_moves_then_does_it_and_can_undo_it(lead, as_user, lost, missing):
    client = as_user(lead)
    shown = client.post(f"/settings/causes/{lost.pk}/join/", {"into": missing.pk})
    assert shown.context["preview"].cases == 0
    assert Cause.objects.in_use().count() == 2
    done = client.post(f"/settings/causes/{lost.pk}/join/", {"into": missing.pk, "sure": "1"}, follow=True)
    [message] = done.context["messages"]
    assert str(message) == "“Lost” is now “Missing”."
    client.post(message.extra_tags.removeprefix("undo:"))
    assert Cause.objects.in_use().count() == 2


# --- checklists


def test_a_case_is_not_resolved_while_something_required_is_open(case, agent, lost):
    item = factories.ChecklistItemFactory(cause=lost, text="Open a report", required=True)
    factories.ChecklistItemFactory(cause=lost, text="Say sorry")
    sentence = r"^Before this case is resolved as “Lost”, this has to be done and ticked: “Open a report”.$"
    with pytest.raises(checklists.StillToDo, match=sentence):
        resolution.resolve(case=case, cause=lost, by=agent)
    checklists.tick(case=case, item=item, by=agent)
    assert resolution.resolve(case=case, cause=lost, by=agent).state == "resolved"


def test_many_are_resolved_less_those_in_which_something_is_open(channel, agent, lost):
    item = factories.ChecklistItemFactory(cause=lost, required=True)
    done, undone = (factories.CaseFactory(channel=channel) for _ in range(2))
    checklists.tick(case=done, item=item, by=agent)
    assert resolution.resolve_many(cases=[done.pk, undone.pk], cause=lost, by=agent) == 1
    assert dict(Case.objects.values_list("pk", "state")) == {done.pk: "resolved", undone.pk: "new"}


def test_a_retired_item_hinders_nothing(case, agent, lost):
    factories.ChecklistItemFactory(cause=lost, required=True, retired_at="2026-01-01T00:00Z")
    assert resolution.resolve(case=case, cause=lost, by=agent).state == "resolved"


def test_ticking_says_who_and_when_and_makes_it_the_likely_cause(case, agent, colleague, lost):
    item = factories.ChecklistItemFactory(cause=lost)
    for person in (agent, colleague):  # the second tick changes nothing
        checklists.tick(case=case, item=item, by=person)
    case.refresh_from_db()
    [step] = checklists.steps(case)
    assert (step.ticked_by, case.cause) == ("Ana Ruiz", lost)
    checklists.untick(case=case, item=item, by=agent)
    assert not CheckedItem.objects.exists()


def test_the_checklist_of_a_resolved_case_stays_as_it_is(case, agent, lost):
    item = factories.ChecklistItemFactory(cause=lost)
    resolution.resolve(case=case, cause=lost, by=agent)
    with pytest.raises(checklists.NotOpenAnyMore):
        checklists.tick(case=case, item=item, by=agent)


def test_in_the_pane_the_likely_cause_shows_its_checklist_to_tick(case, agent, lost, as_user):
    item = factories.ChecklistItemFactory(cause=lost, text="Open a report", required=True)
    client = as_user(agent)
    assert "Open a report" not in client.get(f"/cases/{case.pk}/").content.decode()
    client.post(f"/cases/{case.pk}/likely-cause/", {"cause": lost.pk})
    assert "Open a report" in client.get(f"/cases/{case.pk}/").content.decode()
    client.post(f"/cases/{case.pk}/check/{item.pk}/")
    assert 'aria-checked="true"' in client.get(f"/cases/{case.pk}/").content.decode()
    client.post(f"/cases/{case.pk}/check/{item.pk}/", {"off": "1"})
    client.post(f"/cases/{case.pk}/likely-cause/", {"cause": ""})
    case.refresh_from_db()
    assert case.cause is None


def test_a_refusal_shows_the_checklist_of_the_cause_that_was_chosen(case, agent, lost, as_user):
    factories.ChecklistItemFactory(cause=lost, text="Open a report", required=True)
    page = as_user(agent).post(f"/cases/{case.pk}/resolve/", {"cause": lost.pk}, headers={"HX-Request": "true"})
    assert page.status_code == 422
    assert [step.text for step in page.context["steps"]] == ["Open a report"]


def test_a_lead_edits_the_checklist_on_the_page_of_the_cause(lead, lost, as_user):
    kept = factories.ChecklistItemFactory(cause=lost, text="Say sorry")
    data = {
        "items-TOTAL_FORMS": "3", "items-INITIAL_FORMS": "1", "items-0-id": kept.pk, "items-0-text": "Say sorry twice",
        "items-0-position": "10", "items-0-off": "on", "items-1-text": "Open a report", "items-1-position": "20",
        "items-1-required": "on", "items-2-text": "", "items-2-position": "100",
    }  # fmt: skip
    assert as_user(lead).post(f"/settings/causes/{lost.pk}/checklist/", data).status_code == 302
    found = [(item.text, item.required, item.retired_at is None) for item in ChecklistItem.objects.all()]
    assert found == [("Say sorry twice", False, False), ("Open a report", True, True)]
