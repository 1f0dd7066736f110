"""Logs as events with fields: the case, message or job they concern; never a secret, never a customer's words."""

import logging
import re

import structlog

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}")  # of a link that is its holder's whole authority


def without_links(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Django names the address of a page that was refused: whoever reads the log could open it."""
    if isinstance(said := event.get("event"), str):
        event["event"] = TOKEN.sub("[link]", said)
    return event


SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    without_links,
]

structlog.configure(
    processors=[structlog.stdlib.filter_by_level, *SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)


def formatter(*, json: bool) -> logging.Formatter:
    """One line an event: for people by default, JSON for a log collector with LOG_JSON=1."""
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last], foreign_pre_chain=SHARED
    )
