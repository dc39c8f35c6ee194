"""A whole running system under test, and the people around it."""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import jwt
import requests

from hotspot.web.auth import ALGORITHM, ISSUER

T = TypeVar("T")

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 60


@dataclass(kw_only=True)
class System:
    """Started by the command, as anyone would; talked to over HTTP and UDP only."""

    base: int
    home: Path
    ports: dict[str, int]
    environment: dict[str, str] = field(default_factory=dict)
    _phones: int = 0

    @property
    def gateway(self) -> str:
        """Where guests and operators call."""
        return f"http://127.0.0.1:{self.base}"

    @property
    def simulators(self) -> str:
        """Where the world outside is steered."""
        return f"http://127.0.0.1:{self.base + 100}"

    def command(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run `./hotspot ...` against this system."""
        done = subprocess.run(
            [sys.executable, "-m", "hotspot.command", *arguments],
            env={**os.environ, **self.environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def get(self, path: str, **options: Any) -> Any:
        """GET at the gateway."""
        return requests.get(self.gateway + path, timeout=30, **options)

    def post(self, path: str, **options: Any) -> Any:
        """POST at the gateway."""
        return requests.post(self.gateway + path, timeout=30, **options)

    def steer(self, path: str, **body: Any) -> Any:
        """POST at the simulators."""
        answer = requests.post(self.simulators + path, json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def state(self) -> dict[str, Any]:
        """What the world outside has seen."""
        seen: dict[str, Any] = requests.get(self.simulators + "/state", timeout=30).json()
        return seen

    def new_phone(self) -> str:
        """A phone number that nobody used yet."""
        self._phones += 1
        return f"2547{(os.getpid() % 1000):03d}{self._phones:05d}"

    def package(self, name: str | None = None) -> dict[str, Any]:
        """A package on sale: the first, or the one of this name."""
        items = self.get("/api/v1/packages").json()["items"]
        found: dict[str, Any] = next(item for item in items if name is None or item["name"] == name)
        return found

    def buy(self, phone: str, **more: Any) -> "Purchase":
        """A guest buys; the prompt is on its way."""
        package = more.pop("package", None) or self.package()
        body = {"package_id": package["id"], "phone": phone, **more}
        answer = self.post("/api/v1/payments", json=body)
        assert answer.status_code == 202, answer.text
        return Purchase(system=self, phone=phone, **_picked(answer.json()))

    def sms_to(self, phone: str) -> list[dict[str, Any]]:
        """What a phone received."""
        return [one for one in self.state()["sms"] if one["to"].lstrip("+") == phone]

    def radclient(self, *lines: str, port: str = "auth", kind: str = "auth") -> str:
        """Send a RADIUS packet with Debian's radclient; answers what it printed."""
        done = subprocess.run(
            [
                "radclient",
                "-x",
                "-r",
                "1",
                "-t",
                "5",
                f"127.0.0.1:{self.ports[port]}",
                kind,
                "testing123",
            ],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stdout + done.stderr

    def login(self, username: str, password: str, *, chap: bool = False) -> str:
        """Try a login by PAP or CHAP; answers radclient's output."""
        kind = "CHAP-Password" if chap else "User-Password"
        return self.radclient(
            f'User-Name = "{username}"',
            f'{kind} = "{password}"',
            "NAS-IP-Address = 127.0.0.1",
            'Calling-Station-Id = "02:00:5E:10:00:99"',
            "Message-Authenticator = 0x00",
        )

    def processes(self, name: str) -> list[int]:
        """The ids of this system's running processes whose names begin so."""
        lines = [line.split() for line in self.command("status", check=False).stdout.splitlines()]
        rows = [line for line in lines if len(line) > 3]  # what is about to start has no pid yet
        return [int(row[3]) for row in rows if row[1].startswith(name) and row[3].isdigit()]

    def owner(self) -> dict[str, str]:
        """The Authorization header of an owner."""
        now = datetime.now(UTC)
        claims = {
            "sub": "test@hotspot.example",
            "role": "owner",
            "type": "access",
            "iss": ISSUER,
            "iat": now,
            "exp": now + timedelta(minutes=5),
        }
        key = self.setting("gateway-web", "JWT_PRIVATE_KEY").replace("\\n", "\n")
        return {"Authorization": f"Bearer {jwt.encode(claims, key, algorithm=ALGORITHM)}"}

    def database_url(self, service: str) -> str:
        """A service's own database, as its processes see it."""
        return self.setting(f"{service}-general-1", "DATABASE_URL")

    def setting(self, process: str, name: str) -> str:
        """A setting as one of the processes was given it."""
        environments = json.loads((self.home / "run" / "environments.json").read_text())
        return str(environments[process]["environment"][name])


@dataclass(kw_only=True)
class Purchase:
    """A payment as its guest's phone sees it."""

    system: System
    phone: str
    id: str
    claim_token: str

    def look(self) -> dict[str, Any]:
        """The payment now."""
        headers = {"Authorization": f"Bearer {self.claim_token}"}
        answer = self.system.get(f"/api/v1/payments/{self.id}", headers=headers)
        assert answer.status_code == 200, answer.text
        seen: dict[str, Any] = answer.json()
        return seen

    def wait(self, status: str) -> dict[str, Any]:
        """Until the payment has this status."""
        return wait_for(lambda: self._if(lambda seen: seen["status"] == status), self.look)

    def wait_access(self, *states: str) -> dict[str, Any]:
        """Until the access is in one of these states."""

        def there(seen: dict[str, Any]) -> bool:
            return bool(seen["access"]) and seen["access"]["state"] in states

        return wait_for(lambda: self._if(there), self.look)

    def prompt(self) -> dict[str, Any]:
        """The prompt on the phone."""
        return wait_for(
            lambda: next(
                (one for one in self.system.state()["prompts"] if one["phone"] == self.phone), None
            )
        )

    def _if(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        seen = self.look()
        return seen if wanted(seen) else None


def paid_callback(prompt: dict[str, Any]) -> dict[str, Any]:
    """What M-Pesa posts when a prompt was paid."""
    receipt = "TST" + prompt["checkout_request_id"][-7:]
    return {
        "Body": {
            "stkCallback": {
                "MerchantRequestID": prompt["merchant_request_id"],
                "CheckoutRequestID": prompt["checkout_request_id"],
                "ResultCode": 0,
                "ResultDesc": "The service request is processed successfully.",
                "CallbackMetadata": {
                    "Item": [
                        {"Name": "Amount", "Value": float(prompt["amount"])},
                        {"Name": "MpesaReceiptNumber", "Value": receipt},
                        {"Name": "PhoneNumber", "Value": int(prompt["phone"])},
                    ]
                },
            }
        }
    }


@contextmanager
def started() -> Iterator[System]:
    """A system of its own, started by the command with the simulators, and stopped at the end."""
    auth, acct, coa = free_ports(3, socket.SOCK_DGRAM)
    (routeros,) = free_ports(1, socket.SOCK_STREAM)
    base = free_base()
    within = os.environ.get("HOTSPOT_TEST_HOME")  # in memory, where `./hotspot test` says so
    with tempfile.TemporaryDirectory(prefix="hotspot-system-", dir=within) as home:
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
        begun = running.command("up", "--detach", check=False)
        try:
            assert begun.returncode == 0, begun.stdout + begun.stderr
            yield running
        finally:
            running.command("down", check=False)
            _assert_nothing_is_left(home)


def _assert_nothing_is_left(home: str) -> None:
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    left = [line for line in listed.stdout.splitlines() if home in line and "ps -eo" not in line]
    assert not left, f"{os.linesep.join(left)} outlived `down`"


def wait_for(look: Callable[[], T | None], explain: Callable[[], object] | None = None) -> T:
    """Look until there is something to see."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (seen := look()):
        assert time.monotonic() < end, f"waited in vain: {explain() if explain else ''}"
        time.sleep(0.05)
    return seen


def free_base() -> int:
    """A port base whose ports nobody uses."""
    bases = range(18000, 30000, 1000)
    for base in random.sample(bases, len(bases)):  # two that start at once take different ones
        if all(_is_free(base + offset) for offset in (*range(7), *range(20, 24), 30, 100)):
            return base
    raise AssertionError("no free ports on this machine")


def free_ports(count: int, kind: socket.SocketKind) -> list[int]:
    """UDP or TCP ports that nobody uses."""
    sockets = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _picked(body: dict[str, Any]) -> dict[str, Any]:
    return {"id": body["id"], "claim_token": body["claim_token"]}
