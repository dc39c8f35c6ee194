"""Examples of bodies, made from their schemas: what a field means is told by its name."""

from collections.abc import Mapping
from typing import Any

EXAMPLE_UUID = "019bc1a4-7c00-7d3e-8b1f-2f6a5d3c4b7a"
_BY_FORMAT: Mapping[str, Any] = {
    "uuid": EXAMPLE_UUID,
    "date-time": "2026-01-15T09:00:00Z",
    "date": "2026-01-15",
    "uri": "https://portal.example.net/",
    "email": "owner@example.com",
    "ip": "10.5.50.21",
    "binary": "",
}
# Words of the field that several services share; a schema's own `example` comes first.
_BY_NAME: Mapping[str, Any] = {
    "phone": "254712345678",
    "mac": "01:23:45:67:89:AB",
    "ip": "10.5.50.21",
    "router_id": "kilimani",
    "link_login_only": "http://10.5.50.1/login",
    "login_url": "http://10.5.50.1/login",
    "receipt": "UKM7RT61SV",
    "code": "4KCX9-DM7RH-PWT3V",
    "voucher": "4KCX9-DM7RH-PWT3V",
    "username": "254712345678",
    "currency": "KES",
    "name": "1 hour",
    "package_name": "1 hour",
    "reason": "asked for by the guest",
    "duration_seconds": 3600,
    "down_kbps": 5000,
    "up_kbps": 2000,
    "data_bytes": None,
    "devices": 1,
    "amount": 2000,
    "next": None,
    "problem": None,
    "error": None,
    "failure": None,
    "requested_by": EXAMPLE_UUID,
    "email": "owner@example.com",
    "ip_address": "192.0.2.10",
    "api_port": None,
    "service": "payment",
    "queue": "payments",
    "job": "CheckRoutersJob",
    "timezone": "Africa/Nairobi",
}
_DEEPEST = 20


def example_of(schema: Any, schemas: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value that fits a schema of `components/schemas`."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return None
    if "$ref" in schema:
        below = schemas[schema["$ref"].rpartition("/")[2]]
        return example_of(below, schemas, name, depth + 1)
    for choices in ("anyOf", "oneOf", "allOf"):
        if choices in schema:
            return _first(schema[choices], schemas, name, depth)
    if "example" in schema:
        return schema["example"]
    if "enum" in schema:
        return schema["enum"][0]
    return _of_kind(schema, schemas, name, depth)


def _of_kind(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, depth: int) -> Any:
    kinds = schema.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if "object" in kinds:
        return _object(schema, schemas, depth)
    if "array" in kinds:
        return [example_of(schema.get("items", {}), schemas, name, depth + 1)]
    return _simple(schema, kinds, name)


def _simple(schema: Mapping[str, Any], kinds: list[str], name: str) -> Any:
    told = _BY_FORMAT.get(schema.get("format", ""))
    told = _BY_NAME.get(name, schema.get("default")) if told is None else told
    if told is not None or ("null" in kinds and name in _BY_NAME):
        return told
    if "string" in kinds:
        return name.replace("_", " ") or "text"
    if "boolean" in kinds:
        return False
    least = schema.get("minimum", 1)
    return int(least) if "integer" in kinds else float(least)


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    shown = {name: example_of(spec, schemas, name, depth + 1) for name, spec in properties.items()}
    others = schema.get("additionalProperties")
    if not properties and isinstance(others, Mapping):
        shown["some"] = example_of(others, schemas, "", depth + 1)
    return shown


def _first(choices: Any, schemas: Mapping[str, Any], name: str, depth: int) -> Any:
    shown = [
        example_of(one, schemas, name, depth + 1) for one in choices if one.get("type") != "null"
    ]
    return shown[0] if shown else None
