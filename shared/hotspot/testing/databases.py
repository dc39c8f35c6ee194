"""A fresh, migrated database for each test: cloned from a template, so that it costs little."""

import uuid
from dataclasses import dataclass, field

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from hotspot.bus.database import connect
from hotspot.migrate import migrate
from hotspot.serve import package_of


@dataclass
class Databases:
    """Makes databases on the server of TEST_DATABASE_ADMIN_URL, and drops them again."""

    admin_url: str
    _templates: dict[str, str] = field(default_factory=dict)
    _made: list[str] = field(default_factory=list)
    _engines: list[Engine] = field(default_factory=list)
    _server: Engine = field(init=False)

    def __post_init__(self) -> None:
        """One connection for all orders: to make one takes as long as half a database."""
        url = make_url(self.admin_url).set(drivername="postgresql+psycopg")
        self._server = create_engine(url, pool_size=1, isolation_level="AUTOCOMMIT")

    def fresh(self, service: str) -> Engine:
        """A new database with the service's newest schema."""
        if service not in self._templates:
            template = self._create(f"template_{service}")
            engine = connect(self._url(template))
            migrate(engine, package_of(service))
            engine.dispose()
            self._templates[service] = template
        engine = connect(self._url(self._create(service, self._templates[service])), pool_size=20)
        self._engines.append(engine)
        return engine

    def empty(self) -> Engine:
        """A new database with nothing in it."""
        engine = connect(self._url(self._create("empty")))
        self._engines.append(engine)
        return engine

    def drop(self) -> None:
        """Drop what was made since the last call, templates excepted."""
        for engine in self._engines:
            engine.dispose()
        self._engines.clear()
        self._drop([name for name in self._made if name not in self._templates.values()])

    def drop_all(self) -> None:
        """Drop everything that was made."""
        self.drop()
        self._drop(list(self._made))
        self._server.dispose()

    def _drop(self, names: list[str]) -> None:
        for name in names:
            self._admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            self._made.remove(name)

    def _create(self, purpose: str, template: str = "template0") -> str:
        name = f"test_{purpose}_{uuid.uuid4().hex[:12]}"
        self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        self._made.append(name)
        return name

    def _url(self, name: str) -> str:
        url = make_url(self.admin_url).set(drivername="postgresql+psycopg", database=name)
        return url.render_as_string(hide_password=False)

    def _admin(self, statement: str) -> None:
        with self._server.connect() as connection:
            connection.execute(text(statement))
