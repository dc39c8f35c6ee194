"""The guests' pages: plain HTML that works in any phone's mini-browser, with or without script."""

from uuid import UUID

from flask import Blueprint, Response, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from gateway.forwarding import hold_no_longer_than
from gateway.portal.asking import Asking, Wrong
from gateway.portal.forms import Forms, priced
from gateway.portal.guest import Guest, Keeper, guest_of_request
from gateway.portal.left import Left, Remaining
from gateway.portal.pages import Pages
from gateway.portal.progress import Progress, Stage, refusal_of
from gateway.portal.settings import PortalSettings
from gateway.portal.status import (
    Flags,
    active_of,
    address_of,
    door_of,
    failure_of,
    heading_of,
    key_of,
    left_of,
    look_of,
    read,
    waiting_page,
)
from gateway.services import Services, Stream
from gateway.throttle import Throttle
from hotspot.web.app import now

# What another try without asking can mend: a challenge that grew old, RADIUS that was slow.
_WORTH_A_RETRY = ("slow", "wrong", "other")


def portal_blueprint(
    services: Services, throttle: Throttle, remaining: Remaining, settings: PortalSettings
) -> Blueprint:
    """`/`: choose; `/buy/<package>`: pay; `/status/<payment>`: wait, log in, see what is left."""
    blueprint = Blueprint("portal", __name__)
    pages = Pages(settings)
    keeper, asking = Keeper(settings), Asking(services, throttle)
    forms = Forms(asking, pages, keeper)
    portal = Portal(
        forms=forms,
        asking=asking,
        throttle=throttle,
        remaining=remaining,
        pages=pages,
        keeper=keeper,
        settings=settings,
    )
    routes = (
        ("/", portal.choose, "GET"),
        ("/buy/<uuid:package_id>", forms.ask_phone, "GET"),
        ("/buy/<uuid:package_id>", forms.pay, "POST"),
        ("/voucher", forms.ask_voucher, "GET"),
        ("/voucher", forms.redeem, "POST"),
        ("/claim", forms.ask_receipt, "GET"),
        ("/claim", forms.claim, "POST"),
        ("/password", portal.ask_password, "GET"),
        ("/online", portal.online, "GET"),
        ("/status/<uuid:payment_id>", portal.status, "GET"),
        ("/status/<uuid:payment_id>/events", portal.events, "GET"),
    )
    for path, view, method in routes:
        blueprint.add_url_rule(path, view.__name__, view, methods=[method])

    @blueprint.get("/portal/<digest>/<name>")
    def script(digest: str, name: str) -> Response:
        found = pages.script(f"/portal/{digest}/{name}")
        if found is None:
            raise NotFound("There is no such file.")
        return found

    @blueprint.after_request
    def keep(response: Response) -> Response:
        return keeper.place_and_language(response, guest_of_request(now()))

    return blueprint


