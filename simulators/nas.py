"""Routers: MikroTik boxes with a hotspot, and what each of them tells about itself by RADIUS."""

import ipaddress
import itertools
import secrets
import socket
import threading
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from marshmallow import Schema, ValidationError, fields, post_load, validate

from simulators.behaviour import RouterBehaviour, RouterMode
from simulators.ids import new_id
from simulators.radius_client import Line
from simulators.radius_packets import Attributes
from simulators.routeros.configured import Configured, configured
from simulators.routeros.device import Device
from simulators.routeros.factory import Factory, from_factory
from simulators.routeros.specials import specials

FactoryOrNone = Literal["provisioned", "hap", "bare"]
HotspotPackage = Literal["there", "missing", "forbidden"]

MOST_ROUTERS: Final = 2000
MIKROTIK_TIMEOUT_MS: Final = 1100
GUESTS_OF_ROUTER: Final = 250


@dataclass(frozen=True, kw_only=True)
class RouterPlan:
    """Routers to be set up. `nas_ip`: where their packets come from; None: where all do.

    `hotspot`: whether those from the factory have it, or device-mode forbids it.
    """

    count: int = 1
    name: str | None = None
    nas_ip: str | None = None
    secret: str | None = field(default=None, repr=False)
    radius_timeout_ms: int = MIKROTIK_TIMEOUT_MS
    require_message_authenticator: bool = True
    shared_users: int = 1
    factory: FactoryOrNone = "provisioned"
    version: str = "7.16.2 (stable)"
    hotspot: HotspotPackage = "there"
    api_username: str | None = None
    api_password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Router:
    """One router. `shared_users`: logins at once by one user, where RADIUS gives no Port-Limit.

    `device`: its RouterOS. `is_configured_by_hand`: it came from the factory, and its hotspot is
    what its menus say; else it has always been a hotspot, with the secret that was agreed.
    """

    id: str
    number: int
    name: str
    nas_ip: str
    secret: bytes = field(repr=False)
    radius_timeout_ms: int
    require_message_authenticator: bool
    shared_users: int
    device: Device = field(repr=False, compare=False)
    is_configured_by_hand: bool = False
    behaviour: RouterBehaviour = field(default_factory=RouterBehaviour)

    @property
    def configured(self) -> Configured | None:
        """What its menus say; None where they do not matter."""
        return configured(self.device) if self.is_configured_by_hand else None

    @property
    def powered(self) -> bool:
        """Whether it runs at all."""
        return self.behaviour.mode is not RouterMode.DOWN

    @property
    def hears_coa(self) -> bool:
        """Whether a Disconnect reaches it."""
        deaf = (RouterMode.DOWN, RouterMode.BLACKHOLE, RouterMode.IGNORE_DISCONNECT)
        menus = self.configured
        if menus is not None and menus.hears_coa_at is None:
            return False
        return self.behaviour.mode not in deaf

    @property
    def active_secret(self) -> bytes:
        """The secret that it really uses."""
        menus = self.configured
        secret = self.secret if menus is None else menus.secret
        return b"not-" + secret if self.behaviour.mode is RouterMode.WRONG_SECRET else secret

    @property
    def line(self) -> Line:
        """Its way to the RADIUS server."""
        return Line(
            source=self.nas_ip,
            secret=self.active_secret,
            timeout=self.radius_timeout_ms / 1000,
            delay=self.behaviour.packet_delay,
            cut=self.behaviour.mode in (RouterMode.BLACKHOLE, RouterMode.DOWN),
            signed_replies=self._checks_signatures,
        )

    def guest_ip(self, place: int) -> str:
        """The address of the guest at that place of its pool."""
        return f"{self._network}.{2 + place % GUESTS_OF_ROUTER}"

    @property
    def _network(self) -> str:
        return f"10.{5 + self.number // 250 % 200}.{self.number % 250}"

    @property
    def _checks_signatures(self) -> bool:
        menus = self.configured
        return self.require_message_authenticator if menus is None else menus.checks_signatures

    @property
    def identity(self) -> Attributes:
        """Who it is, in every packet."""
        return (("NAS-IP-Address", self.nas_ip), ("NAS-Identifier", self.nas_name))

    @property
    def nas_name(self) -> str:
        """What it calls itself."""
        menus = self.configured
        return self.name if menus is None else menus.identity

    def place_of(self, *, mac: str, ip: str, session_id: str, port: int) -> Attributes:
        """Who logs in where, in every packet about a guest: a hotspot sends no Service-Type."""
        menus = self.configured
        return (
            *self.identity,
            ("NAS-Port", port),
            ("NAS-Port-Type", "Wireless-802.11"),
            ("Calling-Station-Id", mac),
            ("Called-Station-Id", menus.server if menus else "hotspot1"),
            ("NAS-Port-Id", "bridge-hs"),
            ("Acct-Session-Id", session_id),
            ("Framed-IP-Address", ip),
            ("Mikrotik-Host-IP", ip),
            ("WISPr-Location-ID", self.name),
            ("WISPr-Logoff-URL", f"http://{self._network}.1/logout"),
        )


