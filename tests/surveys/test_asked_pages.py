"""The pages behind a survey's link: opened by scanners, forwarded, shown again, and answered by a POST alone."""

import re
from datetime import timedelta

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from channels_app.models import LiveEvent, LiveStream
from config.logs import formatter
from crm import consent
from crm.models import Consent, Customer
from surveys import answering, links
from surveys.forms import answering as forms
from surveys.models import Answer, Invitation, Response, Survey
from tests import factories
from tests.rows import rows_of
from tests.surveys.asking import asked, say, send, survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser():
    """Nobody's: strict about forms from elsewhere, and without a cookie."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def invitation(db):
    customer = factories.CustomerFactory(name="Maria Keller", language="en")
    return send(survey(survey__brand="Skylark"), customer=customer)


def at(name, invitation, *more):
    return reverse(f"surveys:{name}", args=[links.token(invitation), *more])


def question(invitation, key):
    return invitation.version.questions.get(key=key)


def post(browser, invitation, key, answer=None, **fields):
    """As the form of that page sends it."""
    said = {"question": question(invitation, key).pk, **({} if answer is None else {"answer": answer}), **fields}
    return browser.post(at("asked", invitation), said)


def words(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode())).strip()


def finish(invitation):
    for key, value in (("nps", 9), ("text2", "Good"), ("consent3", True)):
        say(invitation, key, value)


# --- looking


def everything():
    return rows_of(Answer, Response, Invitation, Consent, Customer, but={"Invitation": ["opened_at"]})


@pytest.mark.parametrize("name", ["asked", "asked_stop", "one_click", "preferences"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_to_open_a_page_leaves_nothing_but_when_it_was_opened(browser, invitation, name, method):
    before = everything()
    response = getattr(browser, method)(at(name, invitation))
    assert response.status_code == 200
    assert everything() == before
    invitation.refresh_from_db()
    assert (invitation.opened_at is not None) == ((name, method) == ("asked", "get"))


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose"])
def test_a_browser_that_looks_ahead_has_not_opened_it(browser, invitation, header):
    browser.get(at("asked", invitation), headers={header: "prefetch;prerender"})
    invitation.refresh_from_db()
    assert invitation.opened_at is None


@pytest.mark.parametrize("name", ["asked", "asked_stop", "one_click", "preferences"])
def test_the_pages_are_kept_by_nobody_and_set_no_cookie(browser, invitation, name):
    response = browser.get(at(name, invitation))
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert not response.cookies
    assert "<script" not in response.content.decode()
    assert "style=" not in response.content.decode()


def test_a_score_in_the_link_is_chosen_beforehand_and_not_recorded(browser, invitation):
    page = browser.get(at("asked", invitation), {"score": "9"}).content.decode()
    assert re.findall(r'value="(\d+)" aria-pressed="true"', page) == ["9"]
    assert "Press it once more to confirm" in page
    assert not Response.objects.exists()


@pytest.mark.parametrize("score", ["11", "-1", "x", "²", "9" * 40, ""])
def test_another_score_in_the_link_chooses_nothing(browser, invitation, score):
    assert b"aria-pressed" not in browser.get(at("asked", invitation), {"score": score}).content


def test_a_page_with_its_styles_weighs_less_than_30_kilobytes(browser, db):
    version = survey("nps", languages=["en", "de", "fr", "ar"])
    invitation = send(version)
    page = browser.get(at("asked", invitation)).content
    sheets = re.findall(r'href="/static/([^"]+)"', page.decode())
    size = len(page) + sum(len(open(finders.find(sheet), "rb").read()) for sheet in sheets)  # noqa: PTH123, SIM115
    assert len(sheets) == 3
    print(f"{len(page)} bytes of page, {size} with its styles")
    assert size < 30_000


# --- answering


def test_three_screens_and_a_page_of_thanks(browser, invitation):
    page = browser.get(at("asked", invitation))
    assert "Question 1 of 3" in words(page)
    assert "Intro en" in words(page)
    page = browser.get(post(browser, invitation, "nps", "9").headers["Location"])
    assert "Question 2 of 3" in words(page)
    assert "Intro en" not in words(page)
    page = browser.get(post(browser, invitation, "text2", "Always on time").headers["Location"])
    assert "Question 3 of 3" in words(page)
    page = post(browser, invitation, "consent3", "yes")
    assert page.headers["Location"] == at("asked_thanks", invitation)
    assert "Thank you" in words(browser.get(page.headers["Location"]))
    assert {row.question.key: row.value for row in Answer.objects.select_related("question")} == {
        "nps": 9, "text2": "Always on time", "consent3": True,
    }  # fmt: skip


def test_each_question_has_an_address_so_that_the_way_back_leads_there(browser, invitation):
    onward = post(browser, invitation, "nps", "9").headers["Location"]
    assert onward == at("asked_back", invitation, question(invitation, "text2").pk)
    back = at("asked_back", invitation, question(invitation, "nps").pk)
    assert f'href="{back}"' in browser.get(onward).content.decode()
    page = browser.get(back).content.decode()
    assert re.findall(r'value="(\d+)" aria-pressed="true"', page) == ["9"]
    assert 'value="33"' in page  # the bar stands where it stood
    assert post(browser, invitation, "nps", "3").headers["Location"] == onward
    assert Answer.objects.get().number == 3


def test_nobody_looks_ahead_of_the_path(browser, invitation):
    for pk in (question(invitation, "consent3").pk, 10**9, 10**15):
        response = browser.get(at("asked_back", invitation, pk))
        assert (response.status_code, response.headers["Location"]) == (302, at("asked", invitation))


def test_passing_over_is_a_button_of_its_own(browser, invitation):
    assert post(browser, invitation, "nps", **{"pass": "1"}).status_code == 302
    assert Answer.objects.get().number is None


def test_it_is_resumed_on_another_device(browser, invitation):
    post(browser, invitation, "nps", "9")
    page = Client().get(at("asked", invitation), headers={"User-Agent": "Another"})
    assert "Question 2 of 3" in words(page)


def test_the_bar_counts_the_branches_honestly(browser, db):
    version = survey("nps")
    nps = version.questions.get()
    for key in ("wrong", "worse"):
        factories.ConditionFactory(question=asked(version, "text", key=key), about=nps)
    invitation = send(version)
    assert "Question 1 of 3 at most" in words(browser.get(at("asked", invitation)))
    page = browser.get(post(browser, invitation, "nps", "2").headers["Location"])
    assert words(page).count("Question 2 of 3") == 1
    assert "at most" not in words(page)


def test_how_long_a_question_was_looked_at_is_told_by_our_stamp_alone(browser, invitation):
    page = browser.get(at("asked", invitation)).content.decode()
    shown = re.search(r'name="shown" value="([^"]+)"', page)[1]
    post(browser, invitation, "nps", "9", shown=shown)
    assert 0 <= Answer.objects.get().seconds < 60


def stamp_of_another(invitation):
    return forms.stamp(factories.InvitationFactory(), question(invitation, "nps"), timezone.now())


def stamp_from_tomorrow(invitation):
    return forms.stamp(invitation, question(invitation, "nps"), timezone.now() + timedelta(days=1))


@pytest.mark.parametrize("stamp", [lambda _: "", lambda _: "1.2.3.x", stamp_of_another, stamp_from_tomorrow])
def test_a_stamp_that_is_not_right_tells_nothing_and_costs_nothing(browser, invitation, stamp):
    assert post(browser, invitation, "nps", "9", shown=stamp(invitation)).status_code == 302
    assert Answer.objects.get().seconds is None


# --- what is wrong stands beside the question


def test_a_score_of_11_is_refused_beside_the_question(browser, invitation):
    response = post(browser, invitation, "nps", "11")
    assert response.status_code == 422
    assert "Please choose a number from 0 to 10." in words(response)
    assert not Response.objects.exists()


@pytest.mark.parametrize("answer", ["nine", "9.5", "٩", "9 OR 1=1", "9" * 5000])
def test_what_is_no_number_is_refused(browser, invitation, answer):
    response = post(browser, invitation, "nps", answer)
    assert response.status_code == 422
    assert "We did not understand this answer." in words(response)


def test_what_was_typed_is_not_lost_when_it_is_too_long(browser, invitation):
    post(browser, invitation, "nps", "9")
    typed = "late again " * 500
    response = post(browser, invitation, "text2", typed)
    assert response.status_code == 422
    assert "Please shorten it to 4,000." in words(response)
    assert typed in response.content.decode()
    assert 'role="alert"' in response.content.decode()


def test_a_megabyte_is_refused_and_not_sent_back(browser, invitation):
    post(browser, invitation, "nps", "9")
    response = post(browser, invitation, "text2", "x" * 1_000_000)
    assert response.status_code == 422
    assert len(response.content) < 40_000
    assert Answer.objects.count() == 1


def test_what_was_ticked_stays_ticked_when_something_is_wrong(browser, db):
    version = survey("nps")
    asked(version, "choice", key="travels", choices=["work", "home"], several=True)
    invitation = send(version)
    say(invitation, "nps", 9)
    response = browser.post(
        at("asked", invitation), {"question": question(invitation, "travels").pk, "answer": ["home", "bus"]}
    )
    assert response.status_code == 422
    assert re.findall(r'value="(\w+)" checked', response.content.decode()) == ["home"]


@pytest.mark.parametrize("pk", ["", "x", "0", "²", "9" * 18, "9" * 40])
def test_a_question_that_is_none_leads_back_to_where_they_stand(browser, invitation, pk):
    response = browser.post(at("asked", invitation), {"question": pk, "answer": "9"})
    assert (response.status_code, response.headers["Location"]) == (302, at("asked", invitation))
    assert not Response.objects.exists()


def test_words_are_shown_as_words(browser, invitation):
    post(browser, invitation, "nps", "9")
    post(browser, invitation, "text2", "</textarea><b>bold</b>")
    page = browser.get(at("asked_back", invitation, question(invitation, "text2").pk)).content.decode()
    assert "&lt;/textarea&gt;&lt;b&gt;bold&lt;/b&gt;" in page


# --- over


@pytest.mark.parametrize("token", ["none", "A" * 22 + "." + "B" * 43, "²"])
def test_an_address_that_is_not_whole_says_so(browser, db, token):
    for name in ("asked", "asked_stop", "one_click", "preferences"):
        for ask in (browser.get, browser.post):
            assert ask(reverse(f"surveys:{name}", args=[token])).status_code == 404
    assert "There is nothing here" in words(browser.get(reverse("surveys:asked", args=[token])))


def test_an_answered_link_thanks_whoever_opens_it_and_tells_nothing_of_anybody(browser, invitation):
    finish(invitation)
    forwarded = Client()
    response = forwarded.get(at("asked", invitation), follow=True)
    assert "Thank you" in words(response)
    assert not {"Maria", "Keller", "Good"} & set(words(response).split())
    assert post(forwarded, invitation, "nps", "0").headers["Location"] == at("asked_thanks", invitation)
    back = forwarded.get(at("asked_back", invitation, question(invitation, "text2").pk))
    assert back.headers["Location"] == at("asked_thanks", invitation)
    assert Response.objects.get().score == 9


def test_no_page_of_a_survey_names_the_customer(browser, invitation):
    for name in ("asked", "asked_stop", "one_click", "preferences"):
        assert "Maria" not in browser.get(at(name, invitation)).content.decode()


def test_thanks_come_after_the_last_answer(browser, invitation):
    response = browser.get(at("asked_thanks", invitation))
    assert response.headers["Location"] == at("asked", invitation)


def test_a_link_that_has_run_out_says_until_when_it_worked(browser, invitation):
    Invitation.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    for response in (browser.get(at("asked", invitation)), post(browser, invitation, "nps", "9")):
        assert response.status_code == 410
        assert "This link has run out" in words(response)
    assert not Response.objects.exists()


def test_withdrawn_between_opening_and_sending_is_told_kindly(browser, invitation):
    browser.get(at("asked", invitation))
    consent.record(customer=invitation.customer, purpose="survey", state="refused", how="On the telephone", by=None)
    response = post(browser, invitation, "nps", "9")
    assert response.status_code == 410
    assert "You asked us for no more surveys, so we keep no further answers." in words(response)
    assert not Response.objects.exists()


def test_of_who_was_erased_nothing_is_left(browser, invitation):
    Customer.objects.filter(pk=invitation.customer_id).update(erased_at=timezone.now())
    for name in ("asked", "asked_stop", "preferences"):
        assert browser.get(at(name, invitation)).status_code == 404
        assert browser.post(at(name, invitation), {"what": "everything"}).status_code == 404


def test_who_has_told_us_everything_is_told_so(browser, db):
    version = survey("consent")
    invitation = send(version)
    consent.record(customer=invitation.customer, purpose="call", state="given", how="On the telephone", by=None)
    assert "You have told us already" in words(browser.get(at("asked", invitation)))


def test_no_log_gives_a_link_away(browser, invitation, caplog):
    post(browser, invitation, "nps", "11")
    browser.put(at("asked", invitation))
    lines = [formatter(json=True).format(record) for record in caplog.records]
    assert len(lines) == 2
    assert all("/s/[link]/" in line and links.token(invitation) not in line for line in lines)


# --- languages


def test_they_read_it_in_their_own_language_and_may_choose_another(browser, db):
    customer = factories.CustomerFactory(language="fr")
    invitation = send(survey(languages=["en", "de", "fr"]), customer=customer)
    response = browser.get(at("asked", invitation))
    assert response.headers["Content-Language"] == "fr"
    assert '<html lang="fr" dir="ltr">' in response.content.decode()
    assert "nps fr" in words(response)
    assert "nps de" in words(browser.get(at("asked", invitation), {"lang": "de"}))
    post(browser, invitation, "nps", "9", lang="de")
    assert Response.objects.get().language == "de"
    assert "text2 de" in words(browser.get(at("asked", invitation)))  # from now on


@pytest.mark.parametrize(("spoken", "wished"), [("", ""), ("ja", ""), ("", "ja"), ("", "<b>")])
def test_who_speaks_none_of_its_languages_reads_the_first(browser, db, spoken, wished):
    invitation = send(survey(languages=["de", "en"]), customer=factories.CustomerFactory(language=spoken))
    response = browser.get(at("asked", invitation), {"lang": wished})
    assert response.headers["Content-Language"] == "de"


def test_who_speaks_a_variety_reads_the_language_it_is_one_of(browser, db):
    invitation = send(survey(languages=["en", "pt"]), customer=factories.CustomerFactory(language="pt-br"))
    assert browser.get(at("asked", invitation)).headers["Content-Language"] == "pt"


def test_a_survey_in_one_language_offers_no_other(browser, invitation):
    assert b"hreflang" not in browser.get(at("asked", invitation)).content


def test_arabic_runs_from_right_to_left(browser, db):
    invitation = send(survey(languages=["ar"]))
    assert '<html lang="ar" dir="rtl">' in browser.get(at("asked", invitation)).content.decode()


def test_what_is_noted_for_us_is_in_the_language_of_the_house(browser, db):
    invitation = send(survey(languages=["de"]))
    browser.post(at("asked_stop", invitation), {"what": "surveys"})
    assert invitation.customer.consent_changes.get().how == "Said so on the page of a survey"


# --- the way out


@pytest.mark.parametrize("name", ["asked", "asked_stop", "one_click", "preferences", "asked_thanks"])
def test_the_way_out_stands_on_every_page(browser, invitation, name):
    if name == "asked_thanks":
        finish(invitation)
    page = browser.get(at(name, invitation))
    assert "Do not contact me under any circumstances" in words(page)
    assert "No more surveys" in words(page)
    assert f'action="{at("asked_stop", invitation)}"' in page.content.decode()


def test_no_contact_at_all_holds_at_once_and_everywhere(browser, invitation, django_capture_on_commit_callbacks):
    case = factories.CaseFactory(customer=invitation.customer)
    waiting = factories.InvitationFactory(customer=factories.CustomerFactory())
    LiveStream.objects.create(name=f"wave:{invitation.wave_id}")
    with django_capture_on_commit_callbacks(execute=True):
        response = browser.post(at("asked_stop", invitation), {"what": "everything"})
    assert LiveEvent.objects.get().stream == f"wave:{invitation.wave_id}"
    assert "We do not contact you any more" in words(browser.get(response.headers["Location"]))
    for purpose in ("survey", "call", "care_reply", "marketing"):
        assert not consent.may_contact(Customer.objects.get(pk=case.customer_id), purpose)
    invitation.refresh_from_db()
    assert (invitation.state, invitation.reason) == ("cancelled", "They want no contact under any circumstances.")
    with pytest.raises(answering.NotWanted):
        say(invitation, "nps", 9)
    waiting.refresh_from_db()
    assert waiting.state == "sent"


def test_no_more_surveys_leaves_the_rest_as_it_was(browser, invitation):
    response = browser.post(at("asked_stop", invitation), {"what": "surveys"})
    assert "You get no more surveys from us" in words(browser.get(response.headers["Location"]))
    assert not consent.may_contact(invitation.customer, "survey")
    assert consent.may_contact(invitation.customer, "care_reply")


def test_the_wrong_button_is_taken_back_and_the_survey_goes_on(browser, invitation):
    say(invitation, "nps", 9)
    page = browser.get(browser.post(at("asked_stop", invitation), {"what": "everything"}).headers["Location"])
    slip = re.search(r'name="slip" value="([^"]+)"', page.content.decode())[1]
    response = browser.post(at("asked_stop", invitation), {"slip": slip})
    assert response.status_code == 302
    assert consent.may_contact(Customer.objects.get(pk=invitation.customer_id), "survey")
    say(invitation, "text2", "As I was saying")


def test_it_is_taken_back_by_whose_it_is_and_in_time_alone(browser, invitation, monkeypatch):
    page = browser.get(browser.post(at("asked_stop", invitation), {"what": "everything"}).headers["Location"])
    slip = re.search(r'name="slip" value="([^"]+)"', page.content.decode())[1]
    other = send(survey())
    for whose, said in ((other, slip), (invitation, slip[:-1]), (invitation, "1")):
        assert browser.post(at("asked_stop", whose), {"slip": said}).status_code == 422
    monkeypatch.setattr("surveys.stopping.UNDONE_WITHIN", timedelta(seconds=-1))
    assert browser.post(at("asked_stop", invitation), {"slip": slip}).status_code == 422
    assert Customer.objects.get(pk=invitation.customer_id).do_not_contact_at


def test_what_was_said_since_stands(browser, invitation, agent):
    page = browser.get(browser.post(at("asked_stop", invitation), {"what": "surveys"}).headers["Location"])
    slip = re.search(r'name="slip" value="([^"]+)"', page.content.decode())[1]
    consent.record(customer=invitation.customer, purpose="survey", state="given", how="By letter", by=agent)
    consent.record(customer=invitation.customer, purpose="survey", state="refused", how="By letter", by=agent)
    assert browser.post(at("asked_stop", invitation), {"slip": slip}).status_code == 422
    assert not consent.may_contact(invitation.customer, "survey")


@pytest.mark.parametrize("state", ["answered", "expired", "cancelled", "bounced"])
def test_the_way_out_works_for_as_long_as_there_is_somebody(browser, db, state):
    invitation = send(survey(), state=state, ended_at=timezone.now(), reason="Because")
    assert browser.post(at("asked_stop", invitation), {"what": "everything"}).status_code == 302
    assert Customer.objects.get(pk=invitation.customer_id).do_not_contact_at


def test_one_click_in_a_mail_program_ends_surveys_without_a_page(browser, invitation):
    response = browser.post(at("one_click", invitation), {"List-Unsubscribe": "One-Click"})
    assert (response.status_code, response.content) == (200, b"Unsubscribed.\n")
    assert not response.cookies
    assert not consent.may_contact(invitation.customer, "survey")
    assert invitation.customer.consent_changes.get().how == "One click in their mail program"
    assert browser.post(at("one_click", invitation), {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert invitation.customer.consent_changes.count() == 1


def test_the_header_s_address_opened_by_a_person_has_the_buttons(browser, invitation):
    assert "No more surveys" in words(browser.get(at("one_click", invitation)))
    assert consent.may_contact(invitation.customer, "survey")


# --- preferences


def test_each_purpose_is_chosen_by_itself_and_only_a_change_is_recorded(browser, invitation):
    page = browser.get(at("preferences", invitation)).content.decode()
    assert set(re.findall(r'name="(\w+)"[^>]* checked', page)) == {"survey", "call", "care_reply"}
    response = browser.post(at("preferences", invitation), {"survey": "on", "care_reply": "on", "marketing": "on"})
    assert "Saved." in words(browser.get(response.headers["Location"]))
    changes = invitation.customer.consent_changes.values_list("purpose", "to")
    assert set(changes) == {("call", "refused"), ("marketing", "given")}


def test_surveys_unticked_call_off_the_one_that_waits(browser, invitation):
    browser.post(at("preferences", invitation), {"call": "on", "care_reply": "on"})
    invitation.refresh_from_db()
    assert invitation.state == "cancelled"


def test_who_wants_no_contact_cannot_be_won_back_by_a_link(browser, invitation):
    consent.forbid(customer=invitation.customer, how="By letter", by=None)
    assert "We do not contact you any more" in words(browser.get(at("preferences", invitation)))
    browser.post(at("preferences", invitation), {"survey": "on", "marketing": "on"})
    assert Customer.objects.get(pk=invitation.customer_id).do_not_contact_at
    assert not Consent.objects.exists()


def test_the_queries_of_a_page_do_not_grow_with_the_survey(browser, db, django_assert_max_num_queries):
    few, many = survey("nps", "text"), survey("nps", *["scale"] * 15)
    assert Survey.objects.count() == 2
    for version in (few, many):
        invitation = send(version, opened_at=timezone.now())
        with django_assert_max_num_queries(22):
            browser.get(at("asked", invitation))
