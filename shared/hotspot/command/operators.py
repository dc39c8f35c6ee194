"""Operator accounts, made by the gateway's own program on this machine."""

import subprocess
import sys

from hotspot.command.errors import Unable
from hotspot.command.home import Home
from hotspot.command.system import Running


def add(home: Home, running: Running, *, email: str, role: str, password: str) -> None:
    """Make or update an account. Raises Unable with what the program said."""
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "hotspot.serve", "gateway", "operator"),
            *("--email", email, "--role", role),
        ],
        env=dict(running.environments["gateway-web"]),
        input=f"{password}\n",
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines() or ["no reason given"]
        raise Unable(f"The account {email} was not made: {reason[-1]}")
