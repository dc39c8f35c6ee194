"""A router as operators see it."""

from dataclasses import asdict
from typing import Any

from hotspot.contract.message import utc_text
from router_service.models import Router
from router_service.registration import Registry
from router_service.site import site_of

_TOLD = ("id", "name", "ip_address", "username", "api_port", "api_tls", "status")
_TOLD_BY_ROUTER = ("identity", "version", "model")


def by_operators(router: Any, registry: Registry) -> dict[str, Any]:
    """Without password and secrets. `router`: a Router, or a row with its columns."""
    address = registry.address_of(router)
    return {name: getattr(router, name) for name in (*_TOLD, *_TOLD_BY_ROUTER)} | {
        "tunnel_address": address if router.public_key and address != router.ip_address else None,
        "site": asdict(site_of(router.site)),
        "checked_at": utc_text(router.checked_at) if router.checked_at else None,
        "connected_at": utc_text(router.connected_at) if router.connected_at else None,
        "created_at": utc_text(router.created_at),
    }


def when_registered(router: Router, registry: Registry) -> dict[str, Any]:
    """With the token and the script, which has the secrets in it."""
    return by_operators(router, registry) | {
        "config_token": registry.token_of(router.id),
        "connectivity_script": registry.script_of(router),
    }
