"""What the OpenAPI document says of this service holds."""

from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from hotspot.bus.work import Handlers
from hotspot.testing.api import add_failed_job, check_document, rename_to_example
from hotspot.testing.handling import NOON, run
from hotspot.testing.identity import Keys
from hotspot.vault import Vault

from .fakes import credentials


def test_the_service_is_as_its_document_says(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers, vault: Vault
) -> None:
    run(handlers, credentials(vault), engine)
    with engine.connect() as connection:
        sms_id = connection.execute(text("SELECT id FROM messages")).scalar_one()
    rename_to_example(engine, sms_id, "messages.id")
    add_failed_job(engine, NOON)

    check_document(client.application, keys.token("owner"))
