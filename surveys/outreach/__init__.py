"""Thank, engage, share: from an answer to a call, to asking those who can change it, to telling what came of it."""
