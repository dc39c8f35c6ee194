"""Log files are put aside, history is forgotten, and what was done is kept."""

import gzip
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hotspot.bus.work import Handlers
from hotspot.contract.operations import (
    HistoryPruned,
    Pruned,
    PruneHistoryJob,
    RotateLogFilesJob,
    RotateLogs,
)
from hotspot.testing.handling import NOON, run
from scheduler_service import logfiles, runs
from scheduler_service.config import Config
from scheduler_service.models import Maintenance, Run, Snapshot
from scheduler_service.worker import handlers as handlers_of

Look = Callable[[], list[Maintenance]]


@pytest.fixture
def kept(engine: Engine) -> Look:
    """What is known of maintenance."""

    def look() -> list[Maintenance]:
        with Session(engine) as session:
            return list(session.scalars(select(Maintenance)))

    return look


def archived(folder: Path) -> dict[str, str]:
    files = (folder / "archive").iterdir()
    return {file.name: gzip.decompress(file.read_bytes()).decode() for file in files}


def test_a_log_is_emptied_under_its_writer_and_kept_compressed(tmp_path: Path) -> None:
    log = tmp_path / "payment-web.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"one\ntwo\n")
        done = logfiles.rotate(tmp_path, now=NOON, kept_days=14)
        writer.write(b"three\n")

    assert (done.files, done.file_bytes, done.removed) == (1, 8, 0)
    assert log.read_text() == "three\n"
    assert archived(tmp_path) == {"payment-web.log-20260115T090000Z.gz": "one\ntwo\n"}


def test_what_the_keeper_set_aside_by_size_is_compressed_as_well(tmp_path: Path) -> None:
    (tmp_path / "radius-server.log.1").write_text("older\n")

    logfiles.rotate(tmp_path, now=NOON, kept_days=14)

    assert archived(tmp_path) == {"radius-server.log.1-20260115T090000Z.gz": "older\n"}
    assert not (tmp_path / "radius-server.log.1").exists()


def test_old_archives_and_what_a_crash_left_half_written_are_removed(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    for name, days in (("old.gz", 15), ("young.gz", 13), ("half.gz.part", 0)):
        (archive / name).touch()
        written = (NOON - timedelta(days=days)).timestamp()
        os.utime(archive / name, (written, written))

    done = logfiles.rotate(tmp_path, now=NOON, kept_days=14)

    assert done.removed == 1
    assert [file.name for file in archive.iterdir()] == ["young.gz"]


def test_the_job_tells_what_it_rotated(
    engine: Engine, handlers: Handlers, config: Config, kept: Look
) -> None:
    assert config.log_dir is not None
    (config.log_dir / "gateway-web.log").write_text("x\n" * 5000)

    assert run(handlers, RotateLogFilesJob(), engine, service="scheduler") == []

    (one,) = kept()
    assert (one.service, one.what, one.problem) == ("scheduler", "log files", None)
    assert one.done == {"files": 1, "file_bytes": 10_000, "removed": 0}


def test_a_folder_that_is_gone_is_a_problem_that_is_told(
    engine: Engine, config: Config, kept: Look, tmp_path: Path
) -> None:
    handlers = handlers_of(replace(config, log_dir=tmp_path / "gone"))

    run(handlers, RotateLogFilesJob(), engine, service="scheduler")

    (one,) = kept()
    assert one.problem is not None
    assert "gone" in one.problem


def test_the_nightly_job_has_history_forgotten_and_logs_rotated(
    engine: Engine, handlers: Handlers, config: Config
) -> None:
    prune = PruneHistoryJob(service="scheduler", begun_at=NOON)
    assert run(handlers, RotateLogs(), engine, service="scheduler") == [prune, RotateLogFilesJob()]

    elsewhere = handlers_of(replace(config, log_dir=None))
    assert run(elsewhere, RotateLogs(), engine, service="scheduler") == [prune]
    assert run(elsewhere, RotateLogFilesJob(), engine, service="scheduler") == []


def test_runs_and_figures_are_forgotten_by_age(engine: Engine, handlers: Handlers) -> None:
    with Session(engine) as session, session.begin():
        for days in (1, 3, 20):
            at = NOON - timedelta(days=days)
            runs.record(session.connection(), "RotateLogs", at, now=at, by="a")
            session.add(Snapshot(at=at, figures={}))

    (told,) = run(
        handlers, PruneHistoryJob(service="scheduler", begun_at=NOON), engine, service="scheduler"
    )

    assert isinstance(told, HistoryPruned)
    assert told.gone == (Pruned(what="runs", rows=1), Pruned(what="snapshots", rows=2))
    with Session(engine) as session:
        assert len(session.scalars(select(Run.due_at)).all()) == 2


def test_what_a_service_forgot_is_kept(engine: Engine, handlers: Handlers, kept: Look) -> None:
    event = HistoryPruned(
        service="gateway",
        begun_at=NOON,
        ended_at=NOON + timedelta(seconds=4),
        gone=(Pruned(what="events", rows=120), Pruned(what="steps", rows=900)),
    )

    run(handlers, event, engine, service="scheduler")

    (one,) = kept()
    assert (one.service, one.what, one.done) == (
        "gateway",
        "history",
        {"events": 120, "steps": 900},
    )
