"""Reading in a browser: put right in a case and seen by a colleague, worked off by keys, trained, rolled back."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from cases.models import Case
from channels_app.learning import correcting, training
from channels_app.models import Correction, FittedModel, Message
from crm.models import User
from tests import factories
from tests.browser.looking import faults_of, looked_at
from tests.browser.test_desk_screens import WORDS, one_heading

pytestmark = pytest.mark.browser
READ = {
    "sentiment": "negative", "confidence": 0.83, "reasons": "late -0.6, again -0.2", "language": "en",
    "language_confidence": 0.97, "intent": "complaint", "intent_confidence": 0.41, "intent_reasons": "late",
    "topic": "product", "topic_confidence": 0.7, "topic_reasons": "train", "urgency": "high",
    "urgency_confidence": 0.8, "urgency_reasons": "stranded", "reader": "3",
}  # fmt: skip
PAGES = [
    "/reading/", "/reading/?aspect=intent&since=26", "/reading/?aspect=topic", "/reading/next/?aspect=intent",
    "/reading/next/?aspect=language", "/reading/corrections/", "/reading/corrections/?aspect=intent&was=idea&now=abuse",
    "/reading/words/", "/reading/words/?q=nothing-like-it", "/reading/words/?state=out", "/reading/models/",
    "/reading/again/", "/reading/examples/",
]  # fmt: skip


def read(case: Case, **otherwise: object) -> Message:
    """The message of a case, read surely in most."""
    message = case.entries.get().message
    Message.objects.filter(pk=message.pk).update(**{**READ, **otherwise})
    message.refresh_from_db()
    return message


@pytest.fixture
def case(desk):
    case = factories.CaseFactory(channel=desk.channel, message="Stranded in Porto, and the train is late again.")
    read(case)
    return case


@pytest.fixture(scope="module")
def awkward(desk):
    """What is hard to set: long words, Arabic, Hebrew; put right, confirmed, and nobody's yet."""
    lea, long = User.objects.get(username="lea"), WORDS[0]
    cases = [factories.CaseFactory(channel=desk.channel, message=words, customer__name=words[:60]) for words in WORDS]
    for case, words in zip(cases, WORDS, strict=True):
        message = read(case, reasons=words[:300], intent_reasons=words[:200], intent_confidence=0.2)
        factories.LexiconWordFactory(words=words[:80], brand=long[:80], added_by=lea)
        factories.LexiconWordFactory(words=words[:80], removed_at=timezone.now(), removed_by=lea)
        correcting.correct(message=message, aspect="intent", now="abuse", by=lea)
        correcting.correct(message=message, aspect="sentiment", now="negative", by=lea)
        read(factories.CaseFactory(channel=desk.channel, message=words), intent="idea", intent_confidence=0.3)
    scores = {"n": 40, "accuracy": 0.8, "macro_f1": 0.7, "per_class": {"price": {"count": 9, "f1": 0.66}}}
    report = {"verdict": "better", "this": {"topic": scores}, "in_use": {"topic": scores}, "examples": 200}
    fitted = [factories.FittedModelFactory(version=name, report=report) for name in ("v" * 30, "fit-2")]
    for model in fitted:
        training.put_live(model=model, by=lea)
    factories.TrainingFactory(step="done", finished_at=timezone.now(), refusal=long[:300])
    factories.RereadingFactory(version="v" * 40, finished_at=timezone.now())
    factories.RereadingFactory(looked_at=40, changed=3, moved_at=timezone.now())
    return cases


def test_every_page_of_reading(desk, sit, awkward):
    lea = sit("lea")
    model = FittedModel.objects.earliest("pk")
    paths = [*PAGES, reverse("channels_app:reading_model", args=[model.pk])]
    assert faults_of(lea, paths, first=one_heading, corners=True) == {}


def test_the_rows_under_a_message_stand_on_any_screen(desk, sit, awkward):
    ana = sit("ana")
    for case in awkward:
        ana.go(f"/cases/{case.pk}/", live=True)
        ana.page.keyboard.press("i")
        expect(ana.page.locator(".readpanel")).to_be_visible()
        ana.settle()
        assert looked_at(ana) == [], case


