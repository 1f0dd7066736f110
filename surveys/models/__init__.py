from surveys.models.answers import Answer, Flag, Group, Response
from surveys.models.settings import SurveySettings
from surveys.models.surveys import Condition, Question, Survey, Topic, Version
from surveys.models.verbatims import ActionPlan, PlanAnswer, Theme, Tone
from surveys.models.waves import Invitation, Wave

__all__ = [
    "ActionPlan",
    "Answer",
    "Condition",
    "Flag",
    "Group",
    "Invitation",
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
