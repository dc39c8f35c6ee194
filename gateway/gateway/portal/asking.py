"""What the guests' pages ask of payment-service: through the same door and limits as anyone."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from gateway.forwarding import ask_to_claim, ask_to_pay, ask_to_redeem, headers_of_gateway
from gateway.services import Answer, Call, Services, Stream
from gateway.throttle import Throttle, TooOften
from hotspot.contract.table import PAYMENT
from hotspot.ids import new_id
from hotspot.phone import InvalidPhone, normalize
from hotspot.web.problem import Problem

Body = dict[str, Any]
Ask = Callable[[Services, Throttle, Call], Answer]


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A payment that was begun, by whatever way. `token`: what opens it."""

    payment_id: UUID
    token: str


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """Why it was not: the key of our words, and the field to correct. `wait`: seconds."""

    status: int
    key: str
    field: str | None = None
    wait: int = 0


class Asking:
    """Packages, payments, vouchers and receipts, for a guest whose request is in hand."""

    def __init__(self, services: Services, throttle: Throttle) -> None:
        self._services = services
        self._throttle = throttle

    def packages(self) -> list[Body] | None:
        """What is on sale, the cheapest first; None where that cannot be known now."""
        return self._items("/packages?limit=100")

    def package(self, package_id: UUID) -> Body | Wrong:
        """A package that is on sale."""
        found = self._get(f"/packages/{package_id}")
        if isinstance(found, Wrong) and found.status == 404:
            return replace(found, key="pay.gone")
        return found

    def payment(self, payment_id: UUID, token: str) -> Body | Wrong:
        """A payment, for who holds its claim token."""
        return self._get(f"/payments/{payment_id}", {"Authorization": f"Bearer {token}"})

    def events(self, payment_id: UUID, token: str) -> Stream | Answer:
        """Its live events. Raises ServiceFailed."""
        call = _call("GET", f"/payments/{payment_id}/events", {"Authorization": f"Bearer {token}"})
        return self._services.stream(PAYMENT.name, call)

    def pay(self, wanted: Mapping[str, object], key: str) -> Accepted | Wrong:
        """Ask M-Pesa to prompt a phone. `key`: the form's own, so that two taps are one."""
        phone = str(wanted["phone"])
        problem = phone_problem(phone)
        if problem is not None:
            return Wrong(status=422, key=problem, field="phone")
        return self._begin(ask_to_pay, "/payments", wanted, key)

    def redeem(self, wanted: Mapping[str, object], key: str) -> Accepted | Wrong:
        """Use a voucher."""
        if not str(wanted["code"]).strip():
            return Wrong(status=422, key="voucher.empty", field="voucher")
        return self._begin(ask_to_redeem, "/vouchers/redeem", wanted, key)

    def claim(self, wanted: Mapping[str, object]) -> Accepted | Wrong:
        """Find a payment by M-Pesa's receipt and the phone that paid."""
        problem = phone_problem(str(wanted["phone"]))
        if problem is not None:
            return Wrong(status=422, key=problem, field="phone")
        return self._begin(ask_to_claim, "/payments/claim", wanted, None)

    def _begin(
        self, ask: Ask, path: str, wanted: Mapping[str, object], key: str | None
    ) -> Accepted | Wrong:
        keyed = {"Idempotency-Key": key} if key else {}
        try:
            answer = ask(self._services, self._throttle, _call("POST", path, keyed, wanted))
            if key and _is_of_another_time(answer):
                # The guest went back to a form that was used: for another number, or for a
                # payment that failed. This is a new wish, not the old one again.
                keyed = {"Idempotency-Key": str(new_id())}
                answer = ask(self._services, self._throttle, _call("POST", path, keyed, wanted))
        except Problem as problem:
            return _wrong_of(problem)
        if answer.status != 202:
            return _refusal(answer)
        body = json.loads(answer.body)
        return Accepted(payment_id=UUID(body["id"]), token=str(body["claim_token"]))

    def _items(self, path: str) -> list[Body] | None:
        body = self._get(path)
        return None if isinstance(body, Wrong) else list(body["items"])

    def _get(self, path: str, headers: Mapping[str, str] | None = None) -> Body | Wrong:
        try:
            answer = self._services.ask(PAYMENT.name, _call("GET", path, headers or {}))
            body = json.loads(answer.body)
        except Problem as problem:
            return Wrong(status=problem.status, key="problem.away")
        except ValueError:
            return Wrong(status=502, key="problem.other")
        if answer.status == 200 and isinstance(body, dict):
            return body
        return _refusal(answer)


def phone_problem(typed: str) -> str | None:
    """The key of our words for what is wrong with a number; None where it is a Kenyan mobile's."""
    try:
        normalize(typed)
    except InvalidPhone:
        digits = re.sub(r"\D", "", typed)
        if not digits:
            return "phone.empty"
        national = re.sub(r"^(254|0)", "", digits)
        if len(national) < 9:
            return "phone.short"
        return "phone.long" if len(national) > 9 else "phone.wrong"
    return None


def _call(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: Mapping[str, object] | None = None,
) -> Call:
    kind = {"Content-Type": "application/json"} if body else {}
    return Call(
        method=method,
        target=f"/api/v1{path}",
        headers={**headers_of_gateway(), **headers, **kind},
        body=json.dumps(body).encode() if body else b"",
    )


def _is_of_another_time(answer: Answer) -> bool:
    if answer.status == 422:
        return "Idempotency-Key" in (_problem_in(answer).get("errors") or {})
    is_replayed = answer.header("Idempotent-Replayed").lower() == "true"
    if answer.status != 202 or not is_replayed:
        return False
    return json.loads(answer.body)["status"] in ("failed", "cancelled", "expired")


def _wrong_of(problem: Problem) -> Wrong:
    if isinstance(problem, TooOften):
        wait = int(problem.headers.get("Retry-After", "60"))
        return Wrong(status=429, key="problem.often", wait=wait)
    is_certain = problem.status == 503
    key = "problem.away" if is_certain else "problem.unsure"
    return Wrong(status=problem.status, key=key)


_FIELDS = {
    "phone": ("phone.wrong", "phone"),
    "package_id": ("pay.gone", None),
    "receipt": ("claim.wrong", "receipt"),
    "code": ("refused.unknown-voucher", "voucher"),
}


def _refusal(answer: Answer) -> Wrong:
    problem = _problem_in(answer)
    for name in problem.get("errors") or {}:
        if name in _FIELDS:
            key, field = _FIELDS[name]
            return Wrong(status=answer.status, key=key, field=field)
    kind = str(problem.get("type", "")).rpartition(":")[2]
    if "voucher" in kind:
        return Wrong(status=answer.status, key=f"refused.{kind}", field="voucher")
    key = "problem.away" if answer.status == 503 else "problem.other"
    return Wrong(status=answer.status, key=key)


def _problem_in(answer: Answer) -> Body:
    try:
        problem = json.loads(answer.body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
