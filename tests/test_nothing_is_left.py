"""Nothing is left of who was erased: in no column of any table and in no file; and no later model can be forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.apps.registry import Apps
from django.conf import settings
from django.db import connection, models

from channels_app.models import Message
from crm.models import Customer, Identity
from crm.privacy import asking, holders, working
from tests import factories
from tests.somebody import NOBODYS, Somebody, may_be_marked

pytestmark = pytest.mark.django_db

OURS = ("crm", "channels_app", "cases", "surveys", "config", "admin")
MARK = re.compile(r"zq\d+x")


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def lead(db):
    return factories.UserFactory(role="lead", username="lea")


def erased(customer, by):
    """The receipt of an erasure from asking to its end."""
    request = asking.ask_for_erasure(customer=customer, confirmed=str(customer.pk), reason="person", by=by)
    working.work(request.pk)
    request.refresh_from_db()
    assert request.state == "done", request.trouble
    return request


# --- the whole database


def tables():
    """Every table there is, Django's own as well."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        )
        return sorted(name for (name,) in cursor.fetchall())


def texts_of(table):
    """Each row as one text: all its columns, bytes as the characters they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [table],
        )
        columns = [
            f"encode(replace(\"{name}\"::text, '\\000', '')::bytea, 'escape')" if kind == "bytea" else f'"{name}"::text'
            for name, kind in cursor.fetchall()
        ]
        cursor.execute(f'SELECT concat_ws(chr(10), {", ".join(columns)}) FROM "{table}"')
        return [text for (text,) in cursor.fetchall()]


def left_in_database():
    return {(table, mark) for table in tables() for text in texts_of(table) for mark in MARK.findall(text)}


def left_in_files(folder):
    found = (path.read_bytes().replace(b"\x00", b"") for path in Path(folder).rglob("*") if path.is_file())
    return {mark for body in found for mark in MARK.findall(body.decode("latin-1"))}


def test_the_search_finds_a_mark_in_text_json_and_bytes(tmp_path):
    factories.CustomerFactory(name="zq1x")
    factories.IdentityFactory(profile_links=["zq2x"])
    factories.RawEventFactory(body=b"\xff\x00 zq3x")
    (tmp_path / "file").write_bytes("zq4x".encode("utf-16"))
    assert {mark for _, mark in left_in_database()} == {"zq1x", "zq2x", "zq3x"}
    assert left_in_files(tmp_path) == {"zq4x"}


def test_every_text_on_a_person_has_a_mark(lead):
    """So that the next test searches for all there is to find."""
    whole = Somebody(lead)
    marks = whole.mark()
    planted = {where.split(" ")[0] for where in marks.values()}
    kept = {model for holder in holders.all_holders() for model in holder.holds}
    made = {row._meta.label_lower for row in whole.rows} | {"crm.nameword", "crm.allowance"}
    assert kept - made == set()
    wanted = {
        f"{model}.{field.name}"
        for model in kept
        for field in apps.get_model(model)._meta.concrete_fields
        if may_be_marked(field)
    }
    assert wanted - planted - NOBODYS - {"crm.nameword.word", "crm.nameword.slips"} == set()


def test_nothing_is_left_of_who_was_erased(lead):
    whole = Somebody(lead)
    marks = whole.mark()
    planted = {mark for _, mark in left_in_database()} | left_in_files(settings.MEDIA_ROOT)
    assert {marks[m] for m in set(marks) - planted} == set()  # each is there to be found
    erased(whole.customer, lead)
    assert {(table, marks[mark]) for table, mark in left_in_database()} == set()
    assert {marks[mark] for mark in left_in_files(settings.MEDIA_ROOT)} == set()


def test_what_others_hold_is_as_it_was_but_for_where_it_names_them(lead):
    """The same rows of somebody else, on the same channel, and a post of theirs that mentions who is erased."""
    whole, other = Somebody(lead), None
    whole.mark()
    other = Somebody(lead, channel=whole.channel)
    other.mark()
    words = f"@{whole.handle} is right"
    mention = factories.MessageFactory(identity=other.identity, thread=other.case.thread, text=words)
    before, file = rows_of(other), other.run.file.name
    erased(whole.customer, lead)
    assert rows_of(other) == before
    assert (Path(settings.MEDIA_ROOT) / file).exists()
    mention.refresh_from_db()
    assert mention.text == words
    assert {(table, mark) for table, mark in left_in_database() if mark in whole.handle} == {
        ("channels_app_message", whole.handle)
    }


def rows_of(somebody):
    """Every column of each of their rows."""
    return [type(row)._base_manager.filter(pk=row.pk).values().get() for row in somebody.rows]


# --- no model is forgotten


def leads_to_a_person(model, seen=()):
    """Whether a foreign key of it leads, over however many models, to a customer or an identity."""
    if model in (Customer, Identity):
        return True
    above = [f.related_model for f in model._meta.concrete_fields if f.is_relation and f.related_model not in seen]
    return any(leads_to_a_person(up, (*seen, model)) for up in above)


def our_models():
    return [m for m in apps.get_models() if m._meta.app_label in OURS and not m._meta.proxy]


def named():
    return {model for holder in holders.all_holders() for model in holder.holds} | set(holders.spared())


def test_every_model_that_leads_to_a_person_is_somebodys_to_erase():
    leading = {model._meta.label_lower for model in our_models() if leads_to_a_person(model)}
    assert {"channels_app.messageversion", "crm.move", "cases.note"} <= leading
    kept = {model for holder in holders.all_holders() for model in holder.holds}
    assert leading - kept == set()


def test_every_model_with_words_in_it_is_held_or_spared_with_a_reason():
    wordy = {m._meta.label_lower for m in our_models() if any(may_be_marked(f) for f in m._meta.concrete_fields)}
    assert wordy - named() == set()
    assert named() - {m._meta.label_lower for m in our_models()} == set()  # nor is one named that is gone
    assert all(str(reason).endswith(".") for reason in holders.spared().values())


def test_a_model_that_nobody_named_would_be_seen():
    fresh = type("Fresh", (models.Model,), {
        "__module__": "crm.models", "Meta": type("Meta", (), {"app_label": "crm", "apps": Apps()}),
        "words": models.TextField(), "message": models.ForeignKey(Message, models.CASCADE),
    })  # fmt: skip
    assert leads_to_a_person(fresh)
    assert any(may_be_marked(field) for field in fresh._meta.concrete_fields)
    assert fresh._meta.label_lower not in named()
