"""Routers in and out as CSV: tried first, refused whole, never with passwords out."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from hotspot.bus.work import Handlers
from hotspot.contract.routers import ImportRoutersJob, RegisterNasJob
from hotspot.testing.handling import FakePublisher, run
from hotspot.testing.identity import Keys

from .test_registration import register

LIST = """name,ip_address,username,password,api_port
Kilimani shop,192.0.2.10,hotspot,one,
Westlands,192.0.2.11,hotspot,two,8729
"""


def test_a_dry_run_tells_and_does_nothing(
    client: FlaskClient, keys: Keys, publisher: FakePublisher
) -> None:
    register(client, keys)
    answer = client.post(
        "/api/v1/routers/import?dry_run=true", data=LIST, headers=keys.headers("operator")
    )

    assert answer.status_code == 200
    assert (answer.get_json()["added"], answer.get_json()["taken"]) == (
        ["Westlands"],
        ["Kilimani shop"],
    )
    assert publisher.sent == []


def test_a_list_is_imported_once(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers, publisher: FakePublisher
) -> None:
    headers = keys.headers("operator")
    assert client.post("/api/v1/routers/import", data=LIST, headers=headers).status_code == 202
    (job,) = publisher.sent
    assert isinstance(job, ImportRoutersJob)

    sent = run(handlers, job, engine)

    assert [type(one) for one in sent] == [RegisterNasJob, RegisterNasJob]
    assert run(handlers, job, engine) == []
    out = client.get("/api/v1/routers/export.csv", headers=headers)
    assert out.headers["Content-Type"].startswith("text/csv")
    assert "Westlands,192.0.2.11,hotspot,8729" in out.text
    assert "two" not in out.text


@pytest.mark.parametrize(
    ("text_", "said"),
    [
        ("", "missing"),
        ("name,ip_address\nA,192.0.2.1\n", "password, username"),
        ('name,ip_address,username,password\n"A,192.0.2.1,u,p\n', "not CSV"),
    ],
)
def test_what_is_no_list_is_said_so(client: FlaskClient, keys: Keys, text_: str, said: str) -> None:
    answer = client.post("/api/v1/routers/import", data=text_, headers=keys.headers("operator"))

    assert answer.status_code == 422
    assert said in answer.get_json()["detail"]


def test_one_mistake_stops_the_whole_list(
    client: FlaskClient, keys: Keys, publisher: FakePublisher
) -> None:
    wrong = LIST + "Westlands,192.0.2.300,hot spot,x,0\nWestlands,192.0.2.12,u,p,\n"
    answer = client.post("/api/v1/routers/import", data=wrong, headers=keys.headers("operator"))

    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {"line 4", "line 5"}
    assert publisher.sent == []


def test_a_spreadsheet_cannot_be_made_to_run_a_name(
    client: FlaskClient, keys: Keys, engine: Engine
) -> None:
    register(client, keys)
    with engine.begin() as connection:
        connection.execute(text("UPDATE routers SET identity = '=cmd()'"))

    out = client.get("/api/v1/routers/export.csv", headers=keys.headers("operator")).text

    assert ",'=cmd()," in out
