"""The checks that read the code instead of running it."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hotspot.command.progress import Progress


def run(checkout: Path, progress: Progress) -> int:
    """Run each over the whole checkout, and print what it finds; 1 when one finds something."""
    worst = 0
    for name, commands in _linters(checkout).items():
        started = time.monotonic()
        with progress.busy(name):
            found = "".join(_run(checkout, command) for command in commands)
        if found:
            progress.failed(name)
            progress.say(found.rstrip())
            worst = 1
        else:
            progress.done(name, time.monotonic() - started)
    return worst


def _linters(checkout: Path) -> dict[str, list[list[str]]]:
    contracts = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return {
        "ruff check": [["-m", "ruff", "check"]],
        "ruff format": [["-m", "ruff", "format", "--check"]],
        "mypy --strict": [["-m", "mypy", "--strict", *part] for part in _typed(checkout)],
        "import-linter": [["-c", contracts]],
    }


def _typed(checkout: Path) -> list[list[str]]:
    """What mypy reads at once: all code, then each folder of tests, whose names are alike."""
    parts = ("shared/hotspot", "*-service/*_service", "gateway/gateway", "simulators", "benchmarks")
    code = sorted(path for part in parts for path in checkout.glob(part))
    tests = [path for path in checkout.glob("[!.]*/tests") if path.parent.name != "simulators"]
    return [
        [str(path.relative_to(checkout)) for path in part]
        for part in (code, *([path] for path in sorted(tests)), list(checkout.glob("tests")))
        if part
    ]


def _run(checkout: Path, arguments: Sequence[str]) -> str:
    """What it says where it is not content, else nothing."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout if done.returncode != 0 else ""
