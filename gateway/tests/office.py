"""An office in a test: people with accounts, and what they ask the gateway."""

from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from gateway import operators
from gateway.models import Operator
from gateway.operators import Passwords
from hotspot.testing.handling import NOON
from hotspot.testing.identity import Keys

PASSWORD = "correct horse battery"
HERE, ELSEWHERE = "10.0.0.1", "203.0.113.9"


@dataclass(frozen=True, kw_only=True)
class Office:
    """The gateway, and who works with it."""

    app: Flask
    engine: Engine
    keys: Keys
    passwords: Passwords

    def employ(self, email: str, role: str = "owner") -> str:
        """Somebody with an account; answers its id."""
        operators.save(
            self.engine,
            email=email,
            role=role,
            password=PASSWORD,
            now=NOON,
            passwords=self.passwords,
        )
        with Session(self.engine) as session:
            wanted = select(Operator.id).where(Operator.email == email)
            return str(session.scalars(wanted).one())

    def token(self, operator_id: str, role: str = "owner") -> dict[str, str]:
        """The headers of somebody who has logged in."""
        return {"Authorization": f"Bearer {self.keys.token(role, subject=operator_id)}"}

    def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        *,
        json: object = None,
        address: str = HERE,
    ) -> TestResponse:
        """Ask the gateway something."""
        return self.app.test_client().open(
            f"/api/v1{path}",
            method=method,
            headers=headers or {},
            json=json,
            environ_overrides={"REMOTE_ADDR": address},
        )

    def log_in(
        self,
        email: str,
        password: str = PASSWORD,
        *,
        address: str = HERE,
        device_token: str | None = None,
    ) -> TestResponse:
        """Try a password."""
        body = {"email": email, "password": password, "device_token": device_token}
        return self.ask("POST", "/auth/token", json=body, address=address)

    def rows(self, query: str, **values: object) -> list[Any]:
        """Rows of the gateway's database."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), values).all())
