"""What a process without HTTP of its own answers on HEALTH_PORT."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import requests
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, create_engine, text

from hotspot import health, healthy, migrate
from hotspot.bus.database import answers, connect_to_look
from hotspot.bus.deadline import GRACE_SECONDS
from hotspot.bus.watch import PATIENCE_SECONDS, Watch
from hotspot.serve import ENDED_BY_SIGTERM
from hotspot.testing.brokers import wait_for
from hotspot.testing.freeradius import free_udp_ports
from hotspot.testing.identity import Keys


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_loop_that_comes_by_lives_and_one_that_does_not_hangs() -> None:
    clock = Clock()
    watch = Watch(clock)

    clock.now += PATIENCE_SECONDS - 1
    watch.turned()
    clock.now += PATIENCE_SECONDS - 1
    assert watch.is_turning()

    clock.now += 2
    assert not watch.is_turning()


def test_a_job_may_take_as_long_as_its_timeout_and_what_follows_it_may_not() -> None:
    clock = Clock()
    watch = Watch(clock)

    with watch.job(600):
        clock.now += 600 + GRACE_SECONDS - 1
        assert watch.is_turning()
        clock.now += 2
        assert not watch.is_turning()
    assert watch.is_turning()

    clock.now += PATIENCE_SECONDS + 1
    assert not watch.is_turning()


@contextmanager
def served(
    *, is_live: bool = True, **needs: Callable[[], bool]
) -> Iterator[Callable[[str], "requests.Response"]]:
    server = health.HealthServer(
        health.Health(
            is_live=[lambda: is_live],
            needs=needs,
            registry=CollectorRegistry(),
            look_within=0.05,
        ),
        "127.0.0.1",
        0,
    )
    with closing(server), requests.Session() as http:
        http.trust_env = False
        yield lambda path: http.get(f"http://127.0.0.1:{server.port}{path}", timeout=10)


def test_what_is_missing_is_named_and_makes_nobody_restart_the_process() -> None:
    with served(broker=lambda: False, database=lambda: True) as get:
        assert get("/health/live").status_code == 200
        answer = get("/health/ready")
        assert (answer.status_code, answer.json()["missing"]) == (503, ["broker"])
        assert get("/elsewhere").status_code == 404


def test_a_process_that_hangs_says_so() -> None:
    with served(is_live=False) as get:
        answer = get("/health/live")
        assert (answer.status_code, answer.json()) == (503, {"status": "hung"})


def test_a_database_that_never_answers_holds_up_neither_life_nor_the_next_who_asks() -> None:
    asked, answered = threading.Event(), threading.Event()

    def hang() -> bool:
        asked.set()
        return answered.wait(20)

    with served(database=hang) as get:
        first = threading.Thread(target=get, args=("/health/ready",))
        first.start()
        assert asked.wait(10)

        assert get("/health/live").status_code == 200
        assert get("/health/ready").json()["missing"] == ["database"]

        answered.set()
        first.join()
        assert get("/health/ready").status_code == 200


def test_a_client_that_says_nothing_or_nonsense_keeps_nobody_waiting() -> None:
    server = health.HealthServer(
        health.Health(is_live=[], needs={}, registry=CollectorRegistry()), "127.0.0.1", 0
    )
    with closing(server), socket.create_connection(("127.0.0.1", server.port)) as silent:
        with socket.create_connection(("127.0.0.1", server.port)) as rude:
            rude.sendall(b"\x00\xff nonsense\r\n\r\n")
        status = healthy.ask(server.port, "/health/live").splitlines()[0]
        assert status.split()[1] == "200"
        silent.close()


def test_a_port_that_is_taken_is_named_and_the_exit_code_is_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

        class Config:
            host, health_port = "127.0.0.1", port

        config: Any = Config()
        with pytest.raises(SystemExit) as stopped:
            health.serve(config, health.Health(is_live=[], needs={}))
    assert stopped.value.code == 2
    assert f"HEALTH_PORT={port}" in capsys.readouterr().err


def test_an_images_healthcheck_asks_whichever_port_answers() -> None:
    dead = free_port()
    with served(broker=lambda: False) as get:
        port = str(get("/").url.split(":")[2].rstrip("/"))
        assert healthy.main([], {"PORT": dead, "HEALTH_PORT": port}) == 0
        assert healthy.main([], {"PORT": port}) == 0
        assert healthy.main(["--ready"], {"PORT": dead, "HEALTH_PORT": port}) == 1
        assert healthy.main([], {"PORT": dead, "HEALTH_PORT": dead}) == 1
        assert healthy.main([], {"PORT": "", "HEALTH_PORT": "none"}) == 1


def test_a_database_that_is_not_there_is_away() -> None:
    engine = connect_to_look(f"postgresql+psycopg://u:p@127.0.0.1:{free_port()}/x")
    assert not answers(engine)


@pytest.fixture
def environment(
    database: Callable[[str], Engine], amqp_url: str, keys: Keys
) -> Callable[[str], dict[str, str]]:
    """Of a process of some service, that tells how it is."""

    def of(service: str) -> dict[str, str]:
        url = database(service).url.render_as_string(hide_password=False)
        return {
            "PYTHONPATH": ":".join(path for path in sys.path if path),
            "DATABASE_URL": re.sub(r"^postgresql\+psycopg", "postgresql", url),
            "AMQP_URL": amqp_url,
            "PORT": "8002",
            "HEALTH_PORT": free_port(),
            "ENCRYPTION_KEYS": keys.encryption[0],
            "JWT_PUBLIC_KEY": keys.public_pem,
        }

    return of


WORKER = ("provisioning", "worker", "--group", "hotspot")


@contextmanager
def started(
    arguments: tuple[str, ...], environment: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "hotspot.serve", *arguments]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def body(port: str, path: str) -> str:
    try:
        return healthy.ask(int(port), path).partition("\r\n\r\n")[2]
    except OSError:
        return ""


def test_a_worker_is_alive_and_ready_and_counts(
    environment: Callable[[str], dict[str, str]],
) -> None:
    settings = environment("provisioning")
    port = settings["HEALTH_PORT"]
    with started(WORKER, settings) as process:
        wait_for(lambda: "not" not in body(port, "/health/ready") != "")
        assert json.loads(body(port, "/health/live")) == {"status": "live"}
        figures = body(port, "/metrics")
        assert "hotspot_outbox_waiting 0.0" in figures
        assert "hotspot_group_size_bucket" in figures
        assert "process_resident_memory_bytes" in figures

        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_a_worker_without_a_broker_and_a_database_is_alive_and_names_both(
    environment: Callable[[str], dict[str, str]],
) -> None:
    settings = environment("provisioning") | {
        "AMQP_URL": f"amqp://127.0.0.1:{free_port()}/",
        "DATABASE_URL": f"postgresql://u:p@127.0.0.1:{free_port()}/x",
    }
    port = settings["HEALTH_PORT"]
    with started(WORKER, settings):
        wait_for(lambda: body(port, "/health/ready") != "")
        assert json.loads(body(port, "/health/ready"))["missing"] == ["broker", "database"]
        assert json.loads(body(port, "/health/live")) == {"status": "live"}
        assert "hotspot_outbox_waiting" not in body(port, "/metrics")


def test_the_radius_server_needs_no_broker_to_be_ready(
    environment: Callable[[str], dict[str, str]],
) -> None:
    auth, acct = free_udp_ports()
    settings = environment("radius") | {
        "AMQP_URL": f"amqp://127.0.0.1:{free_port()}/",
        "RADIUS_AUTH_PORT": str(auth),
        "RADIUS_ACCT_PORT": str(acct),
    }
    with started(("radius", "server"), settings) as process:
        wait_for(lambda: healthy.main(["--ready"], {"HEALTH_PORT": settings["HEALTH_PORT"]}) == 0)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_a_migration_that_waits_for_another_is_ended_by_sigterm(
    environment: Callable[[str], dict[str, str]],
) -> None:
    # As the first process of a container it has no other who would end it.
    settings = environment("provisioning")
    engine = create_engine(settings["DATABASE_URL"].replace("://", "+psycopg://", 1))
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": migrate._LOCK})
        waiting = text(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
        )
        with started(("provisioning", "migrate"), settings) as process:
            wait_for(lambda: connection.execute(waiting).scalar_one() == 1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == ENDED_BY_SIGTERM
    engine.dispose()


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])
