"""Debian packages that the system needs, installed where that is possible without asking.

Standard library only: it runs before the virtual environment exists.
"""

import os
import shutil
import subprocess
from collections.abc import Callable

from hotspot.command import quiet
from hotspot.command.errors import Unable

# One script, so that one `sudo -n` does for all of it. A package's own service must not start:
# RabbitMQ's would take port 5672 on all addresses, at every boot, unasked.
_SCRIPT = r"""
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
fi
install() {
    apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
}
install "$@" || { apt-get -q update; install "$@"; }
if [ -d /run/systemd/system ]; then
    for name in "$@"; do
        systemctl disable --now "$name.service" 2>/dev/null || true
    done
fi
"""


class CannotInstall(Unable):
    """A package is missing and cannot be installed from here; the text says what to do."""


def install(names: tuple[str, ...], *, reason: str, say: Callable[[str], None]) -> None:
    """Install Debian packages as root or by a sudo that asks nothing, saying so.

    Raises CannotInstall, which names the packages and the command to give.
    """
    by_hand = f"{reason} Install it first: sudo apt-get install {' '.join(names)}"
    if shutil.which("apt-get") is None:
        raise CannotInstall(
            f"{reason} This system has no apt-get: install what Debian calls "
            f"{', '.join(names)} by its own means."
        )
    prefix = _as_root()
    if prefix is None:
        raise CannotInstall(by_hand)
    say(f"{reason} Installing Debian's {', '.join(names)} (apt-get)")
    done = quiet.run([*prefix, "sh", "-c", _SCRIPT, "sh", *names], lines=15)
    if done.code != 0:
        raise CannotInstall(f"{done.said}\n\napt-get failed. {by_hand}")


def _as_root() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if asked.returncode == 0 else None
