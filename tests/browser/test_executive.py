"""An executive's ten minutes on the telephone: three calls on a bad line, nothing lost, nothing twice."""

from __future__ import annotations

from itertools import count

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import expect

from surveys.models import Attempt, Call, CallingHours, GroupRequest, Hashtag
from tests import factories
from tests.browser.conftest import PHONE
from tests.browser.looking import faults_of

pytestmark = pytest.mark.browser
_numbers = count(1)


@pytest.fixture
def any_hour(desk):
    """They may be called around the clock: the line is cut here, whatever the hour."""
    if not CallingHours.objects.filter(country="").exists():
        factories.CallingHoursFactory(calendar__around_the_clock=True)


@pytest.fixture
def eva(desk, sit, any_hour):
    """With the telephone in her hand. Each test has an executive of its own."""
    username = f"eva{next(_numbers)}"
    factories.UserFactory(username=username, first_name="Eva", last_name="Stone", role="executive")
    return sit(username, viewport=PHONE, has_touch=True, is_mobile=True)


@pytest.fixture
def call_to(eva):
    """A call of hers to somebody new, who gave a ten."""

    def make(name, score=10):
        customer = factories.CustomerFactory(name=name, given_name=name.split()[0], country="GB")
        number = f"+44{7700900000 + next(_numbers)}"
        factories.IdentityFactory(kind="phone", place="", value=number, customer=customer)
        call = factories.CallFactory(loop__customer=customer, owner=eva.user, to="executive", group="promoter")
        response = factories.ResponseFactory(invitation__customer=customer, score=score, finished_at=timezone.now())
        factories.AnswerFactory(response=response, question__kind="text", text=f"The crew was kind, says {name}.")
        for step in ("thank", "engage", "share"):
            factories.FollowUpFactory(call=call, response=response, step=step)
        return call

    return make


@pytest.fixture
def groups(desk):
    """Two, who are asked by #billing and #crew."""
    for tag in ("billing", "crew"):
        if not Hashtag.objects.filter(tag=tag).exists():
            factories.HashtagFactory(tag=tag, group__name=tag.capitalize())


def open_page(eva, call):
    """By its place in the list."""
    page = eva.go("/calls/")
    page.locator(f"#call-{call.pk} a[href$='/calls/{call.pk}/']").first.tap()
    return there(eva, call)


def there(eva, call):
    """The page has come, and its scripts with it."""
    expect(eva.page.locator("#call")).to_contain_text(f"says {call.customer}")
    eva.wait_until_live()
    return eva.page


def dial(page, call):
    page.get_by_role("button", name="Show the number").tap()
    number = call.customer.links.get().identity.value
    expect(page.get_by_role("link", name=f"Call {number}")).to_have_attribute("href", f"tel:{number}")


def tap_outcome(page, outcome):
    """The two taps."""
    page.get_by_text(outcome, exact=True).tap()
    page.get_by_role("button", name="Keep it").tap()


def kept(page):
    return page.locator("[data-kept-notes]").filter(has_text="kept on this phone, will be sent")


def notes_of(call):
    return [attempt.note for attempt in Attempt.objects.filter(call=call)]


def is_over(page):
    expect(page.get_by_role("heading", name="This call is over")).to_be_visible()
    expect(kept(page)).to_have_count(0)


def test_three_calls_in_ten_minutes_with_the_line_cut_in_the_middle(eva, call_to, groups):
    ada, bob, cia = (call_to(name) for name in ("Ada Byron", "Bob Marsh", "Cia Lind"))

    page = open_page(eva, ada)
    dial(page, ada)
    tap_outcome(page, "Reached")
    is_over(page)

    page.get_by_role("link", name="Next: Bob Marsh").tap()
    there(eva, bob)
    dial(page, bob)
    eva.context.set_offline(True)
    page.get_by_label("Note").press_sequentially("Was charged twice for one seat. #bil")
    page.get_by_role("option", name="#billing").tap()
    page.get_by_label("Note").press_sequentially("And praised all on board. #crew")
    tap_outcome(page, "Reached")
    expect(kept(page)).to_contain_text("Call to Bob Marsh")
    assert notes_of(bob) == []
    eva.context.set_offline(False)
    is_over(page)
    assert notes_of(bob) == ["Was charged twice for one seat. #billing And praised all on board. #crew"]
    assert sorted(str(asked.hashtag) for asked in GroupRequest.objects.filter(attempt__call=bob)) == [
        "#billing", "#crew"
    ]  # fmt: skip
    expect(page.locator("#call-facts")).to_contain_text("#billing Billing")

    page.get_by_role("link", name="Next: Cia Lind").tap()
    there(eva, cia)
    arrived = []

    def lose_the_first_answer(route):
        answer = route.fetch()  # the server has it
        arrived.append(answer.status)
        route.abort("connectionreset") if len(arrived) == 1 else route.fulfill(response=answer)

    page.route("**/record/", lose_the_first_answer)
    page.get_by_label("Note").fill("Never change the crew.")
    tap_outcome(page, "Reached")
    is_over(page)
    assert arrived == [200, 200]
    assert notes_of(cia) == ["Never change the crew."]
    assert {each.state for each in Call.objects.filter(owner=eva.user)} == {"done"}
    assert Attempt.objects.filter(by=eva.user).count() == 3


