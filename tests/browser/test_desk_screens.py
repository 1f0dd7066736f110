"""Every screen around the case desk, for the role that needs it: axe finds nothing serious, nothing is cut off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from cases.models import Case, Cause, Template
from channels_app.models import Module
from crm.models import Calendar, Notice, Skill, SupportGroup, User
from tests import factories
from tests.browser.conftest import PHONE, Screen, let_work
from tests.browser.looking import faults_of, looked_at

pytestmark = pytest.mark.browser

LONG, EMOJI = "unbroken" * 10, "👩‍👩‍👧‍👦🚂" * 20
ARABIC, HEBREW = "القطار متأخر مرة أخرى ولا أحد يقول لماذا. " * 4, "הרכבת שוב מאחרת ואף אחד לא אומר למה. " * 4
WORDS = (LONG * 4, EMOJI, ARABIC, HEBREW)


@pytest.fixture(scope="module")
def lea(desk) -> User:
    return User.objects.get(username="lea")


@pytest.fixture(scope="module")
def uri(desk) -> User:
    return factories.UserFactory(username="uri", first_name="Uri", last_name=LONG, role="support")


@pytest.fixture(scope="module")
def awkward(desk, lea, uri) -> list[Case]:
    """Cases with awkward words, and every kind of record that the desk keeps beside them."""
    cases = [
        factories.CaseFactory(channel=desk.channel, customer__name=words[:90], message=words, subject=words[:200])
        for words in WORDS
    ]
    for person, role in ((LONG, "agent"), (EMOJI[:70], "agent"), (HEBREW[:70], "lead")):
        factories.UserFactory(first_name=person, last_name=person, role=role, teams=[desk.channel.team])
    _asked_and_told(cases, lea, uri)
    _conduct(cases, lea)
    _settings(desk, cases, lea)
    let_work(desk)
    return cases


def _asked_and_told(cases: list[Case], lea: User, uri: User) -> None:
    ana = User.objects.get(username="ana")
    for case, words in zip(cases, WORDS, strict=True):
        factories.DraftFactory(case=case, user=lea, text=words)
        factories.HandOverFactory(case=case, by=ana, to=lea, story=words, next_step=words[:500])
        factories.CommitmentFactory(case=case, text=words[:500], by=ana)
        factories.OverrideFactory(case=case, by=ana, why=words[:300])
        group = factories.SupportGroupFactory(name=words[:80], purpose=words[:200], members=[uri, lea])
        factories.GroupQuestionFactory(case=case, group=group, by=ana, text=words)
    factories.GroupQuestionFactory(
        case=cases[0], group=group, by=ana, text=LONG, answer=LONG, answered_by=uri, answered_at=timezone.now()
    )
    Notice.objects.bulk_create(factories.NoticeFactory.build_batch(300, user=lea, text=LONG * 3))
    factories.NoticeFactory(user=lea, text=ARABIC[:300])


def _conduct(cases: list[Case], lea: User) -> None:
    ana, ben = (User.objects.get(username=name) for name in ("ana", "ben"))
    for number, (case, words) in enumerate(zip(cases, WORDS, strict=True)):
        state = ("in_force", "waiting", "refused", "lifted")[number]
        at, by = (timezone.now(), ben) if state != "waiting" else (None, None)
        done = {"lifted_at": at, "lifted_by": lea, "lifted_why": words[:300]} if state == "lifted" else {}
        factories.MeasureFactory(
            case=case, by=ana, kind="block", state=state, seconded_at=at, seconded_by=by, detail=words[:300], **done
        )
        factories.ApprovalFactory(case=case, by=ana, text=words, why=words[:300])
        module = factories.ModuleFactory(name=words[:80], content=words, questions=0)
        factories.ModuleQuestionFactory(module=module, text=words[:500], choices=[words[:300], "No"])
        factories.AttemptFactory(module=module, user=lea, expires_at=timezone.now())
    factories.PolicyFactory(channel=cases[0].channel, who=ARABIC, how=LONG * 5, never=f"- {LONG}\n- {EMOJI}")


def _settings(desk, cases: list[Case], lea: User) -> None:
    top = factories.CauseFactory(name=LONG)
    for words in WORDS:
        cause = factories.CauseFactory(name=words[:80], parent=top)
        factories.ChecklistItemFactory(cause=cause, text=words[:200])
        rule = factories.RuleFactory(name=words[:80], words=[words[:60]], priority=2, team=desk.channel.team)
        factories.RuleRunFactory(rule=rule, case=cases[0], done=words[:300])
        factories.TemplateFactory(name=words[:80], purpose=words[:200], text=f"{words} [[{words[:60]}]]")
        factories.SkillFactory(name=words[:60])
        factories.HolidayFactory(calendar=factories.CalendarFactory(name=words[:80]), name=words[:80])
    factories.AbsenceFactory(user=lea, why=LONG, cover=User.objects.get(username="ana"))
    factories.published_promise(channel__name=LONG, what_we_do=ARABIC, what_we_do_not=LONG * 3)


def of_the_settings(lea: User) -> Iterator[str]:
    """All that stands under Team settings, each list and each form."""
    rule = Case.objects.first().rule_runs.first().rule_id
    cause, template, calendar = (model.objects.last().pk for model in (Cause, Template, Calendar))
    module = Module.objects.first()
    group, skill = SupportGroup.objects.last().pk, Skill.objects.last().pk
    for page in ("rules", "rules/new", f"rules/{rule}", f"rules/{rule}/runs", "causes", f"causes/{cause}"):
        yield f"/settings/{page}/"
    for page in ("templates", "templates/new", f"templates/{template}", "desk", "desk/overrides"):
        yield f"/settings/{page}/"
    for page in ("hours", "hours/new", f"hours/{calendar}", "groups", "groups/new", f"groups/{group}"):
        yield f"/settings/{page}/"
    for page in ("people", f"people/{lea.pk}", f"people/{lea.pk}/absences", f"people/skills/{skill}"):
        yield f"/settings/{page}/"
    question = module.questions.first().pk
    for page in ("", "/new", f"/{module.pk}", f"/{module.pk}/preview", f"/{module.pk}/questions/{question}"):
        yield f"/settings/modules{page}/"
    yield from ("/settings/teams/", "/settings/templates/?q=nothing-has-these-words", "/story/")


def of_the_desk(cases: list[Case]) -> Iterator[str]:
    """What stands around the cases: for those who answer customers, and for leads."""
    case, module = cases[0], Module.objects.first()
    yield from ("/care/", "/search/", "/search/?q=unbroken", "/search/?q=nothing-has-these-words", "/approvals/")
    yield from (f"/approvals/{case.approvals.first().pk}/", "/approvals/?mine", "/malicious/", "/malicious/?kind=hide")
    yield from ("/notices/", "/profile/notices/", "/profile/", "/profile/absences/", "/drafts/", "/asked/")
    yield from ("/certification/", f"/certification/{module.pk}/", "/certification/everybody/", "/channels/")
    yield from (f"/channels/{case.channel_id}/promise/", f"/channels/{case.channel_id}/policy/")
    yield from (f"/cases/{case.pk}/{deed}/" for deed in ("hand-over", "merge", "split", "link"))


def of_the_groups(uri: User) -> list[str]:
    asked = uri.support_groups.first().questions.first()
    return ["/asked/", "/asked/?show=answered", f"/asked/{asked.pk}/", "/notices/", "/profile/", "/profile/notices/"]


def one_heading(page: Page) -> None:
    assert page.locator("h1").count() == 1, f"{page.url} is not there"


def faults(screen: Screen, paths: Iterable[str]) -> dict[str, list[str]]:
    return faults_of(screen, paths, first=one_heading)


def test_no_screen_of_the_desk_has_a_serious_fault(sit, awkward):
    assert faults(sit("lea", reduced_motion="reduce"), of_the_desk(awkward)) == {}


def test_no_page_of_the_team_settings_has_one(sit, awkward, lea):
    assert faults(sit("lea", reduced_motion="reduce"), of_the_settings(lea)) == {}


def test_nor_has_what_members_of_support_groups_see(sit, awkward, uri):
    assert faults(sit("uri", reduced_motion="reduce"), of_the_groups(uri)) == {}


def test_nor_has_what_everybody_sees_of_our_promises(desk, sit, awkward):
    anybody = sit("ana", reduced_motion="reduce")
    anybody.context.clear_cookies()
    assert faults(anybody, ["/promise/skylark/"]) == {}


def test_a_rule_is_tried_and_says_what_it_would_have_done(sit, awkward, lea):
    screen = sit("lea", reduced_motion="reduce")
    rule = awkward[0].rule_runs.last().rule_id
    screen.go(f"/settings/rules/{rule}/").get_by_role("button", name="Try it").click()
    screen.page.locator("#trial").wait_for()
    screen.settle()
    assert looked_at(screen) == []


def test_a_cause_says_what_would_move_before_it_is_joined(sit, awkward):
    screen = sit("lea", reduced_motion="reduce")
    page = screen.go(f"/settings/causes/{Cause.objects.exclude(parent=None).first().pk}/")
    page.get_by_label("Join it to").select_option(index=1)
    page.get_by_role("button", name="Show what moves").click()
    page.get_by_role("button", name="Join them").wait_for()
    assert looked_at(screen) == []


def test_who_did_not_pass_reads_what_was_wrong(sit, awkward):
    screen = sit("lea", reduced_motion="reduce")
    page = screen.go(f"/certification/{Module.objects.first().pk}/")
    page.get_by_role("radio", name="No").check()
    page.get_by_role("button", name="Hand in").click()
    page.get_by_text("Not passed: 0 of 1 right").wait_for()
    assert looked_at(screen) == []


@pytest.mark.parametrize(("username", "most"), [("ana", 6), ("lea", 6), ("ada", 6), ("uri", 3)])
def test_on_a_phone_the_rail_holds_five_and_you(sit, awkward, username, most):
    page = sit(username, viewport=PHONE).go("/notices/")
    shown = [item for item in page.locator(".rail__item").all() if item.is_visible()]
    assert len(shown) == most
    page.locator(".rail__foot summary").click()
    menu = page.locator(".rail .menu__panel")
    assert menu.get_by_role("link", name="Channels").count() == (username != "uri")
    assert menu.get_by_role("link", name="Overview").count() == (username in ("lea", "ada"))


def test_the_way_among_the_settings_takes_two_lines_of_a_phone(sit, awkward):
    """The names of the groups, and the pages of the one that is open: it marks where one is."""
    page = sit("ada", viewport=PHONE).go("/settings/causes/")
    nav = page.get_by_role("navigation", name="Team settings")
    assert nav.locator("[aria-current=page]").inner_text() == "Causes"
    assert nav.get_by_role("link", name="Certification").is_hidden()
    assert nav.bounding_box()["height"] < PHONE["height"] / 6
    nav.get_by_role("link", name="Staff").click()
    page.wait_for_url("**/settings/teams/")
    assert nav.get_by_role("link", name="Certification").is_visible()
