"""A worker that is killed at any line: money is settled once, a phone is prompted at most once."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, text

from hotspot.bus.tables import outbox
from hotspot.contract.message import Message
from hotspot.contract.operations import StepsRecorded
from hotspot.contract.payments import ProcessPaymentJob, PromptPhoneJob, RecordStkCallbackJob
from hotspot.testing.handling import NOON, envelope_for, run_envelope
from hotspot.testing.killing import killed_at_every_line

from .shop import SAFARICOM, Shop, success

HERE = ("/payment_service/",)
MADE_MEANWHILE = (
    *("access_sessions", "access", "receipts", "vouchers", "mpesa_messages"),
    *("inbox", "outbox", "restarts"),
)


def forget(shop: Shop, payment_id: UUID, **values: str | None) -> None:
    """Put a payment back to where it was before its message came."""
    with shop.engine.begin() as connection:
        for table in MADE_MEANWHILE:
            connection.execute(text(f"DELETE FROM {table}"))
        sets = ", ".join(f"{name} = :{name}" for name in values)
        connection.execute(
            text(f"UPDATE payments SET {sets} WHERE id = :id"), {**values, "id": payment_id}
        )


def finished_by_another(shop: Shop, message: Message) -> tuple[Callable[[], object], ...]:
    """The first run of a message, and its redelivery."""
    envelope = envelope_for(message)

    def first() -> object:
        return run_envelope(shop.handlers, envelope, shop.engine)

    def again() -> object:
        return run_envelope(shop.handlers, envelope, shop.engine, redelivered=True)

    return first, again


def waiting_in_outbox(shop: Shop) -> list[str]:
    with shop.engine.connect() as connection:
        names = connection.scalars(select(outbox.c.name).order_by(outbox.c.name)).all()
    return [name for name in names if name != StepsRecorded.NAME]


def test_a_success_is_settled_once_wherever_its_worker_dies(shop: Shop) -> None:
    payment_id = shop.prompted()
    first, again = finished_by_another(
        shop,
        RecordStkCallbackJob(
            payment_id=payment_id, body=success(), source_address=SAFARICOM, received_at=NOON
        ),
    )

    def prepare() -> None:
        forget(shop, payment_id, status="pending", receipt=None, completed_at=None)

    line = 0
    for line in killed_at_every_line(first, shop.engine, HERE, prepare=prepare):
        again()
        assert shop.payment(payment_id).status == "completed", f"killed at line {line}"
        assert len(shop.heard(payment_id)) == 1, f"killed at line {line}"
        assert waiting_in_outbox(shop) == [
            "HotspotUserProvisionRequested",
            "PaymentCompleted",
            "ProcessPaymentJob",
        ], f"killed at line {line}"
    assert line > 50, "the tracer saw too little"


def test_a_voucher_is_made_once_wherever_its_worker_dies(shop: Shop) -> None:
    payment_id = shop.completed()
    first, again = finished_by_another(shop, ProcessPaymentJob(payment_id=payment_id))
    line = 0
    for line in killed_at_every_line(
        first, shop.engine, HERE, prepare=lambda: forget(shop, payment_id, status="completed")
    ):
        again()
        assert shop.voucher(payment_id) is not None
        assert waiting_in_outbox(shop) == ["VoucherIssued"], f"killed at line {line}"
    assert line > 5, "the tracer saw too little"


def test_a_phone_is_prompted_at_most_once_wherever_its_worker_dies(
    shop: Shop, tmp_path: Path
) -> None:
    payment_id = shop.request()
    prompts = tmp_path / "prompts"  # outlives the killed

    def count() -> None:
        with prompts.open("a") as file:
            file.write("prompt\n")

    shop.mpesa.meanwhile = count
    first, again = finished_by_another(shop, PromptPhoneJob(payment_id=payment_id))

    def prepare() -> None:
        prompts.write_text("")
        forget(
            shop,
            payment_id,
            prompt_state="waiting",
            checkout_request_id=None,
            merchant_request_id=None,
        )

    unclear = 0
    for line in killed_at_every_line(first, shop.engine, HERE, prepare=prepare):
        again()
        asked = prompts.read_text().count("prompt")
        state = shop.payment(payment_id).prompt_state
        assert asked <= 1, f"killed at line {line}"
        assert state in ("prompted", "unclear"), f"killed at line {line}"
        assert state == "unclear" or asked == 1, f"killed at line {line}"
        unclear += state == "unclear"
    assert unclear > 3, "nobody died while M-Pesa was asked"
