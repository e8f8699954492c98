"""What a developer or operator reads: one line an event, as text or JSON, on standard error.

Everybody logs through the standard library (`logging.getLogger(__name__)`) or structlog; both come out alike.
Lines hold no patient data: ids and machine words only. Who saw or sent what belongs to the audit trail.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

# These tell of every packet or request at INFO, some with names of patients in them.
_NOISY = ("pynetdicom", "pydicom", "aiohttp.access", "fontTools", "asyncio", "alembic", "pyhanko",
          "pyhanko_certvalidator", "sqlalchemy", "watchfiles")


def configure_logs(log_format: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (standard error), as "text" or "json". Calling it again replaces the first."""
    renderer: Any
    if log_format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
        tracebacks: list[Any] = [structlog.processors.format_exc_info]
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        tracebacks = []
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tracebacks, renderer]))
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger, logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False)
