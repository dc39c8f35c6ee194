"""What docker-compose.yml needs and the repository must not have: secrets in files, and `.env`."""

import secrets as random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hotspot.callbacks import sms_delivery_url
from hotspot.command import private, secrets
from hotspot.command.errors import Unable
from hotspot.command.services import SERVICES
from hotspot.vault import Vault

# Containers run as another user than the one who makes these files, and secrets of Compose keep
# their files' modes: so the folder, which containers never see, is what keeps others out.
_FOLDER_MODE, _FILE_MODE = 0o700, 0o644

BROKER_LOGIN = "hotspot"
SIMULATORS_ADDRESS = "10.213.77.10"

# What M-Pesa and the SMS gateway give to an operator. Empty until the operator fills them.
OF_THE_OUTSIDE = ("daraja_consumer_key", "daraja_consumer_secret", "daraja_passkey", "sms_api_key")

_REAL = """\
# Read by docker compose; made by ./hotspot compose-secrets, and yours now. Secrets are not here:
# they are files in compose/secrets/. Every setting: docs/compose.md.

# M-Pesa. Its keys: compose/secrets/daraja_consumer_key, daraja_consumer_secret, daraja_passkey.
DARAJA_BASE_URL=
DARAJA_SHORTCODE=
# Where M-Pesa and the SMS gateway reach us (https, see docs/compose.md).
CALLBACK_BASE_URL=

# The SMS gateway: africastalking, advanta, or log (nothing is sent).
# Its key: compose/secrets/sms_api_key.
SMS_PROVIDER=
SMS_USERNAME=
SMS_SENDER_ID=

# Where guests' phones reach the gateway, and routers reach router-service.
PORTAL_URL=
CONNECT_BASE_URL=
# This machine's address as routers see it: where our calls to them come from, and where RADIUS is.
CONTROLLER_ADDRESSES=
RADIUS_BIND=0.0.0.0
"""

_DEMO = """\
# Read by docker compose; made by ./hotspot compose-secrets --demo.
# Stand-ins take the place of M-Pesa, the SMS gateway and a router: docs/compose.md.
COMPOSE_PROFILES=demo

DARAJA_BASE_URL=http://simulators:8080/daraja
DARAJA_SHORTCODE=174379
DARAJA_INITIATOR_NAME=hotspot
CALLBACK_BASE_URL=http://payment-web:8080
# The stand-in calls back from a network of Docker's.
MPESA_SOURCES=10.0.0.0/8,172.16.0.0/12,192.168.0.0/16

SMS_PROVIDER=africastalking
SMS_BASE_URL=http://simulators:8080/africastalking
SMS_USERNAME=hotspot
SMS_SENDER_ID=HOTSPOT
SMS_CALLBACK_BASE_URL=http://notification-web:8080

PORTAL_URL=http://127.0.0.1:8000
LOGIN_HOSTS=127.0.0.1
CONNECT_BASE_URL=http://router-web:8080
CONTROLLER_ADDRESSES=10.213.77.0/24
RADIUS_ADDRESS=10.213.77.2
"""


class WouldOverwrite(Unable):
    """What is there is for another kind of outside; the text says what to remove."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was written just now, and which files somebody must fill by hand."""

    written: tuple[str, ...]
    to_fill: tuple[str, ...]


def make(folder: Path, settings: Path, *, demo: bool) -> Made:
    """Write the secrets and the settings that are missing; what is there is never changed.

    `folder`: for the secrets; `settings`: the `.env`. With `demo`, those of the outside world are
    made up for the stand-ins; else their files are made empty. Raises WouldOverwrite where there
    are settings already of the other kind.
    """
    _check_kind(settings, demo=demo)
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    kept = {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}
    makers = _MAKERS | (_STOOD_IN_FOR if demo else dict.fromkeys(_STOOD_IN_FOR, lambda _: ""))
    written = []
    for name, maker in makers.items():
        if name in kept and (kept[name].strip() or not demo):
            continue
        value = maker(kept)
        if name in kept and not value:
            continue
        kept[name] = value
        private.write(folder / name, value, mode=_FILE_MODE)
        (folder / name).chmod(_FILE_MODE)  # whatever the umask says
        written.append(name)
    if not settings.exists():
        private.write(settings, _DEMO if demo else _REAL)
        written.append(settings.name)
    return Made(
        written=tuple(written),
        to_fill=tuple(name for name in OF_THE_OUTSIDE if not kept[name].strip()),
    )


def _check_kind(settings: Path, *, demo: bool) -> None:
    if not settings.exists():
        return
    lines = settings.read_text().splitlines()
    profiles = [line.partition("=")[2] for line in lines if line.startswith("COMPOSE_PROFILES=")]
    is_demo = any("demo" in line.split(",") for line in profiles)
    if is_demo != demo:
        kind = "with the stand-ins" if is_demo else "with the real outside world"
        raise WouldOverwrite(
            f"{settings} is for a system {kind}. It and the secrets beside it are left as they"
            " are: use another copy of the checkout, or remove them and the volumes."
        )


def _password(_: Mapping[str, str]) -> str:
    return random.token_urlsafe(24)


def _database_url(service: str) -> Callable[[Mapping[str, str]], str]:
    return lambda kept: f"postgresql://{service}:{_password(kept)}@postgres:5432/{service}"


def _radius_password(kept: Mapping[str, str]) -> str:
    return kept["radius_database_url"].partition("://")[2].partition("@")[0].partition(":")[2]


def _public_key(kept: Mapping[str, str]) -> str:
    return secrets.public_key_of(kept["jwt_private_key"])


def _broker_configuration(kept: Mapping[str, str]) -> str:
    return (
        f"default_user = {BROKER_LOGIN}\ndefault_pass = {kept['rabbitmq_password']}\n"
        # A quorum queue's log stays in memory until its file is full; the default is 512 MB.
        "raft.wal_max_size_bytes = 33554432\n"
    )


def _broker_url(scheme: str, port: int) -> Callable[[Mapping[str, str]], str]:
    return lambda kept: f"{scheme}://{BROKER_LOGIN}:{kept['rabbitmq_password']}@rabbitmq:{port}"


def _report_url(kept: Mapping[str, str]) -> str:
    """Where the stand-in of Africa's Talking reports deliveries, as an operator would set it up."""
    vault = Vault(kept["encryption_keys"].strip().split(","))
    base_url = "http://notification-web:8080"
    return sms_delivery_url("africastalking", base_url=base_url, vault=vault) or ""


# In an order in which each finds what it is made of.
_MAKERS: dict[str, Callable[[Mapping[str, str]], str]] = {
    "encryption_keys": lambda _: secrets.encryption_key(),
    "jwt_private_key": lambda _: secrets.private_key(),
    "jwt_public_key": _public_key,
    "postgres_password": _password,
    **{f"{service}_database_url": _database_url(service) for service in SERVICES},
    "radius_database_password": _radius_password,
    "rabbitmq_password": _password,
    "rabbitmq_conf": _broker_configuration,
    "amqp_url": _broker_url("amqp", 5672),
    "rabbitmq_management_url": _broker_url("http", 15672),
    "simulators_radius_secret": _password,
    "sms_report_url": _report_url,
}
_STOOD_IN_FOR: dict[str, Callable[[Mapping[str, str]], str]] = {
    **dict.fromkeys((*OF_THE_OUTSIDE, "daraja_security_credential"), _password),
    "radius_nas": lambda kept: f"{SIMULATORS_ADDRESS}={kept['simulators_radius_secret']}",
}
