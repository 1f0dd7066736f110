"""Reading: from the text of a post to its mood and its language.

`read` takes a list and returns a list: no database, no Django, and the same text has the same reading wherever it
stands. A stored reading names the `VERSION` it was made with; raise it with every change to the words or the rules.
"""

from channels_app.reading.model import Reading, Sentiment
from channels_app.reading.reader import read

VERSION = "lexicon-1"

__all__ = ["VERSION", "Reading", "Sentiment", "read"]
