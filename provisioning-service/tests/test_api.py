"""What the OpenAPI document says of this service holds."""

from dataclasses import replace

from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from hotspot.bus.work import Handlers
from hotspot.contract.packages import PackageChanged
from hotspot.testing.api import EXAMPLE_ID, add_failed_job, check_document, rename_to_example
from hotspot.testing.handling import NOON, run
from hotspot.testing.identity import Keys

from .examples import DAY, bought, package


def test_the_service_is_as_its_document_says(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers
) -> None:
    month = package("subscription", 30 * DAY, "Home 5 Mbps")
    run(handlers, bought(phone="254733000000", terms=month), engine)
    sold = replace(month, package_id=EXAMPLE_ID)
    run(handlers, PackageChanged(code="HOME5", terms=sold, on_sale=True, changed_at=NOON), engine)
    with engine.connect() as connection:
        row = connection.execute(text("SELECT id, user_id FROM subscriptions")).one()
    rename_to_example(engine, row.id, "subscriptions.id")
    rename_to_example(
        engine, row.user_id, "hotspot_users.id", "grants.user_id", "subscriptions.user_id"
    )
    add_failed_job(engine, NOON)

    check_document(client.application, keys.token("owner"))
