"""Whether this container's process is alive: `python -m hotspot.healthy` (exit 0 or 1).

For images' HEALTHCHECK, every few seconds: so it imports next to nothing. Web processes answer on
PORT, all others on HEALTH_PORT; `--ready` asks whether all is there that the process needs, too.
"""

import os
import socket
import sys
from collections.abc import Mapping

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # as HOST says it
WITHIN_SECONDS = 4.0


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """0 where the process says that it is well; else what it said goes to standard error."""
    path = "/health/ready" if arguments == ["--ready"] else "/health/live"
    host = environ.get("HOST", "")
    host = LOOPBACK if host in EVERYWHERE else host
    said = ""
    for name in ("PORT", "HEALTH_PORT"):
        port = environ.get(name, "")
        if port.isdigit():
            try:
                said = ask(int(port), path, host)
            except OSError as error:
                said = said or f"{name}={port}: {error}"
            else:
                break
    status = said.partition("\r\n")[0].split(" ")
    if status[1:2] == ["200"]:
        return 0
    sys.stderr.write(f"{said or 'neither PORT nor HEALTH_PORT is set'}\n")
    return 1


def ask(port: int, path: str, host: str = LOOPBACK) -> str:
    """The whole answer to a GET. Raises OSError."""
    with socket.create_connection((host, port), timeout=WITHIN_SECONDS) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(4096):
            answer += part
    return answer.decode(errors="replace")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:], os.environ))
