"""Words in the demo: templates in three languages, one stock reply sent for a reason, a reply somebody has begun."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from cases import drafts
from cases.models import Case, CaseMessage, Draft, Override, Template, TemplateText
from channels_app.models import Message
from crm.models import Team, User

TEMPLATES = Path(__file__).with_name("demo_words.toml")
BEGUN = "Hello, I have asked the depot in Leeds: your case is on the shelf there, and"


def load() -> None:
    _templates()
    _override()
    _draft()


def _templates() -> None:
    with TEMPLATES.open("rb") as file:
        written = tomllib.load(file)["template"]
    teams = {team.name: team for team in Team.objects.all()}
    for one in written:
        template = Template.objects.create(
            name=one["name"], purpose=one["purpose"], team=teams.get(one.get("team", ""))
        )
        TemplateText.objects.bulk_create(
            [TemplateText(template=template, language=code, text=text.strip()) for code, text in one["text"].items()]
        )


def _override() -> None:
    """Of an answer that was sent: what the guard wrote down of it."""
    sent = CaseMessage.objects.filter(message__direction=Message.Direction.OUT, message__sent_by__isnull=False)
    last = sent.select_related("message__sent_by", "case").order_by("-message__occurred_at", "-id").first()
    if last and last.message.sent_by:
        Override.objects.create(
            case=last.case, message=last.message, by=last.message.sent_by, at=last.message.occurred_at, people=4,
            likeness=0.91, why="The same train: all five asked when it leaves, and there is one answer.",
        )  # fmt: skip


def _draft() -> None:
    agent = User.objects.get(username="agent")
    case = Case.objects.filter(owner=agent).needing_us().order_by("-last_message_at").first()
    if case:
        drafts.keep(case=case, kind=Draft.Kind.REPLY, text=BEGUN, by=agent)
        Draft.objects.filter(case=case, user=agent).update(at=timezone.now() - timedelta(minutes=40))
