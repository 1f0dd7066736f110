from cases.models.cases import Case, CaseMessage, Note, Priority
from cases.models.causes import Cause
from cases.models.rules import RoutingRule

__all__ = ["Case", "CaseMessage", "Cause", "Note", "Priority", "RoutingRule"]
