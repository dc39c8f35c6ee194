"""Jobs that call the world outside: never twice, whatever happens in between."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import Engine, text

from hotspot.bus.handling import OutcomeNotRecorded
from hotspot.bus.outcome import Retry
from hotspot.bus.tables import bus_metadata
from hotspot.bus.work import Handlers, Outside, Unclear, Work
from hotspot.contract.payments import PromptPhoneJob, VoucherIssued
from hotspot.ids import new_id
from hotspot.testing.handling import NOON, envelope_for, run_envelope


@dataclass
class World:
    """Counts calls, and answers as told."""

    answer: Callable[[], str] = lambda: "accepted"
    calls: int = 0
    recorded: list[object] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)

    def handlers(self) -> Handlers:
        return {PromptPhoneJob: Outside(prepare=_prepare, act=self._act, record=self._record)}

    def _act(self, _intent: str) -> str:
        self.calls += 1
        return self.answer()

    def _record(self, job: PromptPhoneJob, _intent: str, result: str | Unclear, work: Work) -> None:
        if self.trouble:
            raise self.trouble.pop()
        self.recorded.append(result)
        work.session.execute(text("UPDATE prompts SET state = 'ended'"))
        work.send(VoucherIssued(voucher_id=new_id(), payment_id=job.payment_id, issued_at=NOON))


def _prepare(job: PromptPhoneJob, work: Work) -> str | None:
    found = work.session.execute(text("SELECT state, attempt FROM prompts")).first()
    if found and (found.state != "calling" or found.attempt == work.envelope.attempt):
        work.session.execute(text("UPDATE prompts SET state = 'unclear' WHERE state = 'calling'"))
        return None
    work.session.execute(
        text(
            "INSERT INTO prompts VALUES (1, 'calling', :a)"
            " ON CONFLICT (id) DO UPDATE SET attempt = :a"
        ),
        {"a": work.envelope.attempt},
    )
    return str(job.payment_id)


@pytest.fixture
def engine(empty_database: Engine) -> Engine:
    bus_metadata.create_all(empty_database)
    with empty_database.begin() as connection:
        connection.execute(
            text("CREATE TABLE prompts (id int PRIMARY KEY, state text, attempt int)")
        )
    return empty_database


def state(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT state FROM prompts")).scalar())


def test_the_call_happens_once_and_its_outcome_is_recorded(engine: Engine) -> None:
    world = World()
    envelope = envelope_for(PromptPhoneJob(payment_id=new_id()))
    sent = run_envelope(world.handlers(), envelope, engine)
    assert [type(one) for one in sent] == [VoucherIssued]
    assert run_envelope(world.handlers(), envelope, engine) == []
    assert (world.calls, world.recorded, state(engine)) == (1, ["accepted"], "ended")


def test_a_retry_calls_again_on_the_next_attempt(engine: Engine) -> None:
    def refuse() -> str:
        raise Retry("nothing was sent")

    world = World(answer=refuse)
    envelope = envelope_for(PromptPhoneJob(payment_id=new_id()))
    with pytest.raises(Retry):
        run_envelope(world.handlers(), envelope, engine)
    world.answer = lambda: "accepted"
    run_envelope(world.handlers(), envelope.again(), engine)
    assert (world.calls, state(engine)) == (2, "ended")


def test_any_other_error_of_the_call_is_an_unclear_outcome(engine: Engine) -> None:
    def break_off() -> str:
        raise ConnectionResetError("gone in the middle")

    world = World(answer=break_off)
    run_envelope(world.handlers(), envelope_for(PromptPhoneJob(payment_id=new_id())), engine)
    assert world.recorded == [Unclear(reason="gone in the middle")]


def test_a_crash_after_the_call_leads_to_no_second_call(engine: Engine) -> None:
    class Killed(BaseException):
        pass

    def die() -> str:
        raise Killed

    world = World(answer=die)
    envelope = envelope_for(PromptPhoneJob(payment_id=new_id()))
    with pytest.raises(Killed):
        run_envelope(world.handlers(), envelope, engine)
    run_envelope(world.handlers(), envelope, engine, redelivered=True)
    assert (world.calls, state(engine)) == (1, "unclear")


def test_trouble_while_recording_is_overcome_without_a_second_call(engine: Engine) -> None:
    world = World(trouble=[ZeroDivisionError("a moment's trouble")])
    run_envelope(world.handlers(), envelope_for(PromptPhoneJob(payment_id=new_id())), engine)
    assert (world.calls, world.recorded, state(engine)) == (1, ["accepted"], "ended")


def test_what_can_never_be_recorded_comes_again_with_the_same_attempt(engine: Engine) -> None:
    world = World(trouble=[ZeroDivisionError("a bug")] * 9)
    envelope = envelope_for(PromptPhoneJob(payment_id=new_id()))
    with pytest.raises(OutcomeNotRecorded, match="a bug"):
        run_envelope(world.handlers(), envelope, engine)
    run_envelope(world.handlers(), replace(envelope), engine, redelivered=True)
    assert (world.calls, state(engine)) == (1, "unclear")
