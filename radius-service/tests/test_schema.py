"""The migrated database: the models, and FreeRADIUS's own names."""

import pytest

from hotspot.migrate import differences
from radius_service.models import metadata

from .world import Database

FREERADIUS = {
    "radcheck": "id username attribute op value",
    "radreply": "id username attribute op value",
    "radgroupcheck": "id groupname attribute op value",
    "radgroupreply": "id groupname attribute op value",
    "radusergroup": "id username groupname priority",
    "radacct": "radacctid acctsessionid acctuniqueid username realm nasipaddress nasportid"
    " nasporttype acctstarttime acctupdatetime acctstoptime acctinterval acctsessiontime"
    " acctauthentic connectinfo_start connectinfo_stop acctinputoctets acctoutputoctets"
    " calledstationid callingstationid acctterminatecause servicetype framedprotocol"
    " framedipaddress framedipv6address framedipv6prefix framedinterfaceid"
    " delegatedipv6prefix class",
    "radpostauth": "id username pass reply calledstationid callingstationid authdate class",
    "nas": "id nasname shortname type ports secret server community description",
}


def test_models_and_migrations_agree(radius: Database) -> None:
    with radius.engine.connect() as connection:
        assert differences(connection, metadata) == []


@pytest.mark.parametrize("table", FREERADIUS)
def test_tables_have_the_columns_of_freeradius(radius: Database, table: str) -> None:
    columns = radius.rows(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = :table ORDER BY ordinal_position",
        table=table,
    )
    assert [name for (name,) in columns] == FREERADIUS[table].split()


def test_no_server_can_keep_a_clear_password_in_radpostauth(radius: Database) -> None:
    radius.execute(
        "INSERT INTO radpostauth (username, pass, reply) VALUES ('a', 'secret', 'Access-Reject')"
    )
    assert radius.rows("SELECT pass FROM radpostauth") == [(None,)]
