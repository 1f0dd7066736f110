from cases.models.cases import Case, CaseMessage, Note, Priority
from cases.models.causes import Cause
from cases.models.rules import RoutingRule
from cases.models.views import SavedView

__all__ = ["Case", "CaseMessage", "Cause", "Note", "Priority", "RoutingRule", "SavedView"]
