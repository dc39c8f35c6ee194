"""JSON log lines, with the ids of the work in hand on each of them."""

import logging
import sys
from typing import TextIO

import structlog

# Bound while a request is answered: one process may serve several services.
SITE = "site"


def configure(service: str, role: str, level: str, stream: TextIO | None = None) -> None:
    """Log as JSON lines to `stream` (standard error), from structlog and from `logging` alike."""
    structlog.reset_defaults()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _naming(service, role),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    out = stream or sys.stderr
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(default=str)],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if level == "INFO" else getattr(logging, level))
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # the bus says itself what happened


def _naming(service: str, role: str) -> structlog.typing.Processor:
    """Who logs: a processor, for a bound context would not reach greenlets begun elsewhere."""

    def name(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["service"] = event.pop(SITE, service)
        event["role"] = role
        return event

    return name
