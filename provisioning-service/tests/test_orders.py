"""What operators order about subscriptions: created, suspended, let go on."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from hotspot.bus.outcome import Reject
from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    AccountSuspended,
    AccountUnsuspended,
    AuthorizeRadiusUserJob,
    CheckExpiredSubscriptionsJob,
    CreateSubscriptionJob,
    ReconnectSubscriptionJob,
    ReleaseRadiusUserJob,
    SubscriptionChanged,
    SuspendRadiusUserJob,
    SuspendSubscriptionJob,
    UnsuspendSubscriptionJob,
)
from hotspot.contract.packages import PackageChanged, PackageTerms
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, FakePublisher, run
from hotspot.testing.identity import Keys
from provisioning_service.config import Config
from provisioning_service.models import Package, Subscription
from provisioning_service.web import create_app
from provisioning_service.worker import handlers as handlers_of

from .examples import HOME, PHONE, all_of, bought, month, names, only, package

MONTH = timedelta(days=30)
GRACE = timedelta(days=3)
CHECK = CheckExpiredSubscriptionsJob()


@pytest.fixture
def operator(keys: Keys) -> dict[str, str]:
    """The headers of an operator."""
    return keys.headers("operator")


@pytest.fixture
def home(engine: Engine, handlers: Handlers) -> None:
    """The subscription package that is sold."""
    run(handlers, sold(), engine)


def sold(
    terms: PackageTerms = HOME, *, on_sale: bool = True, at: datetime = NOON
) -> PackageChanged:
    return PackageChanged(code="HOME", terms=terms, on_sale=on_sale, changed_at=at)


def create(phone: str = PHONE, terms: PackageTerms = HOME) -> CreateSubscriptionJob:
    return CreateSubscriptionJob(
        subscription_id=new_id(),
        phone=phone,
        package=terms,
        requested_by="amina@wifi.example",
        requested_at=NOON,
    )


def subscription_in(engine: Engine) -> Subscription:
    with Session(engine) as session:
        return session.scalars(select(Subscription)).one()


def suspend(engine: Engine, at: datetime = NOON) -> SuspendSubscriptionJob:
    return SuspendSubscriptionJob(
        subscription_id=subscription_in(engine).id, requested_by="amina", requested_at=at
    )


def let_go_on(engine: Engine, at: datetime = NOON) -> UnsuspendSubscriptionJob:
    return UnsuspendSubscriptionJob(
        subscription_id=subscription_in(engine).id, requested_by="amina", requested_at=at
    )


# Created


def test_it_runs_once_it_is_paid(engine: Engine, handlers: Handlers) -> None:
    job = create()

    (changed,) = run(handlers, job, engine)

    assert isinstance(changed, SubscriptionChanged)
    assert (changed.subscription_id, changed.state) == (job.subscription_id, "suspended")
    assert (changed.phone, changed.paid_until) == (PHONE, NOON)
    # Nothing is lent to whom nobody knows.
    assert run(handlers, CHECK, engine, now=NOON + timedelta(hours=1)) == []
    later = NOON + timedelta(hours=2)
    sent = run(handlers, month(), engine, now=later)
    assert only(AuthorizeRadiusUserJob, sent).ends_at == later + MONTH
    assert only(SubscriptionChanged, sent).subscription_id == job.subscription_id
    assert all_of(AccountUnsuspended, sent)
    assert subscription_in(engine).state == "active"


def test_its_first_payment_may_come_as_a_reconnection(engine: Engine, handlers: Handlers) -> None:
    job = create()
    run(handlers, job, engine)
    paid = ReconnectSubscriptionJob(
        subscription_id=job.subscription_id, payment_id=new_id(), paid_at=NOON, package=HOME
    )

    run(handlers, paid, engine)

    assert subscription_in(engine).paid_until == NOON + MONTH


def test_a_phone_has_one_subscription(engine: Engine, handlers: Handlers) -> None:
    first = create()
    run(handlers, first, engine)

    with pytest.raises(Reject, match=str(first.subscription_id)):
        run(handlers, create(), engine)
    assert run(handlers, first, engine) == []

    assert subscription_in(engine).id == first.subscription_id


def test_only_a_subscription_package_makes_a_subscription(
    engine: Engine, handlers: Handlers
) -> None:
    with pytest.raises(Reject, match="not a subscription package"):
        run(handlers, create(terms=package()), engine)


# Suspended


def test_an_operator_suspends_and_the_paid_time_runs_on(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)

    sent = run(handlers, suspend(engine), engine, now=NOON + timedelta(days=1))

    assert only(SuspendRadiusUserJob, sent).username == "0712345678"
    assert only(AccountSuspended, sent).reason == "operator"
    changed = only(SubscriptionChanged, sent)
    assert (changed.state, changed.paid_until) == ("suspended", NOON + MONTH)
    assert run(handlers, suspend(engine), engine, now=NOON + timedelta(days=1)) == []
    assert run(handlers, CHECK, engine, now=NOON + MONTH) == []


def test_in_grace_the_rest_of_it_is_taken_back(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)
    run(handlers, CHECK, engine, now=NOON + MONTH)
    at = NOON + MONTH + timedelta(days=1)

    sent = run(handlers, suspend(engine), engine, now=at)

    assert only(AuthorizeRadiusUserJob, sent).ends_at == at
    assert subscription_in(engine).grace_until is None


def test_whoever_pays_is_released(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)
    run(handlers, suspend(engine), engine)

    sent = run(handlers, month(), engine)

    assert all_of(AccountUnsuspended, sent)
    found = subscription_in(engine)
    assert (found.state, found.paid_until) == ("active", NOON + 2 * MONTH)


def test_whoever_buys_an_hour_is_released_too(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)
    run(handlers, suspend(engine), engine)

    sent = run(handlers, bought(), engine)

    assert names(sent)[1:] == ["ReleaseRadiusUserJob", "AccountUnsuspended", "SubscriptionChanged"]
    assert subscription_in(engine).state == "active"


# Let go on


def test_it_goes_on_by_the_paid_time_that_is_left(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)
    run(handlers, suspend(engine), engine)

    sent = run(handlers, let_go_on(engine), engine, now=NOON + timedelta(days=1))

    assert names(sent) == ["ReleaseRadiusUserJob", "AccountUnsuspended", "SubscriptionChanged"]
    assert only(SubscriptionChanged, sent).state == "active"
    assert run(handlers, let_go_on(engine), engine) == []


def test_without_paid_time_it_goes_on_by_grace_which_is_paid_back(
    engine: Engine, handlers: Handlers
) -> None:
    run(handlers, create(), engine)

    sent = run(handlers, let_go_on(engine), engine)

    lent = only(AuthorizeRadiusUserJob, sent)
    assert (lent.starts_at, lent.ends_at) == (NOON, NOON + GRACE)
    assert only(ReleaseRadiusUserJob, sent).changed_at == NOON
    assert subscription_in(engine).state == "grace"
    run(handlers, month(), engine, now=NOON + timedelta(days=2))
    assert subscription_in(engine).paid_until == NOON + MONTH


def test_without_paid_time_and_grace_there_is_nothing_to_go_on_with(
    config: Config, engine: Engine
) -> None:
    handlers = handlers_of(replace(config, grace=timedelta(0)))
    run(handlers, create(), engine)

    with pytest.raises(Reject, match="nothing of it is paid"):
        run(handlers, let_go_on(engine), engine)

    assert subscription_in(engine).state == "suspended"


def test_the_newest_order_counts_whichever_comes_first(engine: Engine, handlers: Handlers) -> None:
    run(handlers, month(), engine)
    earlier, later = NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)
    run(handlers, let_go_on(engine, later), engine)

    assert run(handlers, suspend(engine, earlier), engine) == []

    assert subscription_in(engine).state == "active"


@pytest.mark.parametrize("order", [SuspendSubscriptionJob, UnsuspendSubscriptionJob])
def test_an_order_about_no_subscription_is_refused(
    engine: Engine,
    handlers: Handlers,
    order: type[SuspendSubscriptionJob] | type[UnsuspendSubscriptionJob],
) -> None:
    job = order(subscription_id=new_id(), requested_by="amina", requested_at=NOON)

    with pytest.raises(Reject, match="no subscription"):
        run(handlers, job, engine)


# What is sold


def test_the_newest_word_about_a_package_counts(engine: Engine, handlers: Handlers) -> None:
    cheaper = replace(HOME, name="Home, cheaper")

    for event in (sold(), sold(cheaper, at=NOON + timedelta(days=1)), sold(on_sale=False)):
        assert run(handlers, event, engine) == []

    with Session(engine) as session:
        found = session.scalars(select(Package)).one()
    assert (found.terms, found.on_sale) == (cheaper, True)


# Through the API


def test_an_operator_subscribes_a_customer(
    client: FlaskClient, home: None, publisher: FakePublisher, operator: dict[str, str]
) -> None:
    body = {"phone": "0712 345 678", "package_id": str(HOME.package_id)}

    answer = client.post("/api/v1/subscriptions", json=body, headers=operator)

    accepted: dict[str, Any] = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"].endswith(f"/api/v1/subscriptions/{accepted['id']}")
    (job,) = publisher.sent
    assert job == CreateSubscriptionJob(
        subscription_id=UUID(accepted["id"]),
        phone=PHONE,
        package=HOME,
        requested_by="test@hotspot.example",
        requested_at=NOON,
    )


def test_a_subscription_that_nobody_has_paid_is_shown_as_suspended(
    client: FlaskClient, engine: Engine, handlers: Handlers, operator: dict[str, str]
) -> None:
    job = create()
    run(handlers, job, engine)

    shown = client.get(f"/api/v1/subscriptions/{job.subscription_id}", headers=operator).get_json()

    assert (shown["status"], shown["phone"]) == ("suspended", PHONE)
    assert (shown["paid_until"], shown["grace_until"]) == ("2026-01-15T09:00:00Z", None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": PHONE, "package_id": str(new_id())}, "package_id"),
        ({"phone": PHONE, "package_id": "7"}, "package_id"),
        ({"phone": PHONE}, "package_id"),
        ({"phone": "12345", "package_id": str(HOME.package_id)}, "phone"),
        ({"phone": None, "package_id": str(HOME.package_id)}, "phone"),
        ({"package_id": str(HOME.package_id)}, "phone"),
    ],
)
def test_a_body_that_fits_nothing_is_a_problem_that_names_the_field(
    client: FlaskClient, home: None, operator: dict[str, str], body: dict[str, object], field: str
) -> None:
    answer = client.post("/api/v1/subscriptions", json=body, headers=operator)

    assert answer.status_code == 422
    assert list(answer.get_json(force=True)["errors"]) == [field]


def test_a_package_that_nobody_can_subscribe_to_is_refused(
    client: FlaskClient, engine: Engine, handlers: Handlers, operator: dict[str, str]
) -> None:
    hour = package()
    said = {}
    for terms, on_sale in ((hour, True), (HOME, False)):
        run(handlers, sold(terms, on_sale=on_sale), engine)
        body = {"phone": PHONE, "package_id": str(terms.package_id)}
        answer = client.post("/api/v1/subscriptions", json=body, headers=operator)
        assert answer.status_code == 422
        (said[terms.name],) = answer.get_json(force=True)["errors"]["package_id"]

    assert said == {
        "1 hour": "is not a subscription package",
        "Home 5 Mbps": "is not sold any more",
    }


def test_a_second_subscription_of_a_phone_is_refused_with_the_first_ones_id(
    client: FlaskClient, engine: Engine, handlers: Handlers, operator: dict[str, str]
) -> None:
    run(handlers, sold(), engine)
    run(handlers, create(), engine)
    body = {"phone": PHONE, "package_id": str(HOME.package_id)}

    answer = client.post("/api/v1/subscriptions", json=body, headers=operator)

    assert answer.status_code == 409
    assert str(subscription_in(engine).id) in answer.text


def test_operators_suspend_and_unsuspend(
    client: FlaskClient,
    engine: Engine,
    handlers: Handlers,
    publisher: FakePublisher,
    operator: dict[str, str],
) -> None:
    run(handlers, month(), engine)
    place = f"/api/v1/subscriptions/{subscription_in(engine).id}"

    for order, state in (("suspend", "suspended"), ("unsuspend", "active")):
        answer = client.post(f"{place}/{order}", headers=operator)
        assert (answer.status_code, answer.get_json()["id"]) == (202, place[-36:])
        run(handlers, publisher.sent[-1], engine)
        assert subscription_in(engine).state == state


def test_without_grace_only_what_is_paid_is_let_go_on(
    config: Config, engine: Engine, handlers: Handlers, operator: dict[str, str]
) -> None:
    run(handlers, create(), engine)
    strict = replace(config, grace=timedelta(0))
    app = create_app(strict, publisher=FakePublisher(), engine=engine, clock=lambda: NOON)
    place = f"/api/v1/subscriptions/{subscription_in(engine).id}/unsuspend"

    assert app.test_client().post(place, headers=operator).status_code == 409


@pytest.mark.parametrize("order", ["suspend", "unsuspend"])
def test_what_is_not_there_cannot_be_ordered_about(
    client: FlaskClient, operator: dict[str, str], order: str
) -> None:
    answer = client.post(f"/api/v1/subscriptions/{new_id()}/{order}", headers=operator)

    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["", f"/{new_id()}/suspend", f"/{new_id()}/unsuspend"])
def test_support_may_not_order_about_subscriptions(
    client: FlaskClient, keys: Keys, publisher: FakePublisher, path: str
) -> None:
    asked = f"/api/v1/subscriptions{path}"

    assert client.post(asked, json={}, headers=keys.headers("support")).status_code == 403
    assert client.post(asked, json={}).status_code == 401
    assert publisher.sent == []
