"""What the OpenAPI document says of this service holds."""

from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract.routers import BackUpRouterJob, RouterProvisioningJob
from hotspot.ids import new_id
from hotspot.testing.api import EXAMPLE_ID, add_failed_job, check_document, rename_to_example
from hotspot.testing.handling import NOON, run
from hotspot.testing.identity import Keys

from .test_registration import register


def test_the_service_is_as_its_document_says(
    client: FlaskClient, keys: Keys, engine: Engine, handlers: Handlers
) -> None:
    router = register(client, keys, name="Westlands").json["id"]
    rename_to_example(engine, router, "routers.id")
    job = BackUpRouterJob(router_id=EXAMPLE_ID, backup_id=new_id(), requested_at=NOON)
    run(handlers, job, engine)
    run(handlers, RouterProvisioningJob(router_id=EXAMPLE_ID, run_id=new_id()), engine)
    add_failed_job(engine, NOON)

    check_document(client.application, keys.token("owner"))
