"""The stand-ins' own routes: how a test, a demo or a person moves the world."""

from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError, fields, post_load, validate

from simulators.behaviour import (
    DELAY_MS,
    ConfirmationMode,
    MpesaBehaviour,
    MpesaBehaviourSchema,
    MpesaMode,
    PhoneField,
    RouterBehaviour,
    RouterBehaviourSchema,
    SmsBehaviour,
    SmsBehaviourSchema,
)
from simulators.c2b import Paying
from simulators.guests import (
    Guest,
    Login,
    LoginResult,
    LoginSchema,
    NewGuest,
    NewGuestSchema,
    Usage,
    UsageSchema,
)
from simulators.nas import Router, RouterPlan, RouterPlanSchema
from simulators.problems import Problem, control_body
from simulators.prompts import OUTCOMES, PAID
from simulators.radius_packets import Value
from simulators.result_behaviour import ResultBehaviour, ResultBehaviourSchema
from simulators.routeros.terminal import LONGEST_SCRIPT, Terminal
from simulators.state import (
    World,
    show_guest,
    show_prompt,
    show_router,
    show_session,
    show_transaction,
)
from simulators.stk import HIGHEST_AMOUNT

Listen = Callable[[str], int]

MPESA_BEHAVIOUR = MpesaBehaviourSchema()
RESULT_BEHAVIOUR = ResultBehaviourSchema()
SMS_BEHAVIOUR = SmsBehaviourSchema()
ROUTER_BEHAVIOUR = RouterBehaviourSchema()
ROUTER_PLAN = RouterPlanSchema()
NEW_GUEST = NewGuestSchema()
LOGIN = LoginSchema()
USAGE = UsageSchema()


# As long as what the M-Pesa menu lets a guest type as an account number.
LONGEST_BILL_REFERENCE = 20
# What a guest can do with a prompt in the hand.
BY_HAND = (
    MpesaMode.PAY,
    MpesaMode.CANCEL,
    MpesaMode.WRONG_PIN,
    MpesaMode.NO_BALANCE,
    MpesaMode.TIMEOUT,
)


class AnswerSchema(Schema):
    """Body of POST /mpesa/prompts/{id}: what the guest does with the prompt."""

    answer = fields.Enum(MpesaMode, by_value=True, required=True, validate=validate.OneOf(BY_HAND))


class PayingSchema(Schema):
    """Body of POST /mpesa/c2b: what a guest pays by hand. `amount` in whole shillings."""

    phone = PhoneField(required=True)
    amount = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=HIGHEST_AMOUNT)
    )
    reference = fields.String(validate=validate.Length(max=LONGEST_BILL_REFERENCE))
    name = fields.String(validate=validate.Length(min=1, max=60))
    mode = fields.Enum(ConfirmationMode, by_value=True)
    delay_ms = fields.Integer(validate=DELAY_MS, allow_none=True)

    @post_load
    def make(self, data: dict[str, object], **_: object) -> Paying:
        """What the guest does."""
        return Paying(**data)  # type: ignore[arg-type]  # the fields above are its own


class PasteSchema(Schema):
    """Body of POST /routers/{id}/paste: what an operator pastes into the router's terminal."""

    script = fields.String(required=True, validate=validate.Length(max=LONGEST_SCRIPT))


ANSWER = AnswerSchema()
PASTE = PasteSchema()
PAYING = PayingSchema()


def control_blueprint(world: World, listen: Listen) -> Blueprint:
    """Everything that does not belong to a simulated API."""
    blueprint = Blueprint("control", __name__)
    blueprint.add_url_rule("/health/live", "live", _healthy)
    blueprint.add_url_rule("/health/ready", "ready", _healthy)

    @blueprint.get("/state")
    def state() -> ResponseReturnValue:
        return jsonify(world.snapshot())

    @blueprint.post("/reset")
    def reset() -> ResponseReturnValue:
        world.reset()
        return "", HTTPStatus.NO_CONTENT

    _add_money_routes(blueprint, world)
    _add_router_routes(blueprint, world, listen)
    _add_guest_routes(blueprint, world)
    return blueprint


def _healthy() -> ResponseReturnValue:
    return jsonify(status="ok")


