"""A new key takes over: all that lies sealed is sealed with it, and what no key opens is named."""

from __future__ import annotations

import ast
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from channels_app.models import App, Credential
from crm import resealing, sealing
from crm.models import Webhook
from crm.webhooks import signing
from tests import factories

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[2]
# who seals: what lies in rows, which is sealed anew, what lies in a session for ten minutes, what a bench makes
SEALS = {"crm/webhooks/signing.py", "channels_app/models/credentials.py", "channels_app/connecting/pending.py",
         "crm/resealing.py", "config/measuring_webhooks.py"}  # fmt: skip


def reseal() -> str:
    said = StringIO()
    call_command("reseal", stdout=said)
    return said.getvalue()


@pytest.fixture
def sealed():
    app = factories.AppFactory(secrets={"app_secret": "a"})
    held = factories.CredentialFactory(app=app, secrets={"access_token": "k"}, channel__name="Skylark")
    factories.CredentialFactory(sealed="")  # disconnected
    return app, held, factories.WebhookFactory(secret=signing.sealed("whsec_dw=="))


def opened() -> tuple:
    app, held = App.objects.get(), Credential.objects.exclude(sealed="").get()
    return app.secrets, held.access().secrets, signing.in_force(Webhook.objects.get())


ALL = ({"app_secret": "a"}, {"app_secret": "a", "access_token": "k"}, ["whsec_dw=="])


def test_afterwards_the_old_key_is_not_needed(sealed, settings):
    settings.SEALING_KEYS = ["new", *settings.SEALING_KEYS]
    said = reseal()
    settings.SEALING_KEYS = ["new"]
    assert opened() == ALL
    assert "credentials: 1 sealed anew, 0 already, 0 lost" in said
    assert said.endswith("All secrets are sealed with the first key.\n")


def test_run_again_it_changes_nothing(sealed, settings):
    settings.SEALING_KEYS = ["new", *settings.SEALING_KEYS]
    reseal()
    before = Credential.objects.exclude(sealed="").get().sealed
    assert "credentials: 0 sealed anew, 1 already, 0 lost" in reseal()
    assert Credential.objects.exclude(sealed="").get().sealed == before


def test_what_no_key_opens_is_named_and_the_rest_is_done(sealed, settings):
    lost = factories.CredentialFactory(channel__name="Lost", sealed="gAAAA-of-a-key-that-is-gone")
    settings.SEALING_KEYS = ["new", *settings.SEALING_KEYS]
    with pytest.raises(CommandError, match=f"(?s)No key opens these.*credentials: Lost \\(#{lost.pk}\\)") as refusal:
        reseal()
    assert "Skylark" not in str(refusal.value)
    settings.SEALING_KEYS = ["new"]
    assert sealing.is_newest(sealed[1].__class__.objects.get(pk=sealed[1].pk).sealed)
    Credential.objects.get(pk=lost.pk).delete()
    assert "0 lost" in reseal()


@pytest.mark.parametrize("rows", [3, 40])
def test_it_goes_in_batches(rows, settings, django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(resealing, "BATCH", 50)
    Credential.objects.all().delete()
    for _each in range(rows):
        factories.CredentialFactory(secrets={"access_token": "k"})
    settings.SEALING_KEYS = ["new", *settings.SEALING_KEYS]
    with django_assert_num_queries(6):  # the batch: which, savepoint, lock, update, release; and that there is no more
        found = resealing._all_of(Credential, "sealed")
    assert found.done == rows


def test_everything_that_seals_is_known():
    """Whoever seals a column has to say so (`resealing.sealed_in`), or a new key would lose it."""
    found = set()
    for folder in ("crm", "channels_app", "cases", "surveys", "config"):
        for path in (ROOT / folder).rglob("*.py"):
            calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)]
            if any(n.attr == "seal" and getattr(n.value, "id", "") == "sealing" for n in calls):
                found.add(str(path.relative_to(ROOT)))
    assert found == SEALS
    assert {(model, column) for model, column in resealing.held()} == {
        (Webhook, "secret"), (App, "sealed"), (Credential, "sealed")
    }  # fmt: skip
