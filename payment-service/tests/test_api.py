"""What the OpenAPI document says of this service holds."""

from flask.testing import FlaskClient
from sqlalchemy import select

from hotspot.testing.api import EXAMPLE_ID, add_failed_job, check_document, rename_to_example
from hotspot.testing.handling import NOON
from hotspot.testing.identity import Keys
from payment_service.models import Package

from .shop import Shop
from .stall import Stall
from .test_importing import importing, row


def test_the_service_is_as_its_document_says(client: FlaskClient, keys: Keys, market: Shop) -> None:
    with market.engine.connect() as connection:
        package_id = connection.scalars(select(Package.id).where(Package.kind == "hotspot")).first()
    assert package_id is not None
    rename_to_example(market.engine, package_id, "packages.id")
    market.completed()
    market.request(payment_id=EXAMPLE_ID)
    stall = Stall(shop=market)
    stall.batch(2, batch_id=EXAMPLE_ID)
    rename_to_example(market.engine, stall.vouchers(EXAMPLE_ID)[0].id, "vouchers.id")
    market.engine_run(
        "UPDATE vouchers SET code = '4KCX9-DM7RH-PWT3V' WHERE id = :id", id=EXAMPLE_ID
    )
    market.run(importing(row("UKM7RT61SV"), statement_id=EXAMPLE_ID))
    add_failed_job(market.engine, NOON)

    check_document(client.application, keys.token("owner"))
