"""Every screen, light and dark, wide and narrow: axe finds nothing serious, nothing is cut off, nothing complains."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from cases.models import Case, RoutingRule, SavedView
from tests import factories
from tests.browser.conftest import PHONE, WIDE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LONG = "Dr Bartholomew Maximilian Featherstonehaugh-Cholmondeley de la Vega y Santibáñez III"
ARABIC, HEBREW = "القطار متأخر مرة أخرى ولا أحد يقول لماذا", "הרכבת שוב מאחרת ואף אחד לא אומר למה"
AWKWARD = (
    (LONG, "unbroken" * 60),
    ("👩‍👩‍👧‍👦🚂", "🚂" * 80),
    ("ليلى حداد", ARABIC),
    ("נועה כהן", HEBREW),
    ("x", "ok"),
)


@pytest.fixture(scope="module")
def awkward(desk):
    """Cases with awkward words in every state, one with a failed and one with a doubtful reply."""
    lea = factories.UserFactory(username="long", first_name=LONG[:70], last_name=LONG[:70], role="lead")
    cases = [
        factories.CaseFactory(
            channel=desk.channel, customer=factories.CustomerFactory(name=name, tier=tier, city="Y" * 80), message=text,
            subject=text[:200], priority=1 + number % 4,
        )
        for number, (name, text) in enumerate(AWKWARD)
        for tier in ("key", "standard")
    ]  # fmt: skip
    factories.resolved(cases[1], lea)
    Case.objects.filter(pk=cases[2].pk).update(owner=lea, state="open")
    for case, state in ((cases[0], "failed"), (cases[3], "in_doubt"), (cases[4], "sent")):
        at = timezone.now() if state == "sent" else None
        factories.DeliveryFactory(case=case, by=lea, state=state, reason="" if at else "r" * 200, sent_at=at)
    factories.NoteFactory(case=cases[0], by=lea, text="n" * 400)
    SavedView.objects.create(name="V" * 60, owner=lea, query="state=waiting", shared_at=timezone.now())
    factories.RuleFactory(name="R" * 80, words=["w" * 60] * 9, sentiments=["negative"], tiers=["key"], languages=["de"])
    return cases


def screens(cases):
    case, rule = cases[0], RoutingRule.objects.first()
    in_every_state = [f"/cases/{shown.pk}/" for shown in cases[:5]]
    return [
        *("/queue/", f"/queue/?case={case.pk}", "/queue/?q=nothing-has-these-words", *in_every_state),
        *("/customers/", f"/customers/{case.customer_id}/", f"/customers/{case.customer_id}/edit/"),
        *("/channels/", "/channels/log/", "/settings/rules/", "/settings/rules/new/", f"/settings/rules/{rule.pk}/"),
        *("/settings/causes/", "/settings/teams/", f"/settings/teams/{case.team_id}/"),
        *("/profile/", "/password/", "/no-such-page/"),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_screen_has_a_serious_fault(desk, sit, awkward, scheme, viewport):
    lea = sit("lea", viewport=viewport, color_scheme=scheme)
    faults = {}
    for path in screens(awkward):
        lea.go(path)
        lea.page.wait_for_load_state("networkidle")
        found = [v for v in Axe().run(lea.page).response["violations"] if v["impact"] in ("serious", "critical")]
        said = [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]
        too_wide = lea.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        said += [f"{too_wide} px too wide"] if too_wide > 0 else []
        said += [error for error in lea.errors if "404" not in error]
        lea.errors.clear()
        if said:
            faults[path] = said
    assert faults == {}


@pytest.mark.parametrize("path", ["/login/", "/password/reset/"])
def test_pages_before_the_door_have_none_either(desk, browser, path):
    page = browser.new_context().new_page()
    page.goto(desk.url + path)
    found = [v["id"] for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert found == []
    page.context.close()


def test_the_admin_complains_about_nothing(desk, sit, awkward):
    ada = sit("ada")
    for path in ("/admin/", "/admin/crm/user/", "/admin/channels_app/channel/add/", "/admin/cases/routingrule/add/"):
        ada.go(path)
    assert ada.errors == []
