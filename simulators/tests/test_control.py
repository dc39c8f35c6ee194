"""The control routes: /state, wrong input, a new day, the page, settings."""

from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from simulators.config import SettingsError, read_settings
from simulators.kept import Kept
from simulators.state import World
from simulators.tests.fakes import FakePostman, FakeRadius, HandClock
from simulators.tests.test_daraja_requests import push, stk_body
from simulators.tests.test_logins import guest, login, router
from simulators.tests.test_sms import send

ENVIRONMENT = {
    "SIMULATORS_PORT": "8100",
    "SIMULATORS_RADIUS_AUTH_PORT": "1812",
    "SIMULATORS_RADIUS_ACCT_PORT": "1813",
    "SIMULATORS_COA_PORT": "3799",
    "SIMULATORS_ROUTEROS_PORT": "8728",
    "RADIUS_SECRET": "testing123",
    "DARAJA_CONSUMER_KEY": "key",
    "DARAJA_CONSUMER_SECRET": "secret",
    "DARAJA_SHORTCODE": "174379",
    "DARAJA_PASSKEY": "passkey",
    "SMS_USERNAME": "sandbox",
    "SMS_API_KEY": "sms-key",
}


def test_one_router_is_there_from_the_start_and_its_secret_is_not_shown(
    client: FlaskClient,
) -> None:
    answer = client.get("/state")
    (first,) = (answer.json or {})["routers"]
    assert UUID(first["id"]).version == 7
    assert (first["nas_ip"], first["mode"]) == ("127.0.0.1", "ok")
    assert "testing123" not in answer.text


def test_the_state_of_a_prompt_has_what_was_asked(client: FlaskClient) -> None:
    push(client, stk_body())
    (prompt,) = (client.get("/state").json or {})["prompts"]
    assert prompt["phone"] == "254708374149"
    assert prompt["amount"] == 20
    assert prompt["account_reference"] == "1HOUR"
    assert prompt["callback_url"] == "http://127.0.0.1:8001/callbacks/stk/abc"
    assert prompt["state"] == "open"
    assert prompt["at"] == "2026-03-05T09:30:00.000Z"


def test_many_routers_can_be_set_up_at_once(client: FlaskClient) -> None:
    answer = client.post("/routers", json={"count": 3, "name": "shop"})
    assert answer.status_code == 201
    names = [item["name"] for item in (answer.json or {})["items"]]
    assert names == ["shop-1", "shop-2", "shop-3"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/mpesa/behaviour", {"mode": "generous"}, "mode"),
        ("/mpesa/behaviour", {}, "mode"),
        ("/mpesa/behaviour", {"mode": "pay", "phone": "12"}, "phone"),
        ("/mpesa/behaviour", {"mode": "pay", "delay_ms": -1}, "delay_ms"),
        ("/mpesa/behaviour", {"mode": "result"}, "result_code"),
        ("/mpesa/behaviour", {"mode": "pay", "surprise": 1}, "surprise"),
        ("/sms/behaviour", {"mode": "loud"}, "mode"),
        ("/sms/behaviour", {"mode": "ok", "report_url": "nowhere"}, "report_url"),
        ("/routers", {"count": 0}, "count"),
        ("/routers", {"count": 2000}, "count"),
        ("/routers", {"nas_ip": "10.0.0.1"}, "nas_ip"),
        ("/routers/FIRST/behaviour", {"mode": "asleep"}, "mode"),
        ("/guests", {"router_id": "router-9"}, "router_id"),
        ("/guests", {"mac": "not a mac"}, "mac"),
    ],
)
def test_wrong_input_is_answered_with_the_fields_name(
    client: FlaskClient, path: str, body: dict[str, object], field: str
) -> None:
    first = (client.get("/state").json or {})["routers"][0]["id"]
    answer = client.post(path.replace("FIRST", first), json=body)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    problem = answer.json or {}
    assert problem["status"] == 422
    assert list(problem["errors"]) == [field]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "username"),
        ({"username": "a", "method": "eap"}, "method"),
        ({"username": "a", "password": 200 * "x"}, "password"),
    ],
)
def test_a_login_that_cannot_be_sent_is_refused(
    client: FlaskClient, body: dict[str, object], field: str
) -> None:
    answer = client.post(f"/guests/{guest(client)}/login", json=body)
    assert answer.status_code == 422
    assert list((answer.json or {})["errors"]) == [field]


def test_a_body_that_is_not_json_is_a_bad_request(client: FlaskClient) -> None:
    answer = client.post("/mpesa/behaviour", data=b"mode=pay")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


@pytest.mark.parametrize(
    "path", ["/nothing", "/guests/guest-9/logout", "/routers/router-9/behaviour"]
)
def test_what_is_not_there_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.post(path, json={"mode": "ok"})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_new_day_forgets_everything_and_ends_sessions_with_a_stop(
    client: FlaskClient, clock: HandClock, radius: FakeRadius, postman: FakePostman
) -> None:
    login(client, guest(client, router(client)))
    push(client, stk_body())
    send(client)
    assert client.post("/reset").status_code == 204
    clock.advance(10)
    state = client.get("/state").json or {}
    assert [state[kind] for kind in ("prompts", "sms", "guests", "sessions")] == [[], [], [], []]
    assert not postman.callbacks
    assert radius.accounting[-1]["Acct-Terminate-Cause"] == ["Admin-Reboot"]


def test_the_page_is_there(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")


def test_it_says_that_it_is_well(client: FlaskClient) -> None:
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 200


def test_memory_keeps_the_newest() -> None:
    kept: Kept[int, str] = Kept(2)
    for number in range(4):
        kept.add(number, str(number))
    assert kept.items() == ["2", "3"]


def test_settings_come_from_the_environment() -> None:
    settings = read_settings(ENVIRONMENT)
    assert (settings.host, settings.port, settings.coa_port) == ("127.0.0.1", 8100, 3799)
    assert "passkey" not in repr(settings)


def test_in_a_container_secrets_come_in_files_and_routers_have_its_address(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    given = {name: value for name, value in ENVIRONMENT.items() if name != "SMS_API_KEY"}
    given |= {"SMS_API_KEY_FILE": str(tmp_path / "key"), "SIMULATORS_NAS_ADDRESS": "127.9.8.7"}
    settings = read_settings(given)
    assert settings.sms_api_key == "from a file"
    world = World(settings, HandClock(), FakePostman())
    assert [router.nas_ip for router in world.routers.items()] == ["127.9.8.7"]
    with pytest.raises(SettingsError, match="SMS_API_KEY_FILE is no file"):
        read_settings(given | {"SMS_API_KEY_FILE": str(tmp_path / "gone")})


def test_every_wrong_setting_is_named_at_once() -> None:
    wrong = {**ENVIRONMENT, "SIMULATORS_PORT": "port", "SMS_API_KEY": ""}
    with pytest.raises(SettingsError, match=r"SIMULATORS_PORT is not a port.*SMS_API_KEY is miss"):
        read_settings(wrong)
