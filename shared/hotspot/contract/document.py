"""`docs/messages.md`, written from the table by `python -m hotspot.contract.document`."""

import inspect
import sys
import typing
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from hotspot.contract import table
from hotspot.contract.message import Message
from hotspot.contract.rows import Event, Job, Queue

_WORDS = {
    str: "text",
    int: "integer",
    bool: "boolean",
    float: "number",
    UUID: "UUID",
    datetime: "time",
}


def messages_md() -> str:
    """The whole document."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Messages"
    yield ""
    yield "Every exchange, queue, job and event. Made from `shared/hotspot/contract/table.py` by"
    yield "`python -m hotspot.contract.document`; a test holds the two together."
    yield ""
    yield "## Worker groups"
    yield ""
    yield "| group | processes by default | priority |"
    yield "|---|---|---|"
    for group in table.GROUPS:
        yield f"| `{group.name}` | {group.processes} | {group.priority} |"
    yield ""
    yield "## Exchanges and queues"
    yield ""
    yield "Within a worker, priority is strict in this order."
    yield ""
    yield "| exchange | queue | service | group |"
    yield "|---|---|---|---|"
    for queue in table.QUEUES:
        yield f"| `{queue.exchange}` | `{queue.name}` | {queue.of.name} | `{queue.group.name}` |"
    for name in table.UNBOUND_EXCHANGES:
        yield f"| `{name}` | - | - | what is sent here is refused as unroutable |"
    yield ""
    delays = ", ".join(f"`{delay.name}`" for delay in table.DELAYS)
    yield f"Retries wait in {delays}, shared by all, and dead-letter back by routing key. What is"
    yield "given up goes to `parked.<service>` and from there into that service's `failed_jobs`."
    yield ""
    yield "## Jobs"
    yield ""
    yield "| job | sent by | queue | timeout | tries | |"
    yield "|---|---|---|---|---|---|"
    for job in (row for row in table.MESSAGES if isinstance(row, Job)):
        yield _job(job)
    yield ""
    yield "## Events"
    yield ""
    yield "On the topic exchange `events`, with their name as routing key."
    yield ""
    yield "| event | sent by | heard in | handled as |"
    yield "|---|---|---|---|"
    for event in (row for row in table.MESSAGES if isinstance(row, Event)):
        yield _event(event)
    yield ""
    yield "## Fields"
    for row in table.MESSAGES:
        yield ""
        yield from _fields(row.message)


def _job(job: Job) -> str:
    queues = f"each service's `{job.lands_in[0].exchange}`" if job.to_one else _names(job.lands_in)
    said = ["calls the outside: never grouped"] if job.outside else []
    if job.stale_after is not None:
        said.append(f"dropped after {job.stale_after} s in its queue")
    remarks = "; ".join(said)
    sender = job.sent_by.name if job.sent_by else "any"
    name = job.message.NAME
    return f"| `{name}` | {sender} | {queues} | {job.timeout} s | {job.tries} | {remarks} |"


def _event(event: Event) -> str:
    sender = event.sent_by.name if event.sent_by else "any"
    as_job = f"`{event.as_job.NAME}`" if event.as_job else ""
    return f"| `{event.message.NAME}` | {sender} | {_names(event.lands_in)} | {as_job} |"


def _names(queues: tuple[Queue, ...]) -> str:
    return ", ".join(f"`{queue.name}`" for queue in queues)


def _fields(message: type[Message]) -> Iterator[str]:
    yield f"### {message.NAME} (version {message.VERSION})"
    yield ""
    yield inspect.cleandoc(message.__doc__ or "")
    hints = typing.get_type_hints(message)
    if fields(message):  # type: ignore[arg-type]
        yield ""
    for spec in fields(message):  # type: ignore[arg-type]
        yield f"- `{spec.name}`: {_kind(hints[spec.name])}"


def _kind(hint: object) -> str:
    arguments = [one for one in typing.get_args(hint) if one is not type(None)]
    origin = typing.get_origin(hint)
    if origin is tuple:
        return f"list of {_kind(arguments[0])}"
    if origin is typing.Literal:
        return " or ".join(f"`{one}`" for one in arguments)
    if origin is not None:
        return f"{_kind(arguments[0])}, or null"
    if hint in _WORDS:
        return _WORDS[hint]
    return f"{getattr(hint, '__name__', 'some')} object"


if __name__ == "__main__":
    sys.stdout.write(messages_md())