class Portal:
    """The pages. Each reads who asks, asks payment-service as anyone could, and answers."""

    def __init__(
        self,
        *,
        forms: Forms,
        asking: Asking,
        throttle: Throttle,
        remaining: Remaining,
        pages: Pages,
        keeper: Keeper,
        settings: PortalSettings,
    ) -> None:
        self._forms = forms
        self._keeper = keeper
        self._asking = asking
        self._throttle = throttle
        self._remaining = remaining
        self._pages = pages
        self._settings = settings

    def choose(self) -> AnyResponse:
        """The packages; or, for a guest who has paid before, straight to that payment."""
        guest = guest_of_request(now())
        if request.args.get("voucher"):
            return self._forms.voucher(code=request.args["voucher"])
        refusal = refusal_of(request.args.get("error", ""))
        active = active_of(self._asking, guest)
        if active is not None and "new" not in request.args:
            return self._resume(active, guest, refusal)
        packages, paid = self._asking.packages(), waiting_page(active)
        device = None if paid else self._device(guest)
        door = guest.door(self._settings, back="/online")
        # Who comes from the router's login page is not online, whatever the books still say.
        is_online = device is not None and device.state == "online" and not guest.was_sent
        is_shown = device is not None and not is_online and door.trusted and not door.guessed
        return self._pages.render(
            "choose.html",
            status=200 if packages is not None else 503,
            packages=None if packages is None else [priced(one) for one in packages],
            problem=self._pages.words()(f"login.{refusal}") if refusal else None,
            paid=paid,
            device=device,
            mac=guest.place.mac,
            door=door if is_shown else None,
            forms_to=[door.origin] if is_shown else [],
            scripts=door.scripts if is_shown else (),
        )

    def ask_password(self) -> Response:
        """Username and password of the SMS, straight to the router."""
        guest = guest_of_request(now())
        door = guest.door(self._settings, back="/online")
        return self._pages.render(
            "password.html",
            door=door if door.trusted else None,
            forms_to=[door.origin] if door.trusted else [],
            scripts=door.scripts,
        )

    def online(self) -> Response:
        """What is left, for a device that logged in without a payment of this browser."""
        left = self._device(guest_of_request(now()))
        return self._pages.render("online.html", left=left, now=now(), scripts=["portal.js"])

    def status(self, payment_id: UUID) -> Response:
        """A payment: what the guest has to do, and what comes of it."""
        guest, flags = guest_of_request(now()), Flags.of(request.args)
        held = guest.claim_of(payment_id)
        if held is None:
            return self._pages.lost()
        found = self._asking.payment(payment_id, held.token)
        if isinstance(found, Wrong):
            is_lost = found.status in (401, 404)
            return self._pages.lost() if is_lost else self._pages.sorry(found)
        payment = read(found, flags, guest.phone)
        words, moment = self._pages.words(), now()
        door = door_of(payment, guest, flags, self._settings)
        return self._pages.render(
            "status.html",
            payment=payment,
            look=look_of(payment, flags),
            heading=heading_of(payment, words),
            failure=failure_of(payment, words),
            problem=words.or_other("login", flags.refused) if flags.refused else None,
            left=left_of(payment, self._remaining, moment),
            now=moment,
            waited=0 if "part" in request.args else int(moment.timestamp()) - held.began,
            key=key_of(held),
            phone=guest.phone,
            door=door,
            forms_to=[door.origin] if payment.stage is Stage.READY else [],
            scripts=door.scripts if payment.stage is Stage.READY else ["portal.js"],
        )

    def events(self, payment_id: UUID) -> Response:
        """The payment's live events, for a browser, which has its claim in a cookie alone."""
        held = guest_of_request(now()).claim_of(payment_id)
        if held is None:
            raise NotFound("This browser has no claim to that payment.")
        found = self._asking.events(payment_id, held.token)
        if not isinstance(found, Stream):
            raise NotFound("There are no live events of that payment.")
        response = Response(found.pieces(), content_type="text/event-stream")
        # Not in the generator: one that was never begun runs no `finally`.
        response.call_on_close(found.close)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"
        hold_no_longer_than(30)
        return response

    # --- what several of them do

    def _resume(self, payment: Progress, guest: Guest, refusal: str | None) -> AnyResponse:
        """To the page of a payment; from there to the router, unless it refuses again and again."""
        flags = Flags(sent_here=guest.was_sent)
        retry = refusal in _WORTH_A_RETRY and not guest.has_retried
        if refusal and not retry:
            flags = Flags(sent_here=guest.was_sent, refused=refusal)
        response: AnyResponse = redirect(address_of(payment.payment_id, **flags.query), 303)
        return self._keeper.retried(response) if refusal and retry else response

    def _device(self, guest: Guest) -> Left | None:
        """What is left to the device in hand; None where nothing is, or nobody may know."""
        if guest.place.mac is None or not self._throttle.may_look(request.remote_addr or ""):
            return None
        left = self._remaining.to(now(), mac=guest.place.mac)
        return left if left is not None and left.state != "none" else None
