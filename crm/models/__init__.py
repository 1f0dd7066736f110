from crm.models.activity import Activity
from crm.models.customers import Customer, Tier
from crm.models.identities import Identity, IdentityLink
from crm.models.staff import Membership, Team, User

__all__ = ["Activity", "Customer", "Identity", "IdentityLink", "Membership", "Team", "Tier", "User"]
