"""schemathesis against an application in this process: what its OpenAPI document says must hold."""

import re
from datetime import datetime
from uuid import UUID

import schemathesis
from flask import Flask
from schemathesis.engine import events, from_schema
from sqlalchemy import Engine, text

from hotspot.bus.tables import failed_jobs
from hotspot.web.examples import EXAMPLE_UUID
from hotspot.web.openapi import document_of, operations

EXAMPLE_ID = UUID(EXAMPLE_UUID)
SEED = 20260115
# Enough to have found what was wrong when this was new; a deep search takes hours.
EXAMPLES = 4


def check_document(app: Flask, token: str, *, path: str = "/openapi.json") -> None:
    """Hold an application against its document: data that fits the description, and data that
    does not. `token`: an owner's access token. Raises AssertionError with all that was found.

    The document's own examples are sent as well: rows with `EXAMPLE_ID` show what is answered
    where there is something.
    """
    schema = schemathesis.openapi.from_wsgi(path, app, config=_config(token))
    found: dict[str, None] = {}
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            found[f"{event.label}: {event.info.format()}"] = None
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.ScenarioFinished):
            found |= dict.fromkeys(_of_scenario(event))
    found |= dict.fromkeys(strangers_let_in(app))
    if found:
        raise AssertionError("\n\n".join(found))


def rename_to_example(engine: Engine, old: UUID | str, *columns: str) -> None:
    """Give a row that there is the id of the documents' examples, wherever it is referred to.

    `columns`: as in `users.id`.
    """
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # no foreign keys
        for column in columns:
            table, name = column.split(".")
            connection.execute(
                text(f"UPDATE {table} SET {name} = :new WHERE {name} = :old"),  # noqa: S608
                {"new": EXAMPLE_ID, "old": UUID(str(old))},
            )


def add_failed_job(engine: Engine, at: datetime) -> None:
    """A failed job with the id of the documents' examples."""
    with engine.begin() as connection:
        connection.execute(
            failed_jobs.insert().values(
                message_id=EXAMPLE_ID,
                queue="default",
                name="RotateLogs",
                version=1,
                correlation_id=EXAMPLE_ID,
                sender="scheduler",
                sent_at=at,
                body=b"{}",
                reason="gave up",
                exception="OSError: no space",
                traceback="",
                attempts=3,
                first_failed_at=at,
                last_failed_at=at,
            )
        )


def strangers_let_in(app: Flask) -> list[str]:
    """The operations that need a token, as the document says, and answer without a right one."""
    client, let_in = app.test_client(), []
    for path, method, operation in operations(document_of(app)):
        if not operation.get("security"):
            continue
        where = re.sub(r"\{version\}", "1", re.sub(r"\{\w*id\}", str(EXAMPLE_ID), path))
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        wrong: tuple[dict[str, str], ...] = ({}, {"Authorization": "Bearer a.b.c"})
        for headers in wrong:
            answer = client.open(where, method=method, json=body.get("example"), headers=headers)
            if answer.status_code != 401:
                let_in.append(f"{method} {path} answers {answer.status_code} to {headers}")
    return let_in


def _config(token: str) -> schemathesis.Config:
    bearer = {"bearer": token}
    return schemathesis.Config.from_dict(
        {
            "seed": SEED,
            "suppress-health-check": ["all"],
            "continue-on-failure": True,
            "request-timeout": 0.2,  # of endless streams: nothing else is slow in one process
            "generation": {
                "mode": "all",
                "max-examples": EXAMPLES,
                "deterministic": True,
                "no-shrink": True,
                "database": "none",
            },
            "auth": {"openapi": {"bearer": bearer, "claim": bearer}},
            "checks": {
                # A right order may still name what there is not: the services say so by 422.
                "positive_data_acceptance": {"enabled": False},
                # Cannot be done in one process; `strangers_let_in` asks every route instead.
                "ignored_auth": {"enabled": False},
            },
            "phases": {"stateful": {"enabled": False}},
        }
    )


def _of_scenario(event: events.ScenarioFinished) -> list[str]:
    found = []
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                case = event.recorder.cases[case_id].value
                failure = check.failure_info.failure
                found.append(
                    f"{event.label}: {failure.title}: {failure.message}"
                    f"\n  {check.failure_info.code_sample or case.as_curl_command()}"
                )
    return found
