"""Who may speak in the demo."""

import pytest

from cases.models import Approval
from channels_app import certification, policies
from channels_app.models import Module
from config import demo_rights
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(channel, team):
    named = {"agent": "agent", "agent2": "agent", "agent3": "agent", "lead": "lead"}
    made = {name: factories.UserFactory(username=name, role=role, teams=[team]) for name, role in named.items()}
    factories.CaseFactory(channel=channel, language="en")
    demo_rights.load()
    return made


def test_all_but_one_have_accepted_the_policy_in_force(people, channel):
    policy = policies.in_force(channel)
    assert policy.version == 2
    assert {name for name, person in people.items() if not policies.accepted(person, policy)} == {"agent2"}


def test_everybody_is_certified_but_for_whom_it_ran_out(people, channel):
    lacking = {name: certification.missing(person, channel) for name, person in people.items()}
    assert {name: [str(module) for module in modules] for name, modules in lacking.items() if modules} == {
        "agent3": ["Chirp"]
    }


def test_three_base_modules_and_one_for_the_network_have_real_questions(people):
    modules = Module.objects.in_force()
    assert [module.place for module in modules] == ["", "", "", "chirp"]
    for module in modules:
        assert 4 <= module.questions.count() <= 6
        for question in module.questions.all():
            assert 3 <= len(set(question.choices)) <= 6


def test_one_reply_waits_and_others_may_decide_on_it(people):
    assert Approval.objects.get().by == people["agent3"]
    assert Approval.objects.for_decision(people["agent"]).exists()
