"""All that decides what a router shall be like, and the names of what is ours on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router_service.config import Controller
from router_service.site import Site
from router_service.wanted import Page

POOL: Final = "hotspot-pool"
DHCP: Final = "hotspot-dhcp"
PROFILE: Final = "hotspot-profile"
SERVER: Final = "hotspot"
# Long enough that no operator's own profile begins so: what does, and is not wanted, is removed.
USER_PROFILE_PREFIX: Final = "hotspot-package-"
RULE_PREFIX: Final = "hotspot: "
# Whoever disabled something of ours by hand made the hotspot another one than is wanted.
ON: Final = {"disabled": "no"}


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What a package's user profile is made of."""

    code: str
    up_kbps: int
    down_kbps: int
    devices: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that decides what a router shall be like.

    `uplinks`: its interfaces towards the internet. `has_ntp_servers`: whether its NTP client
    knows `servers` (RouterOS 7).
    """

    site: Site
    ports: tuple[str, ...]
    uplinks: tuple[str, ...]
    has_ntp_servers: bool
    packages: Sequence[Speed]
    controller: Controller
    radius_secret: str
    tunnel_address: str | None
    pages: tuple[Page, ...]
    pages_prefix: str
