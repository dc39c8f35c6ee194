"""Log lines."""

import io
import json
import logging

import structlog

from hotspot import log


def test_lines_are_json_that_name_service_role_and_the_ids_in_hand() -> None:
    out = io.StringIO()
    log.configure("payment", "worker", "INFO", out)
    with structlog.contextvars.bound_contextvars(correlation_id="abc"):
        structlog.get_logger().info("handled", took_ms=1)
        logging.getLogger("somebody.else").warning("from %s", "logging")
    ours, theirs = (json.loads(line) for line in out.getvalue().splitlines())
    for line in (ours, theirs):
        assert (line["service"], line["role"]) == ("payment", "worker")
        assert line["correlation_id"] == "abc"
        assert line["timestamp"].endswith("Z")
    assert (ours["event"], theirs["event"]) == ("handled", "from logging")
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()
