from surveys.models.answers import Answer, Flag, Group, Response
from surveys.models.calls import (
    Attempt,
    Call,
    Caller,
    CallingHours,
    CallRule,
    FollowUp,
    Heard,
    OutreachSettings,
)
from surveys.models.loops import Loop
from surveys.models.recognition import Advocate, AdvocateLetter, AdvocateReason, Recognition
from surveys.models.requests import GroupAnswer, GroupRequest, Hashtag, Told
from surveys.models.settings import SurveySettings
from surveys.models.surveys import Condition, Question, Survey, Topic, Version
from surveys.models.texts import CallText
from surveys.models.verbatims import ActionPlan, PlanAnswer, Theme, Tone
from surveys.models.waves import Invitation, Wave

__all__ = [
    "ActionPlan",
    "Advocate",
    "AdvocateLetter",
    "AdvocateReason",
    "Answer",
    "Attempt",
    "Call",
    "CallRule",
    "CallText",
    "Caller",
    "CallingHours",
    "Condition",
    "Flag",
    "FollowUp",
    "Group",
    "GroupAnswer",
    "GroupRequest",
    "Hashtag",
    "Heard",
    "Invitation",
    "Loop",
    "OutreachSettings",
    "PlanAnswer",
    "Question",
    "Recognition",
    "Response",
    "Survey",
    "SurveySettings",
    "Theme",
    "Told",
    "Tone",
    "Topic",
    "Version",
    "Wave",
]
