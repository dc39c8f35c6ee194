"""The router's own pages: redirect, login by PAP and CHAP, status, and its menus of guests."""

import hashlib
import re
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from simulators.state import World
from simulators.tests.fakes import FakeRadius
from simulators.tests.test_logins import guest, sessions

# Pages of its own, as an operator uploads them.
LOGIN_PAGE = (
    "$(mac) $(ip-esc) $(link-login-only-esc) [$(error)]$(if chap-id) chap=$(chap-id)"
    " challenge=$(chap-challenge)$(endif)$(if nothing)never$(endif)"
)
HOTSPOT = """
/ip hotspot profile add name=p login-by={login_by} use-radius=yes html-directory-override={folder}
/ip hotspot add name=h interface=ether2 profile=p disabled=no
/radius add service=hotspot address=127.0.0.1 secret=testing123
/radius incoming set accept=yes port=3799
"""


def hotspot(
    client: FlaskClient,
    world: World,
    login_by: str = "http-chap,http-pap",
    folder: str = "pages",
    **pages: str,
) -> str:
    """A bare router that somebody made a hotspot by hand."""
    made: Any = client.post(
        "/routers", json={"factory": "bare", "nas_ip": "127.0.0.9", "radius_timeout_ms": 60}
    ).json
    (router_id,) = made["ids"]
    script = HOTSPOT.format(login_by=login_by, folder=folder)
    pasted: Any = client.post(f"/routers/{router_id}/paste", json={"script": script}).json
    assert pasted["printed"] == []
    router = world.routers.get(router_id)
    assert router
    for name, text in {"login": LOGIN_PAGE, **pages}.items():
        router.device.items.add("/file", {"name": f"pages/{name}.html", "contents": text})
    return str(router_id)


def chap_answer(page: str, password: str) -> str:
    """What md5.js makes of a password and the challenge on a page."""

    def octets(name: str) -> bytes:
        found = re.search(rf"{name}=((?:\\[0-7]{{3}})+)", page)
        assert found, page
        return bytes(int(one, 8) for one in found[1].split("\\")[1:])

    text = octets("chap") + password.encode() + octets("challenge")
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


@pytest.fixture
def pages(client: FlaskClient, world: World) -> str:
    """Where a guest of a router with pages of its own finds them."""
    return f"/hotspot/{guest(client, hotspot(client, world, redirect='$(link-redirect)'))}"


def test_the_login_page_knows_who_opens_it(client: FlaskClient, pages: str) -> None:
    page = client.get(f"{pages}/login")

    assert page.status_code == 200
    assert page.text.startswith("02:00:5E:10:00:01 10.5.2.3 http%3A%2F%2F")
    assert f"{pages.replace('/', '%2F')}%2Flogin []" in page.text
    assert "never" not in page.text
    assert client.get("/hotspot/nobody/login").status_code == 404


@pytest.mark.parametrize("send", ["get", "post"])
def test_a_login_by_pap(client: FlaskClient, pages: str, radius: FakeRadius, send: str) -> None:
    form = {"username": "alice", "password": "secret-pw", "dst": "http://portal/done"}
    where = {"query_string": form} if send == "get" else {"data": form}
    answer = getattr(client, send)(f"{pages}/login", **where)

    assert "http://portal/done" in answer.text
    (session,) = sessions(client)
    assert session["username"] == "alice"
    assert "User-Password" in radius.access[0]
    assert client.get(f"{pages}/").text.endswith("You are online.</p>")


def test_a_login_by_chap_answers_the_page_s_own_challenge(
    client: FlaskClient, pages: str, radius: FakeRadius
) -> None:
    old = chap_answer(client.get(f"{pages}/login").text, "secret-pw")
    client.get(f"{pages}/login")  # another page, another challenge

    refused = client.post(f"{pages}/login", data={"username": "alice", "password": old})
    assert "[invalid username or password]" in refused.text
    assert not sessions(client)
    fresh = chap_answer(refused.text, "secret-pw")
    client.post(f"{pages}/login", data={"username": "alice", "password": fresh})
    assert len(sessions(client)) == 1
    assert "CHAP-Password" in radius.access[-1]


def test_why_not_is_on_the_page(client: FlaskClient, pages: str, radius: FakeRadius) -> None:
    form = {"username": "alice", "password": "wrong"}
    radius.answers = replace(radius.answers, reject_message="Your time is up")
    assert "[Your time is up]" in client.post(f"{pages}/login", data=form).text

    radius.answers = replace(radius.answers, drop_first=20)
    assert "[RADIUS server is not responding]" in client.post(f"{pages}/login", data=form).text


def test_without_http_pap_a_plain_password_never_reaches_radius(
    client: FlaskClient, world: World, radius: FakeRadius
) -> None:
    where = f"/hotspot/{guest(client, hotspot(client, world, login_by='cookie,http-chap'))}"
    page = client.post(f"{where}/login", data={"username": "alice", "password": "secret-pw"})

    assert "web browser did not send challenge response" in page.text
    assert radius.access == []


def test_what_a_folder_of_pages_lacks_is_an_error_404(client: FlaskClient, world: World) -> None:
    where = f"/hotspot/{guest(client, hotspot(client, world))}"
    assert client.get(f"{where}/").status_code == 404

    # A folder that is not there is the same as none.
    default = f"/hotspot/{guest(client, hotspot(client, world, folder='gone'))}"
    sent = client.get(f"{default}/")
    assert (sent.status_code, sent.headers["Location"].endswith("/login")) == (302, True)
    assert '<form action="http://localhost/hotspot/' in client.get(f"{default}/login").text


def test_status_and_logout(client: FlaskClient, world: World) -> None:
    where = f"/hotspot/{guest(client, hotspot(client, world, folder='gone'))}"
    assert client.get(f"{where}/status").status_code == 302
    form = {"username": "alice", "password": "secret-pw"}
    entered = client.post(f"{where}/login", data=form)
    assert entered.headers["Location"].endswith("/status")
    assert "logged in as alice" in client.get(f"{where}/status").text

    assert "just logged out" in client.get(f"{where}/logout").text

    assert [one["state"] for one in sessions(client)] == ["ended"]
    assert client.get(f"{where}/logout").status_code == 302


def test_a_guest_removed_by_the_api_is_off_with_a_stop(
    client: FlaskClient, world: World, pages: str, radius: FakeRadius
) -> None:
    client.post(f"{pages}/login", data={"username": "alice", "password": "secret-pw"})
    (router,) = [one for one in world.routers.items() if one.is_configured_by_hand]

    def rows(menu: str) -> list[dict[str, str]]:
        return router.device.run(f"/ip/hotspot/{menu}", "print", {})

    (active,) = rows("active")
    assert (active["user"], active["mac-address"]) == ("alice", "02:00:5E:10:00:01")
    (cookie,) = rows("cookie")
    router.device.run("/ip/hotspot/cookie", "remove", {".id": cookie[".id"]})
    assert (len(rows("cookie")), len(rows("active")), len(rows("host"))) == (0, 1, 1)

    router.device.run("/ip/hotspot/active", "remove", {".id": active[".id"]})

    assert rows("active") == []
    (session,) = sessions(client)
    assert session["state"] == "ended"
    world.clock.advance()  # type: ignore[attr-defined]  # a test's clock
    (stop,) = [one for one in radius.accounting if one["Acct-Status-Type"] == ["Stop"]]
    assert stop["Acct-Terminate-Cause"] == ["Admin-Reset"]
