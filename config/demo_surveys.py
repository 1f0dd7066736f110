"""Two years of Skylark's surveys: four waves that are over and one that runs, with what came of them.

Who is asked in a wave is drawn by `surveys.sampling`, as of that day; themes, flags and plans take their own way. What
people answer is seeded: the same people answer the same each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.utils import timezone

from config import demo_case_survey
from config.demo_surveyed import Face, people, told, troubles
from crm import consent, copying
from crm.models import Activity, Identity, User
from surveys import building, plans, quality, sampling, themes
from surveys.models import (
    ActionPlan,
    Answer,
    Group,
    Invitation,
    Question,
    Response,
    Survey,
    SurveySettings,
    Theme,
    Tone,
    Version,
    Wave,
)
from surveys.nps import group_of

SEED = 11
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
OPENED = (668, 486, 304, 122, 6)  # days ago
SEASON = (0.0, 0.1, -0.15, 0.3, 0.5)  # how everybody feels in a wave, beside the rest
LASTS, LANGUAGES = 24 * DAY, ("en", "de", "es", "fr")
ANSWERING = (0.50, 0.53, 0.49, 0.57, 0.56)  # of those who are asked; of the wave that runs, half of them by now
LEFT_EARLY, COMMENTING, BOUNCING = 0.07, 0.62, 0.012
TOPICS = {  # product, price, relationship, support: what people of a group speak of
    Group.PROMOTER: (34, 16, 26, 24), Group.PASSIVE: (42, 26, 12, 20), Group.DETRACTOR: (44, 20, 12, 24),
}  # fmt: skip
PRAISING = {Group.PROMOTER: 0.94, Group.PASSIVE: 0.45, Group.DETRACTOR: 0.08}
USED = ("train", "plane", "app", "lounge")
KIOSK = "demo-kiosk"  # one device on which three answered
State = Invitation.State


def load() -> None:
    """To be called once, when people, channels and causes are there. Where there are surveys, nothing happens."""
    if Survey.objects.exists():
        return
    chance, now = Random(SEED), timezone.now()
    lead = User.objects.get(username="lead")
    opened = [now - days * DAY for days in OPENED]
    settings = SurveySettings.current()
    settings.begins_on = opened[0].date()
    settings.save()
    faces = people(chance, now)
    troubles(chance, faces, opened)
    copying.settle()  # or each wave is drawn as of empty tables, which takes minutes
    _some_want_none(chance, faces, lead)
    versions = _surveys(opened, lead)
    by_customer = {face.customer.pk: face for face in faces}
    waves = [_wave(number, at, versions[number], lead) for number, at in enumerate(opened)]
    for number, wave in enumerate(waves):
        Asked(chance, number, wave, by_customer, now).answer()
    _what_came_of_it(waves, lead)
    demo_case_survey.load(lead)


def _some_want_none(chance: Random, faces: Sequence[Face], by: User) -> None:
    for face in chance.sample(faces, 9):
        consent.record(customer=face.customer, purpose="survey", state="refused", how="Said so at the desk", by=by)


# --- what is asked


def _surveys(opened: Sequence[datetime], by: User) -> list[Version]:
    """The version of each wave: the first two asked three questions, the later ones seven. A third is in the making."""
    first = building.start(
        name="How Skylark is doing", kind=Survey.Kind.NPS, brand="Skylark", languages=LANGUAGES, by=by
    )
    _sent(first, opened[0])
    second = building.new_version(survey=first.survey, by=by)
    _more_questions(second)
    _sent(second, opened[2])
    building.new_version(survey=first.survey, by=by)
    building.start(name="Pulse", kind=Survey.Kind.PULSE, brand="Skylark", languages=LANGUAGES, by=by)
    return [first, first, second, second, second]


def _sent(version: Version, at: datetime) -> None:
    Version.objects.filter(pk=version.pk).update(made_at=at - 3 * DAY, sent_at=at)
    version.refresh_from_db()


def _more_questions(version: Version) -> None:
    """After the reason, before the permission to call."""
    call = version.questions.get(key="call")
    Question.objects.filter(pk=call.pk).update(position=7)
    words = told()["asked"]
    version.wording = {code: {**said, "intro": words["intro"][code]} for code, said in version.wording.items()}
    version.save(update_fields=["wording"])
    asked: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("used", Question.Kind.CHOICE, {"choices": list(USED), "several": True}),
        ("easy", Question.Kind.SCALE, {"topic": "support"}),
        ("worth", Question.Kind.SCALE, {"topic": "price"}),
        ("quote", Question.Kind.CONSENT, {"permission": Question.Permission.QUOTE}),
    )
    Question.objects.bulk_create(
        [
            Question(version=version, position=n, key=key, kind=kind, wording=words[key], **facts)
            for n, (key, kind, facts) in enumerate(asked, start=3)
        ]
    )


# --- who is asked


def _wave(number: int, at: datetime, version: Version, by: User) -> Wave:
    """Drawn as of that day. The audience: who has been a customer for two years, so that nobody new is asked."""
    since = (timezone.now() - 730 * DAY).date()
    runs = at + LASTS > timezone.now()
    return Wave.objects.create(
        name=f"{at:%B %Y}", version=version, audience=f"until={since}", seed=f"skylark-{number}", share=70,
        rest_days=90, opens_at=at, closes_at=at + LASTS, next_on=(at + 182 * DAY).date(), reminders=0,
        state=Wave.State.RUNNING if runs else Wave.State.CLOSED, made_by=by, made_at=at - DAY, planned_at=at,
        closed_at=None if runs else at + LASTS,
    )  # fmt: skip


@dataclass
class Asked:
    """One wave, and what everybody in it did."""

    chance: Random
    number: int
    wave: Wave
    faces: dict[int, Face]
    now: datetime

    def answer(self) -> None:
        drawn = sampling.draw(self.wave)
        self.wave.strata, self.wave.left_out = drawn.strata, drawn.left_out
        self.wave.save(update_fields=["strata", "left_out"])
        sampling.plan(self.wave, after=0, size=sampling.CHUNK)
        self.questions = {question.key: question for question in self.wave.version.questions.all()}
        invited = list(self.wave.invitations.order_by("customer"))
        answered = [response for each in invited if (response := self._asked(each))]
        for response in [each for each in answered if each.finished_at][:3] if self.number == 3 else ():
            response.device = KIOSK
        said = [answer for response in answered for answer in self._said(response)]
        self._came_back(invited)
        Invitation.objects.bulk_update(
            invited, ["state", "reason", "due_at", "sent_at", "opened_at", "ended_at", "expires_at"]
        )
        Response.objects.bulk_create(answered)
        Answer.objects.bulk_create(said)
        quality.flag(answered)

    def _is_up(self, invitation: Invitation, part: str) -> None:
        """Who was drawn besides, and in what order, changes nothing about what this person does."""
        self.chance = Random(f"{part} {self.number} {self.faces[invitation.customer_id].address.value}")

    def _asked(self, invitation: Invitation) -> Response | None:
        """When it was sent, and what was answered, if anything was."""
        self._is_up(invitation, "asked")
        sent = self.wave.opens_at + 8 * HOUR * self.chance.random()
        invitation.due_at = invitation.sent_at = sent
        invitation.expires_at = self.wave.closes_at
        invitation.state, invitation.ended_at = self._end(State.EXPIRED, self.wave.closes_at)
        at = sent + HOUR * min(500.0, self.chance.lognormvariate(3.2, 1.3))
        if self.chance.random() > ANSWERING[self.number] or at > min(self.now, self.wave.closes_at):
            invitation.opened_at = sent + HOUR if self.chance.random() < 0.3 else None
            return None
        invitation.opened_at = at - timedelta(seconds=50)
        stays = self.chance.random() > LEFT_EARLY
        if stays:
            invitation.state, invitation.ended_at = State.ANSWERED, at
        return self._response(invitation, at, stays)

    def _end(self, state: State, at: datetime) -> tuple[State, datetime | None]:
        return (state, at) if self.wave.state == Wave.State.CLOSED else (State.SENT, None)

    def _response(self, invitation: Invitation, at: datetime, stays: bool) -> Response:
        face = self.faces[invitation.customer_id]
        feels = face.delight + SEASON[self.number] - 1.5 * face.hurt.get(self.number, 0) + self.chance.gauss(0, 0.9)
        language = face.customer.language
        return Response(
            invitation=invitation, score=max(0, min(10, round(feels))), language=language,
            started_at=at - timedelta(seconds=50), finished_at=at if stays else None,
        )  # fmt: skip

    def _came_back(self, invited: Sequence[Invitation]) -> None:
        """Mail to some comes back for good, and they can be reached no more."""
        silent = [each for each in invited if each.state == State.EXPIRED and each.opened_at is None]
        gone = self.chance.sample(silent, min(len(silent), round(BOUNCING * len(invited))))
        for each in gone:
            each.state, each.reason = State.BOUNCED, "550 5.1.1 There is no such mailbox."
            each.ended_at = (each.sent_at or self.now) + HOUR
        Identity.objects.filter(pk__in=[each.identity_id for each in gone]).update(
            unreachable_at=self.wave.opens_at + DAY, unreachable_why="550 5.1.1 There is no such mailbox."
        )

    # --- what they said

    def _said(self, response: Response) -> Iterator[Answer]:
        """To each question in turn; who left early, to some of them. A comment may be left empty."""
        self._is_up(response.invitation, "said")
        asked = list(self.questions.values())
        stays = len(asked) if response.finished_at else self.chance.randint(1, len(asked) - 1)
        for question in asked[:stays]:
            yield self._answer(response, question.key, **self._to(question, response))

    def _to(self, question: Question, response: Response) -> dict[str, Any]:
        match question.kind:
            case Question.Kind.NPS:
                return {"number": response.score}
            case Question.Kind.TEXT:
                return {"text": self._comment(response) if self.chance.random() < COMMENTING else ""}
            case Question.Kind.CHOICE:
                return {"chosen": self.chance.sample(USED, self.chance.randint(1, 2))}
            case Question.Kind.CONSENT:
                return {"agreed": self._agrees(response, question)}
        mean = 1 + 4 * ((response.score or 0) / 10)
        return {"number": max(1, min(5, round(self.chance.gauss(mean, 0.7))))}

    def _agrees(self, response: Response, question: Question) -> bool:
        agrees = self.chance.random() < 0.45
        if agrees and question.permission == Question.Permission.QUOTE:
            response.quotable_at = response.finished_at
        return agrees

    def _answer(self, response: Response, key: str, **said: Any) -> Answer:
        at = response.finished_at or response.started_at
        seconds = 0.8 if response.device else round(self.chance.uniform(5, 22), 1)
        return Answer(response=response, question=self.questions[key], seconds=seconds, answered_at=at, **said)

    def _comment(self, response: Response) -> str:
        group = group_of(response.score or 0)
        text = _sentence(self.chance, response.language, group)
        return f"{text} {_sentence(self.chance, response.language, group)}" if self.chance.random() < 0.3 else text


def _sentence(chance: Random, language: str, group: Group) -> str:
    said = told()["said"][language]
    topic = chance.choices(list(said), TOPICS[group])[0]
    return str(chance.choice(said[topic]["praise" if chance.random() < PRAISING[group] else "criticism"]))


# --- what came of it


def _what_came_of_it(waves: Sequence[Wave], by: User) -> None:
    """Themes suggested, corrected where Hark does not speak the language; plans; and a look at what was flagged."""
    while themes.catch_up():
        pass
    _themed_by_hand(by)
    for row in told()["plan"]:
        _plan(row, waves, by)
    flagged = list(Response.objects.flagged().filter(finished_at__isnull=False).order_by("pk")[:2])
    for response, decide in zip(flagged, (quality.let_in, quality.leave_out), strict=False):
        decide(response=response, by=by)


def _themed_by_hand(by: User) -> None:
    """Of what was not said in English, a lead has gone through all but the newest."""
    known = {
        sentence: (topic, Tone.PRAISE if tone == "praise" else Tone.CRITICISM)
        for language, topics in told()["said"].items() if language != "en"
        for topic, tones in topics.items() for tone, sentences in tones.items() for sentence in sentences
    }  # fmt: skip
    foreign = (
        Answer.objects.verbatims().exclude(response__language="en").filter(response__invitation__wave__state="closed")
    )
    Theme.objects.filter(answer__in=foreign).delete()
    rows = {}
    for answer in foreign:
        for sentence, (topic, tone) in known.items():
            if sentence in answer.text:
                rows[answer.pk, topic] = Theme(
                    answer=answer,
                    topic=topic,
                    tone=tone,
                    words=sentence[:60],
                    decided_by=by,
                    decided_at=answer.answered_at,
                )
    Theme.objects.bulk_create(rows.values())


def _plan(row: dict[str, Any], waves: Sequence[Wave], by: User) -> None:
    """With a dozen of the comments that asked for it; dates are set back to when it was."""
    asked = Answer.objects.verbatims().filter(response__invitation__wave__in=waves[: row["wave"] + 1])
    criticised = asked.filter(themes__topic=row["topic"], themes__tone=Tone.CRITICISM, themes__dropped_at=None)
    due = timezone.localdate() + timedelta(days=row["days"])
    owner = User.objects.get(username=row["owner"])
    facts = {"title": row["title"], "detail": row["detail"], "topic": row["topic"], "owner": owner, "due_on": due}
    plan = plans.start(**facts, by=by, answers=criticised.order_by("-pk")[:12])
    made = waves[row["wave"]].closes_at + 6 * DAY
    if row["state"] == ActionPlan.State.DOING:
        plans.begin(plan=plan, by=owner)
    elif "outcome" in row:
        end = plans.done if row["state"] == ActionPlan.State.DONE else plans.drop
        end(plan=plan, outcome=row["outcome"], by=owner)
        ActionPlan.objects.filter(pk=plan.pk).update(ended_at=timezone.now() + timedelta(days=row["days"]))
    ActionPlan.objects.filter(pk=plan.pk).update(made_at=min(made, timezone.now()))
    plan.refresh_from_db()
    Activity.objects.about(plan).update(at=plan.made_at)
    Activity.objects.about(plan).filter(verb__in=ActionPlan.State.values).update(at=plan.ended_at or plan.made_at)
