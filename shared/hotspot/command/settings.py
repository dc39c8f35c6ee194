"""What each service reads from its environment: the caller's values, else those of this copy."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hotspot.callbacks import sms_delivery_url
from hotspot.command.errors import Unable
from hotspot.command.ports import LOOPBACK, Ports
from hotspot.command.secrets import Secrets, public_key_of
from hotspot.command.services import RUNNING, SERVICES
from hotspot.vault import Vault

# Each service sees its own of these and nobody else's.
_GOVERNED = {
    "DATABASE_URL",
    "AMQP_URL",
    "PORT",
    "HOST",
    "HEALTH_PORT",  # of containers: here, many processes share one address
    "ENCRYPTION_KEYS",
    "JWT_PUBLIC_KEY",
    "JWT_PRIVATE_KEY",
    "DARAJA_BASE_URL",
    "DARAJA_CONSUMER_KEY",
    "DARAJA_CONSUMER_SECRET",
    "DARAJA_SHORTCODE",
    "DARAJA_PASSKEY",
    "DARAJA_INITIATOR_NAME",
    "DARAJA_INITIATOR_PASSWORD",
    "DARAJA_SECURITY_CREDENTIAL",
    "DARAJA_CERTIFICATE",
    "CALLBACK_BASE_URL",
    "MPESA_SOURCES",
    "PORTAL_URL",
    "SMS_PROVIDER",
    "SMS_USERNAME",
    "SMS_API_KEY",
    "SMS_SENDER_ID",
    "SMS_BASE_URL",
    "RADIUS_NAS",
    "RABBITMQ_MANAGEMENT_URL",
    *(f"DATABASE_URL_{service.upper()}" for service in SERVICES),
}

RADIUS_SECRET = "testing123"  # noqa: S105  published: the simulators' NAS is the loopback address

_DARAJA = ("CONSUMER_KEY", "CONSUMER_SECRET", "SHORTCODE", "PASSKEY")
# Who may ask M-Pesa for a transaction's status and for reversals; without them nobody can.
_INITIATOR = ("INITIATOR_NAME", "INITIATOR_PASSWORD", "SECURITY_CREDENTIAL", "CERTIFICATE")


class SettingsMissing(Unable):
    """The environment lacks or contradicts something; the text names the variables."""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What stands where: the servers and the stand-ins that the services are told of."""

    amqp_url: str
    management_url: str | None
    database_urls: Mapping[str, str]
    simulators: bool
    spool: Path
    logs: Path


def with_files(environ: Mapping[str, str]) -> dict[str, str]:
    """What the caller gave by X_FILE, as if by X. Raises SettingsMissing.

    Only of what this copy decides on: the services read all others from their files themselves.
    """
    given = dict(environ)
    for name in _GOVERNED:
        file = given.pop(f"{name}_FILE", "")
        if file and given.get(name):
            raise SettingsMissing(f"{name} and {name}_FILE are both set: which one is meant?")
        if file:
            try:
                given[name] = Path(file).read_text().rstrip("\r\n")
            except (OSError, ValueError):
                raise SettingsMissing(
                    f"{name}_FILE must name a file of text that can be read"
                ) from None
    return given


def needs_simulators(given: Mapping[str, str]) -> bool:
    """Whether something of the outside world is not named and so must be stood in for."""
    return not (given.get("DARAJA_BASE_URL") and given.get("SMS_PROVIDER"))


def check(given: Mapping[str, str], *, simulators: bool) -> None:
    """Raise SettingsMissing where the real outside world is wanted and not described."""
    if simulators:
        return
    names = ["DARAJA_BASE_URL", *(f"DARAJA_{name}" for name in _DARAJA)]
    missing = [name for name in names if not given.get(name)]
    if missing:
        raise SettingsMissing(f"Without the simulators, set {', '.join(missing)}.")


