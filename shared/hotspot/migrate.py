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
    """Bring a service's database to this version's tables; answers the revisions that were run.

    Where newer code has been here already, nothing: it is put back, and its tables suit this code.
    """
    script = ScriptDirectory(str(_versions_of(package)))
    done: list[str] = []
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        context = MigrationContext.configure(
            connection, opts={"fn": lambda revision, _: _steps(script, revision, done)}
        )
        if context.get_current_revision() not in (None, *revisions(package)):
            return done
        with Operations.context(context):
            context.run_migrations()
    return done


def revisions(package: str) -> list[str]:
    """Every revision that a service's migrations know, newest first."""
    script = ScriptDirectory(str(_versions_of(package)))
    return [revision.revision for revision in script.walk_revisions()]


def is_current(engine: Engine, package: str) -> bool:
    """Whether a database has this version's tables, or those of a newer one.

    A version that this code does not know is a newer one: the previous version of the code goes on
    beside it during an upgrade.
    """
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    known = revisions(package)
    return revision is not None and (revision == known[0] or revision not in known)


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
