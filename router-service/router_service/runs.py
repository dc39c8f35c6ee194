"""The rows of provisioning runs: begun, stopped, ordered again, completed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from hotspot.contract.message import utc_text
from hotspot.contract.routers import RouterProvisioningJob
from router_service.models import Run, RunStep

UNDER_WAY = ("running", "waiting")
# A step that was ordered so long ago and is neither done nor failed got lost with its message: a
# worker died over it more often than the broker puts up with, or an operator threw it away.
LOST_AFTER = timedelta(minutes=15)


def begin(
    session: Session, job: RouterProvisioningJob, steps: Sequence[str], *, at: datetime
) -> RunStep | None:
    """The step, marked as begun. None where it was done, or another run of this router goes on."""
    if not _is_under_way(session, job, at=at):
        return None
    rows = [
        {"run_id": job.run_id, "position": position, "name": name, "state": "waiting"}
        for position, name in enumerate(steps)
    ]
    session.execute(insert(RunStep).values(rows).on_conflict_do_nothing())
    step = step_of(session, job.run_id, job.step)
    if step is None or step.state == "done":
        return None
    step.state, step.reason = "running", None
    step.started_at = step.started_at or at
    session.execute(
        update(Run)
        .where(Run.id == job.run_id)
        .values(state="running", reason=None)
        .execution_options(synchronize_session=False)
    )
    ordered(session, job.run_id, at=at)
    return step


def ordered(session: Session, run_id: UUID, *, at: datetime) -> None:
    """Its next step was sent for: if nothing comes of it for long, it is sent for again."""
    session.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(ordered_at=at)
        .execution_options(synchronize_session=False)
    )


def step_of(session: Session, run_id: UUID, position: int) -> RunStep | None:
    """One step of a run, as it is now."""
    return session.get(RunStep, (run_id, position), populate_existing=True)


def finish(step: RunStep, changes: list[dict[str, object]], *, at: datetime) -> None:
    """A step was done."""
    step.state, step.changes, step.reason, step.finished_at = "done", changes, None, at


def stop(session: Session, step: RunStep, reason: str, *, away: bool, at: datetime) -> None:
    """A step could not be done: the run waits for the router, or has failed."""
    step.state, step.reason = ("waiting", reason) if away else ("failed", reason)
    step.finished_at = None if away else at
    session.execute(
        update(Run)
        .where(Run.id == step.run_id, Run.state.in_(UNDER_WAY))
        .values(
            state="waiting" if away else "failed",
            reason=reason,
            finished_at=None if away else at,
        )
        .execution_options(synchronize_session=False)
    )


def complete(session: Session, run_id: UUID, *, at: datetime) -> int:
    """The last step was done; answers how many changes the run made in all."""
    session.flush()
    steps = session.scalars(select(RunStep).where(RunStep.run_id == run_id))
    changes = sum(len(step.changes) for step in steps)
    session.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(state="done", changes=changes, reason=None, finished_at=at)
        .execution_options(synchronize_session=False)
    )
    return changes


def missed_steps(
    session: Session, routers: Sequence[UUID], *, at: datetime
) -> list[RouterProvisioningJob]:
    """What these routers missed while they were away, or what got lost: where each run stopped.

    The runs count as ordered again, so that nobody else orders the same.
    """
    if not routers:
        return []
    again = (
        update(Run)
        .where(Run.router_id.in_(routers), _stopped(at))
        .values(state="running", ordered_at=at)
        .returning(Run.id, Run.router_id)
        .execution_options(synchronize_session=False)
    )
    found = session.execute(again).all()
    if not found:
        return []
    positions = select(RunStep.run_id, func.min(RunStep.position).label("position")).where(
        RunStep.run_id.in_([run.id for run in found]), RunStep.state != "done"
    )
    first = {
        row.run_id: row.position for row in session.execute(positions.group_by(RunStep.run_id))
    }
    return [
        RouterProvisioningJob(router_id=run.router_id, run_id=run.id, step=first.get(run.id, 0))
        for run in sorted(found, key=lambda run: run.id)
    ]


def stopped_step(
    session: Session, router_id: UUID, *, at: datetime
) -> RouterProvisioningJob | None:
    """The step that a router's run waits at, or lost; None where it goes on, or there is none."""
    run_id = session.scalar(select(Run.id).where(Run.router_id == router_id, _stopped(at)))
    if run_id is None:
        return None
    position = session.scalar(
        select(func.min(RunStep.position)).where(RunStep.run_id == run_id, RunStep.state != "done")
    )
    return RouterProvisioningJob(router_id=router_id, run_id=run_id, step=position or 0)


def failed_last(session: Session, routers: Sequence[UUID]) -> set[UUID]:
    """Those of the routers whose newest run failed."""
    if not routers:
        return set()
    newest = (
        select(Run.router_id, Run.state)
        .where(Run.router_id.in_(routers))
        .order_by(Run.router_id, Run.id.desc())
        .ext(distinct_on(Run.router_id))
    )
    return {row.router_id for row in session.execute(newest) if row.state == "failed"}


def in_full(run: Run, steps: Sequence[RunStep]) -> dict[str, Any]:
    """A run as operators see it."""
    return {
        "id": run.id,
        "state": run.state,
        "changes": sum(len(step.changes) for step in steps),
        "reason": run.reason,
        "requested_at": utc_text(run.requested_at),
        "finished_at": utc_text(run.finished_at) if run.finished_at else None,
        "steps": [
            {
                "name": step.name,
                "state": step.state,
                "changes": step.changes,
                "reason": step.reason,
                "started_at": utc_text(step.started_at) if step.started_at else None,
                "finished_at": utc_text(step.finished_at) if step.finished_at else None,
            }
            for step in steps
        ],
    }


def _stopped(at: datetime) -> ColumnElement[bool]:
    lost = and_(Run.state == "running", Run.ordered_at < at - LOST_AFTER)
    return or_(Run.state == "waiting", lost)


def _is_under_way(session: Session, job: RouterProvisioningJob, *, at: datetime) -> bool:
    """Whether this run goes on; its first step makes it, unless another one is under way."""
    if job.step == 0:
        session.execute(
            insert(Run)
            .values(
                id=job.run_id,
                router_id=job.router_id,
                state="running",
                requested_at=at,
                ordered_at=at,
            )
            .on_conflict_do_nothing()
        )
    state = session.scalar(select(Run.state).where(Run.id == job.run_id))
    return state in UNDER_WAY
