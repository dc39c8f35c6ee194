"""Requests that Daraja answers later: what is sent, what the replies and the results mean."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from environs import Env, EnvError

from hotspot.contract.money import Money
from hotspot.ids import new_id
from payment_service.claims.receipts_answered import Answer, decide
from payment_service.config import Config
from payment_service.mpesa import initiator
from payment_service.mpesa.api import DoNotRepeat, NotYet, OutcomeUnknown, TryLater
from payment_service.mpesa.daraja_requests import DarajaRequests, ResultUrls, Taken, remarks_of
from payment_service.mpesa.daraja_results import (
    Party,
    Result,
    movement_of,
    original_of,
    read_result,
)
from payment_service.mpesa.daraja_session import DarajaSession
from payment_service.mpesa.initiator import Initiator
from payment_service.mpesa.stk import Unreadable
from payment_service.settling.payers import Payer

from .shop import id_of, samples
from .test_daraja import HANG_UP, INVALID_TOKEN, TOKEN, Safaricom, serve

TAKEN = (200, samples("transaction_status_response")[0]["body"])
REQUEST = new_id()
RECEIPT = "UAF9KD20QX"
Line = tuple[DarajaRequests, Safaricom]


@pytest.fixture
def line(config: Config) -> Iterator[Line]:
    """A client of a server that answers with a token, then as the test says."""
    safaricom = Safaricom([TOKEN])
    server = serve(safaricom)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with requests.Session() as http:
        http.trust_env = False
        there = replace(config, daraja_base_url=f"http://127.0.0.1:{server.server_address[1]}")
        session = DarajaSession(there, http=http)
        yield DarajaRequests(there, session, urls), safaricom
    server.shutdown()
    thread.join()
    server.server_close()


def urls(request_id: object) -> ResultUrls:
    return ResultUrls(result=f"http://us/{request_id}", timeout=f"http://us/{request_id}/timeout")


def test_a_receipt_is_asked_for_in_the_recorded_shape(line: Line) -> None:
    daraja, safaricom = line
    safaricom.replies.append(TAKEN)
    reply = daraja.status(REQUEST, RECEIPT)
    assert isinstance(reply, Taken)
    assert reply.conversation_id == "AG_20210709_1234409f86436c583e3f"
    path, _, body = safaricom.asked[1]
    assert path == "/mpesa/transactionstatus/v1/query"
    # It may suggest an OriginatorConversationID; M-Pesa makes its own all the same.
    recorded = set(samples("transaction_status_request")[0]["body"])
    assert set(body) == recorded - {"OriginatorConversationID"}
    assert (body["Initiator"], body["SecurityCredential"]) == ("hotspot", "c2VhbGVk")
    assert (body["TransactionID"], body["PartyA"], body["IdentifierType"]) == (
        RECEIPT,
        "174379",
        "4",
    )
    assert body["ResultURL"] == f"http://us/{REQUEST}"


def test_a_reversal_is_asked_for_in_the_recorded_shape(line: Line) -> None:
    daraja, safaricom = line
    safaricom.replies.append(TAKEN)
    daraja.reverse(REQUEST, RECEIPT, Money(amount=2050), "paid twice; <b>sorry</b>")
    path, _, body = safaricom.asked[1]
    assert path == "/mpesa/reversal/v1/request"
    assert set(body) == set(samples("reversal_request")[0]["body"])
    assert all(isinstance(value, str) for value in body.values())
    assert (body["Amount"], body["RecieverIdentifierType"]) == ("20.50", "11")
    assert body["Remarks"] == "paid twice bsorryb"


def test_remarks_are_what_mpesa_takes() -> None:
    assert remarks_of("夜") == "Reversal"
    assert len(remarks_of("x" * 500)) == 100


REFUSED = {"errorCode": "400.002.02", "errorMessage": "Bad Request - Invalid Initiator"}
SLOW_DOWN = {"errorCode": "500.003.02", "errorMessage": "Spike Arrest"}


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ([(400, REFUSED)], DoNotRepeat),
        ([(200, {"ResponseCode": "21", "ResponseDescription": "not allowed"})], DoNotRepeat),
        ([(500, SLOW_DOWN)], TryLater),
        ([INVALID_TOKEN, TOKEN, INVALID_TOKEN], TryLater),
        ([HANG_UP], OutcomeUnknown),
        ([(500, "")], OutcomeUnknown),
        ([(200, "")], OutcomeUnknown),
        ([(200, {"ConversationID": "AG_1"})], OutcomeUnknown),
    ],
)
def test_a_reply_tells_whether_a_reversal_may_be_asked_for_again(
    line: Line, replies: list[Any], error: type[Exception]
) -> None:
    daraja, safaricom = line
    safaricom.replies += [*replies, TOKEN, *replies]
    with pytest.raises(error):
        daraja.reverse(REQUEST, RECEIPT, Money.shillings(20), "paid twice")
    # A question may always be asked again: whatever went wrong, it is a reason and no more.
    safaricom.replies[:] = [*replies, *replies]
    answer = daraja.status(REQUEST, RECEIPT)
    assert isinstance(answer, NotYet)
    assert answer.daraja_is_down == (error is not DoNotRepeat)


def test_nothing_is_asked_without_an_initiator(config: Config) -> None:
    nobody = replace(config, initiator=None)
    daraja = DarajaRequests(nobody, DarajaSession(nobody), urls)
    assert not daraja.may_ask
    assert isinstance(daraja.status(REQUEST, RECEIPT), NotYet)
    with pytest.raises(DoNotRepeat):
        daraja.reverse(REQUEST, RECEIPT, Money.shillings(20), "paid twice")


# Results


def read(body: object) -> Result:
    told = read_result(body if isinstance(body, str) else json.dumps(body))
    assert isinstance(told, Result)
    return told


@pytest.mark.parametrize("sample", samples("transaction_status_result"), ids=id_of)
def test_a_recorded_result_whose_keys_repeat_does_not_say_who_paid_whom(
    sample: dict[str, Any],
) -> None:
    result = read(sample["body"])
    told = movement_of(result.values)
    assert (result.code, result.conversation_id) == ("0", "AG_20180223_000049334ae97d86f75")
    assert (told.receipt, told.amount) == ("MBN31H462N", Money.shillings(300))
    assert (told.status, told.giver, told.taker) == ("completed", None, None)
    assert decide(result, "MBN31H462N", frozenset({"600310"})) is Answer.UNCLEAR


def parameters(*items: dict[str, object]) -> dict[str, object]:
    return {"Result": {"ResultCode": "0", "ResultParameters": {"ResultParameter": list(items)}}}


def test_numbers_missing_values_and_repeated_keys_are_read() -> None:
    result = read(
        parameters(
            {"Key": "DebitPartyName"},
            {"Key": "DebitPartyName", "Value": "254712345678 - JOHN - DOE"},
            {"Key": "DebitPartyName", "Value": "254712345678 - JOHN - DOE"},
            {"Key": "CreditPartyName", "Value": "174379 - HOTSPOT"},
            {"Key": "Amount", "Value": 20.0},
            {"Key": "Amount", "Value": "20.00"},
            {"Key": "FinalisedTime", "Value": 20260115120000},
            {"Key": "InitiatedTime", "Value": "20260115115959"},
            {"Key": "TransactionReason"},
            {"Key": "TransactionStatus", "Value": "Completed"},
            {"Key": "ReceiptNo", "Value": RECEIPT.lower()},
            {"Value": "no key"},
            {},
        )
    )
    told = movement_of(result.values)
    assert told.amount == Money.shillings(20)
    assert told.paid_at == datetime(2026, 1, 15, 9, tzinfo=UTC)
    assert told.giver == Party(number="254712345678", name="JOHN - DOE")
    assert told.payer == Payer(phone="254712345678")
    assert decide(result, RECEIPT, frozenset({"174379"})) is Answer.OURS


@pytest.mark.parametrize("listed", [None, {}, [], "x", [None], {"Key": "Amount", "Value": 5}])
def test_parameters_may_be_missing_or_stand_alone(listed: object) -> None:
    body = {"Result": {"ResultCode": 0, "ResultParameters": {"ResultParameter": listed}}}
    assert movement_of(read(body).values).receipt is None


def test_two_tellings_that_differ_are_none() -> None:
    values = read(
        parameters(
            {"Key": "Amount", "Value": 20},
            {"Key": "Amount", "Value": 1000},
            {"Key": "OriginalTransactionID", "Value": RECEIPT},
        )
    ).values
    assert movement_of(values).amount is None
    assert original_of(values) == RECEIPT


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"Result": 5}', '{"Result": {}}', "[" * 5000])
def test_what_is_no_result_is_unreadable(body: str) -> None:
    assert isinstance(read_result(body), Unreadable)


# The initiator


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Initiator | None]:
    """The initiator that these variables name."""

    def load(**variables: str) -> Initiator | None:
        for name in (initiator.NAME, initiator.CREDENTIAL, initiator.PASSWORD):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(initiator.CERTIFICATE, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return initiator.load(Env())

    return load


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, encoding: Encoding) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "apigee")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day.replace(year=2027))
    return made.sign(key, SHA256()).public_bytes(encoding)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_password_is_sealed_for_safaricom(
    given: Callable[..., Initiator | None], tmp_path: Path, encoding: Encoding
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "safaricom.cer"
    file.write_bytes(certificate(key, encoding))
    found = given(
        DARAJA_INITIATOR_NAME="api",
        DARAJA_INITIATOR_PASSWORD="Secret!1",
        DARAJA_CERTIFICATE=str(file),
    )
    assert found is not None
    sealed = base64.b64decode(found.credential)
    assert key.decrypt(sealed, PKCS1v15()) == b"Secret!1"
    assert found.credential not in repr(found)


def test_without_any_of_its_settings_there_is_no_initiator(
    given: Callable[..., Initiator | None],
) -> None:
    assert given() is None
    assert given(DARAJA_INITIATOR_NAME=" ") is None
    ready_made = given(DARAJA_INITIATOR_NAME="api", DARAJA_SECURITY_CREDENTIAL="c2VhbGVk")
    assert ready_made == Initiator(name="api", credential="c2VhbGVk")


def test_half_of_an_initiator_is_refused(
    given: Callable[..., Initiator | None], tmp_path: Path
) -> None:
    elliptic = tmp_path / "other.pem"
    elliptic.write_bytes(certificate(ec.generate_private_key(ec.SECP256R1()), Encoding.PEM))
    password = {"DARAJA_INITIATOR_NAME": "api", "DARAJA_INITIATOR_PASSWORD": "x"}
    for variables in (
        {"DARAJA_INITIATOR_NAME": "api"},
        {"DARAJA_SECURITY_CREDENTIAL": "c2VhbGVk"},
        password,
        {**password, "DARAJA_CERTIFICATE": str(tmp_path / "missing")},
        {**password, "DARAJA_CERTIFICATE": __file__},
        {**password, "DARAJA_CERTIFICATE": str(elliptic)},
    ):
        with pytest.raises(EnvError, match="DARAJA_"):
            given(**variables)