def test_what_one_puts_right_a_colleague_sees_at_once(desk, sit, case):
    ana, ben = sit("ana"), sit("ben")
    message = case.entries.get().message
    for person in (ana, ben):
        person.go(f"/cases/{case.pk}/", live=True)
    line = f"#reading-{message.pk}"
    expect(ben.page.locator(line)).to_contain_text("Complaint? (not sure)")
    ana.page.locator(line).get_by_role("link").click()
    wants = ana.page.locator(line).get_by_role("group", name="What they want")
    wants.get_by_role("button", name="Question").click()
    expect(wants.get_by_role("button", name="Question")).to_have_attribute("aria-pressed", "true")
    expect(ana.page.locator(line)).to_contain_text("Hark had read: Complaint, 41 % sure.")
    expect(ben.page.locator(line)).to_contain_text("Question")
    expect(ben.page.locator(line)).to_contain_text("put right by Ana Ruiz")
    wants.get_by_role("button", name="Undo").click()
    expect(wants.get_by_role("button", name="Complaint")).to_have_attribute("aria-pressed", "true")
    expect(ben.page.locator(line)).to_contain_text("Complaint")
    assert ana.errors == ben.errors == []


def test_two_keys_put_it_right_and_the_rows_stay_open(desk, sit, case):
    ana = sit("ana")
    page = ana.go(f"/cases/{case.pk}/", live=True)
    page.keyboard.press("i")
    rows = page.locator(".readpanel")
    expect(rows.get_by_role("button", name="Negative")).to_be_focused()
    page.keyboard.press("2")
    expect(rows.get_by_role("button", name="Neutral")).to_be_focused()
    expect(rows).to_contain_text("Put right by Ana Ruiz")
    page.wait_for_timeout(2_500)  # its own news comes back, and draws the conversation again
    expect(rows).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("2")
    expect(rows.get_by_role("button", name="Question")).to_have_attribute("aria-pressed", "true")
    case.refresh_from_db()
    assert Correction.objects.filter(message__case_entry__case=case).count() == 2
    assert ana.errors == []


def test_without_scripts_it_is_put_right_on_a_page_of_its_own(desk, sit, case):
    ana = sit("ana", java_script_enabled=False)
    page = ana.go(f"/cases/{case.pk}/")
    page.locator("a.readline__all").last.click()
    page.get_by_role("button", name="Idea").click()
    expect(page.get_by_role("button", name="Idea")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("main")).to_contain_text("Put right by Ana Ruiz")


def test_a_lead_works_the_list_off_by_keys_alone(desk, sit, case):
    read(case, topic="price", topic_confidence=0.01)
    second = read(
        factories.CaseFactory(channel=desk.channel, message="And the bus?"), topic="none", topic_confidence=0.02
    )
    lea = sit("lea")
    page = lea.go("/reading/next/?aspect=topic")
    first = case.entries.get().message
    page.keyboard.press("j")
    expect(page.locator(f"#correct-{first.pk}").get_by_role("button", name="Price", exact=True)).to_be_focused()
    page.keyboard.press("1")
    expect(page.locator(f"#correct-{first.pk}")).to_contain_text("Put right by Lea Brandt")
    expect(
        page.locator(f"#correct-{second.pk}").get_by_role("button", name="None of these", exact=True)
    ).to_be_focused()
    page.keyboard.press("y")
    expect(page.locator(f"#correct-{second.pk}")).to_contain_text("Confirmed by Lea Brandt")
    first.refresh_from_db()
    assert first.topic == "product"
    assert lea.errors == []


def test_a_lead_trains_a_model_puts_it_in_use_and_rolls_back(desk, sit):
    lea = sit("lea")
    moods = {"negative": "The train was dreadful and late, number", "positive": "What a lovely journey, number"}
    for number in range(60):
        for mood, words in moods.items():
            message = factories.MessageFactory(thread__channel=desk.channel, text=f"{words} {number}", sentiment=mood)
            factories.CorrectionFactory(message=message, was="neutral", now=mood, by=lea.user)
    page = lea.go("/reading/models/")
    page.get_by_role("button", name="Train now").click()
    expect(page.locator("#models")).to_contain_text("Waits for a worker")
    desk.manage("work", "--burst")
    expect(page.get_by_role("button", name="Train now")).to_be_visible()
    made = FittedModel.objects.latest("pk")
    row = page.locator("tr", has_text=made.version)
    expect(row).to_be_visible()
    if not made.is_live:
        row.get_by_role("button", name="Put in use").click()
    expect(page.locator("#models section").first).to_contain_text(made.version)
    page.get_by_role("button", name="Go back to the one before").click()
    expect(page.locator("#models section").first).not_to_contain_text(made.version)
    assert lea.errors == []
