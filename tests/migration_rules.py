"""What a running old version can live with, read from the SQL of a migration.

While a new version is rolled out, processes of the old one read and write the migrated tables. A
step that would break them is the second of two, and stands in a later version than the first:
the file says so by `SECOND_STEP_OF = "<revision>: <why nobody needs it any more>"`.
"""

import re
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

# To build an index on these takes long, and nobody can write to them meanwhile: it is built
# before by hand, CONCURRENTLY, and the migration finds it there.
BIG = frozenset(
    {
        *("payments", "receipts", "access", "access_sessions", "mpesa_messages", "vouchers"),
        *("grants", "hotspot_users", "radacct", "radacct_history", "radpostauth", "sessions"),
        *("messages", "timeline", "inbox"),
    }
)

_NAME = r'(?:"?\w+"?\.)?"?(\w+)"?'
_WORDS = re.compile(r"^(\w+): (\S.{9,})", re.DOTALL)


def statements(migration: ModuleType) -> list[str]:
    """The SQL that its upgrade would run, however it is written."""
    found: list[str] = []
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True})
    context.impl.static_output = found.append  # type: ignore[method-assign, assignment]
    # Rows are no statement that could disturb anybody, and cannot be written as literals.
    context.impl.bulk_insert = lambda *_, **__: None  # type: ignore[method-assign]
    with Operations.context(context):
        migration.upgrade()
    return found


def second_step_of(migration: ModuleType) -> str | None:
    """The revision that it completes, where it says why it may."""
    told = _WORDS.match(str(getattr(migration, "SECOND_STEP_OF", "")))
    return told[1] if told else None


def objections(several: Sequence[str]) -> list[str]:
    """Why processes of the version before could not live with these statements."""
    plain = [_plain(statement) for statement in several]
    made = {name for one in plain for name in _named(r"CREATE (?:UNLOGGED )?TABLE", one)}
    functions = {name for one in plain for name in _named(r"CREATE (?:OR REPLACE )?FUNCTION", one)}
    dropped = {name for one in plain for name in re.findall(r"DROP CONSTRAINT (\w+)", one, re.I)}
    return [
        f"{why}: {one[:90]}"
        for one in plain
        for why in _wrong(one, made=made, functions=functions, dropped=dropped)
    ]


def _wrong(one: str, *, made: set[str], functions: set[str], dropped: set[str]) -> Iterator[str]:
    kind = re.match(
        r"DROP (?:MATERIALIZED )?(TABLE|VIEW|SEQUENCE|TYPE|SCHEMA|DOMAIN|FUNCTION) "
        rf"(?:IF EXISTS )?{_NAME}",
        one,
        re.I,
    )
    if kind and not (kind[1].upper() == "FUNCTION" and kind[2] in functions):
        yield f"the old version still uses {kind[2]}"
    if re.match("TRUNCATE", one, re.I):
        yield "the old version still uses these rows"
    if re.match(r"ALTER (?:TYPE|DOMAIN|VIEW|FUNCTION|INDEX|SEQUENCE) .*\bRENAME\b", one, re.I):
        yield "the old version knows it by its old name"
    index = re.match(
        rf"CREATE (UNIQUE )?INDEX (?:CONCURRENTLY )?(IF NOT EXISTS )?\w* ?ON (?:ONLY )?{_NAME}",
        one,
        re.I,
    )
    if index and index[3] not in made:
        if index[1]:
            yield "the old version may write the same twice"
        if index[3] in BIG and not index[2]:
            yield f"nobody can write to {index[3]} meanwhile (IF NOT EXISTS, and build it before)"
    table = re.match(rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{_NAME} (.*)", one, re.I)
    if table and table[1] not in made:
        for action in _actions(table[2]):
            yield from _wrong_action(action, dropped)


def _wrong_action(action: str, dropped: set[str]) -> Iterator[str]:
    constraint = re.match(r"ADD CONSTRAINT (\w+)", action, re.I)
    if re.match(r"RENAME\b|SET SCHEMA\b", action, re.I):
        yield "the old version knows it by its old name"
    elif re.match(r"DROP (?!CONSTRAINT\b)", action, re.I):
        yield "the old version still reads and writes this column"
    elif constraint or re.match(r"ADD (CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b", action, re.I):
        # One that takes the place of another of its name lets more pass, else it had no reason.
        if not (constraint and constraint[1] in dropped):
            yield "the old version may write what this forbids"
    elif re.match("ADD ", action, re.I):
        if re.search(r"\bNOT NULL\b|\bPRIMARY KEY\b", action, re.I) and not re.search(
            r"\bDEFAULT\b|\bGENERATED\b|\b(?:big)?serial\b", action, re.I
        ):
            yield "the old version inserts without this column"
    elif re.match(r"ALTER .*\bTYPE\b", action, re.I):
        yield "the old version reads and writes the old type, and the table is locked meanwhile"
    elif re.match(r"ALTER .*\bSET NOT NULL\b", action, re.I):
        yield "the old version may write NULL"
    elif re.match(r"ALTER .*\bDROP (?:DEFAULT|IDENTITY|EXPRESSION)\b", action, re.I):
        yield "the old version inserts without this column"


def _named(what: str, one: str) -> list[str]:
    return re.findall(rf"{what} (?:IF NOT EXISTS )?{_NAME}", one, re.I)


def _actions(text: str) -> list[str]:
    """The parts of an ALTER TABLE, at the commas that stand in no parentheses."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _plain(statement: Any) -> str:
    """Without comments, literals and function bodies, on one line."""
    text = re.sub(r"(\$\w*\$).*?\1", "''", str(statement), flags=re.DOTALL)
    text = re.sub(r"'(?:[^']|'')*'", "''", text)
    text = re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    return " ".join(text.split()).rstrip("; ")
