"""One person with a row of every kind we may hold on them, and a mark of its own in every text of each row.

    whole = Somebody(agent)              # rows, of every model that a holder answers for
    marks = whole.mark()                 # {mark: "app.model.field"}; every text, JSON and file is planted with one

What leads to them only by their name (a row an import refused, an answer to another system) is written with it.
"""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import count
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.fields import ArrayField
from django.core.files.base import ContentFile
from django.db import models
from django.utils import timezone

from cases.models import CaseMessage
from channels_app.models import LiveEvent, MessageVersion
from crm import consent, merging
from crm.models import (
    Commonness,
    Consent,
    ConsentChange,
    IdempotencyKey,
    IdentityRequest,
    Import,
    ImportChange,
    Merge,
    Move,
    PrivacyRequest,
    RefusedRow,
)
from crm.models.activity import log
from crm.models.files import StoredFile
from tests import factories

_numbers = count(1)
LONGEST = 8  # letters of a mark
TEXTS = (models.CharField, models.TextField, models.JSONField, models.BinaryField, models.FileField, ArrayField)
# Ours, a network's or a program's words: a mark there would say nothing of a person. Most of them lead to the row.
NOBODYS = {
    "admin.logentry.object_id", "cases.approval.why", "cases.case.due_kind", "cases.case.language",
    "cases.case.reasons", "cases.notefile.file", "cases.rulerun.done", "cases.rulerun.occasion", "cases.wording.bands",
    "channels_app.attachment.file", "channels_app.correction.now", "channels_app.correction.reader",
    "channels_app.correction.was", "channels_app.liveevent.data", "channels_app.liveevent.kind",
    "channels_app.liveevent.stream", "channels_app.message.corrected", "channels_app.message.language",
    "channels_app.message.named_by", "channels_app.message.reader", "channels_app.rawevent.body",
    "crm.activity.subject_kind", "crm.activity.verb", "crm.allowance.what", "crm.allowance.whom",
    "crm.commonness.piece", "crm.idempotencykey.key", "crm.idempotencykey.request_hash", "crm.identity.place",
    "crm.identityrequest.code_hash", "crm.import.columns", "crm.import.delimiter", "crm.import.encoding",
    "crm.import.file", "crm.import.header", "crm.import.name", "crm.import.source", "crm.import.trouble",
    "crm.importchange.kind", "crm.merge.marks", "crm.move.column", "crm.move.kind", "crm.notice.subject_kind",
    "crm.notice.url", "crm.privacyrequest.file", "crm.privacyrequest.receipt", "crm.privacyrequest.step",
    "crm.privacyrequest.trouble", "crm.webhookevent.trouble", "crm.webhookevent.type", "surveys.flag.why",
    "surveys.invitation.stratum", "surveys.loop.died_at_step", "surveys.response.language",
}  # fmt: skip


def may_be_marked(field: Any) -> bool:
    """Whether it is text of anybody's own: not a choice of ours, not worked out, not two letters for a country."""
    is_text = isinstance(field, TEXTS) and not field.choices and not getattr(field, "generated", False)
    return is_text and (getattr(field, "max_length", None) or LONGEST) >= LONGEST


