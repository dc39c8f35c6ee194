"""Owners make, change and delete accounts; there is always one of them left."""

import threading
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import Engine

from .office import PASSWORD, Office

OWNER, CLERK = "owner@example.com", "clerk@example.com"
NEW = "another long password"


@pytest.fixture
def engine(no_accounts: Engine) -> Engine:
    return no_accounts


@pytest.fixture
def app(same_app: Flask) -> Flask:
    return same_app


@pytest.fixture
def owner(office: Office) -> dict[str, str]:
    """The headers of the only owner."""
    return office.token(office.employ(OWNER))


def refresh(office: Office, token: str) -> int:
    return office.ask("POST", "/auth/refresh", json={"refresh_token": token}).status_code


def test_an_account_is_made_shown_and_can_log_in(office: Office, owner: dict[str, str]) -> None:
    body = {"email": f" {CLERK} ", "role": "operator", "password": PASSWORD}
    answer = office.ask("POST", "/operators", owner, json=body)
    made = answer.get_json()
    assert (answer.status_code, made["email"], made["role"]) == (201, CLERK, "operator")
    shown = office.app.test_client().get(answer.headers["Location"], headers=owner)
    assert shown.get_json() == made
    listed = office.ask("GET", "/operators", owner).get_json()
    assert [one["email"] for one in listed["items"]] == [CLERK, OWNER]
    assert "password" not in str(listed)
    logged_in = office.log_in(CLERK.upper()).get_json()
    bearer = {"Authorization": f"Bearer {logged_in['access_token']}"}
    assert office.ask("GET", "/operators/me", bearer).get_json() == {
        "subject": made["id"],
        "role": "operator",
        "name": CLERK,
    }


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a@b\x00"}, "email"),
        ({"role": "king"}, "role"),
        ({"password": "short"}, "password"),
        ({"password": "\ud800" * 12}, "password"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(
    office: Office, owner: dict[str, str], wrong: dict[str, str], field: str
) -> None:
    body = {"email": CLERK, "role": "viewer", "password": PASSWORD} | wrong
    answer = office.ask("POST", "/operators", owner, json=body)
    assert (answer.status_code, set(answer.get_json()["errors"])) == (422, {field})


def test_an_address_names_one_account_also_when_asked_for_at_once(
    office: Office, owner: dict[str, str]
) -> None:
    body = {"role": "viewer", "password": PASSWORD}
    emails = (CLERK, CLERK.upper(), CLERK.title())
    statuses = at_once(
        *(lambda email=email: post(office, owner, body | {"email": email}) for email in emails)
    )
    assert statuses == [201, 409, 409]


def post(office: Office, headers: dict[str, str], body: dict[str, str]) -> int:
    return office.ask("POST", "/operators", headers, json=body).status_code


def at_once(*asks: object) -> list[int]:
    """The statuses of requests that are made at one time, in order of size."""
    statuses: list[int] = []
    ready = threading.Barrier(len(asks))

    def run(ask: object) -> None:
        ready.wait()
        assert callable(ask)
        statuses.append(ask())

    threads = [threading.Thread(target=run, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def test_a_changed_account_has_to_log_in_again(office: Office, owner: dict[str, str]) -> None:
    clerk = office.employ(CLERK, "support")
    token = office.log_in(CLERK).get_json()["refresh_token"]
    changed = office.ask(
        "PATCH", f"/operators/{clerk}", owner, json={"role": "viewer", "password": NEW}
    )
    assert (changed.status_code, changed.get_json()["role"]) == (200, "viewer")
    assert refresh(office, token) == 401
    assert office.log_in(CLERK).status_code == 401
    assert office.log_in(CLERK, NEW).status_code == 200
    assert office.ask("PATCH", f"/operators/{clerk}", owner, json={}).status_code == 422


def test_a_deleted_account_is_gone_with_its_logins(office: Office, owner: dict[str, str]) -> None:
    clerk = office.employ(CLERK, "support")
    token = office.log_in(CLERK).get_json()["refresh_token"]
    assert office.ask("DELETE", f"/operators/{clerk}", owner).status_code == 204
    assert office.ask("DELETE", f"/operators/{clerk}", owner).status_code == 404
    assert refresh(office, token) == 401
    assert office.ask("GET", f"/operators/{uuid4()}", owner).status_code == 404


def test_the_only_owner_stays_one(office: Office) -> None:
    owner = office.employ(OWNER)
    path, headers = f"/operators/{owner}", office.token(owner)
    assert office.ask("PATCH", path, headers, json={"role": "viewer"}).status_code == 409
    assert office.ask("DELETE", path, headers).status_code == 409
    assert office.ask("PATCH", path, headers, json={"password": NEW}).status_code == 200


def test_two_owners_who_delete_each_other_at_once_leave_one(office: Office) -> None:
    first, second = office.employ(OWNER), office.employ("second@example.com")
    statuses = at_once(
        lambda: office.ask("DELETE", f"/operators/{second}", office.token(first)).status_code,
        lambda: office.ask("DELETE", f"/operators/{first}", office.token(second)).status_code,
    )
    # The later one is the only owner by then, or none any more.
    assert statuses[0] == 204
    assert statuses[1] in (403, 409)
    assert len(office.rows("SELECT 1 FROM operators WHERE role = 'owner'")) == 1


def test_who_was_an_owner_a_minute_ago_makes_no_accounts_and_keys(office: Office) -> None:
    office.employ(OWNER)
    clerk = office.employ(CLERK, "support")
    still_valid = office.token(clerk, "owner")
    body = {"email": "x@example.com", "role": "owner", "password": PASSWORD}
    assert post(office, still_valid, body) == 403
    key = {"name": "back door", "role": "owner"}
    assert office.ask("POST", "/api-keys", still_valid, json=key).status_code == 403


def test_a_password_is_changed_by_who_knows_it(office: Office) -> None:
    clerk = office.employ(CLERK, "viewer")
    elsewhere = office.log_in(CLERK).get_json()["refresh_token"]
    headers = office.token(clerk, "viewer")

    def change(current: str) -> int:
        body = {"current": current, "new": NEW}
        return office.ask("POST", "/auth/password", headers, json=body).status_code

    assert change("a guess") == 403
    assert change(PASSWORD) == 200
    assert refresh(office, elsewhere) == 401
    assert office.log_in(CLERK, NEW).status_code == 200
    # Guesses here end soon, and keep nobody from logging in.
    assert [change("a guess") for _ in range(6)] == [403] * 5 + [429]
    assert office.log_in(CLERK, NEW).status_code == 200


def test_logging_out_ends_a_login_and_no_other(office: Office) -> None:
    office.employ(OWNER)
    ended, other = (office.log_in(OWNER).get_json()["refresh_token"] for _ in range(2))
    for _ in range(2):
        body = {"refresh_token": ended}
        assert office.ask("POST", "/auth/logout", json=body).status_code == 204
    assert refresh(office, ended) == 401
    assert refresh(office, other) == 200
