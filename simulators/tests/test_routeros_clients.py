"""Other people's clients talk to the simulated routers as they would to real ones."""

import asyncio
import itertools
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import librouteros
import pytest
import requests
import routeros_api
from librouteros.exceptions import LibRouterosError, TrapError

from simulators.tests.test_control import ENVIRONMENT
from simulators.tests.test_process import free_port, start, wait_until_ready

ADDRESS = "127.0.77.1"
Post = Callable[..., Any]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return {
        **ENVIRONMENT,
        "SIMULATORS_PORT": free_port(socket.SOCK_STREAM),
        "SIMULATORS_COA_PORT": free_port(socket.SOCK_DGRAM),
        "SIMULATORS_ROUTEROS_PORT": free_port(socket.SOCK_STREAM),
        "LOG_LEVEL": "ERROR",
    }


@pytest.fixture(scope="module")
def post(environment: dict[str, str]) -> Iterator[Post]:
    """A control call on a running process."""
    process = start(**environment)
    try:
        wait_until_ready(environment)
        http = requests.Session()
        http.trust_env = False

        def ask(path: str, **body: object) -> Any:
            url = f"http://127.0.0.1:{environment['SIMULATORS_PORT']}{path}"
            answer = http.post(url, json=body, timeout=5)
            assert answer.ok, answer.text
            return answer.json()

        yield ask
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def router(post: Post) -> str:
    made = post(
        "/routers", nas_ip=ADDRESS, factory="hap", version="7.18", api_username="me",
        api_password="pw",
    )  # fmt: skip
    return str(made["ids"][0])


@pytest.fixture
def port(environment: dict[str, str], router: str) -> int:
    return int(environment["SIMULATORS_ROUTEROS_PORT"])


def test_librouteros(port: int) -> None:
    api = librouteros.connect(ADDRESS, "me", "pw", port=port, timeout=5)
    pools = api.path("/ip/pool")
    made = pools.add(name="from-librouteros", ranges="10.1.0.2-10.1.0.9")
    name = librouteros.query.Key("name")
    rows = list(pools.select(name).where(name == "from-librouteros"))
    assert rows == [{"name": "from-librouteros"}]
    pools.remove(made)
    with pytest.raises(TrapError, match="no such item"):
        pools.remove(made)
    assert "/ip pool" in api.config().export()
    api.close()


def test_librouteros_with_asyncio(port: int) -> None:
    async def ask() -> list[object]:
        api = await librouteros.async_connect(ADDRESS, "me", "pw", port=port, timeout=5)
        rows = [row async for row in api("/system/resource/print")]
        await api.close()
        return [row["version"] for row in rows]

    assert asyncio.run(ask()) == ["7.18"]


def test_routeros_api(port: int) -> None:
    pool = routeros_api.RouterOsApiPool(
        ADDRESS, username="me", password="pw", port=port, plaintext_login=True
    )
    api = pool.get_api()
    users = api.get_resource("/ip/hotspot/user")
    users.add(name="guest", password="x")
    (found,) = users.get(name="guest")
    assert found["profile"] == "default"
    users.remove(id=found["id"])
    assert users.get(name="guest") == []  # `!empty`, from 7.18 on
    nonsense = api.get_resource("/ip/nonsense")
    with pytest.raises(routeros_api.exceptions.RouterOsApiCommunicationError, match="no such"):
        nonsense.get()
    pool.disconnect()


def test_a_password_that_is_wrong_and_a_user_that_has_no_api(port: int) -> None:
    for user, password in (("me", "wrong"), ("nobody", "pw")):
        with pytest.raises(TrapError, match="invalid user name or password"):
            librouteros.connect(ADDRESS, user, password, port=port, timeout=5)


@pytest.mark.parametrize("mode", ["down", "blackhole", "wrong_password"])
def test_a_router_that_misbehaves(post: Post, router: str, port: int, mode: str) -> None:
    post(f"/routers/{router}/behaviour", mode=mode)
    try:
        with pytest.raises((LibRouterosError, OSError)):
            librouteros.connect(ADDRESS, "me", "pw", port=port, timeout=0.3)
    finally:
        post(f"/routers/{router}/behaviour", mode="ok")
    librouteros.connect(ADDRESS, "me", "pw", port=port, timeout=5).close()


def test_a_router_that_reboots_in_the_middle_is_there_again(
    post: Post, router: str, port: int
) -> None:
    post(f"/routers/{router}/behaviour", mode="reboots", delay_ms=50)
    api = librouteros.connect(ADDRESS, "me", "pw", port=port, timeout=5)
    read = iter(lambda: list(api.path("/ip/pool")), [])
    with closing(api), pytest.raises(LibRouterosError):
        list(itertools.islice(read, 20))
    with closing(connect_again(port)) as again:
        assert list(again.path("/ip/pool"))


def connect_again(port: int) -> Any:
    """As soon as the router has started."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            return librouteros.connect(ADDRESS, "me", "pw", port=port, timeout=5)
        except (LibRouterosError, OSError):
            time.sleep(0.01)
    raise AssertionError("it did not come back")


def test_tls_is_spoken_once_there_is_a_certificate(post: Post, router: str, port: int) -> None:
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE

    def connect() -> Any:
        return librouteros.connect(
            ADDRESS, "me", "pw", port=port, timeout=5, ssl_wrapper=unverified.wrap_socket
        )

    with pytest.raises(OSError):  # noqa: PT011  # however OpenSSL words it
        connect()
    script = """
/certificate add name=c common-name=c
/certificate sign c
/ip service set api-ssl certificate=c disabled=no
"""
    assert post(f"/routers/{router}/paste", script=script)["printed"] == []
    with closing(connect()) as api:
        assert next(iter(api("/system/resource/print")))["version"] == "7.18"


def test_guests_get_in_only_as_the_menus_say(post: Post, router: str) -> None:
    guest = post("/guests", router_id=router)["id"]
    refused = post(f"/guests/{guest}/login", username="0712345678", password="x")

    assert refused["result"] == "reject"
    assert refused["reply_message"] == "no hotspot runs on this router"