def of_services(
    *, outside: Outside, ports: Ports, secrets: Secrets, given: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """The whole environment of each service."""
    inherited = {name: value for name, value in given.items() if name not in _GOVERNED}
    inherited["NO_PROXY"] = _bypass(given.get("NO_PROXY") or given.get("no_proxy") or "")
    inherited["no_proxy"] = inherited["NO_PROXY"]
    private_key = given.get("JWT_PRIVATE_KEY") or secrets["jwt private key"]
    try:
        public_key = given.get("JWT_PUBLIC_KEY") or public_key_of(private_key)
    except ValueError as error:
        raise SettingsMissing(f"JWT_PRIVATE_KEY is not an Ed25519 key in PEM: {error}") from error
    shared = {
        **inherited,
        "HOST": LOOPBACK,
        "LOG_LEVEL": given.get("LOG_LEVEL") or "INFO",
        "AMQP_URL": outside.amqp_url,
        "ENCRYPTION_KEYS": given.get("ENCRYPTION_KEYS") or secrets["encryption key"],
        "JWT_PUBLIC_KEY": public_key,
    }
    own = {
        "payment": _payment(outside, ports, secrets, given),
        "radius": _radius(outside, ports, given),
        "router": _router(ports, given),
        "notification": _notification(outside, ports, secrets, given),
        "scheduler": {"LOG_DIR": given.get("LOG_DIR") or str(outside.logs), **_management(outside)},
        "gateway": {
            "JWT_PRIVATE_KEY": private_key,
            **{f"{name.upper()}_URL": ports.url(name) for name in RUNNING if name != "gateway"},
            **_management(outside),
            **_portal(outside, given),
        },
    }
    return {
        service: {
            **shared,
            "PORT": str(ports[service]),
            "DATABASE_URL": outside.database_urls[service],
            **own.get(service, {}),
        }
        for service in RUNNING
    }


def of_simulators(*, ports: Ports, secrets: Secrets, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the stand-ins: what they accept is what the services send."""
    inherited = {name: value for name, value in given.items() if name not in _GOVERNED}
    return {
        **inherited,
        "NO_PROXY": _bypass(given.get("NO_PROXY", "")),
        "LOG_LEVEL": given.get("LOG_LEVEL") or "INFO",
        "SIMULATORS_PORT": str(ports["simulators"]),
        "SIMULATORS_RADIUS_AUTH_PORT": str(ports["radius authentication"]),
        "SIMULATORS_RADIUS_ACCT_PORT": str(ports["radius accounting"]),
        "SIMULATORS_COA_PORT": str(ports["radius CoA"]),
        "SIMULATORS_ROUTEROS_PORT": str(ports["RouterOS API"]),
        "RADIUS_SECRET": RADIUS_SECRET,
        "SMS_REPORT_URL": _report_url(ports, secrets, given),
        **_daraja(secrets, given),
        **_sms(secrets, given),
    }


def _management(outside: Outside) -> dict[str, str]:
    url = outside.management_url
    return {"RABBITMQ_MANAGEMENT_URL": url} if url else {}


def _report_url(ports: Ports, secrets: Secrets, given: Mapping[str, str]) -> str:
    """Where the SMS gateway's stand-in reports deliveries, as an operator would set it up."""
    keys = given.get("ENCRYPTION_KEYS") or secrets["encryption key"]
    url = sms_delivery_url(
        "africastalking", base_url=ports.url("notification"), vault=Vault(keys.split(","))
    )
    return url or ""


def _payment(
    outside: Outside, ports: Ports, secrets: Secrets, given: Mapping[str, str]
) -> dict[str, str]:
    base = given.get("DARAJA_BASE_URL") or ""
    sources = given.get("MPESA_SOURCES") or ""
    if not base and outside.simulators:
        base = ports.url("simulators") + "/daraja"
        sources = sources or LOOPBACK  # where this M-Pesa calls back from, and no other
    return {
        **({"MPESA_SOURCES": sources} if sources else {}),
        "DARAJA_BASE_URL": base,
        **_daraja(secrets, given),
        "CALLBACK_BASE_URL": given.get("CALLBACK_BASE_URL") or ports.url("payment"),
        "PORTAL_URL": given.get("PORTAL_URL") or ports.url("gateway"),
        "SPOOL_DIR": given.get("SPOOL_DIR") or str(outside.spool),
    }


def _portal(outside: Outside, given: Mapping[str, str]) -> dict[str, str]:
    names = ("PORTAL_URL", "LOGIN_HOSTS")
    told = {name: given[name] for name in names if given.get(name)}
    if outside.simulators and "LOGIN_HOSTS" not in told:
        told["LOGIN_HOSTS"] = LOOPBACK  # where the simulated routers' login pages are
    return told


def _daraja(secrets: Secrets, given: Mapping[str, str]) -> dict[str, str]:
    own = {
        "CONSUMER_KEY": secrets["daraja consumer key"],
        "CONSUMER_SECRET": secrets["daraja consumer secret"],
        "SHORTCODE": "174379",
        "PASSKEY": secrets["daraja passkey"],
    }
    needed = {f"DARAJA_{name}": given.get(f"DARAJA_{name}") or own[name] for name in _DARAJA}
    return needed | _initiator(secrets, given)


def _initiator(secrets: Secrets, given: Mapping[str, str]) -> dict[str, str]:
    """The caller's initiator; where Daraja is stood in for and none is given, the stand-in's."""
    names = [f"DARAJA_{name}" for name in _INITIATOR if given.get(f"DARAJA_{name}")]
    if names or given.get("DARAJA_BASE_URL"):
        return {name: given[name] for name in names}
    return {
        "DARAJA_INITIATOR_NAME": "hotspot",
        "DARAJA_SECURITY_CREDENTIAL": secrets["daraja security credential"],
    }


def _router(ports: Ports, given: Mapping[str, str]) -> dict[str, str]:
    names = ("RADIUS_ADDRESS", "WIREGUARD_ENDPOINT", "WIREGUARD_PUBLIC_KEY", "WIREGUARD_ADDRESS")
    return {
        **{name: given[name] for name in names if given.get(name)},
        "CONTROLLER_ADDRESSES": given.get("CONTROLLER_ADDRESSES") or LOOPBACK,
        "CONNECT_BASE_URL": given.get("CONNECT_BASE_URL") or ports.url("router"),
        "PORTAL_URL": given.get("PORTAL_URL") or ports.url("gateway"),
        "RADIUS_AUTH_PORT": str(ports["radius authentication"]),
        "RADIUS_ACCT_PORT": str(ports["radius accounting"]),
        "RADIUS_COA_PORT": str(ports["radius CoA"]),
    }


def _notification(
    outside: Outside, ports: Ports, secrets: Secrets, given: Mapping[str, str]
) -> dict[str, str]:
    callback = {"CALLBACK_BASE_URL": given.get("CALLBACK_BASE_URL") or ports.url("notification")}
    if given.get("SMS_PROVIDER"):
        names = ("SMS_PROVIDER", "SMS_USERNAME", "SMS_API_KEY", "SMS_SENDER_ID", "SMS_BASE_URL")
        return {**callback, **{name: given[name] for name in names if name in given}}
    if not outside.simulators:
        return {**callback, "SMS_PROVIDER": "log"}
    return {
        **callback,
        "SMS_PROVIDER": "africastalking",
        "SMS_BASE_URL": given.get("SMS_BASE_URL") or ports.url("simulators") + "/africastalking",
        "SMS_SENDER_ID": given.get("SMS_SENDER_ID") or "HOTSPOT",
        **_sms(secrets, given),
    }


def _sms(secrets: Secrets, given: Mapping[str, str]) -> dict[str, str]:
    return {
        "SMS_USERNAME": given.get("SMS_USERNAME") or "hotspot",
        "SMS_API_KEY": given.get("SMS_API_KEY") or secrets["sms api key"],
    }


def _radius(outside: Outside, ports: Ports, given: Mapping[str, str]) -> dict[str, str]:
    nas = given.get("RADIUS_NAS") or ""
    if not nas and outside.simulators:
        nas = f"{LOOPBACK}={RADIUS_SECRET}"
    return {
        "RADIUS_HOST": given.get("RADIUS_HOST") or LOOPBACK,
        "RADIUS_AUTH_PORT": str(ports["radius authentication"]),
        "RADIUS_ACCT_PORT": str(ports["radius accounting"]),
        "RADIUS_COA_PORT": str(ports["radius CoA"]),
        **({"RADIUS_NAS": nas} if nas else {}),
    }


def _bypass(no_proxy: str) -> str:
    """Add the loopback address to the hosts that no proxy is asked for."""
    hosts = [host for host in no_proxy.split(",") if host]
    return ",".join([*hosts, *(host for host in (LOOPBACK, "localhost") if host not in hosts)])
