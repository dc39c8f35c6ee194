"""Keys and passwords that this copy makes for itself once."""

import json
import secrets as random
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from hotspot.command import private
from hotspot.command.errors import Unable
from hotspot.command.services import SERVICES

# What nobody chose and everybody here shares, by name. The environment's variables win over it.
Secrets = Mapping[str, str]


class SecretsAreLost(Unable):
    """The file of secrets is damaged, or gone while the data that needs it is still there."""


def _password() -> str:
    return random.token_urlsafe(24)


def encryption_key() -> str:
    """A key that seals what is kept, as ENCRYPTION_KEYS takes it."""
    return Fernet.generate_key().decode()


def private_key() -> str:
    """An Ed25519 key in PEM, as JWT_PRIVATE_KEY takes it."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


_MAKERS: dict[str, Callable[[], str]] = {
    "encryption key": encryption_key,
    "jwt private key": private_key,
    "postgres password": _password,
    **{f"{service} database password": _password for service in SERVICES},
    "rabbitmq password": _password,
    "rabbitmq cookie": _password,
    "daraja consumer key": _password,
    "daraja consumer secret": _password,
    "daraja security credential": _password,
    "daraja passkey": lambda: random.token_hex(32),
    "sms api key": _password,
    "demo password": _password,
}


def load(file: Path, *, opens: Path) -> Secrets:
    """Read the secrets; make those that are missing and keep them, readable by the owner alone.

    `opens` is the data whose passwords are in this file. Raises SecretsAreLost where that is
    there and the file is not: new secrets could neither log in nor decrypt what is kept.
    """
    kept = _read(file)
    if not kept and opens.exists():
        raise SecretsAreLost(
            f"{file} is gone, and what is kept in {opens} cannot be opened without it. "
            f"Put it back, or remove {file.parent} to begin anew."
        )
    complete = {name: kept.get(name) or make() for name, make in _MAKERS.items()}
    if not complete.items() <= kept.items():
        private.write(file, json.dumps({**kept, **complete}, indent=2))
    return complete


def public_key_of(private_key: str) -> str:
    """The public half of an Ed25519 key in PEM, whose newlines may be written as `\\n`.

    Raises ValueError for anything else.
    """
    key = load_pem_private_key(private_key.replace("\\n", "\n").encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _read(file: Path) -> dict[str, str]:
    try:
        kept = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise SecretsAreLost(f"{file} is damaged: {error}") from error
    if not isinstance(kept, dict) or not all(isinstance(value, str) for value in kept.values()):
        raise SecretsAreLost(f"{file} is damaged: not an object of strings")
    return kept
