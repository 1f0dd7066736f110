"""Files that people bring: checked by what they are, kept under names nobody chose, served only to who may see them."""

from crm.files.checking import Checked, Refusal, checked
from crm.files.keeping import keep, remove, sweep
from crm.files.serving import answer
from crm.files.uploads import uploaded

__all__ = ["Checked", "Refusal", "answer", "checked", "keep", "remove", "sweep", "uploaded"]
