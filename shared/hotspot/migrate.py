"""Alembic, driven by code: each service has only a folder of versions."""

import importlib
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, text

from hotspot.bus.tables import bus_metadata

# All replicas may migrate at once: one does, the others wait and find nothing left to do.
_LOCK = 0x686F7473706F74


def migrate(engine: Engine, package: str) -> list[str]:
    """Bring a service's database to the newest version; answers the revisions that were run."""
    script = ScriptDirectory(str(_versions_of(package)))
    done: list[str] = []
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        context = MigrationContext.configure(
            connection, opts={"fn": lambda revision, _: _steps(script, revision, done)}
        )
        with Operations.context(context):
            context.run_migrations()
    return done


def differences(connection: Connection, metadata: MetaData) -> list[object]:
    """Where the models and the migrated database disagree, bus tables included."""
    from alembic.autogenerate import compare_metadata

    whole = MetaData()
    for part in (metadata, bus_metadata):
        for table in part.tables.values():
            table.to_metadata(whole)
    return list(compare_metadata(MigrationContext.configure(connection), whole))


def _steps(script: ScriptDirectory, revision: object, done: list[str]) -> list[object]:
    steps = script._upgrade_revs("head", revision)  # type: ignore[arg-type]
    done.extend(step.revision.revision for step in steps)
    return list(steps)


def _versions_of(package: str) -> Path:
    found = importlib.import_module(package).__file__
    if found is None:
        raise FileNotFoundError(f"{package} is not a package with files")
    return Path(found).parent.parent / "migrations"
