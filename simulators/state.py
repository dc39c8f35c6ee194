"""The simulated world, all of it, and how it looks from outside."""

from datetime import UTC, datetime

from simulators.callbacks import Postman
from simulators.clock import Clock
from simulators.coa import Coa
from simulators.config import Settings
from simulators.guests import Guest, Guests
from simulators.hotspot import Hotspot
from simulators.mpesa import Mpesa
from simulators.nas import Router, RouterPlan, Routers
from simulators.prompts import Delivery, Prompt
from simulators.radius_client import RadiusClient, RadiusServer
from simulators.sessions import Session
from simulators.sms import Phones, Sms
from simulators.tokens import Tokens


class World:
    """M-Pesa, the phones, the routers and the guests on them."""

    def __init__(self, settings: Settings, clock: Clock, postman: Postman) -> None:
        self.clock = clock
        self.tokens = Tokens(
            consumer_key=settings.daraja_consumer_key,
            consumer_secret=settings.daraja_consumer_secret,
        )
        self.mpesa = Mpesa(clock=clock, postman=postman)
        self.phones = Phones(clock=clock, report_url=settings.sms_report_url)
        self.routers = Routers(default_secret=settings.radius_secret)
        self.guests = Guests()
        server = RadiusServer(
            host=settings.radius_host,
            auth_port=settings.radius_auth_port,
            acct_port=settings.radius_acct_port,
        )
        self.hotspot = Hotspot(
            routers=self.routers, client=RadiusClient(server, clock), clock=clock
        )
        self.coa = Coa(routers=self.routers, hotspot=self.hotspot)
        self.routers.set_up(RouterPlan())

    def reset(self) -> None:
        """A new day: nothing has happened, everyone behaves, sessions have ended with a Stop."""
        self.mpesa.behaviours.clear()
        self.mpesa.prompts.clear()
        self.phones.clear()
        self.hotspot.clear()
        self.guests.clear()
        for router in self.routers.items():
            self.hotspot.behave(router, type(router.behaviour)())

    def snapshot(self) -> dict[str, object]:
        """Body of GET /state."""
        now = self.clock.now()
        return {
            "at": timestamp(now),
            "prompts": [show_prompt(prompt) for prompt in self.mpesa.prompts.items()],
            "sms": [show_sms(sms) for sms in self.phones.messages.items()],
            "routers": [show_router(router) for router in self.routers.items()],
            "guests": [show_guest(guest) for guest in self.guests.items()],
            "sessions": [show_session(session, now) for session in self.hotspot.sessions.items()],
            "behaviour": {
                "mpesa": self.mpesa.behaviours.default.mode.value,
                "sms": self.phones.behaviour.mode.value,
            },
            "accounting_backlog": self.hotspot.accounting.backlog,
        }


def timestamp(at: datetime) -> str:
    """ISO 8601, UTC, with Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def optional_timestamp(at: datetime | None) -> str | None:
    """The same for a time that may not have come."""
    return None if at is None else timestamp(at)


def show_prompt(prompt: Prompt) -> dict[str, object]:
    """A prompt in GET /state."""
    return {
        "checkout_request_id": prompt.checkout_request_id,
        "merchant_request_id": prompt.merchant_request_id,
        "phone": prompt.request.phone,
        "amount": prompt.request.amount,
        "account_reference": prompt.request.account_reference,
        "callback_url": prompt.request.callback_url,
        "state": prompt.state.value,
        "at": timestamp(prompt.at),
        "mode": prompt.mode.value,
        "result_code": prompt.result_code,
        "receipt": prompt.receipt,
        "settled_at": optional_timestamp(prompt.settled_at),
        "queries": prompt.queries,
        "callbacks": [_show_delivery(delivery) for delivery in prompt.deliveries],
    }


def _show_delivery(delivery: Delivery) -> dict[str, object]:
    return {
        "at": timestamp(delivery.at),
        "ms": delivery.ms,
        "status": delivery.status,
        "error": delivery.error,
    }


def show_sms(sms: Sms) -> dict[str, object]:
    """A text message in GET /state."""
    return {
        "to": sms.to,
        "message": sms.message,
        "at": timestamp(sms.at),
        "id": sms.id,
        "provider": sms.provider,
        "from": sms.sender,
        "status": sms.status,
        "report_status": sms.report_status,
    }


def show_router(router: Router) -> dict[str, object]:
    """A router in GET /state: never its secret."""
    return {
        "id": router.id,
        "name": router.name,
        "nas_ip": router.nas_ip,
        "mode": router.behaviour.mode.value,
        "radius_timeout_ms": router.radius_timeout_ms,
        "require_message_authenticator": router.require_message_authenticator,
        "shared_users": router.shared_users,
    }


def show_guest(guest: Guest) -> dict[str, object]:
    """A guest in GET /state."""
    return {
        "id": guest.id,
        "router_id": guest.router_id,
        "mac": guest.mac,
        "ip": guest.ip,
    }


def show_session(session: Session, now: datetime) -> dict[str, object]:
    """A session in GET /state."""
    limits = session.limits
    return {
        "id": session.id,
        "guest_id": session.guest_id,
        "mac": session.mac,
        "username": session.username,
        "router_id": session.router_id,
        "framed_ip": session.ip,
        "started": timestamp(session.started_at),
        "seconds": session.seconds(now),
        "bytes_in": session.bytes_in,
        "bytes_out": session.bytes_out,
        "limits": {
            "session_timeout": limits.session_timeout,
            "idle_timeout": limits.idle_timeout,
            "interim_interval": limits.interim_interval,
            "total_bytes": limits.bytes_total,
            "bytes_in": limits.bytes_in,
            "bytes_out": limits.bytes_out,
            "rate_limit": limits.rate_limit,
            "port_limit": limits.port_limit,
        },
        "state": "active" if session.ended_at is None else "ended",
        "ended": optional_timestamp(session.ended_at),
        "cause": None if session.cause is None else session.cause.value,
    }
