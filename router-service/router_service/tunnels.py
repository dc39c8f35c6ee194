"""WireGuard to routers that nobody can reach from outside (CGNAT): they dial the controller."""

from collections.abc import Iterable
from dataclasses import dataclass

from router_service.config import WireGuard


class NetworkFull(Exception):
    """The tunnels' network has no address left: WIREGUARD_ADDRESS needs a larger network."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A router at the other end of a tunnel."""

    name: str
    address: str
    public_key: str


def address_of(wireguard: WireGuard, number: int) -> str:
    """The tunnel address of the router with this number. Raises NetworkFull.

    The controller's own address is left out, wherever in the network it is.
    """
    hosts = wireguard.network.num_addresses - 2
    offset = number
    if int(wireguard.interface.ip) - int(wireguard.network.network_address) <= offset:
        offset += 1
    if offset > hosts:
        raise NetworkFull(f"{wireguard.network} has room for {hosts - 1} routers")
    return str(wireguard.network.network_address + offset)


def controller_configuration(wireguard: WireGuard, peers: Iterable[Peer]) -> str:
    """The controller's side for `wg syncconf`, without its private key: that never leaves it."""
    lines = [
        f"# The routers that phoned home. The interface's own address is {wireguard.interface}.",
        "# Apply with `wg syncconf INTERFACE FILE`, a section [Interface] with its PrivateKey in",
        "# front: without it, `wg` would take the interface's key away.",
        "[Interface]",
        f"ListenPort = {wireguard.endpoint_port}",
    ]
    for peer in peers:
        lines += [
            "",
            f"# {peer.name}",
            "[Peer]",
            f"PublicKey = {peer.public_key}",
            f"AllowedIPs = {peer.address}/32",
        ]
    return "\n".join(lines) + "\n"
