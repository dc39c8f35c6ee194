"""The simulated world, all of it, and how it looks from outside."""

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial

from simulators.c2b import C2b
from simulators.callbacks import Postman
from simulators.clock import Clock
from simulators.coa import Coa
from simulators.config import Settings
from simulators.guests import Guest, Guests
from simulators.hotspot import Hotspot
from simulators.mpesa import Mpesa
from simulators.nas import Router, RouterPlan, Routers
from simulators.organisation import Initiator, Organisation, Request
from simulators.post import Delivery
from simulators.prompts import Prompt
from simulators.radius_client import RadiusClient, RadiusServer
from simulators.routeros.guests import GuestsOfRouter
from simulators.sessions import Session
from simulators.sms import Phones, Sms
from simulators.stk import Merchant
from simulators.tokens import Tokens
from simulators.transactions import Transaction


class World:
    """M-Pesa, the phones, the routers and the guests on them."""

    def __init__(self, settings: Settings, clock: Clock, postman: Postman) -> None:
        self.clock = clock
        self.tokens = Tokens(
            consumer_key=settings.daraja_consumer_key,
            consumer_secret=settings.daraja_consumer_secret,
        )
        shortcode = settings.daraja_shortcode
        self.merchant = Merchant(shortcode=shortcode, passkey=settings.daraja_passkey)
        self.mpesa = Mpesa(clock=clock, postman=postman, shortcode=shortcode)
        self.organisation = Organisation(
            clock=clock,
            postman=postman,
            transactions=self.mpesa.transactions,
            merchant=self.merchant,
            initiator=Initiator(
                name=settings.daraja_initiator_name,
                credential=settings.daraja_security_credential,
            ),
        )
        self.phones = Phones(clock=clock, report_url=settings.sms_report_url)
        self.routers = Routers(
            default_secret=settings.radius_secret, default_address=settings.nas_address
        )
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
        self.set_up_routers(RouterPlan())

    def set_up_routers(self, plan: RouterPlan) -> list[Router]:
        """New routers, whose menus know their guests."""
        made = self.routers.set_up(plan)
        for router in made:
            router.device.guests = GuestsOfRouter(
                partial(self.hotspot.sessions.of_router, router.id), self.hotspot, self.clock.now
            )
        return made

    def reset(self) -> None:
        """A new day: nothing has happened, everyone behaves, sessions have ended with a Stop."""
        self.mpesa.clear()
        self.organisation.clear()
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
            "c2b": show_c2b(self.mpesa.c2b),
            "transactions": [
                show_transaction(paid, self.mpesa.c2b) for paid in self.mpesa.transactions.items()
            ],
            "requests": [show_request(asked) for asked in self.organisation.requests.items()],
            "sms": [show_sms(sms) for sms in self.phones.messages.items()],
            "routers": [show_router(router) for router in self.routers.items()],
            "guests": [show_guest(guest) for guest in self.guests.items()],
            "sessions": [show_session(session, now) for session in self.hotspot.sessions.items()],
            "behaviour": {
                "mpesa": self.mpesa.behaviours.default.mode.value,
                "results": self.organisation.behaviour.mode.value,
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


def show_c2b(c2b: C2b) -> dict[str, object] | None:
    """The registered URLs in GET /state; None where there are none."""
    return None if c2b.urls is None else asdict(c2b.urls)


def show_transaction(paid: Transaction, c2b: C2b) -> dict[str, object]:
    """A movement of money in GET /state."""
    return {
        "receipt": paid.receipt,
        "kind": paid.kind.value,
        "phone": paid.phone,
        "amount": paid.amount,
        "reference": paid.reference,
        "at": timestamp(paid.at),
        "reversed_by": paid.reversed_by,
        "confirmations": [_show_delivery(one) for one in c2b.confirmations_of(paid.receipt)],
    }


def show_request(asked: Request) -> dict[str, object]:
    """A request that is answered later in GET /state: never its credential."""
    return {
        "conversation_id": asked.conversation_id,
        "originator_conversation_id": asked.originator_conversation_id,
        "kind": asked.kind,
        "receipt": asked.receipt,
        "amount": asked.amount,
        "result_url": asked.result_url,
        "at": timestamp(asked.at),
        "mode": asked.behaviour.mode.value,
        "result_code": asked.result_code,
        "results": [_show_delivery(one) for one in asked.deliveries],
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
        "identity": router.device.read("/system/identity")[0]["name"],
        "version": router.device.version,
        "factory": router.is_configured_by_hand,
        "hotspots": [row["name"] for row in router.device.read("/ip/hotspot")],
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
