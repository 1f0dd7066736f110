"""The forms of the case desk, by what they are for."""

from cases.forms.desk import AssignForm, BulkForm, NoteForm, ReplyForm, ResolveForm
from cases.forms.queue import Offered, QueueForm
from cases.forms.settings import CauseForm, CauseOfCaseForm, ChecklistForms, JoinForm, RuleForm

__all__ = [
    "AssignForm", "BulkForm", "CauseForm", "CauseOfCaseForm", "ChecklistForms", "JoinForm", "NoteForm", "Offered",
    "QueueForm", "ReplyForm", "ResolveForm", "RuleForm",
]  # fmt: skip
