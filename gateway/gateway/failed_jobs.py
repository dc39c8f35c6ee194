"""The failed jobs of all services as one list, and orders to the service that owns each."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from gateway.services import Call, ServiceFailed, Services, of_each
from hotspot.bus.tables import failed_jobs
from hotspot.web.failed_jobs import (
    FailedJobInFullSchema,
    FailedJobSchema,
    seen,
    seen_in_full,
)
from hotspot.web.pages import PageRequest

PATH = "/api/v1/failed-jobs"
# The gateway's own are shown exactly as every other service shows its.
_OWN = FailedJobSchema()
_OWN_IN_FULL = FailedJobInFullSchema()

Job = Mapping[str, Any]  # as a service shows it: only its id and its service are looked at


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The newest failed jobs of those that answered, and who did not. `more`: there are older."""

    items: Sequence[Job]
    more: bool
    unavailable: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Found:
    """One failed job, or None; and whose answer is missing."""

    job: Job | None
    unavailable: Sequence[str]


def merge(
    services: Services, own: Sequence[Job], asked: PageRequest, query: str, headers: dict[str, str]
) -> Merged:
    """One page over all services; `own`: the gateway's own, one more than a page where there are.

    Every service orders its list by id and understands the same cursor, the id of the last row
    that was seen: so the last row of the merged page is the cursor for all of them.
    """
    pages = of_each(services, lambda name: _page(services, name, query, headers))
    found = [page for page in pages.values() if page is not None]
    items = [*own, *(item for page in found for item in page["items"])]
    items.sort(key=lambda item: str(item["id"]), reverse=True)
    return Merged(
        items=items[: asked.limit],
        more=len(items) > asked.limit or any(page["next"] for page in found),
        unavailable=_missing(pages),
    )


def find(services: Services, own: Job | None, job_id: UUID, headers: dict[str, str]) -> Found:
    """The failed job with this id, wherever it is."""
    if own is not None:
        return Found(job=own, unavailable=())
    answers = of_each(services, lambda name: _one(services, name, job_id, headers))
    owner = next((job for job in answers.values() if job), None)
    return Found(job=owner, unavailable=_missing(answers))


def own_page(connection: Connection, asked: PageRequest) -> list[Job]:
    """The gateway's own failed jobs, newest first: one more than fits where there are more."""
    wanted = select(failed_jobs).order_by(failed_jobs.c.message_id.desc()).limit(asked.limit + 1)
    if asked.after:
        wanted = wanted.where(failed_jobs.c.message_id < asked.after)
    return [_OWN.dump(seen(row)) for row in connection.execute(wanted)]


def own_job(connection: Connection, job_id: UUID) -> Job | None:
    """One of the gateway's own failed jobs in full."""
    wanted = select(failed_jobs).where(failed_jobs.c.message_id == job_id)
    row = connection.execute(wanted).first()
    return None if row is None else _OWN_IN_FULL.dump(seen_in_full(row))


def _missing(answers: Mapping[str, object]) -> list[str]:
    return sorted(name for name, answer in answers.items() if answer is None)


def _page(
    services: Services, name: str, query: str, headers: dict[str, str]
) -> dict[str, Any] | None:
    """A service's page; None where it gave none."""
    target = f"{PATH}?{query}" if query else PATH
    try:
        answer = services.ask(name, Call(method="GET", target=target, headers=headers))
        page = json.loads(answer.body)
    except (ServiceFailed, ValueError):
        return None
    is_page = answer.status == 200 and isinstance(page, dict) and {"items", "next"} <= set(page)
    return page if is_page else None


def _one(services: Services, name: str, job_id: UUID, headers: dict[str, str]) -> Job | None:
    """A service's failed job; empty where it has none of this id, None where it did not say."""
    call = Call(method="GET", target=f"{PATH}/{job_id}", headers=headers)
    try:
        answer = services.ask(name, call)
        job = json.loads(answer.body)
    except (ServiceFailed, ValueError):
        return None
    if answer.status == 404:
        return {}
    return job if answer.status == 200 and isinstance(job, dict) else None
