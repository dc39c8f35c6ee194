"""`docs/asyncapi.yaml` (AsyncAPI 3.0), from the table by `python -m hotspot.contract.asyncapi`.

A channel is what the broker has: an exchange with a routing key that messages are sent to, or a
queue that a service takes them from.
"""

import inspect
import sys
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hotspot.contract import table
from hotspot.contract.examples import recorded
from hotspot.contract.message import Message
from hotspot.contract.rows import Event, Job, Queue, Service
from hotspot.contract.topology import messages_in

Json = dict[str, Any]

VERSION = "3.0.0"
_SCALARS: dict[object, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
}
_HEADERS: Json = {
    "type": "object",
    "properties": {
        "version": {"type": "integer", "description": "of the message's schema"},
        "sent_at": {"type": "string", "format": "date-time"},
        "attempt": {"type": "integer", "minimum": 1},
        "causation_id": {"type": "string", "format": "uuid", "description": "what it answers"},
        "was_failed": {"type": "boolean", "description": "sent again from the failed jobs"},
    },
    "required": ["version", "sent_at", "attempt"],
}


def asyncapi() -> Json:
    """The whole document."""
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Hotspot bus",
            "version": "1.0.0",
            "description": "Every event and job between the services. Jobs are orders, with one"
            " queue and one handler; events are facts on a topic exchange. Delivery is at least"
            " once, and every handler can run twice.",
            "license": {"name": "GPL-3.0-or-later"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "rabbitmq": {
                "host": "127.0.0.1:5672",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "description": "RabbitMQ 3.10 or newer, as AMQP_URL says",
            }
        },
        "channels": {**dict(_ways_in()), **dict(_queues())},
        "operations": {**dict(_sending()), **dict(_receiving())},
        "components": {
            "messages": {row.message.NAME: _message(row) for row in table.MESSAGES},
            "messageTraits": {
                "envelope": {
                    "contentType": "application/json",
                    "correlationId": {
                        "location": "$message.header#/correlation_id",
                        "description": "the AMQP property: one id from the first request on",
                    },
                    "headers": _HEADERS,
                }
            },
            "schemas": dict(_parts()),
        },
    }


def asyncapi_yaml() -> str:
    """The document as it stands in `docs/`."""
    import yaml  # of developers' machines: no service needs it

    text: str = yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=100)
    return f"# Made by `python -m hotspot.contract.asyncapi`; a test holds it to the table.\n{text}"


def _ways_in() -> Iterator[tuple[str, Json]]:
    """Where messages are sent: an event or job by its name, on an exchange."""
    for row in table.MESSAGES:
        exchange = _exchange(row)
        to_one = isinstance(row, Job) and row.to_one
        address = f"{row.message.NAME}.{{service}}" if to_one else row.message.NAME
        services = {"enum": [queue.of.name for queue in row.lands_in]}
        yield (
            _way_in(row),
            {
                "address": address,
                "description": f"On the exchange `{exchange}`.",
                "messages": _named(row),
                **({"parameters": {"service": services}} if to_one else {}),
                "bindings": {
                    "amqp": {
                        "is": "routingKey",
                        "exchange": {"name": exchange, "type": "topic", "durable": True},
                        "bindingVersion": "0.3.0",
                    }
                },
            },
        )


def _queues() -> Iterator[tuple[str, Json]]:
    """Where services take messages from."""
    for queue in table.QUEUES:
        taken: Json = {}
        for row in messages_in(queue):
            taken |= _named(row)
        yield (
            _queue(queue),
            {
                "address": queue.name,
                "description": f"Taken from by workers `{queue.group.name}` of"
                f" {_folder(queue.of)}.",
                "messages": taken,
                "bindings": {
                    "amqp": {
                        "is": "queue",
                        "queue": {
                            "name": queue.name,
                            "durable": True,
                            "exclusive": False,
                            "autoDelete": False,
                        },
                        "bindingVersion": "0.3.0",
                    }
                },
            },
        )


def _sending() -> Iterator[tuple[str, Json]]:
    for row in table.MESSAGES:
        sender = _folder(row.sent_by) if row.sent_by else "every service"
        yield (
            f"send-{row.message.NAME}",
            {
                "action": "send",
                "title": f"{sender} sends {row.message.NAME}",
                **_on(_way_in(row), row),
                "bindings": {"amqp": {"deliveryMode": 2, "bindingVersion": "0.3.0"}},
            },
        )


