"""Gateways in the test's hand, and messages as other services send them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

from hotspot.contract.sms import SendCredentialsSMSJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON
from hotspot.vault import Vault
from notification_service.gateways import Accepted, Refused

PHONE = "254712345678"
PASSWORD = "4kxjmpw9"


class WorkerKilled(BaseException):
    """As SIGKILL: nothing in the process handles it."""


@dataclass
class FakeGateway:
    """Answers with what stands next in `answers`, and takes everything once they are used up.

    `during` is called while a message is being sent.
    """

    answers: list[Accepted | Refused | BaseException] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    during: Callable[[], object] = lambda: None
    provider: str = "africastalking"

    def send(self, phone: str, text: str) -> Accepted | Refused:
        """Take it, or not."""
        self.sent.append((phone, text))
        self.during()
        taken = Accepted(provider_message_id=f"ATXid_{len(self.sent)}")
        answer = self.answers.pop(0) if self.answers else taken
        if isinstance(answer, BaseException):
            raise answer
        return answer


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as the gateway got it."""

    path: str
    headers: dict[str, str]
    body: str


class GatewayServer:
    """An HTTP server that answers every POST alike. No status: it hangs up without an answer."""

    def __init__(self) -> None:
        self.status: int | None = 200
        self.body = ""
        self.delay = 0.0
        self.asked: list[Asked] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                body = self.rfile.read(length).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append(Asked(path=self.path, headers=headers, body=body))
                time.sleep(outer.delay)
                if outer.status is None:
                    self.close_connection = True
                    return
                payload = outer.body.encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, status: int | None, body: str = "", *, delay: float = 0.0) -> None:
        """From now on."""
        self.status, self.body, self.delay = status, body, delay

    def close(self) -> None:
        """Stop listening; the port refuses from then on."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


def credentials(
    vault: Vault,
    *,
    payment_id: UUID | None = None,
    package_name: str = "1 hour",
    until: datetime = NOON + timedelta(hours=1),
    again: bool = False,
) -> SendCredentialsSMSJob:
    """What provisioning-service asks for once the login works."""
    return SendCredentialsSMSJob(
        payment_id=payment_id or new_id(),
        user_id=new_id(),
        phone=PHONE,
        username="0712345678",
        sealed_password=vault.seal(PASSWORD),
        package_name=package_name,
        until=until,
        again=again,
    )
