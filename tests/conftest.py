"""One running system for all tests of the whole."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .system import System, free_base, free_udp_ports


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """Everything, started by the command with the simulators, on ports of its own."""
    auth, acct, coa = free_udp_ports(3)
    (routeros,) = free_udp_ports(1)
    base = free_base()
    with tempfile.TemporaryDirectory(prefix="hotspot-system-") as home:
        Path(home).chmod(0o755)
        running = System(
            base=base,
            home=Path(home),
            ports={"auth": auth, "acct": acct},
            environment={
                "HOTSPOT_HOME": home,
                "HOTSPOT_PORT_BASE": str(base),
                "HOTSPOT_RADIUS_AUTH_PORT": str(auth),
                "HOTSPOT_RADIUS_ACCT_PORT": str(acct),
                "HOTSPOT_COA_PORT": str(coa),
                "HOTSPOT_ROUTEROS_PORT": str(routeros),
            },
        )
        started = running.command("up", "--detach", check=False)
        try:
            assert started.returncode == 0, started.stdout + started.stderr
            yield running
        finally:
            running.command("down", check=False)
            _assert_nothing_is_left(home)


def _assert_nothing_is_left(home: str) -> None:
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    left = [line for line in listed.stdout.splitlines() if home in line and "ps -eo" not in line]
    assert not left, f"{os.linesep.join(left)} outlived `down`"
