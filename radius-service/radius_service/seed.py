"""What a new installation begins with: the routers named in RADIUS_NAS."""

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert

from hotspot.bus.database import connect
from radius_service.config import Config, NasSeed
from radius_service.models import Nas


def run(config: Config) -> int:
    """Insert the routers of RADIUS_NAS that are not in `nas` yet; answers the exit code."""
    engine = connect(config.database_url)
    insert_missing(engine, config.radius_nas)
    engine.dispose()
    return 0


def insert_missing(engine: Engine, seeds: tuple[NasSeed, ...]) -> None:
    """Insert routers. One that is there keeps its secret: an operator may have changed it."""
    if not seeds:
        return
    rows = [
        {
            "nasname": seed.nasname,
            "shortname": seed.nasname,
            "type": "mikrotik",
            "secret": seed.secret,
            "description": "from RADIUS_NAS",
        }
        for seed in seeds
    ]
    with engine.begin() as connection:
        connection.execute(insert(Nas).on_conflict_do_nothing(index_elements=["nasname"]), rows)
