"""How a router's own configuration makes its hotspot behave."""

from dataclasses import dataclass, field
from typing import Final

from simulators.routeros.device import Device

# errors.txt of RouterOS, in its words
NO_HOTSPOT: Final = "no hotspot runs on this router"
CHAP_MISSING: Final = "web browser did not send challenge response (try again, enable JavaScript)"
NO_MAC_LOGIN: Final = "login by MAC address is not enabled"
NO_RADIUS: Final = "invalid username or password"


@dataclass(frozen=True, kw_only=True)
class Configured:
    """What counts for a guest. `refuses_all`: why nobody gets in; `server`: its name."""

    identity: str
    server: str
    login_by: tuple[str, ...]
    secret: bytes = field(repr=False)
    checks_signatures: bool
    hears_coa_at: int | None
    refuses_all: str | None = None

    def refuses(self, *, method: str, by_mac: bool) -> str | None:
        """The router's own refusal, before RADIUS is asked; None where it asks."""
        if self.refuses_all is not None:
            return self.refuses_all
        if by_mac:
            return None if "mac" in self.login_by else NO_MAC_LOGIN
        if method == "pap" and "http-pap" not in self.login_by:
            return CHAP_MISSING
        if method == "chap" and "http-chap" not in self.login_by:
            return NO_RADIUS
        return None


def configured(device: Device) -> Configured:
    """Read it from the menus, as they are now."""
    server = next((row for row in device.read("/ip/hotspot") if _is_on(row)), None)
    profile: dict[str, str] = next(
        (
            row
            for row in device.read("/ip/hotspot/profile")
            if server and row["name"] == server["profile"]
        ),
        {},
    )
    radius = next(
        (
            row
            for row in device.read("/radius")
            if _is_on(row) and "hotspot" in row.get("service", "").split(",")
        ),
        None,
    )
    incoming = device.read("/radius/incoming")[0]
    refusal = None
    if server is None or not device.has_hotspot or not device.allows_hotspot:
        refusal = NO_HOTSPOT
    elif profile.get("use-radius") != "yes" or radius is None:
        refusal = NO_RADIUS  # its own users are asked, and there are none
    told = radius or {}
    return Configured(
        identity=device.read("/system/identity")[0]["name"],
        server=(server or {}).get("name", ""),
        login_by=tuple(profile.get("login-by", "").split(",")),
        secret=told.get("secret", "").encode(),
        checks_signatures=told.get("require-message-auth", "no") != "no",
        hears_coa_at=int(incoming["port"]) if incoming["accept"] == "yes" else None,
        refuses_all=refusal,
    )


def _is_on(row: dict[str, str]) -> bool:
    return row.get("disabled", "no") == "no"
