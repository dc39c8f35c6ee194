"""Packages are made and changed by operators, and what was bought before stays as it was."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from hotspot.bus.outcome import Reject
from hotspot.bus.tables import outbox
from hotspot.contract.message import load
from hotspot.contract.money import Money
from hotspot.contract.packages import PackageChanged, SavePackageJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher
from hotspot.testing.identity import Keys
from payment_service.models import Package
from payment_service.packages.saving import code_for
from payment_service.seed import insert_starters

from .shop import Shop, package

PATH = "/api/v1/packages"
HOUR: dict[str, Any] = {
    "code": "hour9",
    "name": " 1 hour ",
    "price": {"amount": 2000, "currency": "KES"},
    "duration_seconds": 3600,
    "down_kbps": 5000,
    "up_kbps": 2500,
}
Asking = Callable[..., Any]


@pytest.fixture
def operator(keys: Keys) -> dict[str, str]:
    return keys.headers("operator")


@pytest.fixture
def create(client: FlaskClient, operator: dict[str, str]) -> Asking:
    """POST a package of an hour, with what is given instead or beside."""

    def post(**fields: Any) -> Any:
        return client.post(PATH, json={**HOUR, **fields}, headers=operator)

    return post


@pytest.fixture
def hour(create: Asking, publisher: FakePublisher, shop: Shop) -> UUID:
    """A package that was created and saved."""
    answer = create()
    shop.run(publisher.sent[-1])
    return UUID(answer.get_json()["id"])


def saved(shop: Shop, package_id: UUID) -> Any:
    with shop.engine.connect() as connection:
        wanted = select(Package.__table__).where(Package.id == package_id)
        return connection.execute(wanted).one_or_none()


def save(shop: Shop, code: str, package_id: UUID, **fields: Any) -> list[Any]:
    job = SavePackageJob(
        code=code,
        terms=package(package_id=package_id),
        on_sale=True,
        requested_by="otieno",
        **{"requested_at": NOON, **fields},
    )
    return shop.run(job)


def test_an_operator_creates_a_package_and_everyone_hears_of_it(
    create: Asking, publisher: FakePublisher, shop: Shop, client: FlaskClient
) -> None:
    answer = create(data_bytes=10**9, devices=2)
    assert answer.status_code == 202
    package_id = UUID(answer.get_json()["id"])
    assert answer.headers["Location"] == f"{PATH}/{package_id}"
    (changed,) = shop.run(publisher.sent[-1])
    assert isinstance(changed, PackageChanged)
    assert (changed.code, changed.on_sale, changed.changed_at) == ("HOUR9", True, NOON)
    assert (changed.terms.package_id, changed.terms.name) == (package_id, "1 hour")
    shown = client.get(f"{PATH}/{package_id}").get_json()
    assert (shown["data_bytes"], shown["devices"], shown["kind"]) == (10**9, 2, "hotspot")


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("price", {"amount": 2050, "currency": "KES"}, "price.amount"),
        ("price", {"amount": 0, "currency": "KES"}, "price.amount"),
        ("price", {"amount": "20.00", "currency": "KES"}, "price.amount"),
        ("price", {"amount": 2000, "currency": "USD"}, "price.currency"),
        ("price", 2000, "price"),
        ("name", "  ", "name"),
        ("name", "x" * 61, "name"),
        ("name", "1\x00hour", "name"),
        ("code", "0712345678", "code"),
        ("code", "HOUR 1", "code"),
        ("code", "SCH\N{LATIN CAPITAL LETTER O WITH DIAERESIS}N", "code"),
        ("duration_seconds", 59, "duration_seconds"),
        ("duration_seconds", 3600.5, "duration_seconds"),
        ("down_kbps", 0, "down_kbps"),
        ("up_kbps", None, "up_kbps"),
        ("data_bytes", 0, "data_bytes"),
        ("devices", 0, "devices"),
        ("kind", "lottery", "kind"),
        ("on_sale", "perhaps", "on_sale"),
        ("colour", "red", "colour"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(
    create: Asking, publisher: FakePublisher, field: str, value: object, named: str
) -> None:
    answer = create(**{field: value})
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {named}
    assert publisher.sent == []


def test_only_operators_change_what_is_sold(
    client: FlaskClient, keys: Keys, publisher: FakePublisher
) -> None:
    for headers, status in ((None, 401), (keys.headers("support"), 403)):
        assert client.post(PATH, json=HOUR, headers=headers).status_code == status
        path = f"{PATH}/{new_id()}"
        assert client.patch(path, json={"name": "x"}, headers=headers).status_code == status
    assert publisher.sent == []


def test_a_change_is_for_those_who_buy_from_now_on(
    hour: UUID,
    shop: Shop,
    client: FlaskClient,
    operator: dict[str, str],
    publisher: FakePublisher,
) -> None:
    buy = {"package_id": str(hour), "phone": "0712345678"}
    bought = client.post("/api/v1/payments", json=buy).get_json()["id"]
    shop.run(publisher.sent[-1])
    price = {"amount": 2500, "currency": "KES"}
    answer = client.patch(f"{PATH}/{hour}", json={"price": price}, headers=operator)
    assert (answer.status_code, answer.get_json()) == (202, {"id": str(hour)})
    job = publisher.sent[-1]
    (changed,) = shop.run(job)
    assert isinstance(job, SavePackageJob)
    assert isinstance(changed, PackageChanged)
    assert job.changed == ("price",)
    assert changed.terms.price == Money.shillings(25)
    assert saved(shop, hour).price == 2500
    assert shop.payment(UUID(bought)).price == 2000
    assert shop.payment(UUID(bought)).package["price"]["amount"] == 2000


def test_the_newest_change_counts_whatever_order_they_come_in(shop: Shop) -> None:
    package_id = new_id()
    save(shop, "A1", package_id)
    newer, older = NOON + timedelta(seconds=2), NOON + timedelta(seconds=1)
    assert len(save(shop, "A3", package_id, requested_at=newer)) == 1
    assert save(shop, "A2", package_id, requested_at=older) == []
    assert saved(shop, package_id).code == "A3"


def test_two_operators_who_change_different_fields_do_not_undo_one_another(shop: Shop) -> None:
    package_id, later = new_id(), NOON + timedelta(seconds=1)
    save(shop, "A1", package_id)
    save(shop, "A2", package_id, requested_at=later, changed=("code",))
    (changed,) = save(
        shop,
        "A1",  # as this operator still saw it
        package_id,
        requested_at=later + timedelta(seconds=1),
        changed=("on_sale",),
    )
    assert changed.code == saved(shop, package_id).code == "A2"


def test_a_code_that_is_taken_is_refused_early_and_by_the_database(
    hour: UUID, create: Asking, client: FlaskClient, operator: dict[str, str], shop: Shop
) -> None:
    answer = create()
    assert answer.status_code == 409
    assert set(answer.get_json()["errors"]) == {"code"}
    with pytest.raises(Reject, match="HOUR9"):
        save(shop, "HOUR9", new_id())
    own = client.patch(f"{PATH}/{hour}", json={"code": "hour9"}, headers=operator)
    assert own.status_code == 202


def test_a_package_without_a_code_gets_one_of_its_own(
    hour: UUID, client: FlaskClient, operator: dict[str, str], publisher: FakePublisher
) -> None:
    for name in ("Wiki 1!", "Hour 9"):  # the code HOUR9 is taken
        body = {**HOUR, "name": name}
        del body["code"]
        assert client.post(PATH, json=body, headers=operator).status_code == 202
    jobs = [job for job in publisher.sent[-2:] if isinstance(job, SavePackageJob)]
    last = jobs[1].terms.package_id.hex[-5:].upper()
    assert [job.code for job in jobs] == ["WIKI1", f"HOUR9P{last}"]
    assert code_for("24", hour).startswith("24P")
    assert len(code_for("A very long name", hour, is_taken=True)) == 12


def test_what_is_withdrawn_is_shown_to_operators_only(
    hour: UUID,
    shop: Shop,
    client: FlaskClient,
    operator: dict[str, str],
    publisher: FakePublisher,
) -> None:
    client.patch(f"{PATH}/{hour}", json={"on_sale": False}, headers=operator)
    shop.run(publisher.sent[-1])
    assert client.get(PATH).get_json()["items"] == []
    assert client.get(f"{PATH}/{hour}").status_code == 404
    assert client.get(f"{PATH}?all=true").status_code == 401
    (item,) = client.get(f"{PATH}?all=true", headers=operator).get_json()["items"]
    assert (item["id"], item["on_sale"]) == (str(hour), False)
    assert client.get(f"{PATH}/{hour}", headers=operator).get_json()["on_sale"] is False


def test_a_change_of_nothing_and_of_no_package_are_refused(
    hour: UUID, client: FlaskClient, operator: dict[str, str]
) -> None:
    assert client.patch(f"{PATH}/{hour}", json={}, headers=operator).status_code == 422
    wrong = client.patch(f"{PATH}/{hour}", json={"price": {"amount": 1}}, headers=operator)
    assert set(wrong.get_json()["errors"]) == {"price.amount"}
    path = f"{PATH}/{new_id()}"
    assert client.patch(path, json={"name": "x"}, headers=operator).status_code == 404


def test_the_other_services_hear_of_the_starter_packages(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_starters(connection, NOON)
        insert_starters(connection, NOON)
        waiting = connection.execute(select(outbox)).all()
        codes = set(connection.scalars(select(Package.code)))
    told = [load(PackageChanged, json.loads(row.body)) for row in waiting]
    assert {row.name for row in waiting} == {PackageChanged.NAME}
    assert {one.code for one in told} == codes
    assert len(told) == len(codes) == 7
    assert min(one.terms.price for one in told) == Money.shillings(5)
