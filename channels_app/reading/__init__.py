"""Reading: from the text of a post to its mood, its wish, its topic, its urgency and its language.

`read` takes a list and returns a list: no database, no Django, and the same text has the same reading wherever it
stands. A stored reading names the version of the reader it was made with; `VERSION` is that of the bundled one.
"""

from channels_app.reading.model import Reading, Sentiment
from channels_app.reading.reader import Reader, bundled_version, read

VERSION = bundled_version()

__all__ = ["VERSION", "Reader", "Reading", "Sentiment", "read"]
