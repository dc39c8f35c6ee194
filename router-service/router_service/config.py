"""Settings of router-service."""

import base64
import binascii
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_network
from urllib.parse import urlsplit

from environs import Env, EnvError

from hotspot.settings import CommonConfig, common


@dataclass(frozen=True, kw_only=True)
class WireGuard:
    """The controller's end of the tunnels: `interface` is its address in the tunnels' network."""

    endpoint_host: str
    endpoint_port: int
    public_key: str
    interface: IPv4Interface

    @property
    def network(self) -> IPv4Network:
        """Where each router gets an address."""
        return self.interface.network


@dataclass(frozen=True, kw_only=True)
class Controller:
    """This system as routers see it.

    `addresses`: where its API calls and CoA packets come from; only those are let in.
    `radius_address`: where routers without a tunnel send RADIUS. `connect_url`: where they phone
    home.
    """

    addresses: tuple[str, ...]
    radius_address: str
    radius_auth_port: int
    radius_acct_port: int
    coa_port: int
    connect_url: str
    portal_url: str
    wireguard: WireGuard | None = None

    def radius_for(self, tunnel_address: str | None) -> str:
        """Where a router sends RADIUS: through its tunnel, where it has one."""
        if self.wireguard is None or tunnel_address is None:
            return self.radius_address
        return str(self.wireguard.interface.ip)


@dataclass(frozen=True, kw_only=True)
class Config(CommonConfig):
    """What router-service reads from its environment."""

    controller: Controller


def load(env: Env) -> Config:
    """The settings from the environment. Raises EnvError naming the first that is wrong."""
    addresses = _networks(env, "CONTROLLER_ADDRESSES")
    return Config(
        **common(env, "router"),  # type: ignore[arg-type]  # its keys are CommonConfig's
        controller=Controller(
            addresses=addresses,
            radius_address=_radius_address(env, addresses),
            radius_auth_port=_port(env, "RADIUS_AUTH_PORT", 1812),
            radius_acct_port=_port(env, "RADIUS_ACCT_PORT", 1813),
            coa_port=_port(env, "RADIUS_COA_PORT", 3799),
            connect_url=_url(env, "CONNECT_BASE_URL"),
            portal_url=_url(env, "PORTAL_URL"),
            wireguard=_wireguard(env),
        ),
    )


def _radius_address(env: Env, addresses: tuple[str, ...]) -> str:
    """The first controller's address where it is one and not a network."""
    network = ip_network(addresses[0])
    default = str(network.network_address) if network.num_addresses == 1 else ""
    address: str = env.str("RADIUS_ADDRESS", default)
    try:
        return str(IPv4Address(address))
    except ValueError as error:
        raise EnvError("RADIUS_ADDRESS must be an IPv4 address: routers ask no DNS") from error


def _wireguard(env: Env) -> WireGuard | None:
    """The tunnels' settings; none where WIREGUARD_ENDPOINT is not set."""
    endpoint: str = env.str("WIREGUARD_ENDPOINT", "")
    if not endpoint:
        return None
    host, _, port = endpoint.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise EnvError(
            "WIREGUARD_ENDPOINT must be a host and a port, such as vpn.example.net:51820"
        )
    key: str = env.str("WIREGUARD_PUBLIC_KEY")
    if not is_wireguard_key(key):
        raise EnvError("WIREGUARD_PUBLIC_KEY must be a WireGuard key (32 bytes in base64)")
    written: str = env.str("WIREGUARD_ADDRESS", "10.99.0.1/16")
    try:
        interface = IPv4Interface(written)
    except ValueError as error:
        raise EnvError(f"WIREGUARD_ADDRESS must be like 10.99.0.1/16: {error}") from error
    if interface.network.prefixlen > 29:
        raise EnvError("WIREGUARD_ADDRESS must leave room for routers: /29 or larger")
    return WireGuard(
        endpoint_host=host, endpoint_port=int(port), public_key=key, interface=interface
    )


def is_wireguard_key(text: str) -> bool:
    """Whether this is a Curve25519 key as WireGuard writes it."""
    try:
        return len(text) == 44 and len(base64.b64decode(text, validate=True)) == 32
    except (ValueError, binascii.Error):
        return False


def _networks(env: Env, name: str) -> tuple[str, ...]:
    written: list[str] = env.list(name)
    try:
        for one in written:
            ip_network(one)
    except ValueError as error:
        raise EnvError(f"{name} must be addresses or networks: {error}") from error
    if not written:
        raise EnvError(f"{name} must name at least one address")
    return tuple(written)


def _port(env: Env, name: str, default: int) -> int:
    port: int = env.int(name, default)
    if not 0 < port < 65536:
        raise EnvError(f"{name} must be a port between 1 and 65535")
    return port


def _url(env: Env, name: str) -> str:
    url: str = env.str(name).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EnvError(f"{name} must be a URL that begins with http:// or https://")
    return url
