"""The guests' pages: plain HTML that works in any phone's mini-browser, with no script at all."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.wrappers import Response as AnyResponse

from gateway.forwarding import ask_to_pay, headers_of_gateway
from gateway.services import Answer, Call, Services
from gateway.throttle import Throttle
from hotspot.contract.money import Money
from hotspot.contract.table import PAYMENT
from hotspot.ids import new_id
from hotspot.web.problem import Problem

# What MikroTik's login page tells about a guest, and the API's name for it.
TOLD = {
    "mac": "mac",
    "ip": "ip",
    "router": "router_id",
    "link-login-only": "link_login_only",
}
CLAIM_LIVES_SECONDS = 24 * 3600
# No script, nothing from elsewhere; a form may lead to the router, whatever its address.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http: https:;"
    " base-uri 'none'; frame-ancestors 'none'"
)
WORDS = {
    "pending": ("Look at your phone", "Enter your M-Pesa PIN when your phone asks for it."),
    "completed": ("Paid", "Your payment arrived. Your access is being made ready."),
    "ready": ("Paid", "Your access is ready. Keep these; they come by SMS as well."),
    "online": ("You are online", "Keep these for later; they came by SMS as well."),
    "ended": ("Your time is up", "Buy another package to go on."),
}

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
)
_templates.filters["shillings"] = lambda price: str(Money(**price))


def portal_blueprint(services: Services, throttle: Throttle) -> Blueprint:
    """`/`: choose and pay. `/status/<id>`: wait, and get the credentials."""
    blueprint = Blueprint("portal", __name__)

    @blueprint.get("/")
    def portal() -> Response:
        return _choice(services, request.args, problem=None, status=200)

    @blueprint.post("/")
    def pay() -> AnyResponse:
        wanted = {api: request.form.get(page) or None for page, api in TOLD.items()}
        wanted |= {name: request.form.get(name, "") for name in ("package_id", "phone")}
        # The key is the form's: a second tap on the button is the same payment.
        headers = {"Idempotency-Key": request.form.get("key") or str(new_id())}
        try:
            answer = ask_to_pay(services, throttle, _call("POST", "", headers, wanted))
        except Problem as problem:
            return _choice(services, request.form, problem=problem.detail, status=problem.status)
        if answer.status != 202:
            said = _reason(answer)
            return _choice(services, request.form, problem=said, status=answer.status)
        accepted = json.loads(answer.body)
        page = f"/status/{UUID(accepted['id'])}"
        response = redirect(page, 303)
        response.set_cookie(
            "claim",
            accepted["claim_token"],
            max_age=CLAIM_LIVES_SECONDS,
            path=page,
            httponly=True,
            samesite="Lax",
        )
        return response

    @blueprint.get("/status/<uuid:id>")
    def status(id: UUID) -> Response:  # noqa: A002
        headers = {"Authorization": f"Bearer {request.cookies.get('claim', '')}"}
        answer = services.ask(PAYMENT.name, _call("GET", f"/{id}", headers))
        if answer.status != 200:
            raise Problem(answer.status, "not-shown", _reason(answer))
        return _page("status.html", **_progress(json.loads(answer.body)))

    return blueprint


def _choice(
    services: Services, given: Mapping[str, str], *, problem: str | None, status: int
) -> Response:
    chosen = {name: given.get(name, "") for name in (*TOLD, "package_id", "phone")}
    packages: list[object] = []
    try:
        call = Call(method="GET", target="/api/v1/packages", headers=headers_of_gateway())
        packages = json.loads(services.ask(PAYMENT.name, call).body)["items"]
    except (Problem, ValueError, KeyError):
        problem, status = "Packages cannot be shown just now. Try again in a moment.", 503
    return _page(
        "portal.html",
        status=status,
        packages=packages,
        problem=problem,
        chosen=chosen,
        told=TOLD,
        key=new_id(),
    )


def _progress(payment: dict[str, Any]) -> dict[str, Any]:
    """What to say of a payment as payment-service shows it."""
    access, failure = payment["access"], payment["failure"]
    state = access["state"] if access and access["state"] in WORDS else payment["status"]
    heading, text = WORDS.get(state, ("Not paid", failure["message"] if failure else ""))
    login_url = str((access and access["login_url"]) or "")
    return {
        "heading": heading,
        "text": text,
        "waiting": state in ("pending", "completed", "ready"),
        "over": state not in ("pending", "completed", "ready", "online"),
        "access": access,
        # A guest's own address could hold anything, `javascript:` included.
        "login_url": login_url if login_url.startswith(("http://", "https://")) else None,
    }


def _call(
    method: str, below: str, headers: dict[str, str], body: Mapping[str, object] | None = None
) -> Call:
    return Call(
        method=method,
        target=f"/api/v1/payments{below}",
        headers=headers_of_gateway() | headers | {"Content-Type": "application/json"},
        body=json.dumps(body).encode() if body else b"",
    )


def _reason(answer: Answer) -> str:
    """What a service said is wrong, in words for a guest."""
    try:
        problem = json.loads(answer.body)
        errors: dict[str, list[str]] = problem.get("errors") or {}
        texts = [f"{field}: {text}" for field, said in errors.items() for text in said]
        return ". ".join(texts) or str(problem["detail"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "That did not work. Try again in a moment."


def _page(name: str, *, status: int = 200, **values: object) -> Response:
    response = Response(_templates.get_template(name).render(values), status=status)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
