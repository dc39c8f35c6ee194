"""The stand-ins as they are run: one process, real sockets, SIGTERM."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from simulators.tests.test_control import ENVIRONMENT

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 20.0


def free_port(kind: socket.SocketKind) -> str:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return str(sock.getsockname()[1])


def start(**settings: str) -> "subprocess.Popen[str]":
    search = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)}
    return subprocess.Popen(
        [sys.executable, "-m", "simulators"],
        cwd=CHECKOUT,
        env={**search, **settings},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def environment() -> dict[str, str]:
    return {
        **ENVIRONMENT,
        "SIMULATORS_PORT": free_port(socket.SOCK_STREAM),
        "SIMULATORS_COA_PORT": free_port(socket.SOCK_DGRAM),
        "SIMULATORS_ROUTEROS_PORT": free_port(socket.SOCK_STREAM),
        "LOG_LEVEL": "ERROR",
    }


@pytest.fixture
def process(environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    started = start(**environment)
    try:
        wait_until_ready(environment)
        yield started
    finally:
        started.kill()
        started.communicate()


def wait_until_ready(environment: dict[str, str]) -> None:
    deadline = time.monotonic() + PATIENCE
    address = ("127.0.0.1", int(environment["SIMULATORS_PORT"]))
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            if sock.connect_ex(address) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("not ready in time")


def test_it_hangs_up_when_down_and_ends_on_sigterm(
    environment: dict[str, str], process: "subprocess.Popen[str]"
) -> None:
    url = f"http://127.0.0.1:{environment['SIMULATORS_PORT']}"
    with requests.Session() as http:
        http.trust_env = False
        assert http.get(f"{url}/health/ready", timeout=5).status_code == 200
        http.post(f"{url}/sms/behaviour", json={"mode": "down"}, timeout=5)
        with pytest.raises(requests.ConnectionError):
            http.post(f"{url}/africastalking/version1/messaging", timeout=5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def test_a_second_copy_on_the_same_port_says_which(
    environment: dict[str, str], process: "subprocess.Popen[str]"
) -> None:
    assert process.poll() is None
    second = start(
        **{
            **environment,
            "SIMULATORS_COA_PORT": free_port(socket.SOCK_DGRAM),
            "SIMULATORS_ROUTEROS_PORT": free_port(socket.SOCK_STREAM),
        }
    )
    _, said = second.communicate(timeout=PATIENCE)
    assert second.returncode == 1
    assert f"SIMULATORS_PORT={environment['SIMULATORS_PORT']}" in said


def test_it_does_not_start_without_its_settings() -> None:
    process = start(SIMULATORS_PORT="8100")
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "DARAJA_PASSKEY is missing" in said
