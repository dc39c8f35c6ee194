"""The Daraja API, as it stands under /daraja."""

import secrets

from flask import Blueprint, Response, json, jsonify, request
from flask.typing import ResponseReturnValue

from simulators.behaviour import MpesaMode
from simulators.callbacks import describe
from simulators.clock import Clock
from simulators.mpesa import Mpesa
from simulators.organisation import REVERSAL, STATUS, Organisation
from simulators.prompts import Prompt
from simulators.result_behaviour import ResultMode
from simulators.stk import DarajaError, Merchant, check_signature, check_stk_request, invalid
from simulators.tokens import Tokens
from simulators.trouble import Trouble, hang_up

ACCEPTED = "Success. Request accepted for processing"


def daraja_blueprint(
    *,
    mpesa: Mpesa,
    organisation: Organisation,
    merchant: Merchant,
    tokens: Tokens,
    trouble: Trouble,
    clock: Clock,
) -> Blueprint:
    """The routes of Daraja."""
    blueprint = Blueprint("daraja", __name__, url_prefix="/daraja")

    @blueprint.errorhandler(DarajaError)
    def refused(error: DarajaError) -> Response:
        return _error_response(error)

    @blueprint.before_request
    def may_be_down() -> ResponseReturnValue | None:
        down = mpesa.behaviours.default.mode is MpesaMode.DOWN
        return trouble.answer() if down else None

    @blueprint.get("/oauth/v1/generate")
    def generate_token() -> ResponseReturnValue:
        if request.args.get("grant_type") != "client_credentials":
            raise DarajaError(400, "400.008.02", "Invalid grant type passed")
        if not tokens.accepts(request.headers.get("Authorization")):
            # Wrong keys: 400 and not a word.
            return Response(b"", status=400)
        return jsonify(access_token=tokens.issue(clock.now()), expires_in="3599")

    @blueprint.post("/mpesa/stkpush/v1/processrequest")
    def process_request() -> ResponseReturnValue:
        tokens.check(request.headers.get("Authorization"), clock.now())
        wanted = check_stk_request(_json_body(), merchant, clock.now())
        if mpesa.behaviours.of(wanted.phone).mode is MpesaMode.DOWN:
            return trouble.answer()
        prompt = mpesa.ask(wanted)
        if prompt.mode is MpesaMode.REPLY_LOST:
            return hang_up()
        return jsonify(
            MerchantRequestID=prompt.merchant_request_id,
            CheckoutRequestID=prompt.checkout_request_id,
            ResponseCode="0",
            ResponseDescription=ACCEPTED,
            CustomerMessage=ACCEPTED,
        )

    @blueprint.post("/mpesa/stkpushquery/v1/query")
    def query() -> ResponseReturnValue:
        tokens.check(request.headers.get("Authorization"), clock.now())
        body = _json_body()
        check_signature(body, merchant, clock.now())
        prompt = mpesa.prompts.queried(str(body.get("CheckoutRequestID", "")))
        if prompt is None:
            raise invalid("CheckoutRequestID")
        if mpesa.behaviours.of(prompt.request.phone).mode is MpesaMode.DOWN:
            return trouble.answer()
        if prompt.pending:
            return _pending(prompt)
        return jsonify(
            ResponseCode="0",
            ResponseDescription="The service request has been accepted successsfully",
            MerchantRequestID=prompt.merchant_request_id,
            CheckoutRequestID=prompt.checkout_request_id,
            ResultCode=str(prompt.result_code),
            ResultDesc=describe(prompt.result_code, prompt.queries),
        )

    @blueprint.post("/mpesa/c2b/v<int:version>/registerurl")
    def register_urls(version: int) -> ResponseReturnValue:
        tokens.check(request.headers.get("Authorization"), clock.now())
        if version not in (1, 2):
            raise DarajaError(404, "404.001.01", "Resource not found")
        mpesa.c2b.register(_json_body(), version)
        return jsonify(
            # Misspelt so at Safaricom.
            OriginatorCoversationID=f"{secrets.token_hex(2)}-{secrets.token_hex(10)}",
            ResponseCode="0",
            ResponseDescription="Success",
        )

    def take(kind: str) -> ResponseReturnValue:
        tokens.check(request.headers.get("Authorization"), clock.now())
        if organisation.behaviour.mode is ResultMode.DOWN:
            return trouble.answer()
        asked = organisation.take(kind, _json_body())
        if asked.behaviour.mode is ResultMode.REPLY_LOST:
            return hang_up()
        return jsonify(
            OriginatorConversationID=asked.originator_conversation_id,
            ConversationID=asked.conversation_id,
            ResponseCode="0",
            ResponseDescription="Accept the service request successfully.",
        )

    @blueprint.post("/mpesa/transactionstatus/v1/query")
    def ask_for_status() -> ResponseReturnValue:
        return take(STATUS)

    @blueprint.post("/mpesa/reversal/v1/request")
    def ask_for_reversal() -> ResponseReturnValue:
        return take(REVERSAL)

    return blueprint


def _pending(prompt: Prompt) -> ResponseReturnValue:
    """Not settled yet, said in the old way and the new one by turns."""
    if prompt.queries % 2 == 0:
        return jsonify(ResultCode="4999", ResultDesc="The transaction is still under processing")
    raise DarajaError(
        500,
        "500.001.1001",
        "The transaction is being processed",
        request_id=prompt.checkout_request_id,
    )


def _json_body() -> dict[str, object]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise DarajaError(400, "400.002.05", "Invalid Request Payload")
    return body


def _error_response(error: DarajaError) -> Response:
    serial = secrets.randbelow(10**8)
    body = {
        "requestId": error.request_id or f"{serial % 90000 + 10000}-{serial}-1",
        "errorCode": error.code,
        "errorMessage": error.message,
    }
    return Response(json.dumps(body), status=error.status, mimetype="application/json")
