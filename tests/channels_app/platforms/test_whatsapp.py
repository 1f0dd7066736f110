"""WhatsApp: what its webhook brings, and that what leaves has the shape Meta publishes (contracts/whatsapp.yaml)."""

from pathlib import Path

import httpx
import jsonschema_rs
import pytest
import yaml

from channels_app.platforms.base import Carried, EventKind, Measures, Moderation, Outgoing
from channels_app.platforms.errors import ParentGone, Rejected, TryLater, UnknownOutcome, WindowClosed
from channels_app.platforms.meta.whatsapp import WhatsAppPlatform

from .meta_calls import PHONE, SECONDS, Graph, access, refusal, whatsapp

CONTRACT = yaml.safe_load((Path(__file__).parent / "contracts" / "whatsapp.yaml").read_text())
SENT = {"messaging_product": "whatsapp", "messages": [{"id": "wamid.OURS"}]}
PERSON = "16505551234"
CONTACT = {"profile": {"name": "Sheena Nelson"}, "wa_id": PERSON}


def number(*answers):
    graph = Graph(*answers, published=False)
    return WhatsAppPlatform(access(), graph), graph


def read(*values):
    return WhatsAppPlatform(access()).parse(whatsapp(*values))


def message(kind="text", **said):
    return {"from": PERSON, "id": "wamid.1", "timestamp": str(SECONDS), "type": kind} | said


def said(*messages):
    return {"contacts": [CONTACT], "messages": list(messages)}


def status(state, **more):
    return {"id": "wamid.OURS", "status": state, "timestamp": str(SECONDS), "recipient_id": PERSON} | more


def out(text="We are sorry", *, parent="wamid.1", thread=f"dm-+{PERSON}", files=()):
    return Outgoing("key-1", text, parent, thread, f"+{PERSON}", True, files)


def file(type="application/pdf", name="ticket.pdf"):
    return Carried(name, type, lambda: b"%PDF")


def as_published(body, part="message"):
    """Whether `body` has the shape that Meta publishes for `part`; what is wrong with it, otherwise."""
    schema = jsonschema_rs.Draft202012Validator({**CONTRACT[part], "components": CONTRACT["components"]})
    return [error.message for error in schema.iter_errors(body)] or True


# --- what comes


def test_a_message_stands_in_the_conversation_with_its_number():
    (event,) = read(said(message(text={"body": "Where is my bag?"}, context={"id": "wamid.0", "from": "1555"})))
    assert (event.kind, event.external_id, event.text) == (EventKind.MESSAGE, "wamid.1", "Where is my bag?")
    assert (event.author.key, event.author.kind, event.author.name) == (f"+{PERSON}", "phone", "Sheena Nelson")
    assert (event.parent_id, event.private, event.occurred_at.timestamp()) == ("wamid.0", True, SECONDS)
    assert event.thread_id == WhatsAppPlatform.capabilities.direct.format(key=event.author.key)


def test_who_hides_their_number_is_somebody_by_another_key():
    (event,) = read({"messages": [message(text={"body": "Hi"}) | {"from": "US.13491208655302741918"}]})
    assert (event.author.key, event.author.kind) == ("US.13491208655302741918", "handle")


LISTED = {"type": "list_reply", "list_reply": {"id": "1", "title": "Express"}}
PLACE = {"latitude": 37.44, "longitude": -122.16, "name": "Philz", "url": "javascript:x"}
CARD = {"name": {"formatted_name": "Lucía"}, "phones": [{"phone": "+1 983"}]}
ORDER = {"text": "", "product_items": [{"product_retailer_id": "di9", "quantity": 2}]}


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (message("button", button={"payload": "X", "text": "Unsubscribe"}), "Unsubscribe"),
        (message("interactive", interactive=LISTED), "Express"),
        (message("location", location=PLACE), "Philz\n37.44, -122.16"),
        (message("contacts", contacts=[CARD]), "Lucía +1 983"),
        (message("order", order=ORDER), "2 × di9"),
        (message("image", image={"caption": "Taj Mahal", "id": "1003", "mime_type": "image/jpeg"}), "Taj Mahal"),
    ],
)
def test_each_kind_of_message_has_its_words(told, text):
    (event,) = read(said(told))
    assert event.text == text


@pytest.mark.parametrize(
    "told", [message("unsupported", errors=[{"code": 131051}]), message("hologram"), message("text")]
)
def test_what_is_not_handed_on_is_not_silent(told):
    (event,) = read(said(told))
    assert "Look at it in the app" in event.text


def test_a_file_comes_with_its_name_its_kind_and_where_to_ask_for_it():
    document = {"id": "1003383421387256", "filename": "receipt.pdf", "mime_type": "application/pdf; charset=x"}
    (event,) = read(said(message("document", document=document)))
    (enclosed,) = event.attachments
    assert (enclosed.name, enclosed.type) == ("receipt.pdf", "application/pdf")
    assert enclosed.url == "https://graph.facebook.com/v23.0/1003383421387256"
    assert event.text == ""


def test_an_id_of_a_file_that_is_none_leads_nowhere():
    (event,) = read(said(message("image", image={"id": "../me?x"})))
    assert event.attachments == ()


