"""The system as docker-compose.yml deploys it, on ports, secrets and networks of its own."""

import json
import os
import random
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hotspot.command import compose_secrets
from hotspot.command.api import Api
from hotspot.command.containers import compose
from hotspot.testing.system import ROOT, System, free_base, free_ports

OWNER, PASSWORD = "owner@hotspot.example", "a password for an hour"
ROUTEROS_PORT = 8728


@dataclass(frozen=True, kw_only=True)
class Network:
    """The routers' network: another one than that of a system which runs beside this."""

    prefix: str

    @property
    def simulators(self) -> str:
        """The address of the stand-ins' container: that of the simulated router."""
        return f"{self.prefix}.10"

    def settings(self) -> dict[str, str]:
        """What docker-compose.yml is told of it."""
        return {
            "ROUTERS_SUBNET": f"{self.prefix}.0/24",
            "ROUTERS_RANGE": f"{self.prefix}.128/25",
            "RADIUS_CONTAINER_ADDRESS": f"{self.prefix}.2",
            "RADIUS_ADDRESS": f"{self.prefix}.2",
            "SIMULATORS_ADDRESS": self.simulators,
            "CONTROLLER_ADDRESSES": f"{self.prefix}.0/24",
        }


@dataclass(kw_only=True)
class Deployed:
    """A running deployment. `system`: the same as tests see it that need no containers."""

    environment: dict[str, str]
    network: Network
    system: System
    scaled: dict[str, int] = field(default_factory=dict)

    @property
    def gateway(self) -> Api:
        """Where guests call."""
        return Api(self.system.gateway)

    @property
    def simulators(self) -> Api:
        """Where the world outside is steered."""
        return Api(self.system.simulators)

    def owner(self) -> Api:
        """The gateway, called by the owner who logged in."""
        body = {"email": OWNER, "password": PASSWORD}
        return self.gateway.with_token(
            str(self.gateway.post("/api/v1/auth/token", body)["access_token"])
        )

    def compose(self, *arguments: str, stdin: str | None = None) -> str:
        """`docker compose ...`; answers what it printed."""
        return self._run([*compose(), *arguments], stdin)

    def docker(self, *arguments: str) -> str:
        """`docker ...`; answers what it printed."""
        return self._run(["docker", *arguments])

    def up(self, *arguments: str) -> None:
        """Start what is to run and does not, and wait until all of it is healthy."""
        scaling = [f"--scale={service}={count}" for service, count in self.scaled.items()]
        self.compose("up", "--detach", "--wait", "--wait-timeout=240", *scaling, *arguments)

    def containers(self, service: str) -> list[str]:
        """The ids of a service's running containers."""
        return self.compose("ps", "--quiet", service).split()

    def inspect(self, container: str) -> dict[str, Any]:
        """All that the engine knows of a container."""
        found: dict[str, Any] = json.loads(self.docker("inspect", container))[0]
        return found

    def python(self, service: str, program: str, *arguments: str) -> str:
        """Run a program in a container of a service; answers what it printed."""
        return self.compose("exec", "-T", service, "python", "-c", program, *arguments).strip()

    def kill(self, container: str) -> None:
        """End a container's process as a crash does: `docker kill` would count as a stop by hand.

        From a container that sees all processes of the engine's machine, wherever that is.
        """
        pid = self.inspect(container)["State"]["Pid"]
        image = self.inspect(container)["Image"]
        self.docker(
            *("run", "--rm", "--pid=host", "--user=0", "--network=none", "--entrypoint=sh"),
            *(image, "-c", f"kill -9 {pid}"),
        )

    def add_owner(self) -> None:
        """Make the owner's account, as docs/compose.md says."""
        self.compose(
            *("exec", "-T", "gateway-web", "python", "-P", "-m", "hotspot.serve"),
            *("gateway", "operator", "--email", OWNER, "--role", "owner"),
            stdin=f"{PASSWORD}\n",
        )

    def _run(self, command: list[str], stdin: str | None = None) -> str:
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout


@contextmanager
def deployed(folder: Path) -> Iterator[Deployed]:
    """The demo's deployment, with secrets in this folder; nothing of it is left at the end."""
    settings = folder / "env"
    compose_secrets.make(folder / "secrets", settings, demo=True)
    base = free_base()
    auth, acct = free_ports(2, socket.SOCK_DGRAM)
    network = Network(prefix=f"10.{random.randrange(64, 200)}.{random.randrange(1, 250)}")
    made = Deployed(
        environment={
            "COMPOSE_ENV_FILES": str(settings),
            "COMPOSE_PROFILES": "demo",
            "SECRETS_DIR": str(folder / "secrets"),
            "GATEWAY_PORT": str(base),
            "PAYMENT_PORT": str(base + 1),
            "ROUTER_PORT": str(base + 3),
            "NOTIFICATION_PORT": str(base + 5),
            "SIMULATORS_PORT": str(base + 100),
            "RADIUS_AUTH_PORT": str(auth),
            "RADIUS_ACCT_PORT": str(acct),
            "PORTAL_URL": f"http://127.0.0.1:{base}",
            **network.settings(),
        },
        network=network,
        system=System(base=base, home=folder, ports={"auth": auth, "acct": acct}),
    )
    _allow(folder / "secrets" / "radius_nas", network)
    is_up = False
    try:
        made.up()
        made.add_owner()
        is_up = True
        yield made
    finally:
        if not is_up:  # why not, before it is gone
            print(made.compose("logs", "--no-color", "--tail=40"))  # noqa: T201
        made.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")


def _allow(nas: Path, network: Network) -> None:
    """The stand-in of a router is at another address than in a demo."""
    address, _, secret = nas.read_text().partition("=")
    assert address == compose_secrets.SIMULATORS_ADDRESS
    nas.write_text(f"{network.simulators}={secret}")
