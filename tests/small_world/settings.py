"""What the services of a town read from the environment."""

from pathlib import Path

import pytest

from hotspot.testing.identity import Keys

SETTINGS = {
    "DATABASE_URL": "postgresql://unused",
    "AMQP_URL": "amqp://unused",
    "PORT": "8001",
    "DARAJA_BASE_URL": "http://127.0.0.1:1",
    "DARAJA_CONSUMER_KEY": "key",
    "DARAJA_CONSUMER_SECRET": "secret",
    "DARAJA_SHORTCODE": "174379",
    "DARAJA_PASSKEY": "passkey",
    "CALLBACK_BASE_URL": "http://127.0.0.1:8001",
}


def set_up(monkeypatch: pytest.MonkeyPatch, keys: Keys, spool: Path) -> None:
    """Settings for this test."""
    for name, value in {**SETTINGS, "SPOOL_DIR": str(spool)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ENCRYPTION_KEYS", ",".join(keys.encryption))
    monkeypatch.setenv("JWT_PUBLIC_KEY", keys.public_pem.replace("\n", "\\n"))
