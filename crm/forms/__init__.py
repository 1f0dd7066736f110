"""Forms about customers, accounts, colleagues and teams."""

from crm.forms.accounts import AccountForm, AccountsForm, LeaveForm, PersonaForm, StakeholderForm
from crm.forms.customers import CustomerForm, CustomersForm
from crm.forms.exchange import TokenForm, WebhookForm
from crm.forms.saved import SavedViewForm
from crm.forms.staff import ProfileForm, TeamForm

__all__ = [
    "AccountForm",
    "AccountsForm",
    "CustomerForm",
    "CustomersForm",
    "LeaveForm",
    "PersonaForm",
    "ProfileForm",
    "SavedViewForm",
    "StakeholderForm",
    "TeamForm",
    "TokenForm",
    "WebhookForm",
]