def _add_money_routes(blueprint: Blueprint, world: World) -> None:
    @blueprint.post("/mpesa/behaviour")
    def behave_mpesa() -> ResponseReturnValue:
        behaviour = cast(MpesaBehaviour, control_body(MPESA_BEHAVIOUR))
        world.mpesa.behaviours.choose(behaviour)
        return jsonify(mode=behaviour.mode.value, phone=behaviour.phone)

    @blueprint.post("/mpesa/prompts/<checkout_request_id>")
    def answer_prompt(checkout_request_id: str) -> ResponseReturnValue:
        answer = cast(dict[str, MpesaMode], control_body(ANSWER))["answer"]
        if world.mpesa.prompts.get(checkout_request_id) is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no such prompt")
        outcome = OUTCOMES.get(answer, PAID)
        prompt = world.mpesa.settle(checkout_request_id, outcome)
        if prompt is None:
            raise Problem(HTTPStatus.CONFLICT, "the prompt is answered")
        return jsonify(show_prompt(prompt))

    @blueprint.post("/mpesa/results/behaviour")
    def behave_results() -> ResponseReturnValue:
        behaviour = cast(ResultBehaviour, control_body(RESULT_BEHAVIOUR))
        world.organisation.behaviour = behaviour
        return jsonify(mode=behaviour.mode.value)

    @blueprint.post("/mpesa/c2b")
    def pay_by_hand() -> ResponseReturnValue:
        paid = world.mpesa.c2b.pay(cast(Paying, control_body(PAYING)))
        if paid is None:
            raise Problem(HTTPStatus.CONFLICT, "the validation refused the payment")
        return jsonify(show_transaction(paid, world.mpesa.c2b)), HTTPStatus.CREATED

    @blueprint.delete("/mpesa/c2b")
    def forget_urls() -> ResponseReturnValue:
        world.mpesa.c2b.forget_urls()
        return "", HTTPStatus.NO_CONTENT

    @blueprint.delete("/mpesa/tokens")
    def forget_tokens() -> ResponseReturnValue:
        world.tokens.forget()
        return "", HTTPStatus.NO_CONTENT

    @blueprint.post("/sms/behaviour")
    def behave_sms() -> ResponseReturnValue:
        world.phones.choose(cast(SmsBehaviour, control_body(SMS_BEHAVIOUR)))
        return jsonify(mode=world.phones.behaviour.mode.value)


def _add_router_routes(blueprint: Blueprint, world: World, listen: Listen) -> None:
    @blueprint.post("/routers")
    def set_up_routers() -> ResponseReturnValue:
        plan = cast(RouterPlan, control_body(ROUTER_PLAN))
        made = world.set_up_routers(plan)
        try:
            for address in {router.nas_ip for router in made}:
                listen(address)
        except OSError as error:
            raise ValidationError({"nas_ip": ["the CoA or API port is taken there"]}) from error
        body = {
            "items": [show_router(router) for router in made],
            "next": None,
            "ids": [router.id for router in made],
        }
        return jsonify(body), HTTPStatus.CREATED

    @blueprint.post("/routers/<router_id>/paste")
    def paste(router_id: str) -> ResponseReturnValue:
        router = _router(world, router_id)
        script = cast(dict[str, str], control_body(PASTE))["script"]
        return jsonify(printed=Terminal(router.device).paste(script))

    @blueprint.post("/routers/<router_id>/behaviour")
    def behave_router(router_id: str) -> ResponseReturnValue:
        router = _router(world, router_id)
        behaviour = cast(RouterBehaviour, control_body(ROUTER_BEHAVIOUR))
        world.hotspot.behave(router, behaviour)
        return jsonify(show_router(_router(world, router_id)))


def _add_guest_routes(blueprint: Blueprint, world: World) -> None:
    @blueprint.post("/guests")
    def join() -> ResponseReturnValue:
        new = cast(NewGuest, control_body(NEW_GUEST))
        router = (
            world.routers.first() if new.router_id is None else world.routers.get(new.router_id)
        )
        if router is None:
            raise ValidationError({"router_id": ["no such router"]})
        return jsonify(show_guest(world.guests.join(router, new.mac))), HTTPStatus.CREATED

    @blueprint.post("/guests/<guest_id>/login")
    def log_in(guest_id: str) -> ResponseReturnValue:
        guest = _guest(world, guest_id)
        login = cast(Login, control_body(LOGIN))
        return jsonify(_show_login(world.hotspot.login(guest, login)))

    @blueprint.post("/guests/<guest_id>/use")
    def use(guest_id: str) -> ResponseReturnValue:
        guest = _guest(world, guest_id)
        usage = cast(Usage, control_body(USAGE))
        return jsonify(show_session(world.hotspot.use(guest, usage), world.clock.now()))

    @blueprint.post("/guests/<guest_id>/logout")
    def log_out(guest_id: str) -> ResponseReturnValue:
        guest = _guest(world, guest_id)
        return jsonify(show_session(world.hotspot.logout(guest), world.clock.now()))


def _router(world: World, router_id: str) -> Router:
    router = world.routers.get(router_id)
    if router is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no such router")
    return router


def _guest(world: World, guest_id: str) -> Guest:
    guest = world.guests.get(guest_id)
    if guest is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no such guest")
    return guest


def _show_login(result: LoginResult) -> dict[str, object]:
    return {
        "result": result.result,
        "reply_message": result.reply_message,
        "reply": {name: _show_values(values) for name, values in result.reply.items()},
        "ms": result.ms,
        "tries": result.tries,
        "ignored": list(result.ignored),
        "session_id": result.session_id,
    }


def _show_values(values: tuple[Value, ...]) -> object:
    shown = [value.hex() if isinstance(value, bytes) else value for value in values]
    return shown[0] if len(shown) == 1 else shown