class Somebody:
    """`customer` is the record that stands; `absorbed` was merged into it; `identity` is their handle."""

    def __init__(self, by, channel=None) -> None:
        self.by, self.number = by, next(_numbers)
        self.channel = channel or factories.ChannelFactory(platform="archive", place="twitter")
        self.rows: list[models.Model] = []
        self._who()
        self._what_they_own()
        self._what_was_said()
        self._what_they_answered()
        self._what_they_said_on_the_phone()
        self._what_they_did_for_us()
        self._what_work_left()
        self._what_others_know()

    def keep(self, *rows):
        self.rows += rows
        return rows[0]

    def _identity(self, customer, **facts):
        facts = {"place": self.channel.place, "unreachable_at": timezone.now(), **facts}
        identity = self.keep(factories.IdentityFactory(**facts))
        self.keep(factories.IdentityLinkFactory(identity=identity, customer=customer, evidence="They said so", score=1))
        return identity

    def _who(self) -> None:
        self.customer = self.keep(factories.CustomerFactory(known_at=timezone.now()))
        self.absorbed = self.keep(factories.CustomerFactory())
        self.identity = self._identity(self.customer, profile_links=["https://example.com"])
        self.email = self._identity(self.absorbed, kind="email")
        other = factories.IdentityFactory(customer=factories.CustomerFactory())
        self.keep(factories.IdentityLinkFactory(identity=other, customer=self.customer, state="proposed", points=[{}]))
        claim = self.keep(factories.IdentityFactory(kind="email", place="", unreachable_at=timezone.now()))
        self.keep(IdentityRequest.objects.create(identity=self.identity, asked_by=self.by, asked_as="us", claim=claim))

    def _what_they_own(self) -> None:
        self.account = factories.AccountFactory()
        order = self.keep(factories.OrderFactory(customer=self.customer, account=self.account))
        self.keep(factories.ProductFactory(customer=self.absorbed, order=order))
        self.keep(factories.StakeholderFactory(customer=self.customer, account=self.account))
        consent.record(customer=self.customer, purpose="call", state="given", how="On the phone", by=self.by)
        self.keep(Consent.objects.get(customer=self.customer), ConsentChange.objects.get(customer=self.customer))

    def _what_was_said(self) -> None:
        thread = self.keep(factories.ThreadFactory(channel=self.channel))
        at = timezone.now() - timedelta(days=3)
        self.case = self.keep(
            factories.CaseFactory(
                channel=self.channel, thread=thread, customer=self.customer, identity=self.identity, opened_at=at
            )
        )
        self.message = self.keep(self.case.entries.get().message)
        self.keep(self.case.entries.get())
        self.keep(MessageVersion.objects.create(message=self.message, text="Before"))
        self.keep(factories.CorrectionFactory(message=self.message))
        self.keep(factories.LookFactory(message=self.message), factories.ReactionFactory(message=self.message))
        delivery = self.keep(factories.DeliveryFactory(case=self.case, by=self.by, state="failed", reason="No"))
        self.keep(delivery.message)
        ours = self.keep(factories.MessageFactory(thread=thread, identity=None, direction="out", sent_by=None))
        self.keep(CaseMessage.objects.create(case=self.case, message=ours))
        self.by_mail = self.keep(factories.MessageFactory(thread=thread, identity=self.email))
        note = self.keep(factories.NoteFactory(case=self.case, by=self.by))
        self.keep(factories.NoteFileFactory(note=note), factories.AttachmentFactory(message=self.message))
        self.keep(factories.CaseThreadFactory(case=self.case), factories.MeasureFactory(case=self.case, by=self.by))
        self.keep(factories.OfferFactory(case=self.case, user=self.by), factories.LentFactory(case=self.case))
        self.keep(factories.HandOverFactory(case=self.case, by=self.by, state="returned", decided_at=at, why="No time"))
        self.keep(factories.CommitmentFactory(case=self.case, by=self.by, dropped_at=at, why="Not needed"))
        self.keep(factories.GroupQuestionFactory(case=self.case, by=self.by))
        self.keep(factories.ApprovalFactory(case=self.case, by=self.by))
        self.keep(factories.LeadFactory(case=self.case, handed_by=self.by))
        self.keep(factories.CaseLinkFactory(one=self.case, by=self.by))
        self.keep(factories.RuleRunFactory(case=self.case), factories.CheckedItemFactory(case=self.case, by=self.by))
        self.keep(factories.CauseSuggestionFactory(case=self.case))
        self.keep(factories.NoticeFactory(user=self.by, subject_kind="cases.case", subject_id=self.case.pk))
        self.payload = self.keep(factories.RawEventFactory(channel=self.channel, state="stored"))
        self.dead = self.keep(factories.RawEventFactory(channel=self.channel, state="rejected", reason="Torn"))
        self.keep(LiveEvent.objects.create(stream=f"team:{self.case.team_id}", number=self.number, kind="case"))

    def _what_they_answered(self) -> None:
        wave = factories.WaveFactory()
        invitation = self.keep(factories.InvitationFactory(customer=self.customer, wave=wave, identity=self.email))
        response = self.keep(factories.ResponseFactory(invitation=invitation, quotable_at=timezone.now()))
        answer = self.keep(factories.AnswerFactory(response=response))
        self.keep(factories.FlagFactory(response=response), factories.ThemeFactory(answer=answer))
        self.keep(factories.PlanAnswerFactory(answer=answer))
        asked_before = {"wave": factories.WaveFactory(), "state": "cancelled", "ended_at": timezone.now()}
        self.keep(factories.InvitationFactory(customer=self.absorbed, reason="Asked us not to", **asked_before))
        self.keep(log("left out", response, by=self.by, detail="x"))
        self.keep(factories.NoticeFactory(user=self.by, subject_kind="surveys.response", subject_id=response.pk))
        self.answered = answer

    def _what_they_said_on_the_phone(self) -> None:
        over = {"ended_at": timezone.now()}
        loop = self.keep(
            factories.LoopFactory(customer=self.absorbed, state="died", died_at_step="told", why="No", **over)
        )
        call = self.keep(factories.CallFactory(loop=loop, owner=self.by, state="cancelled", reason="No", **over))
        owed = {"call": call, "response": self.answered.response}
        self.keep(factories.FollowUpFactory(cancelled_at=timezone.now(), reason="No", **owed))
        attempt = self.keep(factories.CallAttemptFactory(call=call))
        self.keep(factories.HeardFactory(attempt=attempt))
        back = {"asked_back": "Which train?", "asked_back_by": self.by, "told_back": "The night train."}
        asked = self.keep(factories.GroupRequestFactory(attempt=attempt, **back))
        asked.answer = self.keep(factories.GroupAnswerFactory(group=asked.group))
        asked.save()
        self.keep(log("called", call, by=self.by, detail="x"), log("given", asked.answer, by=self.by, detail="x"))
        self.keep(factories.ToldFactory(customer=self.absorbed, how="not", reason="No way to them"))
        for row in (call, asked):
            kind, key = row._meta.label_lower, row.pk
            self.keep(factories.NoticeFactory(user=self.by, subject_kind=kind, subject_id=key))

    def _what_they_did_for_us(self) -> None:
        advocate = self.keep(factories.AdvocateFactory(customer=self.absorbed, state="declined", how="On the phone"))
        self.keep(factories.AdvocateReasonFactory(advocate=advocate, kind="promoter", message=None,
                                                  response=self.answered.response))  # fmt: skip
        self.keep(factories.AdvocateLetterFactory(advocate=advocate, by=self.by, failed="No way to them"))
        self.keep(factories.RecognitionFactory(by=self.by, customer=self.customer))
        self.keep(log("declined", advocate, by=self.by, detail="x"))

    def _what_work_left(self) -> None:
        merge = self.keep(merging.merge(survivor=self.customer, absorbed=self.absorbed, by=self.by, reason="Same"))
        self.keep(*Move.objects.filter(merge=merge))
        self.keep(factories.ClockFactory(case=self.case))
        self.keep(factories.DraftFactory(case=self.case, user=self.by))
        ours = self.case.entries.filter(message__direction="out").first().message
        self.keep(factories.OverrideFactory(case=self.case, message=ours, by=self.by))
        self.keep(factories.WordingFactory(customer=self.customer, message=ours))
        self.keep(factories.OpeningFactory(message=self.case.entries.order_by("pk")[0].message))
        alike = self.keep(factories.FloodMemberFactory(case=self.case))
        self.keep(alike.flood)
        answer = self.keep(factories.FloodAnswerFactory(flood=alike.flood, like=self.case, by=self.by))
        self.keep(factories.FloodReplyFactory(answer=answer, case=self.case))
        Merge.objects.filter(pk=merge.pk).update(stayed=["One message"])
        self.keep(
            log("changed", self.customer, by=self.by, detail="x"), log("noted", self.case, by=self.by, detail="x")
        )
        for row in (self.customer, self.identity):
            kind = ContentType.objects.get_for_model(row)
            self.keep(
                LogEntry.objects.create(
                    user=self.by, content_type=kind, object_id=row.pk, object_repr=str(row), action_flag=CHANGE
                )
            )
        self.run = self.keep(
            Import.objects.create(what="customers", source="crm", name="a.csv", by=self.by, state="done")
        )
        self.keep(
            ImportChange.objects.create(run=self.run, kind="crm.customer", row=self.customer.pk, before={}, after={})
        )
        self.keep(
            ImportChange.objects.create(run=self.run, kind="surveys.answer", row=self.answered.pk, before={}, after={})
        )
        self.gone = self.keep(ImportChange.objects.create(run=self.run, kind="crm.order", row=10**9, after={}))
        self.refused = self.keep(RefusedRow.objects.create(run=self.run, number=1, cells=[], sentence="x"))
        self.keep(
            PrivacyRequest.objects.create(
                kind="export", customer=self.customer, by=self.by, state="done", file_until=timezone.now()
            )
        )
        self.keep(Commonness.objects.create(kind="name", piece=f"rare{self.number}", count=1))

    def _what_others_know(self) -> None:
        self.keep(factories.WebhookEventFactory(about=self.customer.pk))
        token = factories.ApiTokenFactory()
        answers = [IdempotencyKey(token=token, key=f"{n}-{self.number}", status=201, body={}) for n in range(2)]
        self.answer, self.keyed = IdempotencyKey.objects.bulk_create(answers)
        self.keep(self.answer)

    # --- a mark in every text

    def mark(self) -> dict[str, str]:
        """Plant them. What is found by the person's handle has it beside its mark."""
        self.marks: dict[str, str] = {}
        for row in self.rows:
            self._mark_row(row)
        self.handle = self._value(self.identity, "value")
        self._mark_by_name()
        self._mark_files()
        return self.marks

    def _mark_row(self, row: models.Model) -> None:
        planted = {
            field.attname: self._planted(row, field)
            for field in row._meta.concrete_fields
            if may_be_marked(field) and f"{row._meta.label_lower}.{field.name}" not in NOBODYS
        }
        if planted:
            type(row)._base_manager.filter(pk=row.pk).update(**planted)

    def _planted(self, row: models.Model, field: Any) -> Any:
        mark = self._mark(f"{row._meta.label_lower}.{field.name}")
        if isinstance(field, models.JSONField):
            held = getattr(row, field.attname)
            return (
                [*held, mark] if isinstance(held, list) else {**held, "mark": mark} if isinstance(held, dict) else mark
            )
        if isinstance(field, ArrayField):
            return [mark]
        return f"https://x.example/{mark}" if isinstance(field, models.URLField) else mark[: field.max_length]

    def _mark(self, where: str) -> str:
        mark = f"zq{len(self.marks) + 1000 * self.number}x"
        self.marks[mark] = where
        return mark

    def _value(self, row: models.Model, field: str) -> Any:
        return type(row)._base_manager.filter(pk=row.pk).values_list(field, flat=True).get()

    def _mark_by_name(self) -> None:
        """Rows that nothing leads to but the handle in them."""
        body = {
            "id": self._value(self.message, "external_id"), "author": self.handle, "at": "2026-11-20T10:00:00Z",
            "text": self._mark("channels_app.rawevent.body"), "followers": "7",
        }  # fmt: skip
        torn = f'{{"author": "{self.handle}", "text": "{self._mark("channels_app.rawevent.body (torn)")}'
        self._set(self.payload, body=json.dumps(body).encode())
        self._set(self.dead, body=torn.encode())
        self._set(self.refused, cells=[*self._value(self.refused, "cells"), self.handle])
        self._set(self.gone, after={**self._value(self.gone, "after"), "handle": self.handle})
        self._set(self.run, name=f"{self.handle} {self._mark('crm.import.name')}.csv")
        self._set(self.run, header=[self.handle, self._mark("crm.import.header")])
        self._set(self.keyed, key=f"customer/{self.handle}/{self._mark('crm.idempotencykey.key')}")
        self._set(self.answer, body={**self._value(self.answer, "body"), "customer": self.customer.pk})
        word = self._value(self.customer, "name")
        for row in self.rows:
            if isinstance(row, Commonness):
                self._set(row, piece=word)
            if isinstance(row, LiveEvent):
                self._set(row, data={"id": self.case.pk, "html": self._mark("channels_app.liveevent.data")})

    def _set(self, row: models.Model, **values: Any) -> None:
        type(row)._base_manager.filter(pk=row.pk).update(**values)

    def _mark_files(self) -> None:
        text = f"handle,name\n{self.handle},{self._mark('crm.import.file')}\n".encode("utf-16")
        self.run.refresh_from_db()
        self.run.file.save("brought.csv", ContentFile(text))
        for row in self.rows:
            if isinstance(row, StoredFile):
                row.refresh_from_db()
                row.file.save("x", ContentFile(self._mark(f"{row._meta.label_lower}.file").encode()))
            if isinstance(row, PrivacyRequest):
                row.file.save("copy.zip", ContentFile(self._mark("crm.privacyrequest.file").encode()))
