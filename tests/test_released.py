"""What was released stays as it was, and every migration since then suits the version before."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from alembic import op
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from hotspot.command.backup_manifest import version_of
from hotspot.command.services import RUNNING
from hotspot.migrate import is_current, migrate

from . import released
from .migration_rules import objections, second_step_of, statements
from .released import FIRST, ROOT

FOLDERS = {
    name: ROOT / (name if name == "gateway" else f"{name}-service") / "migrations"
    for name in RUNNING
}
MIGRATIONS = [file for folder in FOLDERS.values() for file in folder.glob("versions/*.py")]

FINE = [
    "ALTER TABLE payments ADD note text, ADD seen integer NOT NULL DEFAULT 0",
    "ALTER TABLE payments DROP CONSTRAINT kind_check, ADD CONSTRAINT kind_check CHECK (a IN (1,2))",
    "ALTER TABLE payments ALTER COLUMN phone DROP NOT NULL, ALTER note SET DEFAULT ''",
    "CREATE TABLE notes (id uuid PRIMARY KEY, note text NOT NULL, UNIQUE (note))",
    "CREATE INDEX IF NOT EXISTS payments_note ON payments (note)",
    "CREATE INDEX routers_note ON routers (note)",
    "INSERT INTO templates VALUES ('DROP TABLE payments; ALTER TABLE payments DROP note')",
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ DROP TABLE payments $$",
    "-- DROP TABLE payments\nALTER TABLE payments ADD id2 bigserial NOT NULL",
]
BREAKING = [
    "DROP TABLE payments",
    "DROP TABLE IF EXISTS months.old",
    "DROP FUNCTION login_limits(text, text, timestamptz)",
    "TRUNCATE payments",
    "ALTER TABLE payments DROP COLUMN note",
    "ALTER TABLE payments ADD seen text, DROP note",
    "ALTER TABLE payments RENAME COLUMN phone TO msisdn",
    "ALTER TABLE payments RENAME TO paid",
    "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",
    "ALTER TABLE payments ADD COLUMN note text NOT NULL",
    "ALTER TABLE payments ADD price numeric(10, 2) NOT NULL CHECK (price > 0)",
    "ALTER TABLE payments ALTER COLUMN price TYPE integer",
    "ALTER TABLE payments ALTER price SET DATA TYPE integer",
    "ALTER TABLE payments ALTER COLUMN phone SET NOT NULL",
    "ALTER TABLE payments ALTER COLUMN source DROP DEFAULT",
    "ALTER TABLE payments ADD CONSTRAINT p CHECK (price > 0)",
    "ALTER TABLE payments ADD UNIQUE (phone)",
    "CREATE UNIQUE INDEX payments_one ON payments (phone)",
    "CREATE INDEX payments_note ON payments (note)",
    "CREATE INDEX ON ONLY public.payments (note)",
]


def test_no_released_message_or_migration_was_changed() -> None:
    changed = released.changed(released.recorded(), released.present())
    assert changed == [], (
        "What was released is not edited: old versions sent these messages, and databases ran "
        "these migrations. Put the files back. A message that must differ gets a new version "
        "(docs/upgrading.md, Messages), a table a new migration."
    )


def test_all_of_the_first_release_is_recorded() -> None:
    missing = set(released.present()) - {
        name for of_version in released.recorded().values() for name in of_version
    }
    if version_of(ROOT) == FIRST:
        assert missing == set(), "python tests/released.py"


def test_a_change_of_what_was_released_is_seen() -> None:
    then = {"1.0": {"a.json": "1", "b.py": "2"}, "1.1": {"c.json": "3"}}
    assert released.changed(then, {"a.json": "1", "b.py": "2", "c.json": "3", "d.json": "4"}) == []
    assert released.changed(then, {"a.json": "1", "b.py": "!"}) == ["b.py", "c.json"]


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_migrations_stand_in_one_line(folder: Path) -> None:
    script = ScriptDirectory(str(folder))
    assert len(script.get_heads()) == len(script.get_bases()) == 1
    line = list(script.walk_revisions())
    assert not any(one.is_branch_point or one.is_merge_point for one in line)


@pytest.mark.parametrize("file", MIGRATIONS, ids=lambda file: f"{file.parents[2].name}/{file.name}")
def test_the_version_before_can_live_with_each_migration(file: Path) -> None:
    migration = _loaded(file)
    found = objections(statements(migration))
    if _is_of_first_release(file):
        return  # there was no version before; that its SQL can be read is all
    _check_words(file, migration)
    assert found == [] or second_step_of(migration), (
        "do it in two steps (docs/upgrading.md, Migrations): " + "; ".join(found)
    )


def test_the_version_before_starts_beside_newer_tables(database: Callable[[str], Engine]) -> None:
    """And so does the one that is put back: its own migration finds nothing to do."""
    engine = database("payment")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert migrate(engine, "payment_service") == []
    assert is_current(engine, "payment_service")


@pytest.mark.parametrize("statement", FINE)
def test_what_the_version_before_can_live_with(statement: str) -> None:
    assert objections([statement]) == []


@pytest.mark.parametrize("statement", BREAKING)
def test_what_would_break_the_version_before(statement: str) -> None:
    assert objections(["CREATE TABLE another (id uuid)", statement])


def test_a_new_table_may_be_changed_as_one_likes() -> None:
    made = "CREATE TABLE notes (id uuid)"
    assert objections([made, "ALTER TABLE notes ADD note text NOT NULL"]) == []
    assert objections([made, "CREATE UNIQUE INDEX one ON notes (id)"]) == []


def test_a_function_may_be_made_anew() -> None:
    assert objections(["DROP FUNCTION f(text)", "CREATE FUNCTION f(a uuid) RETURNS int"]) == []


def test_operations_are_read_like_sql() -> None:
    migration = ModuleType("migration")
    migration.upgrade = lambda: op.drop_column("payments", "note")  # type: ignore[attr-defined]
    assert objections(statements(migration))


@pytest.mark.parametrize(
    ("told", "revision"),
    [
        ("0007: nobody has read payments.note since then", "0007"),
        ("0007", None),
        ("0007: yes", None),
        ("", None),
    ],
)
def test_a_second_step_names_the_first_and_says_why(told: str, revision: str | None) -> None:
    assert second_step_of(SimpleNamespace(SECOND_STEP_OF=told)) == revision  # type: ignore[arg-type]


def _check_words(file: Path, migration: ModuleType) -> None:
    """The first step of two was released before, so that the old version is one that has it."""
    first = second_step_of(migration)
    if first is None:
        return
    folder = file.parent.relative_to(ROOT).as_posix()
    this = version_of(ROOT)
    earlier = [
        name
        for version, names in released.recorded().items()
        if version != this
        for name in names
        if name.startswith(folder)
    ]
    assert any(_loaded(ROOT / name).revision == first for name in earlier), (
        f"{first}, the first step, was not released before {this}"
    )


def _is_of_first_release(file: Path) -> bool:
    return file.relative_to(ROOT).as_posix() in released.recorded()[FIRST]


def _loaded(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"migration_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
