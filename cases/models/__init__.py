from cases.models.alike import Flood, FloodAnswer, FloodMember, FloodReply, Opening
from cases.models.cases import Case, Outcome, Priority
from cases.models.causes import Cause
from cases.models.clocks import Clock
from cases.models.desk import DeskSettings
from cases.models.entries import CaseMessage, Note, NoteFile
from cases.models.leads import Lead
from cases.models.likely import CauseSign, CauseSuggestion
from cases.models.moves import CaseLink, CaseThread, CheckedItem, ChecklistItem, Deed
from cases.models.rules import Rule, RuleRun
from cases.models.story import Commitment, GroupQuestion, HandOver, Lent, Offer
from cases.models.words import Approval, Draft, Override, Template, TemplateText, Wording

__all__ = [
    "Approval", "Case", "CaseLink", "CaseMessage", "CaseThread", "Cause", "CauseSign", "CauseSuggestion", "CheckedItem",
    "ChecklistItem", "Clock", "Commitment", "Deed", "DeskSettings", "Draft", "Flood", "FloodAnswer", "FloodMember",
    "FloodReply", "GroupQuestion", "HandOver", "Lead", "Lent", "Note", "NoteFile", "Offer", "Opening", "Outcome",
    "Override", "Priority", "Rule", "RuleRun", "Template", "TemplateText", "Wording",
]  # fmt: skip
