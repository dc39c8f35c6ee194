"""CheckRoutersJob, round after round."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract.message import Message
from hotspot.contract.routers import CheckRoutersJob
from hotspot.testing.handling import NOON, run
from router_service.checking import Health
from router_service.monitoring import check_routers
from router_service.reaching import Reach
from router_service.registration import Registry
from router_service.routeros import Address

from .router_on_paper import PaperRouter

THERE = Health(
    reached=True,
    version="7.17",
    uptime_seconds=5,
    cpu_percent=3,
    memory_percent=40,
    active_guests=2,
)
AWAY = Health(reached=False, reason="it does not answer")
PERIOD = timedelta(minutes=2)


class Watch:
    """CheckRoutersJob, round after round; the routers answer as they are told to."""

    def __init__(self, engine: Engine, registry: Registry) -> None:
        self.engine = engine
        self.now = NOON
        self.health: Health = THERE
        self.asked: Mapping[UUID, Address] = {}
        reach = Reach(registry=registry, connect=PaperRouter().connect)
        self.handlers: Handlers = {CheckRoutersJob: check_routers(reach, self._check)}

    def round(self, health: Health, *, times: int = 1) -> list[Message]:
        """Check some times, two minutes apart; answers what was told."""
        self.health = health
        told: list[Message] = []
        for _ in range(times):
            self.now += PERIOD
            told += run(self.handlers, CheckRoutersJob(), self.engine, now=self.now)
        return told

    def _check(self, routers: Mapping[UUID, Address]) -> dict[UUID, Health]:
        self.asked = routers
        return dict.fromkeys(routers, self.health)
