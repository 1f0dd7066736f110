"""What people send to do harm is shown, does nothing and reaches nobody: not the agent's browser, not our network."""

from __future__ import annotations

import json
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import pytest

from cases.models import Case
from channels_app import inbox
from channels_app.models import Attachment, Channel, Message
from channels_app.platforms.base import RawPayload
from crm.models import User
from tests import factories
from tests.browser.conftest import PHONE, WIDE, Screen
from tests.browser.looking import too_wide
from tests.channels_app.platforms.fake_mastodon import SETTINGS, notification, post
from tests.processes.stack import Stack

TRACKER = "https://tracker.example/pixel.gif"
RIGHT_TO_LEFT, ZERO, CYRILLIC = "\u202e", "\u200b", "\u0430"
HOSTILE = {
    "script": '<p>Help <script>window.harmed = 1</script><img src=x onerror="window.harmed = 1"></p>',
    "svg": "<svg/onload=window.harmed=1><p>Drawn</p><svg><script>window.harmed=1</script></svg>",
    "as text": "<p>&lt;img src=x onerror=window.harmed=1&gt; {{ 7*7 }} {% now %} ${7*7} "
    "&lt;/textarea&gt;&lt;/title&gt;</p>",
    "remote": f'<p>Look <img src="{TRACKER}"><a style="background:url({TRACKER})" href="{TRACKER}">here</a></p>',
    "links": (
        '<p><a href="javascript:window.harmed=1">https://skylark.example/refund</a> '
        '<a href="https://evil.example/">https://bank.example/login</a> '
        f"https://bank.example@evil.example/ https://p{CYRILLIC}ypal.example/ "
        "data:text/html,&lt;script&gt;harmed=1&lt;/script&gt;</p>"
    ),
    "controls": f"<p>Invoice{RIGHT_TO_LEFT}gpj.exe see https://ev{ZERO}il.example/ and {RIGHT_TO_LEFT * 500} end</p>",
    "mentions": "<p>" + " ".join(f"@person{n}" for n in range(10_000)) + "</p>",
    "huge": "<p>" + "A" * 300_000 + "</p>",
    "stacked": "<p>" + "Z" + "\u0300" * 5_000 + " help</p>",
    "html in names": "<p>My name does it</p>",
}
NASTY_NAME = '"><script>window.harmed=1</script>' + RIGHT_TO_LEFT + "Ann"


@pytest.fixture(scope="module")
def said(desk: Stack) -> list[Case]:
    """Each of these from somebody of their own, and a mail; each a case."""
    team = Channel.objects.get(key="skylark").team
    fedi = factories.ChannelFactory(
        key="fedi", name="@skylark on Mastodon", platform="mastodon", place="mastodon", our_handle="brand", team=team
    )
    factories.CredentialFactory(channel=fedi, settings=SETTINGS, secrets={"access_token": "t"})
    inbox.keep(channel=fedi, payloads=[RawPayload(json.dumps(each).encode()) for each in map(told, enumerate(HOSTILE))])
    inbox.work_off(fedi)
    mail = factories.ChannelFactory(key="mail", name="Mail", platform="email", place="email", our_handle="", team=team)
    inbox.keep(channel=mail, payloads=[RawPayload(letter())])
    inbox.work_off(mail)
    Attachment.objects.create(
        message=Message.objects.filter(channel=fedi).first(), source_url="https://169.254.169.254/latest/meta-data",
        name='"><img src=x onerror=window.harmed=1>.svg', size=0, trouble="It is not handed out.",
        alt='"><script>window.harmed=1</script>',
    )  # fmt: skip
    return list(Case.objects.order_by("pk"))


def told(numbered: tuple[int, str]) -> dict[str, Any]:
    number, what = numbered
    by = {
        "id": f"h{number}", "acct": f"h{number}@far.example", "display_name": NASTY_NAME, "username": "h",
        "url": "javascript:window.harmed=1", "fields": [{"name": "site", "value": "javascript:window.harmed=1"}],
    }  # fmt: skip
    return notification(number, status=post(number, by=by, content=HOSTILE[what], url="javascript:window.harmed=1"))


