"""What `jobs`, `queues` and `trace` print."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hotspot.command.api import Api, ApiError, Body

_CALLBACK = "RecordStkCallbackJob"

TIMELINE = ("SINCE", "MESSAGE", "KIND", "SERVICE", "TRY", "WAITED", "TOOK", "OUTCOME")


def print_table(
    console: Console, headings: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Print rows under headings; without lines where nobody looks on, so that they can be cut."""
    table = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    # A table cannot be wider than its console; a pipe has no width.
    if not console.is_terminal:
        console = Console(file=console.file, width=1000, no_color=True)
        for line in _plain_lines(console, table):
            console.file.write(line + "\n")
        return
    console.print(table)


def _plain_lines(console: Console, table: Table) -> list[str]:
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def failed_jobs(console: Console, api: Api) -> None:
    """List what was given up."""
    jobs = api.items("/api/v1/failed-jobs")
    if not jobs:
        console.print("No failed jobs.")
        return
    print_table(
        console,
        ["ID", "MESSAGE", "SERVICE", "TRIES", "LAST FAILED", "REASON"],
        [
            [
                job["id"],
                job["message"],
                job["service"],
                job["attempts"],
                job["last_failed_at"],
                job["reason"],
            ]
            for job in jobs
        ],
    )


def show_failed_job(console: Console, api: Api, job_id: str) -> None:
    """Print everything that is known of one failed job."""
    job = api.get(f"/api/v1/failed-jobs/{job_id}")
    long = ("payload", "traceback")
    for name, value in job.items():
        if name not in long:
            console.print(f"{name:<16} {value}", markup=False)
    for name in long:
        if job.get(name):
            console.print(f"\n{name}:\n{_readable(job[name])}", markup=False)


def _readable(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value, indent=2)
    try:
        return json.dumps(json.loads(value), indent=2, ensure_ascii=False)
    except ValueError:
        return value


def retry(console: Console, api: Api, job_id: str) -> None:
    """Send one failed job, or `all` of them, again."""
    if job_id == "all":
        count = len(api.items("/api/v1/failed-jobs"))
        api.post("/api/v1/failed-jobs/retry")
        console.print(f"Sent again: {count} failed jobs.")
        return
    api.post(f"/api/v1/failed-jobs/{job_id}/retry")
    console.print(f"Sent again: {job_id}.")


def flush(console: Console, api: Api) -> None:
    """Forget all failed jobs."""
    count = len(api.items("/api/v1/failed-jobs"))
    api.delete("/api/v1/failed-jobs")
    console.print(f"Forgotten: {count} failed jobs.")


def queues(console: Console, api: Api) -> None:
    """List the queues with what waits in them."""
    print_table(
        console,
        ["QUEUE", "READY", "UNACKED", "CONSUMERS", "PER SECOND"],
        [
            [queue["name"], queue["ready"], queue["unacked"], queue["consumers"], queue["rate"]]
            for queue in api.items("/api/v1/queues")
        ],
    )


def trace(console: Console, api: Api, wanted: str) -> None:
    """Print the timeline of a payment."""
    try:
        answer = api.get(f"/api/v1/trace/{wanted}")
    except ApiError as error:
        if error.status == 404:
            raise ApiError(f"Nothing is known of {wanted}.", 404) from error
        raise
    print_table(console, TIMELINE, timeline(answer["items"]))


def timeline(items: Sequence[Body]) -> list[list[object]]:
    """Rows of a trace; times count from the callback, or from the beginning before there is one."""
    if not items:
        return []
    zero = _zero(items)
    return [
        [
            f"{(_time(item) - zero).total_seconds() * 1000:+.0f} ms",
            item["message"],
            item["kind"],
            item["service"],
            item.get("attempt"),
            _milliseconds(item.get("queued_ms")),
            _milliseconds(item.get("duration_ms")),
            " ".join(str(part) for part in (item.get("outcome"), item.get("error")) if part),
        ]
        for item in items
    ]


def _zero(items: Sequence[Body]) -> datetime:
    callbacks = [_time(item) for item in items if item["message"] == _CALLBACK]
    return min(callbacks) if callbacks else _time(items[0])


def _time(item: Body) -> datetime:
    return datetime.fromisoformat(str(item["at"]))


def _milliseconds(value: object) -> str:
    return f"{float(value):.0f} ms" if isinstance(value, int | float) else ""
