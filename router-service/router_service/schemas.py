"""HTTP bodies of router-service. No answer has a password in it."""

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC

from marshmallow import Schema, ValidationError, fields, validate

from hotspot.web.fields import TrueOrFalse
from router_service.models import STATUSES
from router_service.site import Site

_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")


def _is_address(text: str) -> None:
    """An IPv4 address that a router can have, or a host name (a router's cloud name)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        labels = text.split(".")
        if len(text) > 253 or not _HOST.fullmatch(text) or labels[-1].isdigit():
            raise ValidationError(
                "must be an IPv4 address such as 192.0.2.10, or a host name"
            ) from None
        return
    if address.version != 4:
        raise ValidationError("must be an IPv4 address: RADIUS and the tunnels speak IPv4")
    if address.is_multicast or address.is_unspecified or address == _BROADCAST:
        raise ValidationError("is no address that a router can have")


_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


def _is_printable(text: str) -> None:
    if not text.isprintable() or text != text.strip():
        raise ValidationError("must not begin or end with spaces, nor hold control characters")


def _is_ascii(text: str) -> None:
    if not text.isascii() or not text.isprintable():
        raise ValidationError("may hold printable ASCII characters only: RouterOS reads no others")


_Checks = list[Callable[[str], object]]
_NAME: _Checks = [validate.Length(1, 64), _is_printable]
_USERNAME: _Checks = [
    validate.Length(1, 64),
    _is_ascii,
    validate.Regexp(r"\S+\Z", error="has spaces"),
]
_PASSWORD: _Checks = [validate.Length(1, 128), _is_ascii]
_PORT = validate.Range(1, 65535, error="must be a port from 1 to 65535")


def _is_network(text: str) -> None:
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise ValidationError(f"must be a network such as 10.5.50.0/24: {error}") from error
    if not network.is_private or not 16 <= network.prefixlen <= 27:
        raise ValidationError("must be a private network of /16 to /27")


class SiteSchema(Schema):
    """Where the hotspot lives on the router. No ports: chosen by the router's own."""

    ports = fields.List(
        fields.String(validate=[validate.Length(1, 32), _is_ascii]),
        load_default=list,
        validate=validate.Length(max=64),
        metadata={"example": ["ether3", "wlan1"]},
    )
    network = fields.String(load_default=Site.network, validate=_is_network)
    dns_name = fields.String(
        load_default=Site.dns_name,
        validate=validate.Regexp(
            _HOST.pattern + r"\Z", error="must be a host name such as login.hotspot"
        ),
    )


class NewRouterSchema(Schema):
    """A router to register. `api_port` is 8728, or 8729 with `api_tls`, unless it says otherwise.

    With a `username` that is not on the router yet, the script makes it, with few rights.
    """

    name = fields.String(required=True, validate=_NAME, metadata={"example": "Kilimani shop"})
    ip_address = fields.String(
        required=True, validate=_is_address, metadata={"example": "192.0.2.10"}
    )
    username = fields.String(required=True, validate=_USERNAME, metadata={"example": "hotspot"})
    password = fields.String(required=True, validate=_PASSWORD, load_only=True)
    api_port = fields.Integer(strict=True, load_default=None, validate=_PORT, allow_none=True)
    api_tls = TrueOrFalse(load_default=False)


class RouterChangeSchema(Schema):
    """What shall be different; what is not named stays."""

    name = fields.String(validate=_NAME)
    ip_address = fields.String(validate=_is_address)
    username = fields.String(validate=_USERNAME)
    password = fields.String(validate=_PASSWORD, load_only=True)
    api_port = fields.Integer(strict=True, validate=_PORT)
    api_tls = TrueOrFalse()
    site = fields.Nested(SiteSchema)


class RoutersQuery(Schema):
    """Which routers."""

    status = fields.String(validate=validate.OneOf(STATUSES))
    since = fields.AwareDateTime(default_timezone=UTC)


class RouterSchema(Schema):
    """A router as operators see it."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    ip_address = fields.String(required=True)
    username = fields.String(required=True)
    api_port = fields.Integer(required=True)
    api_tls = fields.Boolean(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    tunnel_address = fields.String(required=True, allow_none=True)
    identity = fields.String(required=True, allow_none=True)
    version = fields.String(required=True, allow_none=True)
    model = fields.String(required=True, allow_none=True)
    site = fields.Nested(SiteSchema, required=True)
    checked_at = fields.String(required=True, allow_none=True)
    connected_at = fields.String(required=True, allow_none=True)
    created_at = fields.String(required=True)


class RegisteredSchema(RouterSchema):
    """A router just registered, with what to paste into its terminal."""

    config_token = fields.String(required=True)
    connectivity_script = fields.String(required=True)


class RoutersSchema(Schema):
    """A page of routers."""

    items = fields.List(fields.Nested(RouterSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class ScriptSchema(Schema):
    """What to paste into the router's terminal. It has secrets in it."""

    config_token = fields.String(required=True)
    connectivity_script = fields.String(required=True)


class AskedSchema(Schema):
    """What was asked for, and will be done."""

    id = fields.UUID(required=True)
