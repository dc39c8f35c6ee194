"""How a router of ours is reached: its address, its login, and the connection."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from ipaddress import IPv4Address

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Reject
from hotspot.vault import CannotOpen
from router_service.models import Router
from router_service.registration import Registry
from router_service.routeros import Address, RouterOs, connect


class PasswordLost(Reject):
    """The router's password was sealed with a key that is gone: set it anew (PATCH)."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The way to routers; `connect` is another one in tests."""

    registry: Registry
    connect: Callable[[Address], AbstractContextManager[RouterOs]] = connect

    def address_of(self, router: Router) -> Address:
        """Where and as whom to log in. Raises PasswordLost."""
        try:
            password = self.registry.vault.open(router.sealed_password)
        except CannotOpen as error:
            raise PasswordLost(
                f"the password of {router.name} cannot be opened: {error}"
            ) from error
        return Address(
            host=self.registry.address_of(router),
            port=router.api_port,
            tls=router.api_tls,
            username=router.username,
            password=password,
        )

    def with_tunnel(self, session: Session, address: str) -> Sequence[Router]:
        """The router with this tunnel address, where it is one."""
        wireguard = self.registry.controller.wireguard
        try:
            if wireguard is None or IPv4Address(address) not in wireguard.network:
                return ()
        except ValueError:
            return ()  # told by IPv6, or by a name
        offset = int(IPv4Address(address)) - int(wireguard.network.network_address)
        # The controller's own address is left out of the numbering (`tunnels.address_of`).
        near = select(Router).where(
            Router.number.in_((offset, offset - 1)), Router.public_key.is_not(None)
        )
        return session.scalars(near).all()
