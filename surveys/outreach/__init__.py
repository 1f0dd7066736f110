"""Thank, engage, share: from an answer to a call, to a question to a group, to telling what came of it."""
