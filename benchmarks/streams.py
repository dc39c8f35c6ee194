"""Live events to 1,000 listeners of one gateway: memory, delay, and what slow readers cost others.

    ./hotspot bench streams

A gateway as it is served, its worker, RabbitMQ and PostgreSQL. Events go through the bus at a
steady rate; listeners are sockets of other processes. The delay is from before an event is
published until a listener has it. Beside, one client asks the gateway ordinary things.
"""

import resource
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import requests

from benchmarks.stream_gateway import Gateway, gateway
from benchmarks.stream_readers import Heard, Readers, never_reading, readers

ASKED_A_SECOND = 20
SPARE_FILES = 200


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything. `slow`: readers who take nothing, in turn one group more; `burst`:
    events at once, as many as let such a reader run full; `patience`: the gateway's with them;
    `processes`: that hold the streams."""

    streams: int = 1_000
    few: int = 100
    slow: tuple[int, ...] = (1, 20)
    events_a_second: float = 5
    seconds: float = 5.0
    burst: int = 600
    missed: int = 200
    patience: float = 20.0
    processes: int = 2


@dataclass
class Measured:
    """One row of the table."""

    name: str
    heard: Heard
    asked: Sequence[float]

    @property
    def is_whole(self) -> bool:
        """Whether every listener had every event, in order."""
        return self.heard.whole == self.heard.streams


@dataclass(kw_only=True)
class Bench:
    """The gateway, who listens to it, and what was found out."""

    gateway: Gateway
    readers: Readers
    size: Size
    rows: list[Measured] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def measure(self, name: str) -> None:
        """Publish at the steady rate for a while, and see when it arrives."""
        published: dict[str, float] = {}
        begun = time.monotonic()
        with _asking(self.gateway) as asked:
            rate = self.size.events_a_second
            for number in range(max(1, round(rate * self.size.seconds))):
                time.sleep(max(0.0, begun + number / rate - time.monotonic()))
                published |= self.gateway.publish(1)
            self.readers.wait_for(list(published)[-1])
        self.rows.append(Measured(name, self.readers.heard(published), asked))


def run(size: Size | None = None) -> int:
    """Measure, and print the table; 1 where an event did not arrive or who takes nothing stayed."""
    size = size or Size()
    if not _enough_files(2 * size.streams + SPARE_FILES):
        return 2
    with gateway(size.patience) as served, readers(size.processes) as listening:
        bench = Bench(gateway=served, readers=listening, size=size)
        _few_and_many(bench)
        were_let_go = _slow_readers(bench)
        _all_come_back(bench)
    _print(bench)
    return int(not were_let_go or not all(row.is_whole for row in bench.rows))


def _few_and_many(bench: Bench) -> None:
    served, listening, size = bench.gateway, bench.readers, bench.size
    listening.open(served.port, served.token, size.few)
    bench.measure(f"{size.few:,} streams")  # also has made what is made once
    before, more = served.kilobytes(), size.streams - size.few
    began = time.monotonic()
    listening.open(served.port, served.token, more)
    took = time.monotonic() - began
    bench.measure(f"{size.streams:,} streams")
    each = (served.kilobytes() - before) / more
    bench.notes.append(f"A stream needs {each:.0f} kB; {more:,} were opened in {took:.1f} s.")


def _slow_readers(bench: Bench) -> bool:
    """Some take nothing, and more: the rest hear a burst, and then the usual. True where those
    who take nothing were let go."""
    served, size = bench.gateway, bench.size
    held = served.connections()
    with ExitStack() as stack:
        for count in size.slow:
            stack.enter_context(never_reading(served.port, served.token, count))
            _burst(bench, f"  {size.burst:,} events at once")
            bench.measure(f"{size.streams:,}, and {count} take nothing")
        began = time.monotonic()
        while served.connections() > held:
            if time.monotonic() - began > 2 * size.patience:
                bench.notes.append("Who takes nothing was NOT let go.")
                return False
            time.sleep(0.05)
    took = time.monotonic() - began
    bench.notes.append(f"Who took nothing had been let go {took:.0f} s after the last such row.")
    return True


def _burst(bench: Bench, name: str) -> None:
    """Everything at once."""
    published = bench.gateway.publish(bench.size.burst)
    bench.readers.wait_for(list(published)[-1])
    bench.rows.append(Measured(name, bench.readers.heard(published), ()))


def _all_come_back(bench: Bench) -> None:
    """Everybody was away, missed the same, and comes back at once."""
    served, listening, size = bench.gateway, bench.readers, bench.size
    (last_id,) = served.publish(1)
    listening.wait_for(last_id)
    listening.close()
    published = served.publish(size.missed)
    served.wait_until_recorded(published)
    began = time.monotonic()
    with _asking(served) as asked:
        listening.open(served.port, served.token, size.streams, last_id)
        listening.wait_for(list(published)[-1])
    heard = listening.heard(dict.fromkeys(published, began))
    name = f"{size.streams:,} come back, missed {size.missed}"
    bench.rows.append(Measured(name, heard, asked))


@contextmanager
def _asking(served: Gateway) -> Iterator[list[float]]:
    """One client asks who it is, again and again; how long each answer took."""
    took: list[float] = []
    over = threading.Event()

    def ask() -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {served.token}"
            while not over.wait(1 / ASKED_A_SECOND):
                began = time.monotonic()
                session.get(f"{served.url}/api/v1/operators/me", timeout=30).raise_for_status()
                took.append(time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield took
    finally:
        over.set()
        asking.join()


def _enough_files(wanted: int) -> bool:
    """Each stream is an open file here and there: take what this machine allows."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if most not in (unlimited,) and most < wanted:
        sys.stderr.write(f"This needs {wanted} open files, {most} are allowed: ulimit -Hn\n")
        return False
    if now not in (unlimited,) and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return True


def _print(bench: Bench) -> None:
    out = sys.stdout.write
    heads = f"{'p50 ms':>9}{'p99 ms':>9}{'ratio':>7}{'all heard':>13}{'asked p50':>11}{'p99 ms':>9}"
    out(f"{'live events to':<34}{heads}\n")
    first = next((_quantile(row.heard.delays, 99) for row in bench.rows if row.asked), 0.0)
    for row in bench.rows:
        middle, late = _quantile(row.heard.delays, 50), _quantile(row.heard.delays, 99)
        line = f"{row.name:<34}{middle:>9.1f}{late:>9.1f}{late / first if first else 0:>7.1f}"
        line += f"{f'{row.heard.whole}/{row.heard.streams}':>13}"
        if row.asked:
            line += f"{_quantile(row.asked, 50):>11.1f}{_quantile(row.asked, 99):>9.1f}"
        out(line.rstrip() + "\n")
    for note in bench.notes:
        out(f"{note}\n")


def _quantile(seconds: Sequence[float], percent: int) -> float:
    """Of some times, in milliseconds."""
    if len(seconds) < 2:
        return 1000 * sum(seconds)
    return 1000 * statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1]
