"""Secrets at rest: sealing, and unguessable tokens that need no table to be checked."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class CannotOpen(Exception):
    """Sealed with a key that is not (or no longer) among ENCRYPTION_KEYS."""


class Vault:
    """Seals short secrets with Fernet. Keys are newest first: the first seals, all of them open."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._signing = [base64.urlsafe_b64decode(key) for key in keys]

    def seal(self, secret: str) -> str:
        """The secret as text that may be stored and sent."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """The secret again. Raises CannotOpen."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise CannotOpen("no key of ENCRYPTION_KEYS opens this") from error

    def rotate(self, sealed: str) -> str:
        """The same secret, sealed with the newest key. Raises CannotOpen."""
        return self.seal(self.open(sealed))

    def token(self, purpose: str, subject: UUID) -> str:
        """An unguessable URL token that names its subject and is good for one purpose only."""
        return _text(subject.bytes + _signature(self._signing[0], purpose, subject.bytes))

    def subject_of(self, purpose: str, token: str) -> UUID | None:
        """The subject that a token was made for, or None where the token is not ours."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (ValueError, binascii.Error):
            return None
        subject, signature = raw[:16], raw[16:]
        for key in self._signing:
            if hmac.compare_digest(signature, _signature(key, purpose, subject)):
                return UUID(bytes=subject)
        return None


def _signature(key: bytes, purpose: str, subject: bytes) -> bytes:
    # The purpose is part of the key, so that a token for one door never opens another.
    purpose_key = hmac.digest(key, purpose.encode(), hashlib.sha256)
    return hmac.digest(purpose_key, subject, hashlib.sha256)[:18]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
