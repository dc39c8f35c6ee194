"""One process that serves several services, each on its own port."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine

from hotspot.testing.brokers import wait_for
from hotspot.testing.identity import Keys

SERVICES = ("provisioning", "scheduler")


@pytest.fixture
def ports() -> dict[str, int]:
    """A free port for each."""
    sockets = {service: socket.socket() for service in SERVICES}
    for one in sockets.values():
        one.bind(("127.0.0.1", 0))
    found = {service: int(one.getsockname()[1]) for service, one in sockets.items()}
    for one in sockets.values():
        one.close()
    return found


@pytest.fixture
def said(tmp_path: Path) -> Path:
    """What the process says on standard error."""
    return tmp_path / "stderr"


@pytest.fixture
def running(
    ports: dict[str, int], database: Callable[[str], Engine], amqp_url: str, keys: Keys, said: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Two services' web process."""
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    for service, port in ports.items():
        url = database(service).url.render_as_string(hide_password=False)
        settings = {
            "DATABASE_URL": re.sub(r"^postgresql\+psycopg", "postgresql", url),
            "AMQP_URL": amqp_url,
            "PORT": str(port),
            "ENCRYPTION_KEYS": keys.encryption[0],
            "JWT_PUBLIC_KEY": keys.public_pem,
        }
        environment |= {f"{service.upper()}__{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "hotspot.serve", ",".join(SERVICES), "web"]
    with said.open("wb") as stderr:
        process = subprocess.Popen(command, env=environment, stderr=stderr)
    yield process
    process.kill()
    process.wait()


def test_each_service_answers_on_its_own_port(
    running: "subprocess.Popen[bytes]", ports: dict[str, int], said: Path
) -> None:
    def status(service: str, path: str) -> int | None:
        assert running.poll() is None
        try:
            return requests.get(f"http://127.0.0.1:{ports[service]}{path}", timeout=10).status_code
        except requests.ConnectionError:
            return None

    wait_for(lambda: all(status(service, "/health/ready") == 200 for service in SERVICES))
    found = {service: status(service, "/api/v1/schedules") for service in SERVICES}
    assert found == {"provisioning": 404, "scheduler": 401}

    with closing(HTTPConnection("127.0.0.1", ports["scheduler"], timeout=30)) as kept_for_more:
        kept_for_more.request("GET", "/health/live")
        assert kept_for_more.getresponse().read()
        running.send_signal(signal.SIGTERM)

        assert running.wait(timeout=30) == 0
    assert "graceful timeout" not in said.read_text()


def test_a_worker_is_of_one_service(capsys: pytest.CaptureFixture[str]) -> None:
    from hotspot.serve import main

    with pytest.raises(SystemExit):
        main(["payment,radius", "migrate"])
    assert "only `web` serves several services" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["payment,pigeon", "web"])
    assert "pigeon" in capsys.readouterr().err
