"""What guests fill in: the number that pays, a voucher's code, M-Pesa's receipt."""

from typing import Any
from uuid import UUID

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from gateway.portal.asking import Accepted, Asking, Body, Wrong
from gateway.portal.guest import Guest, Keeper, guest_of_request
from gateway.portal.pages import Pages
from gateway.portal.status import active_of, address_of, waiting_page
from hotspot.contract.money import Money
from hotspot.ids import new_id
from hotspot.web.app import now


class Forms:
    """Each is shown, and sent; what is wrong is said, and what was typed is kept."""

    def __init__(self, asking: Asking, pages: Pages, keeper: Keeper) -> None:
        self._asking = asking
        self._pages = pages
        self._keeper = keeper

    def ask_phone(self, package_id: UUID) -> Response:
        """The number that pays."""
        guest = guest_of_request(now())
        paid = waiting_page(active_of(self._asking, guest))
        return self._buy(package_id, phone=guest.phone, paid=paid)

    def pay(self, package_id: UUID) -> AnyResponse:
        """Have M-Pesa prompt the phone."""
        guest, phone = guest_of_request(now()), request.form.get("phone", "")
        wanted = {"package_id": str(package_id), "phone": phone, **guest.place.for_api}
        done = self._asking.pay(wanted, request.form.get("key") or str(new_id()))
        if isinstance(done, Wrong):
            return self._buy(package_id, phone=phone, wrong=done)
        return self._go_on(guest, done, phone)

    def ask_voucher(self) -> Response:
        """The code of a voucher."""
        return self.voucher(code=request.args.get("voucher", ""))

    def redeem(self) -> AnyResponse:
        """Use the voucher."""
        guest, code = guest_of_request(now()), request.form.get("voucher", "")
        key = request.form.get("key") or str(new_id())
        done = self._asking.redeem({"code": code, **guest.place.for_api}, key)
        if isinstance(done, Wrong):
            return self.voucher(code=code, wrong=done)
        return self._go_on(guest, done, "")

    def ask_receipt(self) -> Response:
        """The receipt of a guest who has paid."""
        return self._claim(receipt="", phone=guest_of_request(now()).phone)

    def claim(self) -> AnyResponse:
        """Find what the receipt bought."""
        guest = guest_of_request(now())
        receipt, phone = request.form.get("receipt", ""), request.form.get("phone", "")
        done = self._asking.claim({"receipt": receipt, "phone": phone, **guest.place.for_api})
        if isinstance(done, Wrong):
            return self._claim(receipt=receipt, phone=phone, wrong=done)
        return self._go_on(guest, done, phone)

    def _go_on(self, guest: Guest, done: Accepted, phone: str) -> AnyResponse:
        response: AnyResponse = redirect(address_of(done.payment_id), 303)
        return self._keeper.accepted(response, guest, done, phone, now())

    def _buy(
        self, package_id: UUID, *, phone: str, paid: str | None = None, wrong: Wrong | None = None
    ) -> Response:
        package = self._asking.package(package_id)
        if isinstance(package, Wrong):
            return self._pages.sorry(package)
        return self._pages.render(
            "buy.html",
            status=wrong.status if wrong else 200,
            package=priced(package),
            paid=paid,
            phone=phone,
            key=new_id(),
            scripts=["portal.js"],
            **self._said(wrong, "phone"),
        )

    def voucher(self, *, code: str, wrong: Wrong | None = None) -> Response:
        """The form of a voucher's code."""
        return self._pages.render(
            "voucher.html",
            status=wrong.status if wrong else 200,
            code=code[:100],
            key=new_id(),
            scripts=["portal.js"],
            **self._said(wrong, "voucher"),
        )

    def _claim(self, *, receipt: str, phone: str, wrong: Wrong | None = None) -> Response:
        return self._pages.render(
            "claim.html",
            status=wrong.status if wrong else 200,
            receipt=receipt[:200],
            phone=phone,
            field_wrong=wrong.field if wrong else None,
            scripts=["portal.js"],
            **self._said(wrong, "receipt", "phone"),
        )

    def _said(self, wrong: Wrong | None, *fields: str) -> dict[str, Any]:
        """What is wrong: beside its field, or above the form."""
        if wrong is None:
            return {"wrong": None, "problem": None}
        text = self._pages.text_of(wrong)
        of_field = wrong.field in fields
        return {"wrong": text if of_field else None, "problem": None if of_field else text}


def priced(package: Body) -> Body:
    """A package with its price as money."""
    return {**package, "money": Money(**package["price"])}
