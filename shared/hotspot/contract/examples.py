"""One recorded example of each version of each message: what old senders really sent."""

import json
import sys
import typing
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from hotspot.contract import table
from hotspot.contract.message import Message, dump
from hotspot.contract.money import Money

FOLDER = Path(__file__).parent / "recorded"

_TEXTS = {
    "phone": "254712345678",
    "receipt": "TKL4H7RT61",
    "username": "0712345678",
    "sealed_password": "gAAAAABsealed",
    "mac": "02:00:5E:10:00:01",
    "ip": "10.5.50.10",
    "nas": "192.0.2.1",
    "link_login_only": "http://10.5.50.1/login",
    "idempotency_key": "5d1f0e5c",
    "source_address": "196.201.214.200",
    "body": '{"Body": {"stkCallback": {"ResultCode": 0}}}',
    "service": "payment",
    "message": "ProcessPaymentJob",
    "queue": "payments",
    "currency": "KES",
    "name": "1 hour",
    "package_name": "1 hour",
    "provider": "africastalking",
    "cause": "Session-Timeout",
    "code": "cancelled_by_user",
}


def recorded(message: type[Message]) -> dict[str, Any]:
    """The payload that was recorded for the current version of a message."""
    return typing.cast(dict[str, Any], json.loads(path_of(message).read_text()))


def path_of(message: type[Message]) -> Path:
    """Where the example of a message's current version stands."""
    return FOLDER / f"{message.NAME}.v{message.VERSION}.json"


def recorded_versions(message: type[Message]) -> dict[int, dict[str, Any]]:
    """Every version's payload that was ever recorded for a message, by version."""
    return {
        int(path.stem.rpartition(".v")[2]): json.loads(path.read_text())
        for path in sorted(FOLDER.glob(f"{message.NAME}.v*.json"))
    }


def record_missing() -> list[str]:
    """Record an example for each message version that has none; never touches one that is there."""
    made = []
    for row in table.MESSAGES:
        path = path_of(row.message)
        if not path.exists():
            path.write_text(json.dumps(dump(example_of(row.message)), indent=2) + "\n")
            made.append(path.name)
    return made


def example_of(message: type[Message]) -> Message:
    """A plausible message with every field filled in."""
    return typing.cast(Message, _filled(message))


def _filled(cls: type) -> object:
    hints = typing.get_type_hints(cls)
    return cls(**{spec.name: _value(spec.name, hints[spec.name]) for spec in fields(cls)})


def _value(name: str, hint: Any) -> object:
    arguments = [one for one in typing.get_args(hint) if one is not type(None)]
    origin = typing.get_origin(hint)
    if origin is tuple:
        return (_value(name, arguments[0]),)
    if origin is typing.Literal:
        return arguments[0]
    if origin is not None:
        return _value(name, arguments[0])
    if hint is Money:
        return Money.shillings(20)
    if is_dataclass(hint):
        return _filled(typing.cast(type, hint))
    return {
        UUID: UUID("01900000-0000-7000-8000-000000000001"),
        datetime: datetime(2026, 1, 15, 9, 0, tzinfo=UTC),
        int: 3600,
        bool: False,
        float: 1.5,
        str: _TEXTS.get(name, f"some {name.replace('_', ' ')}"),
    }[hint]


if __name__ == "__main__":
    sys.stdout.write("".join(f"recorded {name}\n" for name in record_missing()))
