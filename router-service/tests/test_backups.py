"""Versions of a configuration: one where it changed, sealed, compared."""

from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from hotspot.bus.work import Handlers
from hotspot.contract.routers import BackUpRouterJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher, run
from hotspot.testing.identity import Keys

from .router_on_paper import PaperRouter
from .test_registration import register


def test_a_version_is_kept_where_the_configuration_changed(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers, paper: PaperRouter
) -> None:
    router = register(client, keys).json["id"]
    url, headers = f"/api/v1/routers/{router}/backups", keys.headers("operator")

    def back_up() -> None:
        job = BackUpRouterJob(router_id=UUID(router), backup_id=new_id(), requested_at=NOON)
        assert run(handlers, job, engine) == []

    back_up()
    paper.text = paper.text.replace("# by", "# 2026-01-15 12:00:00 by")  # the date is no change
    back_up()
    paper.text += "add address=10.6.60.1/24\n"
    back_up()

    assert [one["version"] for one in client.get(url, headers=headers).get_json()["items"]] == [
        2,
        1,
    ]
    assert "10.6.60.1" not in client.get(f"{url}/1", headers=headers).text
    changed = client.get(f"{url}/2/difference", headers=headers).text
    assert "+add address=10.6.60.1/24" in changed
    assert client.get(f"{url}/9", headers=headers).status_code == 404
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT sealed_text FROM backups")).scalars().all()
    assert not any("address" in one for one in kept)


def test_a_backup_is_ordered_by_operators_only(
    client: FlaskClient, keys: Keys, publisher: FakePublisher
) -> None:
    router = register(client, keys).json["id"]
    url = f"/api/v1/routers/{router}/backups"

    assert client.post(url, headers=keys.headers("operator")).status_code == 202
    assert client.post(url, headers=keys.headers("support")).status_code == 403
    assert isinstance(publisher.sent[-1], BackUpRouterJob)
