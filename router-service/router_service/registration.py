"""Registering a router: the one synchronous write, for the operator needs the script at once."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hotspot.contract.routers import NewRouter, RegisterNasJob, RemoveNasJob
from hotspot.vault import Vault
from router_service.config import Controller
from router_service.models import PENDING, Router
from router_service.script import Paste, script
from router_service.tunnels import address_of
from router_service.versions import signs_radius

_CONNECT = "router-connect"
_TUNNELS = "set up tunnels (WIREGUARD_ENDPOINT) and paste the script again"


@dataclass(frozen=True, kw_only=True)
class Registry:
    """What registering needs beside the database: the keys, and how routers see us."""

    vault: Vault
    controller: Controller

    def token_of(self, router_id: UUID) -> str:
        """What the router's script phones home with: unguessable, good for this router alone."""
        return self.vault.token(_CONNECT, router_id)

    def router_of(self, token: str) -> UUID | None:
        """The router that a token was made for; None where it is not ours."""
        return self.vault.subject_of(_CONNECT, token)

    def address_of(self, router: Router) -> str:
        """Where the router is reached, and its RADIUS comes from: its tunnel where it has one."""
        wireguard = self.controller.wireguard
        if wireguard is None or router.public_key is None:
            return router.ip_address
        return address_of(wireguard, router.number)

    def trouble_with_address(self, router: Router, session: Session) -> str | None:
        """Why RADIUS could not tell this router by its address; None where it can."""
        address = self.address_of(router)
        try:
            IPv4Address(address)
        except ValueError:
            return (
                f"RADIUS knows routers by address, not by a name as {address}: set ip_address to"
                f" an IPv4 address, or {_TUNNELS}."
            )
        others = session.scalars(
            select(Router).where(Router.ip_address == address, Router.id != router.id)
        )
        other = next((one.name for one in others if self.address_of(one) == address), None)
        if other is None:
            return None
        return (
            f"{other} has the same address, so that RADIUS could not tell the two apart: remove it"
            f" where it is gone, or {_TUNNELS}."
        )

    def script_of(self, router: Router) -> str:
        """The connectivity script, with the secrets open. Raises CannotOpen, NetworkFull."""
        wireguard = self.controller.wireguard
        token = self.token_of(router.id)
        paste = Paste(
            name=router.name,
            username=router.username,
            password=self.vault.open(router.sealed_password),
            api_port=router.api_port,
            api_tls=router.api_tls,
            radius_secret=self.vault.open(router.sealed_radius_secret),
            connect_url=f"{self.controller.connect_url}/connect/{token}",
            tunnel_address=address_of(wireguard, router.number) if wireguard else None,
        )
        return script(paste, self.controller)

    def nas_of(
        self, router: Router, session: Session, at: datetime
    ) -> RegisterNasJob | RemoveNasJob:
        """What RADIUS must know of this router now: not to answer it where it could not tell it."""
        if self.trouble_with_address(router, session) is not None:
            # It would take another router's place. Provisioning says so.
            return RemoveNasJob(router_id=router.id, removed_at=at)
        return RegisterNasJob(
            router_id=router.id,
            name=router.name,
            address=self.address_of(router),
            sealed_secret=router.sealed_radius_secret,
            coa_port=self.controller.coa_port,
            require_message_authenticator=signs_radius(router.version),
            registered_at=at,
        )


def add_router(session: Session, new: NewRouter, *, vault: Vault, at: datetime) -> Router | None:
    """Insert a router with a RADIUS secret of its own; None where its name is taken."""
    added = session.scalar(
        insert(Router)
        .values(
            id=new.router_id,
            name=new.name,
            ip_address=new.ip_address,
            username=new.username,
            sealed_password=new.sealed_password,
            api_port=new.api_port,
            api_tls=new.api_tls,
            sealed_radius_secret=vault.seal(secrets.token_urlsafe(24)),
            status=PENDING,
            created_at=at,
            changed_at=at,
        )
        .on_conflict_do_nothing()
        .returning(Router.id)
    )
    if added is None:
        return None
    return session.scalars(select(Router).where(Router.id == added)).one()
