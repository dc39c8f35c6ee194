"""What an operator tells M-Pesa, by payment-service's own program on this machine."""

import subprocess
import sys

from hotspot.command.errors import Unable
from hotspot.command.system import Running


def register_urls(running: Running) -> str:
    """Have M-Pesa report C2B payments to this copy; what it said. Raises Unable."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "hotspot.serve", "payment", "register-urls"],
        env=dict(running.environments["payment-web"]),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().removeprefix("hotspot: ")
        raise Unable(said or "M-Pesa was not told, for a reason that nobody gave.")
    return done.stdout.strip()
