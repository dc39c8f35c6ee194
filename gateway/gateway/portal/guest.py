"""The guest of the request in hand: what their browser keeps, and what it shall keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from gateway.portal.asking import Accepted
from gateway.portal.claims import COOKIE, LIVES_SECONDS, Held, cookie_with, held_in
from gateway.portal.place import (
    USUAL_LOGIN,
    Chap,
    Place,
    cookie_of,
    host_of,
    is_trusted,
    kept,
    origin_of,
    told,
)
from gateway.portal.settings import PortalSettings
from gateway.portal.words import LANGUAGES

_A_DAY, _A_YEAR = 24 * 3600, 365 * 24 * 3600
_RETRIED_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Door:
    """The router's login as a form: where it leads, and where the router sends the browser next.

    `once`: the browser goes by itself, once for this text; None where the guest must say so.
    `guessed`: nobody told where the guest is; this is where our routers' login usually is.
    """

    login: str
    back: str
    chap: Chap | None
    trusted: bool
    guessed: bool
    once: str | None = None

    @property
    def host(self) -> str:
        """As a guest reads it."""
        return host_of(self.login)

    @property
    def origin(self) -> str:
        """As a Content-Security-Policy reads it."""
        return origin_of(self.login)

    @property
    def scripts(self) -> tuple[str, ...]:
        """What the page needs for it."""
        return ("chap.js", "portal.js") if self.chap else ("portal.js",)


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Where they are, which payments they may see, and the number that they paid with last."""

    place: Place
    held: Sequence[Held]
    phone: str
    has_retried: bool
    was_sent: bool

    def claim_of(self, payment_id: UUID) -> Held | None:
        """The claim of a payment, where this browser has it."""
        return next((one for one in self.held if one.payment_id == payment_id), None)

    def door(self, settings: PortalSettings, *, back: str, login: str | None = None) -> Door:
        """The way to the router. `login`: the router where the payment was asked for."""
        place = self.place.or_login(login)
        where = place.login or USUAL_LOGIN
        return Door(
            login=where,
            back=f"{base_url(settings)}{back}",
            chap=place.chap,
            trusted=is_trusted(where, settings.login_hosts),
            guessed=place.login is None,
        )


def guest_of_request(now: datetime) -> Guest:
    """Who asks. What the router's page tells now goes before what it told before."""
    here = told(request.query_string, now)
    return Guest(
        place=here or kept(request.cookies.get("place", "")),
        held=held_in(request.cookies.get(COOKIE, "")),
        phone=request.cookies.get("phone", "")[:30],
        has_retried="retried" in request.cookies,
        was_sent=here is not None,
    )


class Keeper:
    """Sets cookies: for us alone, for no script, and never sent from another site's forms."""

    def __init__(self, settings: PortalSettings) -> None:
        self._is_secure = (settings.url or "").startswith("https:")

    def accepted(
        self, response: AnyResponse, guest: Guest, what: Accepted, phone: str, now: datetime
    ) -> AnyResponse:
        """A payment that this browser may see from now on."""
        held = Held(payment_id=what.payment_id, began=int(now.timestamp()), token=what.token)
        self._set(response, COOKIE, cookie_with(held, guest.held), LIVES_SECONDS)
        if phone:
            self._set(response, "phone", phone[:30], _A_YEAR)
        return response

    def place_and_language(self, response: Response, guest: Guest) -> Response:
        """What the router told, and the language that was chosen."""
        if guest.was_sent:
            self._set(response, "place", cookie_of(guest.place), _A_DAY)
        chosen = request.args.get("lang")
        if chosen in LANGUAGES:
            self._set(response, "lang", chosen, _A_YEAR)
        return response

    def retried(self, response: AnyResponse) -> AnyResponse:
        """A refused login was tried a second time without asking."""
        self._set(response, "retried", "1", _RETRIED_SECONDS)
        return response

    def _set(self, response: AnyResponse, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=self._is_secure or request.is_secure,
        )


def base_url(settings: PortalSettings) -> str:
    """The address of these pages as the guest's browser knows it."""
    return settings.url or request.host_url.rstrip("/")
