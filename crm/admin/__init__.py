"""The admin's pages about people, teams, customers and what was done."""

from crm.admin import activity, customers, staff

__all__ = ["activity", "customers", "staff"]
