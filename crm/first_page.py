"""Where somebody's day begins, when they sign in or press the mark of the house.

An app above says so for its own people (`named_by`, from its app's `ready()`); the first that names a page is heard.
"""

from __future__ import annotations

from collections.abc import Callable

from crm.models import User

Names = Callable[[User], str]
_asked: list[Names] = []


def named_by(names: Names) -> None:
    """`names(user)` gives the name of a URL, or nothing where it has no page for them."""
    _asked.append(names)


def of(user: User) -> str:
    """The name of the URL."""
    return next((place for names in _asked if (place := names(user))), "") or _otherwise(user)


def _otherwise(user: User) -> str:
    if user.answers:
        return "cases:queue"
    return "crm:customers" if user.knows_customers else "cases:group_questions"  # who is in a support group answers