def test_edits_and_deletions_name_the_message():
    edit = message(
        "edit", edit={"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "New"}}}
    )
    gone = message("revoke", revoke={"original_message_id": "wamid.0"})
    edited, deleted = read(said(edit, gone))
    assert (edited.kind, edited.external_id, edited.text) == (EventKind.EDIT, "wamid.0", "New")
    assert (deleted.kind, deleted.external_id) == (EventKind.DELETE, "wamid.0")


def test_a_reaction_is_taken_back_by_an_empty_one():
    given = message("reaction", reaction={"message_id": "wamid.0", "emoji": "👍"})
    taken = message("reaction", reaction={"message_id": "wamid.0", "emoji": ""}) | {"id": "wamid.2"}
    first, second = read(said(given, taken))
    assert (first.kind, first.parent_id, first.extra) == (EventKind.REACTION, "wamid.0", {"emoji": "👍"})
    assert second.extra == {"emoji": "", "undo": "yes"}


def test_what_we_wrote_in_whatsapps_own_app_is_ours():
    echo = {
        "from": "1555",
        "to": PERSON,
        "id": "wamid.7",
        "timestamp": str(SECONDS),
        "type": "text",
        "text": {"body": "Hi"},
    }
    (event,) = read({"message_echoes": [echo]})
    assert (event.is_ours, event.author, event.addressed_to) == (True, None, f"+{PERSON}")
    assert (event.external_id, event.thread_id, event.text) == ("wamid.7", f"dm-+{PERSON}", "Hi")


def test_statuses_are_receipts_also_before_the_message_they_are_about():
    read_first, sent, answer = read(
        {"statuses": [status("read"), status("sent", biz_opaque_callback_data="key-1")]},
        said(message(text={"body": "Thanks"}, context={"id": "wamid.OURS"})),
    )
    assert (read_first.kind, read_first.parent_id, read_first.extra) == (
        EventKind.RECEIPT, "wamid.OURS", {"state": "read"},
    )  # fmt: skip
    assert sent.extra == {"state": "sent", "key": "key-1"}
    assert read_first.external_id != sent.external_id
    assert answer.parent_id == "wamid.OURS"


def test_what_failed_says_why():
    errors = [{"code": 131047, "title": "Re-engagement message", "message": "More than 24 hours"}]
    (event,) = read({"statuses": [status("failed", errors=errors)]})
    assert event.extra == {"state": "failed", "code": "131047", "said": "Re-engagement message"}


def test_what_nobody_said_is_no_event():
    moved = message("system", system={"type": "user_changed_number", "wa_id": "1219", "body": "changed"})
    assert read(said(moved), {"statuses": [status("played")]}, {"errors": [{"code": 130429}]}, {"groups": [{}]}) == []


def test_words_in_a_group_stand_in_the_groups_conversation():
    (event,) = read(said(message(text={"body": "Hi"}, group_id="Y2FwaV9n")))
    assert event.thread_id == "group-Y2FwaV9n"


# --- what leaves


def test_words_are_sent_in_the_published_shape():
    platform, graph = number(SENT)
    assert platform.send(out()).external_id == "wamid.OURS"
    assert graph.paths() == [f"POST /{PHONE}/messages"]
    assert as_published(graph.body()) is True
    assert graph.body()["text"] == {"body": "We are sorry", "preview_url": False}
    assert (graph.body()["to"], graph.body()["context"]) == (f"+{PERSON}", {"message_id": "wamid.1"})
    assert graph.body()["biz_opaque_callback_data"] == "key-1"


def test_words_that_answer_nothing_are_sent_without_a_context():
    platform, graph = number(SENT)
    platform.send(out(parent=""))
    assert as_published(graph.body()) is True
    assert "context" not in graph.body()


def test_words_to_a_group_are_sent_to_the_group():
    platform, graph = number(SENT)
    platform.send(out(thread="group-Y2FwaV9n"))
    assert as_published(graph.body()) is True
    assert (graph.body()["recipient_type"], graph.body()["to"]) == ("group", "Y2FwaV9n")


@pytest.mark.parametrize(
    ("type", "kind"),
    [("image/png", "image"), ("video/mp4", "video"), ("application/pdf", "document"), ("image/svg+xml", "document")],
)
def test_a_file_is_handed_over_and_then_sent_in_the_published_shape(type, kind):
    platform, graph = number({"id": "4490"}, SENT)
    platform.send(out(files=(file(type),)))
    assert graph.paths() == [f"POST /{PHONE}/media", f"POST /{PHONE}/messages"]
    assert as_published(graph.body()) is True
    assert graph.body()[kind]["id"] == "4490"
    assert graph.body()[kind]["caption"] == "We are sorry"
    assert graph.body()[kind].get("filename") == ("ticket.pdf" if kind == "document" else None)


def test_a_file_is_handed_over_with_the_published_fields():
    platform, graph = number({"id": "4490"}, SENT)
    platform.send(out(files=(file(),)))
    content = graph.asked[0].content.decode()
    named = {name: "whatsapp" for name in ("messaging_product", "type", "file") if f'name="{name}"' in content}
    assert as_published(named, "media") is True
    assert "%PDF" in content
    assert content.count(' name="') == 3


def test_a_file_that_is_not_taken_costs_nothing():
    for trouble in (httpx.ReadError("reset"), {}, httpx.Response(500)):
        platform, graph = number(trouble)
        with pytest.raises(TryLater):
            platform.send(out(files=(file(),)))
        assert len(graph.asked) == 1


def test_many_words_do_not_fit_beside_a_file():
    platform, graph = number()
    with pytest.raises(Rejected, match="1,024"):
        platform.send(out("x" * 1025, files=(file(),)))
    assert graph.asked == []


@pytest.mark.parametrize("values", [(), ("Maria", "12:30")])
def test_a_template_is_sent_in_the_published_shape(values):
    platform, graph = number(SENT)
    platform.send_template(out(), name="your_bag", language="pt_PT", values=values)
    assert as_published(graph.body()) is True
    assert len(graph.body()["template"].get("components", [])) == bool(values)


def test_after_a_day_the_refusal_names_templates():
    platform, _ = number(refusal(131047))
    with pytest.raises(WindowClosed, match="template"):
        platform.send(out())


@pytest.mark.parametrize("answer", [httpx.ReadError("reset"), httpx.Response(500), {}, {"messages": []}])
def test_where_no_id_comes_back_nobody_knows_and_nobody_can_look(answer):
    platform, graph = number(answer)
    with pytest.raises(UnknownOutcome):
        platform.send(out())
    assert platform.find_sent(out()) is None
    assert len(graph.asked) == 1


@pytest.mark.parametrize("undo", [False, True])
def test_a_like_is_a_reaction_in_the_published_shape(undo):
    platform, graph = number()
    platform.moderate(Moderation(Measures.LIKE, "wamid.1", f"+{PERSON}", undo=undo))
    assert as_published(graph.body()) is True
    assert graph.body()["reaction"] == {"message_id": "wamid.1", "emoji": "" if undo else "👍"}


def test_a_message_is_marked_as_read_in_the_published_shape():
    platform, graph = number()
    platform.moderate(Moderation(Measures.MARK_READ, "wamid.1", f"+{PERSON}"))
    assert as_published(graph.body(), "mark") is True
    assert graph.body()["message_id"] == "wamid.1"


@pytest.mark.parametrize(("undo", "method"), [(False, "POST"), (True, "DELETE")])
def test_somebody_is_blocked_and_let_in_again_in_the_published_shape(undo, method):
    platform, graph = number()
    platform.moderate(Moderation(Measures.BLOCK, "wamid.1", f"+{PERSON}", undo=undo))
    assert graph.paths() == [f"{method} /{PHONE}/block_users"]
    assert as_published(graph.body(), "block_users") is True
    assert graph.body()["block_users"] == [{"user": f"+{PERSON}"}]


def test_what_whatsapp_cannot_do_it_is_not_asked():
    platform, graph = number()
    with pytest.raises(Rejected):
        platform.moderate(Moderation(Measures.DELETE, "wamid.1", PERSON))
    assert graph.asked == []


@pytest.mark.parametrize(
    "wrong",
    [{"recipient_type": "crowd"}, {"txt": {"body": "x"}}, {"text": {"body": ""}}, {"type": "image"}, {"to": 1}],
)
def test_the_contract_refuses_what_is_wrong(wrong):
    platform, graph = number(SENT)
    platform.send(out())
    assert as_published(graph.body() | wrong) is not True


def test_a_file_of_theirs_is_located_and_one_that_is_gone_is_not():
    platform, _ = number({"url": "https://lookaside.example/x"}, refusal(100, 33), {"url": "javascript:x"})
    assert platform.locate("1003") == "https://lookaside.example/x"
    for _ in range(2):
        with pytest.raises(ParentGone):
            platform.locate("1003")


FILE = "https://graph.facebook.com/v23.0/1003"


def test_a_file_of_theirs_is_fetched_with_our_key_from_where_the_graph_api_says():
    platform, graph = number({"url": "https://lookaside.fbsbx.com/whatsapp/x"}, {"bytes": "of it"})
    assert platform.enclosed("wamid.1", FILE) == b'{"bytes":"of it"}'
    assert graph.paths()[0].startswith("GET /1003")
    assert str(graph.asked[-1].url) == "https://lookaside.fbsbx.com/whatsapp/x"
    assert graph.asked[-1].headers["Authorization"].startswith("Bearer ")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/x", "https://fbsbx.com.evil.example/x"])
def test_nobody_else_gets_our_key_for_a_file(elsewhere):
    platform, graph = number({"url": elsewhere})
    with pytest.raises(Rejected):
        platform.enclosed("wamid.1", FILE)
    assert len(graph.asked) == 1


def test_an_account_says_which_number_it_is():
    platform, graph = number({"id": PHONE, "display_phone_number": "+1 555 078 3881"})
    health = platform.check()
    assert (health.handle, health.key) == ("+1 555 078 3881", PHONE)
    assert graph.paths() == [f"GET /{PHONE}"]
