"""How long what is kept: off until somebody has looked and switched it on, then by the clock, in batches, each day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import retention as of_cases
from cases.models import Case, Note
from channels_app.models import FileLoad, LiveEvent, Message, MessageVersion, RawEvent
from config.cron import EVERY
from crm import consent, jobs, merging
from crm.models import (
    Activity,
    Customer,
    IdempotencyKey,
    Identity,
    IdentityRequest,
    Import,
    RefusedRow,
    RetentionRule,
    RetentionRun,
)
from crm.models.activity import log
from crm.privacy import retention
from crm.privacy.retention import KINDS, PASSING
from surveys.models import Attempt, Response
from tests import factories

pytestmark = pytest.mark.django_db


def days_ago(number):
    return timezone.now() - timedelta(days=number)


def old_and_young(model, field, make, days):
    """Two rows: one older than so many days, one not yet."""
    rows = [make(), make()]
    for row, age in zip(rows, (days + 1, days - 1), strict=True):
        model.objects.filter(pk=row.pk).update(**{field: days_ago(age)})
    return rows


def a_request():
    request = factories.IdentityRequestFactory()
    IdentityRequest.objects.filter(pk=request.pk).update(state="withdrawn")
    return request


def an_import():
    run = Import.objects.create(what="customers", source="crm", name="a.csv", state="done", by=factories.UserFactory())
    run.file.save("a.csv", ContentFile(b"id\n"))
    RefusedRow.objects.create(run=run, number=1, cells=["x"], sentence="x")
    return run


def a_version():
    return MessageVersion.objects.create(message=factories.MessageFactory(), text="Before")


def a_load():
    return FileLoad.objects.create(channel=factories.ChannelFactory(), fingerprint="f", name="a.csv")


def a_closed_case():
    case = factories.resolved(factories.CaseFactory(), factories.UserFactory())
    factories.NoteFactory(case=case)
    return case


def a_stranger():
    identity = factories.IdentityFactory(customer=(customer := factories.CustomerFactory()))
    assert identity.pk
    return customer


def a_call_note():
    loop = factories.LoopFactory(state="closed", ended_at=timezone.now())
    over = {"state": "done", "ended_at": timezone.now()}
    return factories.CallAttemptFactory(call=factories.CallFactory(loop=loop, **over), note="They paid twice.")


WAYS = {  # kind → model, column of its age, one such row
    "activity": (Activity, "at", lambda: log("taken", factories.CaseFactory(), by=None)),
    "identity_requests": (IdentityRequest, "asked_at", a_request),
    "import_files": (Import, "created_at", an_import),
    "payloads": (RawEvent, "received_at", lambda: factories.RawEventFactory(state="stored")),
    "dead_letters": (RawEvent, "received_at", lambda: factories.RawEventFactory(state="rejected", reason="x")),
    "versions": (MessageVersion, "replaced_at", a_version),
    "file_loads": (FileLoad, "finished_at", a_load),
    "closed_cases": (Case, "resolved_at", a_closed_case),
    "overheard": (Message, "stored_at", lambda: factories.MessageFactory(overheard=True)),
    "provisional": (Customer, "created_at", a_stranger),
    "survey_words": (Response, "started_at", lambda: factories.AnswerFactory().response),
    "call_notes": (Attempt, "at", a_call_note),
}


def test_every_kind_is_tried_below():
    assert set(WAYS) == set(KINDS)


@pytest.mark.parametrize("name", WAYS)
def test_what_is_old_is_counted_and_then_goes_and_what_is_young_stays(name, lead):
    model, field, make = WAYS[name]
    kind = KINDS[name]
    _old, young = old_and_young(model, field, make, kind.days)
    seen = retention.look(days={name: kind.days}, by=lead)
    assert seen.removed == {name: {"days": kind.days, "count": 1}}
    retention.switch_on(name=name, days=kind.days, by=lead)
    done = retention.run(by=lead)
    assert done.removed == {name: 1}
    assert list(kind.older(days_ago(kind.days))) == []
    assert model.objects.filter(pk=young.pk).exists()
    assert retention.run(by=lead).removed == {}


# --- rules


def test_nothing_goes_while_no_rule_is_on():
    for name, (model, field, make) in WAYS.items():
        old_and_young(model, field, make, KINDS[name].days)
    before = everything()
    retention.run(by=None)
    assert everything() == before


def everything():
    models = {model for model, _, _ in WAYS.values()} | {Message, Note, Identity}
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def test_a_rule_is_switched_on_only_by_who_has_looked_at_the_same_days(lead):
    with pytest.raises(retention.LookFirst, match="Look first at what would go with 90 days"):
        retention.switch_on(name="payloads", days=90, by=lead)
    retention.look(days={"payloads": 90}, by=lead)
    with pytest.raises(retention.LookFirst):
        retention.switch_on(name="payloads", days=30, by=lead)
    retention.switch_on(name="payloads", days=90, by=lead)
    RetentionRun.objects.update(at=days_ago(2))  # what was seen long ago is not what would go now
    with pytest.raises(retention.LookFirst):
        retention.switch_on(name="payloads", days=90, by=lead)


def test_a_look_removes_nothing(lead):
    old_and_young(RawEvent, "received_at", lambda: factories.RawEventFactory(state="stored"), 90)
    retention.look(days={"payloads": 90}, by=lead)
    assert RawEvent.objects.count() == 2


def test_switched_off_it_is_kept_again_and_both_stand_in_the_log(lead):
    retention.look(days={"payloads": 90}, by=lead)
    rule = retention.switch_on(name="payloads", days=90, by=lead)
    retention.switch_off(name="payloads", by=lead)
    old_and_young(RawEvent, "received_at", lambda: factories.RawEventFactory(state="stored"), 90)
    assert retention.run(by=None).removed == {}
    assert list(Activity.objects.about(rule).order_by("pk").values_list("verb", "by")) == [
        ("switched on", lead.pk), ("switched off", lead.pk),
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "days"), [("payloads", 0), ("activity", 29), ("closed_cases", 1)])
def test_what_is_kept_is_kept_for_a_while_at_least(name, days, lead):
    with pytest.raises(retention.TooShort):
        retention.look(days={name: days}, by=lead)


def test_a_kind_nobody_knows_is_refused_and_one_that_is_gone_is_passed_over(lead):
    with pytest.raises(retention.NoSuchKind):
        retention.look(days={"everything": 1}, by=lead)
    RetentionRule.objects.create(kind="gone", days=1, enabled_at=timezone.now(), enabled_by=lead)
    assert retention.run(by=None).removed == {}


# --- what each of them leaves


def test_a_closed_case_keeps_what_counts(lead):
    case = a_closed_case()
    message = case.entries.get().message
    before = Message.objects.filter(pk=message.pk).values("occurred_at", "sentiment", "external_id", "identity").get()
    of_cases.take_words(Case.objects.filter(pk=case.pk))
    message.refresh_from_db()
    case.refresh_from_db()
    assert (message.text, case.title, case.notes.get().text) == ("", "(no words)", "")
    assert message.why_silent == "No longer kept"
    assert Message.objects.filter(pk=message.pk).values(*before).get() == before
    assert (case.state, case.resolved_at is not None, case.cause is not None) == ("resolved", True, True)


@pytest.mark.parametrize("state", ["new", "waiting"])
def test_a_case_that_is_not_resolved_keeps_its_words_however_old(state):
    case = factories.CaseFactory(state=state, opened_at=days_ago(9_000))
    assert case not in of_cases.closed(timezone.now())


def test_a_case_that_was_joined_to_a_closed_one_goes_with_it(lead):
    case = a_closed_case()
    joined = factories.CaseFactory(customer=case.customer, state="merged", merged_into=case)
    Case.objects.filter(pk=case.pk).update(resolved_at=days_ago(100))
    assert set(of_cases.closed(days_ago(99))) == {case, joined}
    assert not of_cases.closed(days_ago(101))


def still_needed():
    """Provisional customers that something leads to, whatever it is."""
    spoke, ordered, asked, kept, merged, owns = (a_stranger() for _ in range(6))
    factories.MessageFactory(identity=spoke.links.get().identity)
    factories.OrderFactory(customer=ordered)
    factories.IdentityRequestFactory(identity=asked.links.get().identity)
    consent.forbid(customer=kept, how="On the phone", by=None)
    merging.merge(survivor=merged, absorbed=factories.CustomerFactory(), by=None)
    factories.CaseFactory(customer=owns, message=False)
    known = factories.CustomerFactory(known_at=timezone.now())
    return [spoke, ordered, asked, kept, merged, owns, known]


def test_of_provisional_customers_only_those_go_to_whom_nothing_leads():
    needed, stranger = still_needed(), a_stranger()
    identity = stranger.links.get().identity
    found = of_cases.forgotten(timezone.now() + timedelta(days=1))
    assert [c for c in found if c in needed] == []
    assert stranger in found
    of_cases.forget(found)
    assert not Customer.objects.filter(pk=stranger.pk).exists()
    assert not Identity.objects.filter(pk=identity.pk).exists()
    assert Customer.objects.filter(pk__in=[c.pk for c in needed]).count() == len(needed)


def test_a_file_that_was_loaded_is_noted_while_its_rows_are_kept():
    load = a_load()
    FileLoad.objects.update(finished_at=days_ago(400))
    factories.RawEventFactory(channel=load.channel, load=load, state="stored")
    assert not KINDS["file_loads"].older(days_ago(365))


def test_an_import_of_which_nothing_is_kept_keeps_its_figures():
    run = an_import()
    KINDS["import_files"].remove(Import.objects.filter(pk=run.pk))
    run.refresh_from_db()
    assert (bool(run.file), run.errors.count(), run.state) == (False, 0, "done")


# --- the clock


def test_it_is_asked_each_hour_in_the_line_for_long_work(nudges, django_capture_on_commit_callbacks):
    assert EVERY["crm.jobs.retention"] == 3600
    with django_capture_on_commit_callbacks(execute=True):
        jobs.retention()
    assert nudges == [("crm.jobs.keep_no_longer",)]


def test_rules_run_once_a_day_whatever_the_clock_does():
    for _ in range(3):
        jobs.keep_no_longer()
    assert RetentionRun.objects.filter(dry=False).count() == 1
    RetentionRun.objects.update(at=timezone.now() - retention.EACH_DAY)
    jobs.keep_no_longer()
    assert RetentionRun.objects.filter(dry=False).count() == 2


def test_what_hark_needs_for_a_while_only_goes_without_a_rule():
    LiveEvent.objects.create(stream="team:1", number=1, kind="case", at=days_ago(1))
    Session.objects.create(session_key="x", session_data="x", expire_date=days_ago(1))
    IdempotencyKey.objects.create(token=factories.ApiTokenFactory(), key="k", at=days_ago(2))
    factories.PrivacyRequestFactory(file_until=days_ago(1))
    jobs.keep_no_longer()
    assert not LiveEvent.objects.exists()
    assert not Session.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert not factories.PrivacyRequestFactory._meta.model.objects.exclude(file="").exists()
    assert {kind.name for kind in PASSING.values()} >= {"screens", "sessions", "answers", "copies", "told", "tries"}


def test_two_at_once_do_not_run_twice():
    with other_holds_the_lock():
        jobs.keep_no_longer()
        assert retention.run(by=None) is None
        with pytest.raises(CommandError, match="Another process is removing things"):
            call_command("retention")
    assert not RetentionRun.objects.exists()


def other_holds_the_lock():
    """Another connection, as of another worker."""
    other = connection.copy()

    class Held:
        def __enter__(self):
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s, 0)", [retention.LOCK])

        def __exit__(self, *error):
            other.close()

    return Held()


def test_it_goes_in_batches_and_one_that_was_killed_loses_nothing(lead, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        old_and_young(RawEvent, "received_at", lambda: factories.RawEventFactory(state="stored"), 90)
    retention.look(days={"payloads": 90}, by=lead)
    retention.switch_on(name="payloads", days=90, by=lead)
    real, calls = KINDS["payloads"].remove, []

    def die_at_the_second(rows):
        calls.append(len(rows))
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(rows)

    with monkeypatch.context() as dying:
        dying.setitem(KINDS, "payloads", replace(KINDS["payloads"], remove=die_at_the_second))
        with pytest.raises(KeyboardInterrupt):
            retention.run(by=lead)
    assert RawEvent.objects.count() == 8
    assert RetentionRun.objects.filter(dry=False).get().removed == {"payloads": 2}
    assert retention.run(by=lead).removed == {"payloads": 3}


# --- the command and the page


def test_the_command_looks_without_touching_and_runs_without_asking(lead):
    old_and_young(RawEvent, "received_at", lambda: factories.RawEventFactory(state="stored"), 90)
    out = StringIO()
    call_command("retention", "--dry-run", stdout=out)
    line = next(line for line in out.getvalue().splitlines() if line.startswith("payloads"))
    assert line.split() == ["payloads", "off", "90", "days", "1", "would", "go"]
    assert RawEvent.objects.count() == 2
    retention.switch_on(name="payloads", days=90, by=lead)
    out = StringIO()
    call_command("retention", stdout=out)
    assert out.getvalue().split() == ["payloads", "1", "removed"]


def test_on_the_page_one_looks_then_switches_on_then_off(as_user, lead):
    client, url = as_user(lead), "/settings/retention/"
    old_and_young(RawEvent, "received_at", lambda: factories.RawEventFactory(state="stored"), 45)
    page = client.get(url).content.decode()
    assert "not looked" in page
    assert "Switch on" not in page.replace("until you switch it on", "")
    client.post(url, {"name": "payloads", "days": 45, "act": "look"})
    assert "Switch on with 45 days" in client.get(url).content.decode()
    client.post(url, {"name": "payloads", "days": 45, "act": "on"})
    assert "on, after 45 days" in client.get(url).content.decode()
    client.post(url, {"name": "payloads", "days": 45, "act": "off"})
    assert RetentionRule.objects.get().enabled_at is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"days": "", "act": "look"}, "Say for how many days."),
        ({"days": "soon", "act": "look"}, "Days are a whole number."),
        ({"days": "0", "act": "look"}, "A day at least."),
        ({"days": "10000000", "act": "look"}, "A hundred years at most."),
        ({"days": "90", "act": "on"}, "Look first at what would go with 90 days"),
    ],
)
def test_what_is_wrong_stands_beside_the_field(as_user, lead, fields, sentence):
    answer = as_user(lead).post("/settings/retention/", {"name": "payloads", **fields})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert page.index('id="wrong-payloads"') < page.index(sentence)
    assert page.count('role="alert"') == 1


def test_the_page_asks_as_much_for_twenty_runs_as_for_one(as_user, lead):
    client = as_user(lead)
    client.get("/settings/retention/")
    counted = []
    for more in (1, 19):
        RetentionRun.objects.bulk_create([RetentionRun(dry=False, removed={"payloads": 3}, by=lead)] * more)
        for name in list(KINDS)[:more]:
            RetentionRule.objects.create(kind=name, days=1, enabled_at=timezone.now(), enabled_by=lead)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get("/settings/retention/")
        counted.append(len(asked))
        RetentionRule.objects.all().delete()
    assert counted[0] == counted[1]


def test_what_stands_beside_an_open_case_stays_with_it(lead):
    case = factories.CaseFactory()
    beside = factories.MessageFactory(thread=case.thread, overheard=True)
    Message.objects.filter(pk=beside.pk).update(stored_at=days_ago(91))
    older = KINDS["overheard"].older(days_ago(90))
    assert not older.exists()
    factories.resolved(case, lead)
    assert list(older.all()) == [beside]
