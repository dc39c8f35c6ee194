"""Asking every router whether it is there: a thousand at once, each with little patience."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from librouteros import async_connect
from librouteros.api import AsyncApi
from librouteros.exceptions import LibRouterosError, MultiTrapError, TrapError

from router_service.comparing import seconds_of
from router_service.routeros import Address

# Enough to pass by 1,000 routers in well under two minutes although a fifth never answers; few
# enough that sockets and memory stay bounded.
AT_ONCE = 100
PATIENCE_SECONDS = 8.0
LONGEST_REASON = 200


@dataclass(frozen=True, kw_only=True)
class Health:
    """How a router is. `reached` false: `reason` says why; nothing else is known."""

    reached: bool
    reason: str | None = None
    version: str | None = None
    uptime_seconds: int | None = None
    cpu_percent: int | None = None
    memory_percent: int | None = None
    active_guests: int | None = None


Ask = Callable[[Address], Awaitable[Health]]


def check_all(
    routers: Mapping[UUID, Address], ask: Ask | None = None, *, at_once: int = AT_ONCE
) -> dict[UUID, Health]:
    """Ask all of them; no router's trouble keeps another from being asked."""
    return asyncio.run(_check_all(routers, ask or ask_router, at_once))


async def ask_router(address: Address, *, patience: float = PATIENCE_SECONDS) -> Health:
    """How one router is. Never raises for what a router or a network may do."""
    try:
        async with asyncio.timeout(patience):
            return await _health(address, patience)
    except TimeoutError:
        return Health(reached=False, reason="it does not answer")
    except (LibRouterosError, OSError, EOFError) as error:
        said = str(error) or type(error).__name__
        return Health(reached=False, reason=said[:LONGEST_REASON])


async def _check_all(routers: Mapping[UUID, Address], ask: Ask, at_once: int) -> dict[UUID, Health]:
    found: dict[UUID, Health] = {}
    waiting = list(routers.items())

    async def worker() -> None:
        while waiting:
            router_id, address = waiting.pop()
            found[router_id] = await ask(address)

    await asyncio.gather(*(worker() for _ in range(min(at_once, len(waiting)))))
    return found


async def _health(address: Address, patience: float) -> Health:
    api = await async_connect(
        address.host,
        address.username,
        address.password,
        port=address.port,
        timeout=patience,
        ssl_wrapper=_unverified() if address.tls else None,
        encoding="utf-8",
    )
    try:
        resource = next(iter(await _all(api, "/system/resource/print")), {})
        guests = await _guests(api)
    finally:
        await api.close()
    return Health(
        reached=True,
        version=str(resource.get("version", "")) or None,
        uptime_seconds=seconds_of(str(resource.get("uptime", ""))),
        cpu_percent=_number(resource.get("cpu-load")),
        memory_percent=_used(resource.get("free-memory"), resource.get("total-memory")),
        active_guests=guests,
    )


async def _guests(api: AsyncApi) -> int | None:
    """How many are online; None on a router without HotSpot, which is there all the same."""
    try:
        return len(await _all(api, "/ip/hotspot/active/print", "=.proplist=.id"))
    except (TrapError, MultiTrapError):
        return None


async def _all(
    api: AsyncApi, command: str, *words: str
) -> Sequence[Mapping[str, str | int | bool]]:
    return [row async for row in api.rawCmd(command, *words)]


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _used(free: object, total: object) -> int | None:
    left, whole = _number(free), _number(total)
    return round(100 * (whole - left) / whole) if left is not None and whole else None


def _unverified() -> ssl.SSLContext:
    """The certificate is one that the router made itself, so that nobody vouches for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
