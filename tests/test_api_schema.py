"""The API does what its own OpenAPI says: schemathesis asks it everything the document allows, and much it does not.

All of its checks are on, in all of its phases: examples, the edges of each value, chance, and chains along the links.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from dataclasses import dataclass, field

import pytest
import schemathesis
from django.urls import reverse
from django.utils import timezone
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from config import api_docs
from config.api import operations
from config.asgi import pages
from crm.models import Customer
from tests import factories

TOKEN = "hark_0000000-a-token-in-a-test"
EXAMPLE = 17  # the id the document gives as an example: here there is such a record of each kind
CONFIG = {
    "seed": 20261122,
    "headers": {"Authorization": f"Bearer {TOKEN}"},
    "generation": {"deterministic": True, "max-examples": 5, "no-shrink": True},
    "phases": {"stateful": {"generation": {"max-examples": 8}, "max-steps": 5}},
    # What the document allows may still be refused by a rule (no such customer, no e-mail address) or be gone. That it
    # is never called malformed is what `well_formed_is_never_called_malformed` holds.
    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "401", "403", "404", "409", "410", "422"]}},
}


ONLY_EDGES = {phase: {"enabled": False} for phase in ("fuzzing", "stateful")}


@schemathesis.check
def well_formed_is_never_called_malformed(ctx, response, case):
    if case.meta and case.meta.generation.mode.is_positive and response.status_code in (400, 413, 415, 422):
        kind = json.loads(response.content)["type"].rpartition("#")[2]
        assert kind in ("refused", "key-used"), response.text


@dataclass
class Findings:
    wrong: dict[tuple[str, str], str] = field(default_factory=dict)
    statuses: Counter = field(default_factory=Counter)
    reached: Counter = field(default_factory=Counter)  # operation → answers below 300
    phases: Counter = field(default_factory=Counter)

    def note(self, event):
        if isinstance(event, events.ScenarioFinished):
            self.phases[event.phase.name] += 1
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.status == Status.FAILURE:
                        info = check.failure_info
                        self.wrong.setdefault((info.failure.operation, info.failure.title), info.code_sample)
            for key, interaction in event.recorder.interactions.items():
                if interaction.response is not None:
                    self.statuses[interaction.response.status_code] += 1
                    self.reached[event.recorder.cases[key].value.operation.label] += (
                        interaction.response.status_code < 300
                    )
        elif isinstance(event, events.NonFatalError | events.FatalError):
            self.wrong["the run itself", str(event)] = ""


def asked_everything(document, only=None, **phases):
    config = SchemathesisConfig.from_dict(CONFIG | {"phases": CONFIG["phases"] | phases})
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema = schema.include(operation_id=only) if only else schema
    schema.app = pages
    findings = Findings()
    for event in from_schema(schema).execute():
        findings.note(event)
    return findings


@pytest.fixture
def world(django_db_reset_sequences, settings):
    """One of everything, under the id the document gives as an example; and a record that was merged, one erased."""
    settings.API_PER_MINUTE = 10**9
    factories.ApiTokenFactory(text=TOKEN)
    ann = factories.CustomerFactory(pk=EXAMPLE, known_at=timezone.now())
    factories.IdentityFactory(kind="external", place="shop", value="C-1001", customer=ann)
    factories.IdentityLinkFactory(pk=EXAMPLE, customer=ann)
    account = factories.AccountFactory(pk=EXAMPLE, source="shop", external_id="A-77")
    factories.StakeholderFactory(account=account, customer=ann)
    factories.OrderFactory(pk=EXAMPLE, customer=ann, source="shop", external_id="O-5005")
    factories.ProductFactory(pk=EXAMPLE, customer=ann, source="shop", external_id="S-9")
    case = factories.CaseFactory(pk=EXAMPLE, customer=ann, message=False)
    case.entries.create(message=factories.MessageFactory(pk=EXAMPLE, thread=case.thread, identity=case.identity))
    factories.WaveFactory(pk=EXAMPLE)
    for number, gone in enumerate(({"merged_into": ann}, {"erased_at": timezone.now()}), start=1):
        Customer.objects.filter(pk=factories.CustomerFactory(pk=number).pk).update(**gone)


def test_it_does_what_it_says(world):
    findings = asked_everything(api_docs.document("en"))
    assert not findings.wrong, "\n".join(f"{title} · {where}\n{how}" for (where, title), how in findings.wrong.items())
    assert not [status for status in findings.statuses if status >= 500]
    # and all of it was asked: every phase, every endpoint with success, and every refusal that can be provoked
    assert set(findings.phases) == {"EXAMPLES", "COVERAGE", "FUZZING", "STATEFUL_TESTING"}
    labels = {f"{op.methods[0]} /api/v1{op.path.replace('int:', '')}" for _name, op in operations()}
    assert {label for label, count in findings.reached.items() if count} == labels
    assert {200, 201, 401, 404, 405, 410, 415, 422} <= set(findings.statuses)
    print(f"{findings.statuses.total()} requests: {dict(sorted(findings.statuses.items()))}")


@pytest.mark.parametrize(
    ("lie", "title"),
    [
        (lambda op: op["responses"].pop("404"), "Undocumented status code"),
        (
            lambda op: op["responses"]["200"]["content"].update(
                {"text/html": op["responses"]["200"]["content"].pop("application/json")}
            ),
            "Undocumented Content-Type",
        ),
        (
            lambda op: op["responses"]["200"]["content"]["application/json"].update({"schema": {"type": "array"}}),
            "Response violates schema",
        ),
    ],
)
def test_a_document_that_lies_is_found_out(world, lie, title):
    """Or the test above would show nothing."""
    document = copy.deepcopy(api_docs.document("en"))
    lie(document["paths"]["/api/v1/customers/{pk}"]["get"])
    assert title in {found for _operation, found in asked_everything(document, only="customer", **ONLY_EDGES).wrong}


def test_the_names_of_records_stand_for_one_thing_each():
    """Two types of one name in different modules would silently become one in the document."""
    from config.api import api

    seen = {}
    for _name, op in operations():
        kinds = [model for model in op.response_models.values() if model] + list(op.models)
        for kind in kinds:
            for mode in ("validation", "serialization"):
                for name, schema in kind.model_json_schema(mode=mode).get("$defs", {}).items():
                    assert seen.setdefault((name, mode), schema) == schema, name
    assert api.get_openapi_schema()["openapi"] == "3.1.0"


def test_the_document_can_be_fetched_by_who_may_read_it(as_user, lead):
    answer = as_user(lead).get(reverse("api_openapi"))
    assert answer["Content-Type"] == "application/json"
    assert answer.json() == api_docs.document("en")


def test_every_endpoint_says_what_it_is_for(db):
    for path, methods in api_docs.document("en")["paths"].items():
        for method, details in methods.items():
            assert details["summary"][0].isupper(), (method, path)
            assert details["tags"], (method, path)
            assert details["x-roles"], (method, path)
