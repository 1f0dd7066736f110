"""Every screen, with awkward words: axe finds nothing serious, nothing is cut off, nothing complains."""

from __future__ import annotations

import pytest
from django.utils import timezone

from cases.models import Case, Rule
from crm import merging
from crm.models import Customer, IdentityLink, SavedView, Stakeholder
from tests import factories
from tests.browser.conftest import let_work
from tests.browser.looking import faults_of, serious

pytestmark = pytest.mark.browser

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
    an_account(cases[0].customer)
    survivor = a_match(cases[0])
    merging.merge(survivor=survivor, absorbed=cases[4].customer, by=lea, reason="unbroken" * 30)
    let_work(desk)
    return cases


def an_account(customer):
    """With long names, orders that are late, products and somebody who left; and one of which nothing is known."""
    account = factories.AccountFactory(name=LONG * 2, runs="x" * 190, website="https://example.com/" + "a" * 200)
    factories.AccountFactory(name="شركة " * 20, kind="reseller", city=HEBREW)
    persona = factories.PersonaFactory(name="P" * 60, description="d" * 300)
    for role, influence in (("manager", "decides"), ("reseller", "unknown")):
        factories.StakeholderFactory(
            account=account, customer=customer, role=role, influence=influence, persona=persona, title="t" * 120
        )
    factories.StakeholderFactory(account=account, left_on="2026-01-01")
    for state in ("placed", "shipped", "delivered", "cancelled"):
        factories.OrderFactory(
            customer=customer, account=account, state=state, number="N" * 60, what=ARABIC * 4, promised_on="2026-01-01",
            amount="1234567890.12", currency="EUR", tracking_url="https://example.com/" + "t" * 200,
        )  # fmt: skip
    factories.ProductFactory(customer=customer, account=account, name="P" * 200, serial="S" * 120)


def of_accounts():
    seat = Stakeholder.objects.exclude(persona=None).first()
    account = f"/accounts/{seat.account_id}/"
    return [
        *("/accounts/", "/accounts/?q=nothing-has-these-words", "/accounts/new/", account, f"{account}edit/"),
        *(f"{account}stakeholders/new/?q=a", f"{account}stakeholders/new/?customer={seat.customer_id}"),
        *(f"/stakeholders/{seat.pk}/", "/settings/personas/", f"/settings/personas/{seat.persona_id}/"),
    ]


def a_match(case):
    """A proposal with every kind of evidence, a conflict, and what was decided: between records with long names."""
    known = factories.CustomerFactory(name=LONG * 2, nickname=HEBREW, city="Y" * 80, known_at=timezone.now())
    email = factories.IdentityFactory(kind="email", place="", value=f"{'e' * 60}@{'x' * 60}.example", customer=known)
    points = [{"says": ARABIC * 5, "weight": 4.0}, {"says": "unbroken" * 40, "weight": -2.0}]
    for candidate, method in ((known, "matched"), (factories.CustomerFactory(name="👩‍👩‍👧‍👦" * 20), "said_so")):
        factories.IdentityLinkFactory(
            identity=case.identity, customer=candidate, state="proposed", method=method, points=points, score=0.7
        )
    factories.IdentityLinkFactory(identity=email, customer=case.customer, state="proposed", method="asked", score=1.0)
    handles = factories.IdentityFactory.create_batch(2, customer=factories.CustomerFactory(name="Z" * 190))
    for state, identity in zip(("confirmed", "rejected"), handles, strict=True):
        candidate = known if state == "rejected" else identity.links.get().customer
        decided = {"state": state, "score": 0.9, "decided_at": timezone.now()}
        IdentityLink.objects.update_or_create(
            identity=identity, customer=candidate, defaults={**decided, "method": "matched"}
        )
    return known


def of_links(case):
    known = Customer.objects.get(nickname=HEBREW)
    record = f"/customers/{known.pk}/"
    return [
        *("/matches/", "/matches/?show=conflicts", "/matches/?show=decided", f"/matches/?customer={case.customer_id}"),
        *(f"{record}merge/?q=x", f"{record}merge/?with={case.customer_id}", f"{record}merges/", f"{record}link/"),
        *(f"/links/{known.links.confirmed().first().pk}/withdraw/", record),
    ]


def screens(cases):
    case, rule = cases[0], Rule.objects.first()
    in_every_state = [f"/cases/{shown.pk}/" for shown in cases[:5]]
    return [
        *("/queue/", f"/queue/?case={case.pk}", "/queue/?q=nothing-has-these-words", *in_every_state),
        *("/customers/", f"/customers/{case.customer_id}/", f"/customers/{case.customer_id}/edit/"),
        *("/customers/?q=nothing-has-these-words", "/customers/?q=Featherstnehaugh", "/customers/?q=unbroken&tier=key"),
        *("/channels/", "/channels/log/", "/settings/rules/", "/settings/rules/new/", f"/settings/rules/{rule.pk}/"),
        *("/settings/causes/", "/settings/teams/", f"/settings/teams/{case.team_id}/"),
        *("/profile/", "/password/", "/no-such-page/"),
        *of_accounts(),
        *of_links(case),
    ]


def test_no_screen_has_a_serious_fault(sit, awkward):
    faults = faults_of(sit("lea", reduced_motion="reduce"), screens(awkward))
    (said,) = faults.pop("/no-such-page/")
    assert "404" in said  # by the browser
    assert faults == {}


@pytest.mark.parametrize("path", ["/login/", "/password/reset/"])
def test_pages_before_the_door_have_none_either(desk, browser, path):
    page = browser.new_context().new_page()
    page.goto(desk.url + path)
    assert serious(page) == []
    page.context.close()


def test_the_admin_complains_about_nothing(desk, sit, awkward):
    ada = sit("ada")
    for path in ("/admin/", "/admin/crm/user/", "/admin/channels_app/channel/add/", "/admin/cases/rule/add/"):
        ada.go(path)
    assert ada.errors == []
