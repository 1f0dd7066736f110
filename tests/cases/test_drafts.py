"""Drafts: what somebody has begun to write outlives the tab, the browser and the day."""

import html
import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from cases import drafts, jobs, replies
from cases.models import Case, Draft
from config.cron import EVERY
from crm import private_links
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def type_in(client, case, text, kind="reply"):
    answer = client.post(f"/cases/{case.pk}/draft/", {"text": text, "kind": kind}, headers=HTMX)
    assert answer.status_code == 204


def composer(client, case):
    return client.get(f"/cases/{case.pk}/").context


def test_what_was_typed_stands_there_on_another_device(case, agent, as_user):
    type_in(as_user(agent), case, "We have asked\r\n the depot")
    assert composer(as_user(agent), case)["reply_form"]["text"].value() == "We have asked\n the depot"


def test_a_note_is_kept_apart_from_a_reply_and_opens_as_a_note(case, agent, as_user):
    type_in(as_user(agent), case, "Rang the depot", kind="note")
    shown = composer(as_user(agent), case)
    assert (shown["note_form"]["text"].value(), shown["reply_form"]["text"].value()) == ("Rang the depot", "")
    assert shown["writing_note"]
    type_in(as_user(agent), case, "Dear Jane")
    assert not composer(as_user(agent), case)["writing_note"]


def test_the_fields_of_the_page_say_which_kind_they_are(case, agent, as_user):
    source = as_user(agent).get(f"/cases/{case.pk}/").content.decode()
    said = [json.loads(html.unescape(found)) for found in re.findall(r'<textarea[^>]* hx-vals="([^"]*)"', source)]
    assert said == [{"kind": "reply"}, {"kind": "note"}]


@pytest.mark.parametrize("kind", ["", "letter"])
def test_what_does_not_say_its_kind_is_not_kept_as_a_reply(case, agent, as_user, kind):
    answer = as_user(agent).post(f"/cases/{case.pk}/draft/", {"text": "For us only", "kind": kind}, headers=HTMX)
    assert answer.status_code == 400
    assert not Draft.objects.exists()


def test_there_is_one_draft_of_a_person_in_a_case_and_the_last_key_wins(case, agent, as_user):
    for text in ("W", "We", "We are"):
        type_in(as_user(agent), case, text)
    assert Draft.objects.get().text == "We are"


def test_what_is_emptied_is_forgotten(case, agent, as_user):
    type_in(as_user(agent), case, "We")
    type_in(as_user(agent), case, " \n ")
    assert not Draft.objects.exists()


def test_a_draft_is_seen_by_who_wrote_it_alone(case, agent, colleague, as_user):
    type_in(as_user(agent), case, "Not ready for eyes")
    assert "Not ready for eyes" not in as_user(colleague).get(f"/cases/{case.pk}/").content.decode()
    assert "Not ready for eyes" not in as_user(colleague).get("/drafts/").content.decode()


def test_what_was_sent_is_no_draft_any_more(case, agent):
    drafts.keep(case=case, kind="reply", text="Noon.", by=agent)
    drafts.keep(case=case, kind="note", text="Rang.", by=agent)
    replies.reply(case=case, text="Noon.", by=agent)
    assert Draft.objects.get().kind == "note"
    replies.note(case=case, text="Rang.", by=agent)
    assert not Draft.objects.exists()


def test_a_refused_reply_leaves_its_draft(case, agent, as_user):
    type_in(as_user(agent), case, "Hello [[name]]")
    assert as_user(agent).post(f"/cases/{case.pk}/reply/", {"text": "Hello [[name]]"}).status_code == 422
    assert Draft.objects.get().text == "Hello [[name]]"


@pytest.mark.parametrize("kind", ["reply", "note"])
def test_a_save_that_comes_behind_the_sending_brings_nothing_back(case, agent, kind):
    (replies.reply if kind == "reply" else replies.note)(case=case, text="It comes\nat noon.", by=agent)
    assert drafts.keep(case=case, kind=kind, text=" It comes\r\nat noon.", by=agent) is None
    assert not Draft.objects.exists()


def test_a_private_link_is_not_kept(case, agent):
    link = private_links.link(factories.IdentityRequestFactory(identity=case.identity))
    drafts.keep(case=case, kind="reply", text="Tell us", by=agent)
    assert drafts.keep(case=case, kind="reply", text=f"Tell us here: {link}", by=agent) is None
    assert not Draft.objects.exists()


def test_a_draft_of_a_case_that_was_joined_stands_in_the_one_it_was_joined_to(case, agent, as_user, channel):
    gone = factories.CaseFactory(channel=channel)
    drafts.keep(case=gone, kind="reply", text="Half a word", by=agent)
    Case.objects.filter(pk=gone.pk).update(state="merged", merged_into=case)
    assert composer(as_user(agent), case)["reply_form"]["text"].value() == "Half a word"
    replies.reply(case=case, text="A whole word", by=agent)
    assert not Draft.objects.exists()


def test_my_drafts_are_listed_newest_first_with_their_cases(case, agent, as_user, channel):
    other = factories.CaseFactory(channel=channel, customer__name="Karl <Lang>")
    factories.DraftFactory(case=case, user=agent, text="First words", at=timezone.now() - timedelta(hours=2))
    factories.DraftFactory(case=other, user=agent, kind="note", text="Second <words>")
    page = as_user(agent).get("/drafts/").content.decode()
    assert page.index("Second &lt;words&gt;") < page.index("First words")
    assert "Karl &lt;Lang&gt;" in page
    assert 'href="/drafts/"' in page


def test_a_draft_in_a_case_i_may_not_see_any_more_is_not_shown(stranger, case, as_user):
    factories.DraftFactory(case=case, user=stranger, text="From better days")
    page = as_user(stranger).get("/drafts/").content.decode()
    assert "From better days" not in page
    assert "Nothing begun." in page


def test_what_nobody_went_on_with_for_a_month_is_forgotten(agent):
    old = factories.DraftFactory(user=agent, at=timezone.now() - timedelta(days=31))
    young = factories.DraftFactory(user=agent, at=timezone.now() - timedelta(days=29))
    assert EVERY["cases.jobs.forget_words"] == 3600
    jobs.forget_words()
    assert list(Draft.objects.all()) == [young]
    assert old != young
