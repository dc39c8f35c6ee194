"""The stand-ins for the world outside, as a process of their own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

CHECKOUT = Path(__file__).parents[3]
PATIENCE_SECONDS = 20.0
_FROM_THE_BOX = {"factory": "hap", "radius_timeout_ms": 50}
_SECRETS = ("DARAJA_CONSUMER_KEY", "DARAJA_CONSUMER_SECRET", "DARAJA_PASSKEY", "SMS_API_KEY")


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(kw_only=True)
class Simulators:
    """The world outside, steered over HTTP."""

    url: str
    api_port: int
    _session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self._session.trust_env = False

    def post(self, path: str, **body: object) -> Any:
        """Steer."""
        answer = self._session.post(self.url + path, json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def browse(self, path: str) -> requests.Response:
        """What a guest's browser gets from its router, after redirects."""
        return self._session.get(self.url + path, timeout=10)

    def plug_in(self, address: str, **plan: object) -> str:
        """A router out of its box; answers its id in the stand-ins."""
        (made,) = self.post("/routers", **{**_FROM_THE_BOX, "nas_ip": address, **plan})["ids"]
        return str(made)

    @classmethod
    @contextmanager
    def started(cls) -> Iterator["Simulators"]:
        """A process of its own, until the end of the block."""
        ports = {
            f"SIMULATORS_{name}PORT": str(free_port())
            for name in ("", "RADIUS_AUTH_", "RADIUS_ACCT_", "COA_", "ROUTEROS_")
        }
        texts = dict.fromkeys(_SECRETS, "secret") | {"DARAJA_SHORTCODE": "174379"}
        process = subprocess.Popen(
            [sys.executable, "-m", "simulators"],
            cwd=CHECKOUT,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(CHECKOUT),
                "RADIUS_SECRET": "testing123",
                "SMS_USERNAME": "sandbox",
                "LOG_LEVEL": "ERROR",
                **texts,
                **ports,
            },
        )
        try:
            _wait_for(int(ports["SIMULATORS_PORT"]))
            running = cls(
                url=f"http://127.0.0.1:{ports['SIMULATORS_PORT']}",
                api_port=int(ports["SIMULATORS_ROUTEROS_PORT"]),
            )
            yield running
            running._session.close()
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the stand-ins did not start")