def device_of(plan: RouterPlan) -> Device:
    """The RouterOS of a new router. With `api_username` its API is open already."""
    kind: Factory = "bare" if plan.factory == "bare" else "hap"
    device = from_factory(kind, version=plan.version)
    device.specials = specials()
    device.has_hotspot = plan.hotspot != "missing"
    if plan.hotspot == "forbidden":
        device.forbid_hotspot()
    if plan.api_username is not None:
        device.items.set("/ip/service", device.items.find("/ip/service", "api"), {"disabled": "no"})
        user = {"name": plan.api_username, "group": "full", "password": plan.api_password or ""}
        device.items.add("/user", user)
    return device


class Routers:
    """All routers, by id."""

    def __init__(self, *, default_secret: str, default_address: str = "127.0.0.1") -> None:
        self._default_secret = default_secret
        self._default_address = default_address
        self._routers: dict[str, Router] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def set_up(self, plan: RouterPlan) -> list[Router]:
        """Add routers; ValidationError where there would be too many."""
        secret = (plan.secret or self._default_secret).encode()
        with self._lock:
            if len(self._routers) + plan.count > MOST_ROUTERS:
                raise ValidationError({"count": [f"more than {MOST_ROUTERS} routers"]})
            made = [self._new(plan, secret, number) for number in range(plan.count)]
            self._routers.update((router.id, router) for router in made)
        return made

    def _new(self, plan: RouterPlan, secret: bytes, place: int) -> Router:
        number = next(self._numbers)
        name = plan.name or f"site-{number}"
        by_hand = plan.factory != "provisioned"
        address = plan.nas_ip or self._default_address
        return Router(
            id=new_id(),
            number=number,
            name=name if plan.count == 1 or plan.name is None else f"{name}-{place + 1}",
            # Routers with an API are told apart by their addresses.
            nas_ip=str(ipaddress.IPv4Address(address) + place) if by_hand else address,
            device=device_of(plan),
            is_configured_by_hand=by_hand,
            secret=secret,
            radius_timeout_ms=plan.radius_timeout_ms,
            require_message_authenticator=plan.require_message_authenticator,
            shared_users=plan.shared_users,
        )

    def get(self, router_id: str) -> Router | None:
        """The router, or None for an id that is unknown."""
        return self._routers.get(router_id)

    def first(self) -> Router | None:
        """The router that has been there longest."""
        return next(iter(self._routers.values()), None)

    def with_api_at(self, address: str) -> Router | None:
        """The router whose API is at an address: one from the factory before any other."""
        found = sorted(self.at(address), key=lambda router: not router.is_configured_by_hand)
        return found[0] if found else None

    def at(self, nas_ip: str) -> list[Router]:
        """The routers behind one address."""
        return [router for router in self.items() if router.nas_ip == nas_ip]

    def items(self) -> list[Router]:
        """All routers, oldest first."""
        with self._lock:
            return list(self._routers.values())

    def behave(self, router_id: str, behaviour: RouterBehaviour) -> Router | None:
        """Let one behave so from now on; returns it as it was, or None for an unknown id."""
        with self._lock:
            router = self._routers.get(router_id)
            if router is not None:
                self._routers[router_id] = replace(router, behaviour=behaviour)
            return router

    def clear(self) -> None:
        """Take all down."""
        with self._lock:
            self._routers.clear()


class SessionIds:
    """Acct-Session-Ids as RouterOS makes them: 80 for hotspot, then a count that moves on.

    It starts anywhere, as after a reboot: sessions of another run keep their ids to themselves.
    """

    def __init__(self) -> None:
        self._count = itertools.count(secrets.randbelow(0x1000000))

    def next(self) -> tuple[str, int]:
        """An id, and the port number that goes with it."""
        number = next(self._count) % 0x1000000
        return f"80{number:06x}", 0x80000000 + number


class OwnAddressField(fields.String):
    """An address of this machine: any 127.x.y.z, or in a container its own on a network."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        try:
            address = ipaddress.IPv4Address(str(value))
        except ValueError as error:
            raise ValidationError("not an IPv4 address") from error
        if not (address.is_loopback or _is_ours(address)):
            raise ValidationError("simulated routers live at 127.x.y.z")
        return str(address)


def _is_ours(address: ipaddress.IPv4Address) -> bool:
    if address.is_unspecified or address.is_multicast:
        return False
    with socket.socket() as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
        return True


class RouterPlanSchema(Schema):
    """Body of POST /routers."""

    count = fields.Integer(validate=validate.Range(min=1, max=MOST_ROUTERS))
    name = fields.String(validate=validate.Length(min=1, max=60))
    nas_ip = OwnAddressField()
    secret = fields.String(validate=validate.Length(min=1, max=128))
    radius_timeout_ms = fields.Integer(validate=validate.Range(min=10, max=60_000))
    require_message_authenticator = fields.Boolean()
    shared_users = fields.Integer(validate=validate.Range(min=1, max=100))
    factory = fields.String(validate=validate.OneOf(("provisioned", "hap", "bare")))
    version = fields.String(validate=validate.Regexp(r"\d+\.\d+[ -~]*\Z"))
    hotspot = fields.String(validate=validate.OneOf(("there", "missing", "forbidden")))
    api_username = fields.String(validate=validate.Length(min=1, max=64))
    api_password = fields.String(validate=validate.Length(min=1, max=128))

    @post_load
    def make(self, data: dict[str, object], **_: object) -> RouterPlan:
        """The plan."""
        return RouterPlan(**data)  # type: ignore[arg-type]  # the fields above are its own
