from surveys.models.answers import Answer, Flag, Group, Response
from surveys.models.calls import (
    Attempt,
    Call,
    Caller,
    CallingHours,
    CallRule,
    FollowUp,
    Heard,
    Loop,
    OutreachSettings,
)
from surveys.models.requests import GroupAnswer, GroupRequest, Hashtag
from surveys.models.settings import SurveySettings
from surveys.models.surveys import Condition, Question, Survey, Topic, Version
from surveys.models.verbatims import ActionPlan, PlanAnswer, Theme, Tone
from surveys.models.waves import Invitation, Wave

__all__ = [
    "ActionPlan",
    "Answer",
    "Attempt",
    "Call",
    "CallRule",
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
    "Response",
    "Survey",
    "SurveySettings",
    "Theme",
    "Tone",
    "Topic",
    "Version",
    "Wave",
]