def test_a_note_that_was_kept_is_sent_from_whatever_page_is_opened_next(eva, call_to):
    call = call_to("Dan Roe")
    page = open_page(eva, call)
    eva.context.set_offline(True)
    page.get_by_label("Note").fill("In the tunnel.")
    tap_outcome(page, "No answer")
    expect(kept(page)).to_be_visible()
    page.close()
    eva.context.set_offline(False)
    eva.page = eva.context.new_page()
    eva.go("/calls/")
    expect(eva.page.get_by_text("Sent: what came of the call to Dan Roe.")).to_be_visible()
    assert notes_of(call) == ["In the tunnel."]


def test_whoever_is_signed_out_meanwhile_is_told_and_loses_nothing(eva, call_to):
    call = call_to("Eli Wood")
    page = open_page(eva, call)
    cookies = eva.context.cookies()
    eva.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.get_by_label("Note").fill("Half past.")
    tap_outcome(page, "Reached")
    expect(page.locator("[data-kept-notes]")).to_contain_text("You are signed out. Sign in again")
    expect(kept(page)).to_be_visible()
    assert notes_of(call) == []
    eva.context.add_cookies(cookies)
    page.locator("[data-kept-notes]").get_by_role("link", name="Load it again").tap()
    is_over(page)
    assert notes_of(call) == ["Half past."]


def test_what_the_server_does_not_take_stays_in_the_form_with_what_is_wrong(eva, call_to):
    call = call_to("Fay Moss")
    page = open_page(eva, call)
    page.get_by_label("Note").fill("Call me then.")
    page.get_by_label("Another time", exact=True).fill("2020-01-01T10:00")
    tap_outcome(page, "They want another time")
    expect(page.locator("#call-deed .field__error")).to_contain_text("This moment has passed.")
    expect(page.get_by_label("Note")).to_have_value("Call me then.")
    page.get_by_label("Another time", exact=True).fill("")
    page.get_by_role("button", name="Keep it").tap()
    expect(page.locator("#call-facts")).to_contain_text("Planned")
    expect(page.locator("[data-kept-notes]")).to_be_hidden()
    assert notes_of(call) == ["Call me then."]


def test_what_is_half_written_is_there_after_the_page_was_left(eva, call_to):
    call = call_to("Gus Hale")
    page = open_page(eva, call)
    page.get_by_label("Note").fill("He liked the")
    page.reload()
    there(eva, call)
    expect(page.get_by_label("Note")).to_have_value("He liked the")


def test_the_page_hears_that_somebody_else_has_called(eva, call_to, sit):
    call = call_to("Hal Finch")
    page = open_page(eva, call)
    page.get_by_label("Note").fill("I am writing")
    lea = sit("lea")
    lea.go(f"/calls/{call.pk}/", live=True)
    lea.page.get_by_text("Only a mailbox", exact=True).click()
    lea.page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#call-facts")).to_contain_text("Only a mailbox")
    expect(page.get_by_label("Note")).to_have_value("I am writing")


def test_the_page_is_a_plain_form_without_a_script(desk, sit, eva, call_to):
    call = call_to("Ida Holm")
    plain = sit(eva.user.username, viewport=PHONE, java_script_enabled=False)
    page = plain.go(f"/calls/{call.pk}/")
    page.get_by_role("button", name="Show the number").click()
    expect(page.locator("a[href^='tel:']")).to_be_visible()
    page.get_by_text("Reached", exact=True).click()
    page.get_by_label("Note").fill("By hand.")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("heading", name="This call is over")).to_be_visible()
    assert notes_of(call) == ["By hand."]


def test_the_page_of_a_call_has_no_fault(eva, call_to):
    call = call_to("Jon Ash", score=3)
    case = factories.CaseFactory(customer=call.customer, subject="Where is my bag? " + "unbroken" * 12)
    factories.CommitmentFactory(case=case, text="A call on Monday")
    attempt = factories.CallAttemptFactory(call=call, outcome="mailbox", note="Rang. #nobody-owns-this")
    factories.GroupRequestFactory(attempt=attempt)
    factories.HeardFactory(attempt=attempt)
    assert faults_of(eva, [f"/calls/{call.pk}/"], corners=True) == {}
