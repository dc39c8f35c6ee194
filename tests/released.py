"""What was released: the examples of messages and the migrations, by their digests.

Old versions sent these messages, and databases out there ran these migrations: neither can change
any more. At a release, `python tests/released.py` records what is new, under the product's version.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from hotspot.command.backup_manifest import version_of
from hotspot.contract.examples import FOLDER

ROOT = Path(__file__).parents[1]
FILE = Path(__file__).with_name("released.json")

# The first release: what came before it never ran beside anything.
FIRST = "0.1.0"

Digests = Mapping[str, str]


def recorded() -> dict[str, dict[str, str]]:
    """By version: what it was the first to have, with digests. Names are paths in the checkout."""
    found: dict[str, dict[str, str]] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def present() -> Digests:
    """What there is in this checkout."""
    migrations = [*ROOT.glob("*-service/migrations/versions/*.py"), *_gateways()]
    return {
        file.relative_to(ROOT).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted([*FOLDER.glob("*.json"), *migrations])
    }


def changed(then: Mapping[str, Digests], now: Digests) -> list[str]:
    """What was released and is another today, or gone."""
    return [
        name
        for released in then.values()
        for name, digest in released.items()
        if now.get(name) != digest
    ]


def _gateways() -> list[Path]:
    return list((ROOT / "gateway" / "migrations" / "versions").glob("*.py"))


def _record() -> list[str]:
    """Add what is new; never touches what is there."""
    then, now = recorded(), present()
    known = {name for released in then.values() for name in released}
    new = {name: digest for name, digest in now.items() if name not in known}
    if new:
        version = version_of(ROOT)
        then[version] = {**then.get(version, {}), **new}
        FILE.write_text(json.dumps(then, indent=1) + "\n")
    return sorted(new)


if __name__ == "__main__":
    sys.stdout.write("".join(f"recorded {name}\n" for name in _record()))
