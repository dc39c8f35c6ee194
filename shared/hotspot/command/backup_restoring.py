"""Putting a backup back: all databases or none."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg

from hotspot import migrate
from hotspot.command import backup_manifest, backup_programs, services
from hotspot.command.backup_loading import Load, RestoreFailed, Task
from hotspot.command.backup_manifest import Dump, Manifest
from hotspot.command.backup_places import Place
from hotspot.command.backup_programs import Programs
from hotspot.command.errors import Unable
from hotspot.serve import package_of


class WillNotRestore(Unable):
    """Nothing was touched; the text says why."""


def check(folder: Path, manifest: Manifest, *, keys: Sequence[str]) -> None:
    """All that can be found out before a database is looked at. Raises BackupIsDamaged or
    WillNotRestore."""
    named = sorted(dump.service for dump in manifest.dumps)
    if named != sorted(services.RUNNING):
        raise WillNotRestore(
            f"The backup has {', '.join(named)}; this version has "
            f"{', '.join(sorted(services.RUNNING))}."
        )
    if not set(manifest.keys) <= set(backup_manifest.fingerprints(keys)):
        raise WillNotRestore(
            "A key that seals the passwords in this backup is not among the keys here, and nobody "
            "could log in. Put the secrets back first: secrets.json into HOTSPOT_HOME, or "
            "ENCRYPTION_KEYS into the environment (older keys behind the newest)."
        )
    for dump in manifest.dumps:
        if dump.revision not in migrate.revisions(package_of(dump.service)):
            raise WillNotRestore(
                f"The backup was taken with version {manifest.version}: its database of "
                f"{dump.service} has the schema {dump.revision}, which this version does not know. "
                "Restore it with that version, then upgrade."
            )
    backup_manifest.check(folder, manifest)


def plan(
    folder: Path,
    manifest: Manifest,
    places: Sequence[Place],
    *,
    replace: bool,
    environ: Mapping[str, str],
) -> list[Task]:
    """Where each dump goes, once no database speaks against it. Raises WillNotRestore or
    NoProgramFits."""
    by_name = {place.service: place for place in places}
    known = backup_programs.installed(environ)
    return [
        _task(folder, dump, by_name[dump.service], known, replace=replace)
        for dump in manifest.dumps
    ]


def restore(tasks: Sequence[Task]) -> None:
    """Load every dump, each in a transaction of its own; commit once all of them are loaded.

    Until then a failure leaves everything as it was. Raises RestoreFailed.
    """
    with ExitStack() as open_:
        loads = [open_.enter_context(Load(task)) for task in tasks]
        for load in loads:
            load.finish_loading()
        done: list[str] = []
        for load in loads:
            if not load.commit():
                raise RestoreFailed(_half_done(loads, done, load))
            done.append(load.task.dump.service)


def _task(
    folder: Path, dump: Dump, place: Place, known: Sequence[Programs], *, replace: bool
) -> Task:
    with place.connect() as connection:
        server = connection.info.server_version // 10_000
        _check_alone(connection, dump.service)
        if not replace:
            _check_empty(connection, dump.service)
    if server < dump.postgres:
        raise WillNotRestore(
            f"The backup of {dump.service} is of PostgreSQL {dump.postgres}, and the server here "
            f"is {server}: an older one."
        )
    what = f"The backup of {dump.service}, made by pg_dump {dump.pg_dump},"
    programs = backup_programs.fitting(known, max(dump.pg_dump, dump.postgres), what=what)
    return Task(dump=dump, file=folder / dump.file, place=place, programs=programs, postgres=server)


def _check_alone(connection: "psycopg.Connection[tuple[object, ...]]", service: str) -> None:
    others = connection.execute(
        "SELECT DISTINCT usename || ' from ' || coalesce(host(client_addr), 'this machine') ||"
        " coalesce(' (' || nullif(application_name, '') || ')', '') FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    ).fetchall()
    if others:
        raise WillNotRestore(
            f"The database of {service} is in use, by "
            f"{', '.join(sorted(str(other[0]) for other in others))}. Stop the services first."
        )


def _check_empty(connection: "psycopg.Connection[tuple[object, ...]]", service: str) -> None:
    row = connection.execute(
        "SELECT count(*) FROM pg_tables"
        " WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema'"
    ).fetchone()
    if row is not None and row[0]:
        raise WillNotRestore(
            f"The database of {service} is not empty: {row[0]} tables. With --replace, what is in "
            "it now is lost, and what is in the backup takes its place."
        )


def _half_done(loads: Sequence[Load], done: Sequence[str], failed: Load) -> str:
    names = [load.task.dump.service for load in loads]
    name = failed.task.dump.service
    later = names[names.index(name) + 1 :]
    return (
        f"The database of {name} was loaded and could not be committed:\n{failed.errors()}\n"
        f"Restored: {', '.join(done) or 'none'}. As before: {', '.join([name, *later])}. "
        "Start nothing; run the same command again, with --replace."
    )
