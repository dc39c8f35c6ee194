"""A payment gives one user one grant, however often and however concurrently it is asked."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from hotspot.bus.handling import Handling, Task
from hotspot.bus.outcome import Reject
from hotspot.bus.work import Handlers
from hotspot.contract.access import (
    AuthorizeRadiusUserJob,
    CreateHotspotUserJob,
    HotspotUserCreated,
)
from hotspot.contract.message import Message
from hotspot.contract.payments import CacheCredentialsJob
from hotspot.contract.sessions import SessionExpired
from hotspot.contract.sms import SendCredentialsSMSJob
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for, run
from hotspot.vault import Vault
from provisioning_service.models import Grant, HotspotUser
from provisioning_service.users import FIRST, REST

from .examples import DAY, HOUR, PHONE, authorized, bought, package
from .racing import race


def count(engine: Engine, table: type[HotspotUser | Grant]) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def ask_radius(handlers: Handlers, engine: Engine, job: CreateHotspotUserJob) -> Message:
    (asked,) = run(handlers, job, engine)
    return asked


def only_authorization(sent: list[Message]) -> AuthorizeRadiusUserJob:
    (message,) = sent
    assert isinstance(message, AuthorizeRadiusUserJob)
    return message


def test_a_buyer_gets_a_user_and_a_grant_and_radius_is_asked(
    engine: Engine, handlers: Handlers, vault: Vault
) -> None:
    job = bought()

    asked = only_authorization(run(handlers, job, engine))

    assert asked.username == "0712345678"
    assert asked.payment_id == job.payment_id
    assert (asked.starts_at, asked.ends_at) == (NOON, NOON + timedelta(hours=1))
    assert (asked.down_kbps, asked.up_kbps, asked.devices) == (5000, 2000, 2)
    assert asked.data_bytes == 2 * 10**9
    assert (asked.mac, asked.router_id) == (job.mac, job.router_id)
    password = vault.open(asked.sealed_password)
    assert len(password) == 8
    assert password[0] in FIRST
    assert set(password) <= set(REST)
    with Session(engine) as session:
        grant = session.scalars(select(Grant)).one()
        assert grant.state == "authorizing"
        assert grant.package == job.package
        assert grant.receipt == "SKL61H7QOP"


def test_nobody_is_told_before_radius_lets_the_guest_in(engine: Engine, handlers: Handlers) -> None:
    sent = run(handlers, bought(), engine)

    assert [type(message) for message in sent] == [AuthorizeRadiusUserJob]


def test_time_runs_from_when_access_is_given_not_from_the_payment(
    engine: Engine, handlers: Handlers
) -> None:
    late = bought(paid_at=NOON - timedelta(hours=5))

    asked = only_authorization(run(handlers, late, engine))

    assert asked.starts_at == NOON


def test_a_second_payment_of_the_same_phone_extends_the_access(
    engine: Engine, handlers: Handlers
) -> None:
    first = only_authorization(run(handlers, bought(), engine))

    second = only_authorization(run(handlers, bought(), engine, now=NOON + timedelta(minutes=10)))

    assert second.user_id == first.user_id
    assert second.sealed_password == first.sealed_password
    assert second.starts_at == first.ends_at
    assert second.ends_at == NOON + timedelta(hours=2)
    assert count(engine, HotspotUser) == 1


def test_a_returning_guest_keeps_the_password_and_begins_at_once(
    engine: Engine, handlers: Handlers
) -> None:
    first = only_authorization(run(handlers, bought(), engine))
    tomorrow = NOON + timedelta(days=1)

    second = only_authorization(run(handlers, bought(), engine, now=tomorrow))

    assert second.sealed_password == first.sealed_password
    assert second.starts_at == tomorrow


def test_after_the_data_is_used_up_the_next_payment_begins_at_once(
    engine: Engine, handlers: Handlers
) -> None:
    first = only_authorization(run(handlers, bought(), engine))
    soon = NOON + timedelta(minutes=20)
    used_up = SessionExpired(
        session_id=new_id(),
        user_id=first.user_id,
        username=first.username,
        grant_id=first.grant_id,
        payment_id=first.payment_id,
        expired_at=soon,
    )

    assert run(handlers, used_up, engine, now=soon) == []
    second = only_authorization(run(handlers, bought(), engine, now=soon))

    assert second.starts_at == soon


def test_the_same_payment_asked_for_in_another_message_gives_nothing_twice(
    engine: Engine, handlers: Handlers
) -> None:
    job = bought()
    first = only_authorization(run(handlers, job, engine))

    again = only_authorization(run(handlers, job, engine, now=NOON + timedelta(seconds=5)))

    assert again == first
    assert count(engine, Grant) == 1


def test_asked_again_after_all_is_ready_only_the_buyers_page_is_told_again(
    engine: Engine, handlers: Handlers
) -> None:
    job = bought()
    asked = only_authorization(run(handlers, job, engine))
    run(handlers, authorized(asked), engine)

    sent = run(handlers, job, engine)

    assert [type(message) for message in sent] == [CacheCredentialsJob]


def test_a_payment_serves_one_phone_only(engine: Engine, handlers: Handlers) -> None:
    payment_id = new_id()
    run(handlers, bought(payment_id=payment_id), engine)

    with pytest.raises(Reject, match="another user"):
        run(handlers, bought(payment_id=payment_id, phone="254733000000"), engine)

    assert count(engine, HotspotUser) == 1


def test_when_radius_lets_the_guest_in_page_phone_and_everyone_are_told_once(
    engine: Engine, handlers: Handlers
) -> None:
    job = bought(terms=package(seconds=DAY, name="1 day"))
    asked = only_authorization(run(handlers, job, engine))

    cached, sms, created = run(handlers, authorized(asked), engine)
    repeated = run(handlers, authorized(asked), engine, now=NOON + timedelta(seconds=3))

    until = NOON + timedelta(days=1)
    assert cached == CacheCredentialsJob(
        payment_id=job.payment_id,
        user_id=asked.user_id,
        grant_id=asked.grant_id,
        username="0712345678",
        sealed_password=asked.sealed_password,
        until=until,
    )
    assert sms == SendCredentialsSMSJob(
        payment_id=job.payment_id,
        user_id=asked.user_id,
        phone=PHONE,
        username="0712345678",
        sealed_password=asked.sealed_password,
        package_name="1 day",
        until=until,
    )
    assert isinstance(created, HotspotUserCreated)
    assert (created.starts_at, created.until, created.returning) == (NOON, until, False)
    assert repeated == []


def test_a_returning_guest_is_announced_as_one(engine: Engine, handlers: Handlers) -> None:
    run(handlers, bought(), engine)
    later = NOON + timedelta(minutes=1)
    asked = only_authorization(run(handlers, bought(), engine, now=later))

    *_, created = run(handlers, authorized(asked), engine, now=later)

    assert isinstance(created, HotspotUserCreated)
    assert created.returning


def test_a_grant_that_was_never_given_is_refused(engine: Engine, handlers: Handlers) -> None:
    asked = only_authorization(run(handlers, bought(), engine))
    stranger = authorized(replace(asked, grant_id=new_id()))

    with pytest.raises(Reject, match="never given"):
        run(handlers, stranger, engine)


def test_a_voucher_gives_access_to_a_user_without_a_phone(
    engine: Engine, handlers: Handlers
) -> None:
    job = replace(bought(), phone=None, username="  Tx4K-9mwp ")
    asked = only_authorization(run(handlers, job, engine))

    told = run(handlers, authorized(asked), engine)

    # RADIUS does not tell upper from lower case; and there is no phone for an SMS.
    assert (asked.username, asked.phone) == ("tx4k-9mwp", None)
    assert [type(message) for message in told] == [CacheCredentialsJob, HotspotUserCreated]
    again = only_authorization(run(handlers, replace(job, payment_id=new_id()), engine))
    assert (again.user_id, again.starts_at) == (asked.user_id, asked.ends_at)


@pytest.mark.parametrize("name", [None, "", "  ", "0712345678", "254712345678", "+254 712 345678"])
def test_who_tells_no_phone_gets_at_nobody_elses_account(
    engine: Engine, handlers: Handlers, name: str | None
) -> None:
    run(handlers, bought(), engine)

    with pytest.raises(Reject, match="username"):
        run(handlers, replace(bought(), phone=None, username=name), engine)

    assert count(engine, Grant) == 1


def test_jobs_of_one_phone_at_the_same_time_make_one_user_and_time_in_a_row(
    engine: Engine, handlers: Handlers
) -> None:
    jobs = [bought() for _ in range(8)]

    race(handlers, engine, jobs)

    assert count(engine, HotspotUser) == 1
    with Session(engine) as session:
        given = session.scalars(select(Grant).order_by(Grant.starts_at)).all()
    starts = [grant.starts_at for grant in given]
    assert starts == [NOON + timedelta(seconds=HOUR * at) for at in range(8)]
    assert {grant.payment_id for grant in given} == {job.payment_id for job in jobs}


def test_one_payment_asked_for_many_times_at_once_gives_one_grant(
    engine: Engine, handlers: Handlers
) -> None:
    payment_id: UUID = new_id()

    race(handlers, engine, [bought(payment_id=payment_id) for _ in range(8)])

    assert count(engine, HotspotUser) == 1
    assert count(engine, Grant) == 1


def test_a_group_of_payments_is_served_in_one_transaction_each_once(
    engine: Engine, handlers: Handlers
) -> None:
    phones = [PHONE, "254733000000", PHONE, "254711000000", PHONE]
    envelopes = [envelope_for(bought(phone=phone)) for phone in phones]
    tasks = [
        Task(queue="hotspot-provisioning", envelope=envelope, message=envelope.open())
        for envelope in [*envelopes, envelopes[0]]
    ]
    handling = Handling(
        service="provisioning", handlers=handlers, engine=engine, clock=lambda: NOON
    )

    sent = [parcel.envelope.name for parcel in handling.run_together(tasks)]

    assert sent.count("AuthorizeRadiusUserJob") == 5
    assert count(engine, HotspotUser) == 3
    with Session(engine) as session:
        last = session.scalar(select(func.max(Grant.ends_at)))
    assert last == NOON + timedelta(hours=3)
