"""How a router differs from what it shall be like: looked at on demand, changed by nobody."""

from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.work import Outside, Unclear, Work
from hotspot.contract.routers import CheckDriftJob
from router_service.comparing import differences
from router_service.hotspot import PARTS
from router_service.models import Drift, Router
from router_service.preflight import CannotBeAHotspot, look_at
from router_service.provisioning import Target, in_words, target_of, wanted_of
from router_service.reaching import Reach
from router_service.routeros import RouterRefused, RouterUnreachable, WrongPassword


@dataclass(frozen=True, kw_only=True)
class Differs:
    """What was found; `reason` says why nothing could be."""

    changes: tuple[dict[str, object], ...] = ()
    reason: str | None = None


def check_drift(reach: Reach) -> Outside[CheckDriftJob, Target, Differs]:
    """The handler of CheckDriftJob. Looking changes nothing, so nothing is marked before."""
    return Outside(
        prepare=lambda job, work: prepare(job, work, reach),
        act=lambda target: act(target, reach),
        record=record,
    )


def prepare(job: CheckDriftJob, work: Work, reach: Reach) -> Target | None:
    """The router to look at; None where it was removed."""
    router = work.session.get(Router, job.router_id)
    return target_of(router, work.session, reach) if router else None


def act(target: Target, reach: Reach) -> Differs:
    """Compare all parts."""
    try:
        with reach.connect(target.address) as router:
            found = look_at(router, target.site, trouble=target.trouble)
            plan = wanted_of(target, found, reach)
            parts = [differences(router, part(plan)) for _, part in PARTS]
    except (RouterUnreachable, WrongPassword, RouterRefused, CannotBeAHotspot) as error:
        return Differs(reason=str(error))
    return Differs(changes=tuple(in_words(change) for part in parts for change in part))


def record(job: CheckDriftJob, _target: Target, found: Differs | Unclear, work: Work) -> None:
    """Keep the newest answer."""
    if isinstance(found, Unclear):
        found = Differs(reason=found.reason)
    kept = {"checked_at": work.now, "changes": list(found.changes), "reason": found.reason}
    work.session.execute(
        insert(Drift)
        .values(router_id=job.router_id, **kept)
        .on_conflict_do_update(index_elements=[Drift.router_id], set_=kept)
    )
