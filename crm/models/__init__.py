from crm.models.accounts import Account, Persona, Stakeholder
from crm.models.activity import Activity
from crm.models.consent import Consent, ConsentChange, Purpose
from crm.models.customers import Customer, Tier
from crm.models.exchange import ApiToken, IdempotencyKey, Scope, Webhook, WebhookEvent
from crm.models.hours import Calendar, Holiday, Period, Weekday
from crm.models.identify import IdentityRequest
from crm.models.identities import Identity, IdentityLink
from crm.models.imports import Import, ImportChange, RefusedRow
from crm.models.limits import Allowance
from crm.models.matching import Commonness, MatchRule
from crm.models.merges import Merge, Move
from crm.models.name_words import NameWord
from crm.models.orders import Order, Product
from crm.models.privacy import PrivacyRequest, RetentionRule, RetentionRun
from crm.models.staff import Membership, Team, User
from crm.models.views import SavedView
from crm.models.work import Absence, Notice, NoticeChoice, Skill, SupportGroup

__all__ = [
    "Absence",
    "Account",
    "Activity",
    "Allowance",
    "ApiToken",
    "Calendar",
    "Commonness",
    "Consent",
    "ConsentChange",
    "Customer",
    "Holiday",
    "IdempotencyKey",
    "Identity",
    "IdentityLink",
    "IdentityRequest",
    "Import",
    "ImportChange",
    "MatchRule",
    "Membership",
    "Merge",
    "Move",
    "NameWord",
    "Notice",
    "NoticeChoice",
    "Order",
    "Period",
    "Persona",
    "PrivacyRequest",
    "Product",
    "Purpose",
    "RefusedRow",
    "RetentionRule",
    "RetentionRun",
    "SavedView",
    "Scope",
    "Skill",
    "Stakeholder",
    "SupportGroup",
    "Team",
    "Tier",
    "User",
    "Webhook",
    "WebhookEvent",
    "Weekday",
]  # fmt: skip
