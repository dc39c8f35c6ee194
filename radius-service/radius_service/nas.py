"""The routers that may ask: who they are, by the address that a packet comes from."""

import ipaddress
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from radius_service.models import Nas, NasSetting

log = structlog.get_logger()

REFRESH_SECONDS = 1.0
_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True)
class Client:
    """One row of `nas`. `signed`: its Access-Requests must carry a Message-Authenticator.

    `device_password`: what it sends for devices that log in by their address.
    """

    nasname: str
    secret: bytes = field(repr=False)
    signed: bool
    device_password: str = field(default="", repr=False)


class Clients:
    """All rows of `nas` at one moment: an address of its own beats the smallest network."""

    def __init__(self, clients: Iterable[Client] = ()) -> None:
        self._networks = sorted(
            ((network, client) for client in clients if (network := _network(client.nasname))),
            key=lambda one: one[0].prefixlen,
            reverse=True,
        )
        self._found: dict[str, Client | None] = {}

    def at(self, address: str) -> Client | None:
        """Who sends from this address, or None for a stranger."""
        if address in self._found:
            return self._found[address]
        if len(self._found) >= _REMEMBERED:
            self._found.clear()  # strangers may come from any address: this must not grow
        where = ipaddress.ip_address(address)
        client = next((one for network, one in self._networks if where in network), None)
        self._found[address] = client
        return client


def read_clients(database: Connection | Session) -> Clients:
    """The rows of `nas` as they are now."""
    query = select(
        Nas.nasname,
        Nas.secret,
        NasSetting.require_message_authenticator.label("signed"),
        NasSetting.mac_auth_password.label("device_password"),
    ).join(NasSetting, NasSetting.nasname == Nas.nasname, isouter=True)
    return Clients(
        Client(
            nasname=row.nasname,
            secret=row.secret.encode(),
            signed=row.signed is not False,
            device_password=row.device_password or "",
        )
        for row in database.execute(query)
    )


class NasBook:
    """The rows of `nas`, read again every few seconds: a new router can log in at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.clients = Clients()

    def refresh(self) -> None:
        """Read the rows again. While the database is away, those that were read last hold."""
        try:
            with self._engine.connect() as connection:
                self.clients = read_clients(connection)
        except DBAPIError as error:
            log.warning("nas not read", error=str(error.orig))

    def keep_fresh(self, stopped: threading.Event) -> None:
        """Refresh until stopped."""
        while not stopped.wait(REFRESH_SECONDS):
            self.refresh()


def _network(nasname: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The address or network of a row. Host names are not asked for: DNS would block the loop."""
    try:
        return ipaddress.ip_network(nasname, strict=False)
    except ValueError:
        log.warning("nas has no address", nasname=nasname)
        return None