def _receiving() -> Iterator[tuple[str, Json]]:
    for queue in table.QUEUES:
        for row in messages_in(queue):
            yield (
                f"receive-{row.message.NAME}-{_key(queue.name)}",
                {
                    "action": "receive",
                    "title": f"{_folder(queue.of)} handles {row.message.NAME}",
                    "description": _terms(row, queue),
                    **_on(_queue(queue), row),
                    "bindings": {"amqp": {"ack": True, "bindingVersion": "0.3.0"}},
                },
            )


def _way_in(row: Job | Event) -> str:
    return f"to-{row.message.NAME}"


def _queue(queue: Queue) -> str:
    return f"queue-{_key(queue.name)}"


def _key(name: str) -> str:
    """As keys of the document may be: they have no dots."""
    return name.replace(".", "_")


def _on(channel: str, row: Job | Event) -> Json:
    """A channel, and one of its messages."""
    name = row.message.NAME
    return {
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"}],
    }


def _named(row: Job | Event) -> Json:
    name = row.message.NAME
    return {name: {"$ref": f"#/components/messages/{name}"}}


def _message(row: Job | Event) -> Json:
    message = row.message
    summary, _, more = inspect.cleandoc(message.__doc__ or "").partition("\n\n")
    return {
        "name": message.NAME,
        "title": f"{message.NAME}, version {message.VERSION}",
        "summary": " ".join(summary.split()),
        **({"description": more} if more else {}),
        "tags": [{"name": "event" if isinstance(row, Event) else "job"}],
        "traits": [{"$ref": "#/components/messageTraits/envelope"}],
        "payload": _object(message),
        "examples": [{"name": message.NAME, "payload": recorded(message)}],
    }


def _terms(row: Job | Event, queue: Queue) -> str:
    """How a message is handled, and what follows where that fails."""
    said = [f"Timeout {row.timeout} s, {row.tries} tries; then `failed_jobs`."]
    if row.handled_as is not row.message:
        said.append(f"Handled as `{row.handled_as.NAME}`.")
    if row.outside:
        said.append("Calls the world outside: never grouped.")
    if isinstance(row, Job) and row.stale_after is not None:
        said.append(f"Dropped after {row.stale_after} s in its queue.")
    said.append(f"Priority {queue.group.priority}.")
    return " ".join(said)


def _parts() -> Iterator[tuple[str, Json]]:
    """The objects that several messages have in them, each once."""
    known: dict[type, None] = {}
    for row in table.MESSAGES:
        _collect(row.message, known)
    for part in known:
        yield part.__name__, _object(part)


def _collect(cls: type, known: dict[type, None]) -> None:
    for hint in typing.get_type_hints(cls).values():
        for inner in (hint, *typing.get_args(hint)):
            if isinstance(inner, type) and is_dataclass(inner) and inner not in known:
                known[inner] = None
                _collect(inner, known)


def _object(cls: type) -> Json:
    hints = typing.get_type_hints(cls)
    specs = fields(cls)
    required = [spec.name for spec in specs if spec.default is MISSING]
    return {
        "type": "object",
        **(
            {} if issubclass(cls, Message) else {"description": inspect.cleandoc(cls.__doc__ or "")}
        ),
        "properties": {spec.name: _schema(hints[spec.name]) for spec in specs},
        **({"required": required} if required else {}),
    }


def _schema(hint: Any) -> Json:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (one for one in arguments if one is not type(None))
        return _or_null(_schema(inner))
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is typing.Literal:
        return {"type": "string", "enum": list(arguments)}
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    return {"$ref": f"#/components/schemas/{hint.__name__}"}


def _or_null(schema: Json) -> Json:
    """AsyncAPI's schemas are JSON Schema draft 7."""
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    allowed = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **allowed}


def _exchange(row: Job | Event) -> str:
    return table.EVENTS_EXCHANGE if isinstance(row, Event) else row.lands_in[0].exchange


def _folder(service: Service) -> str:
    return service.name if service == table.GATEWAY else f"{service.name}-service"


if __name__ == "__main__":
    sys.stdout.write(asyncapi_yaml())
