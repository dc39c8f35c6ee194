"""Programs whose words matter only where they fail. Standard library only."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended, and the last lines of what it said."""

    code: int
    said: str


def run(
    command: Sequence[str],
    *,
    lines: int,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Ended:
    """Run a program that asks nothing, to its end. `lines`: how many of its last ones are kept."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Ended(code=done.returncode, said="\n".join(done.stdout.splitlines()[-lines:]))