def letter() -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = Address(NASTY_NAME, "eve", "evil.example"), "care@skylark.example"
    mail["Subject"], mail["Message-ID"] = "</title><script>window.harmed=1</script>", "<1@evil.example>"
    mail["Date"] = "Sun, 22 Nov 2026 10:00:00 +0000"
    html = f'<html><head><style>@import "{TRACKER}";body{{display:none}}</style></head><body background="{TRACKER}">'
    mail.set_content(
        f'{html}<p>Dear team</p><img src="{TRACKER}"><link rel=stylesheet href="{TRACKER}"><iframe src="{TRACKER}">'
        f'</iframe><form action="{TRACKER}"><input name=password></form>'
        f'<meta http-equiv=refresh content="0;{TRACKER}">',
        subtype="html",
    )
    return mail.as_bytes()


class Watched:
    """A screen, and every address its browser asked for."""

    def __init__(self, screen: Screen) -> None:
        self.screen, self.asked, self.dialogs = screen, [], []
        screen.page.on("request", lambda request: self.asked.append(request.url))
        screen.page.on("dialog", lambda dialog: self.dialogs.append(dialog.message))

    def harm(self) -> list[str]:
        ours = urlsplit(self.screen.desk.url).netloc
        strangers = [
            url for url in self.asked if urlsplit(url).netloc not in (ours, "") and not url.startswith("data:")
        ]
        done = ["a script ran"] if self.screen.page.evaluate("'harmed' in window") else []
        return strangers + self.dialogs + done + self.screen.errors


def pages(cases: list[Case]) -> list[str]:
    customers = {f"/customers/{c.customer_id}/" for c in cases if c.customer_id}
    return ["/queue/", *(f"/cases/{case.pk}/" for case in cases), *sorted(customers), "/search/?q=help"]


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_of_it_runs_leaves_or_breaks_a_page(sit, said, viewport):
    watched = Watched(sit("ana", viewport=viewport))
    assert [m.text[:40] for m in Message.objects.filter(case_entry=None)] == []
    assert len(said) == len(HOSTILE) + 1
    for path in pages(said):
        watched.screen.go(path)
        watched.screen.settle()
        assert (path, watched.harm(), too_wide(watched.screen.page)) == (path, [], [])
        assert watched.screen.page.url.startswith(watched.screen.desk.url)


def test_the_admin_is_no_softer(sit, said):
    watched = Watched(sit("ada"))
    raw = Message.objects.filter(channel__key="fedi").values_list("pk", flat=True)
    for path in (
        "/admin/channels_app/rawevent/",
        "/admin/channels_app/message/",
        f"/admin/channels_app/message/{raw[0]}/change/",
    ):
        watched.screen.go(path)
        assert (path, watched.harm()) == (path, [])


def test_a_link_says_where_it_leads(sit, said):
    screen = sit("ana")
    case = Case.objects.get(entries__message__text__contains="skylark.example/refund")
    screen.go(f"/cases/{case.pk}/")
    links = screen.page.locator(".said a").evaluate_all("all => all.map(a => [a.textContent, a.getAttribute('href')])")
    assert all(shown == leads for shown, leads in links)
    hosts = [urlsplit(leads).netloc for _, leads in links]
    assert "evil.example" in hosts
    assert "xn--pypal-4ve.example" in hosts
    assert not any("@" in host for host in hosts)
    assert not screen.page.locator(".said a[href^='javascript']").count()


def test_words_that_turn_the_direction_turn_only_themselves(sit, said):
    screen = sit("ana")
    case = Case.objects.get(entries__message__text__contains="gpj.exe")
    screen.go(f"/cases/{case.pk}/")
    assert screen.page.locator(".said").first.evaluate("e => getComputedStyle(e).unicodeBidi") in (
        "plaintext",
        "isolate",
    )
    assert "https://evil.example/" in screen.page.locator(".said a").first.get_attribute("href")


def test_who_reads_with_a_policy_that_forbids_it_all_anyway(sit, said):
    """The last wall: were something to slip through, the browser is told not to run or fetch it."""
    screen = sit("ana")
    answer = screen.page.goto(f"{screen.desk.url}/cases/{said[0].pk}/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert User.objects.filter(username="ana").exists()
