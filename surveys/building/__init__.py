"""Making surveys: begun with three screens, their questions and conditions changed, copied, and found ready to send.

A version that was sent never changes: everything here that would change one refuses (`WasSent`), and `new_version`
makes the next.
"""

from surveys.building.questions import (
    KeyTaken,
    Loops,
    NoSuchAnswer,
    OneRecommendation,
    TextDecidesNothing,
    add_condition,
    add_question,
    change_question,
    move,
    put_back,
    remove,
    remove_condition,
)
from surveys.building.readiness import ready
from surveys.building.versions import (
    MOST_LANGUAGES,
    NameTaken,
    NoLanguage,
    OneAfterCases,
    WasSent,
    change_words,
    copy,
    new_version,
    rename,
    retire,
    start,
)

__all__ = [
    "MOST_LANGUAGES",
    "KeyTaken",
    "Loops",
    "NameTaken",
    "NoLanguage",
    "NoSuchAnswer",
    "OneAfterCases",
    "OneRecommendation",
    "TextDecidesNothing",
    "WasSent",
    "add_condition",
    "add_question",
    "change_question",
    "change_words",
    "copy",
    "move",
    "new_version",
    "put_back",
    "ready",
    "remove",
    "remove_condition",
    "rename",
    "retire",
    "start",
]
