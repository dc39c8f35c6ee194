"""Memory and CPU of each process of a running system: where the requests in k8s/ come from.

HOTSPOT_PLAIN_EXEC=1 ./hotspot up --detach   # no memory shared by forking, as in containers
python -m benchmarks.footprint --purchases 150 --per-second 5
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

_TICKS = os.sysconf("SC_CLK_TCK")
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """One process at one moment: kilobytes, and the CPU seconds it has used so far."""

    pss: int
    rss: int
    cpu_seconds: float


def main() -> int:
    """Measure at rest, then while guests buy; print one line a process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long at rest")
    parser.add_argument("--purchases", type=int, default=0)
    parser.add_argument("--per-second", type=float, default=5.0)
    parser.add_argument("--gateway", default=_gateway())
    asked = parser.parse_args()
    pids = _pids()
    first = dict(_all(pids))
    time.sleep(asked.seconds)
    rested = dict(_all(pids))
    started = time.monotonic()
    for number in range(asked.purchases):
        _buy(asked.gateway, number)
        time.sleep(max(0.0, started + (number + 1) / asked.per_second - time.monotonic()))
    if asked.purchases:
        time.sleep(5.0)  # what was ordered last is still being done
    busy_seconds = time.monotonic() - started
    worked = dict(_all(pids))
    heads = f"{'PSS MB':>8}{'RSS MB':>8}{'busy RSS':>10}{'rest mCPU':>11}{'busy mCPU':>11}"
    print(f"{'process':28}{heads}")
    for name, at_rest in rested.items():
        idle = _milli(first[name], at_rest, asked.seconds)
        busy = _milli(at_rest, worked[name], busy_seconds) if asked.purchases else 0
        print(
            f"{name:28}{at_rest.pss / 1024:8.0f}{at_rest.rss / 1024:8.0f}"
            f"{worked[name].rss / 1024:10.0f}{idle:11.0f}{busy:11.0f}"
        )
    return 0


def _gateway() -> str:
    return f"http://127.0.0.1:{os.environ.get('HOTSPOT_PORT_BASE', '8000')}"


def _pids() -> Mapping[str, int]:
    """The running processes, as `./hotspot status` names them."""
    shown = subprocess.run(
        [str(_ROOT / "hotspot"), "status"], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split() for line in shown.splitlines())
    found = {row[1]: int(row[3]) for row in rows if len(row) > 3 and row[2] == "RUNNING"}
    if not found:
        sys.exit("Nothing runs: ./hotspot up --detach")
    return found


def _all(pids: Mapping[str, int]) -> Iterator[tuple[str, Footprint]]:
    for name, pid in pids.items():
        family = [_footprint(one) for one in (pid, *_children(pid))]
        yield (
            name,
            Footprint(
                pss=sum(one.pss for one in family),
                rss=sum(one.rss for one in family),
                cpu_seconds=sum(one.cpu_seconds for one in family),
            ),
        )


def _footprint(pid: int) -> Footprint:
    folder = Path("/proc") / str(pid)
    kilobytes = {"Pss": 0, "Rss": 0}
    for line in (folder / "smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in kilobytes:
            kilobytes[name] = int(rest.split()[0])
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return Footprint(
        pss=kilobytes["Pss"],
        rss=kilobytes["Rss"],
        cpu_seconds=(int(fields[11]) + int(fields[12])) / _TICKS,
    )


def _children(pid: int) -> Iterator[int]:
    for folder in (Path("/proc") / str(pid) / "task").iterdir():
        for child in (folder / "children").read_text().split():
            yield int(child)
            yield from _children(int(child))


def _milli(before: Footprint, after: Footprint, seconds: float) -> float:
    """Thousandths of a CPU, as Kubernetes counts them."""
    return 1000 * (after.cpu_seconds - before.cpu_seconds) / seconds


def _buy(gateway: str, number: int) -> None:
    packages = requests.get(f"{gateway}/api/v1/packages", timeout=30).json()["items"]
    wanted = {"package_id": packages[0]["id"], "phone": f"07{number % 10**8:08}"}
    requests.post(f"{gateway}/api/v1/payments", json=wanted, timeout=30).raise_for_status()


if __name__ == "__main__":
    raise SystemExit(main())
