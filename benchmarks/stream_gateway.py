"""A gateway as it is served, and the worker that hears its events: two processes of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from sqlalchemy import Engine, text

from hotspot.bus.envelope import Parcel, enclose
from hotspot.bus.rabbit import RabbitTransport
from hotspot.clock import utc_now
from hotspot.contract.sms import SmsDelivered
from hotspot.ids import new_id
from hotspot.testing.brokers import vhost, wait_for
from hotspot.testing.databases import Databases
from hotspot.testing.identity import Keys

NOBODY = "http://127.0.0.1:9"
# tcp_states.h of Linux: ESTABLISHED, and CLOSE_WAIT where only the client has gone
_HELD = ("01", "08")
SERVICES = ("PAYMENT", "PROVISIONING", "RADIUS", "NOTIFICATION", "ROUTER", "SCHEDULER")


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A gateway that answers, and the bus that leads to it."""

    port: int
    pid: int
    token: str
    engine: Engine
    transport: RabbitTransport

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def publish(self, count: int) -> dict[str, float]:
        """Tell the bus so many events; when each was, by its id. Confirmed by the broker."""
        parcels = []
        for _ in range(count):
            event = SmsDelivered(sms_id=new_id(), phone="254712345678", delivered_at=utc_now())
            envelope = enclose(event, sender="notification", now=utc_now())
            parcels.append(Parcel.of(event, envelope))
        began = time.monotonic()
        self.transport.publish(parcels)
        return {str(parcel.envelope.message_id): began for parcel in parcels}

    def wait_until_recorded(self, published: dict[str, float]) -> None:
        """Until the gateway's worker has kept the last of them."""
        wanted = text("SELECT count(*) FROM events WHERE message_id = cast(:id AS uuid)")
        last = {"id": list(published)[-1]}

        def is_kept() -> bool:
            with self.engine.connect() as connection:
                return bool(connection.scalar(wanted, last))

        wait_for(is_kept)

    def kilobytes(self) -> int:
        """The memory that is this process's own share (PSS)."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:")

    def connections(self) -> int:
        """How many clients it holds a connection of."""
        table = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]
        rows = [line.split() for line in table]
        return sum(row[1].endswith(f":{self.port:04X}") and row[3] in _HELD for row in rows)


@contextmanager
def gateway(patience: float) -> Iterator[Gateway]:
    """On a database and a virtual host of its own, ready to be asked."""
    databases = Databases(os.environ["TEST_DATABASE_ADMIN_URL"])
    with ExitStack() as stack:
        management_url = os.environ["TEST_RABBITMQ_MANAGEMENT_URL"]
        amqp_url = stack.enter_context(vhost(os.environ["TEST_AMQP_URL"], management_url))
        stack.callback(databases.drop_all)
        engine, keys = databases.fresh("gateway"), _keys()
        transport = RabbitTransport(amqp_url, "bench")
        stack.callback(transport.close)
        transport.wait_until_up(30)
        port = _free_port()
        environ = _environ(engine, amqp_url, keys, port)
        environ["STREAM_PATIENCE_SECONDS"] = str(patience)
        web = stack.enter_context(_process(["web"], environ))
        stack.enter_context(_process(["worker", "--group", "general"], environ))
        wait_for(lambda: _is_ready(port))
        token = keys.token("viewer")
        yield Gateway(port=port, pid=web, token=token, engine=engine, transport=transport)


def _environ(engine: Engine, amqp_url: str, keys: Keys, port: int) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": engine.url.set(drivername="postgresql").render_as_string(False),
        "AMQP_URL": amqp_url,
        "PORT": str(port),
        "LOG_LEVEL": "ERROR",
        "ENCRYPTION_KEYS": keys.encryption[0],
        "JWT_PUBLIC_KEY": keys.public_pem,
        "JWT_PRIVATE_KEY": keys.private_pem,
        **{f"{service}_URL": NOBODY for service in SERVICES},
    }


def _keys() -> Keys:
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Keys(
        encryption=(Fernet.generate_key().decode(),),
        private_pem=secret.decode(),
        public_pem=public.decode(),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).ok
    except requests.ConnectionError:
        return False


@contextmanager
def _process(role: list[str], environ: dict[str, str]) -> Iterator[int]:
    command = [sys.executable, "-P", "-m", "hotspot.serve", "gateway", *role]
    with subprocess.Popen(command, env=environ) as process:
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
