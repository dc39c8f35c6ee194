"""Settings that cannot work are refused before anything is served."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from environs import Env, EnvError

from gateway.config import load
from hotspot.testing.identity import Keys

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()


@pytest.fixture
def settings(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which everything is right."""
    right = {
        "DATABASE_URL": "postgresql://u:p@127.0.0.1:5432/gateway",
        "AMQP_URL": "amqp://127.0.0.1/",
        "PORT": "8000",
        "ENCRYPTION_KEYS": keys.encryption[0],
        "JWT_PUBLIC_KEY": keys.public_pem.replace("\n", "\\n"),
        "JWT_PRIVATE_KEY": keys.private_pem,
        "PAYMENT_URL": "http://127.0.0.1:8001/",
        "PROVISIONING_URL": "http://127.0.0.1:8002",
        "RADIUS_URL": "http://127.0.0.1:8004",
        "NOTIFICATION_URL": "http://127.0.0.1:8005",
        "ROUTER_URL": "http://127.0.0.1:8003",
        "SCHEDULER_URL": "http://127.0.0.1:8006",
    }
    for name in ("RABBITMQ_MANAGEMENT_URL", "RATE_LIMIT_STORAGE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in right.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_right_settings_are_read(settings: pytest.MonkeyPatch) -> None:
    config = load(Env())
    assert config.services["payment"] == "http://127.0.0.1:8001"
    assert config.rabbitmq_management_url is None
    assert config.rate_limit_storage_url == "memory://"
    settings.setenv("RABBITMQ_MANAGEMENT_URL", "http://u:p@127.0.0.1:15672")
    assert load(Env()).rabbitmq_management_url == "http://u:p@127.0.0.1:15672"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYMENT_URL", "127.0.0.1:8001"),
        ("RADIUS_URL", "http://"),
        ("NOTIFICATION_URL", "http://127.0.0.1:port"),
        ("RABBITMQ_MANAGEMENT_URL", "amqp://127.0.0.1"),
        ("RATE_LIMIT_STORAGE_URL", "files://"),
        ("JWT_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\nnonsense"),
        ("JWT_PRIVATE_KEY", "secret"),
    ],
)
def test_a_wrong_setting_is_named(settings: pytest.MonkeyPatch, name: str, value: str) -> None:
    settings.setenv(name, value)
    with pytest.raises(EnvError, match=name):
        load(Env())


def test_a_missing_setting_is_named(settings: pytest.MonkeyPatch) -> None:
    settings.delenv("PROVISIONING_URL")
    with pytest.raises(EnvError, match="PROVISIONING_URL"):
        load(Env())


def test_the_two_keys_must_belong_together(settings: pytest.MonkeyPatch) -> None:
    other = Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, PLAIN)
    settings.setenv("JWT_PRIVATE_KEY", other.decode())
    with pytest.raises(EnvError, match="not the public half"):
        load(Env())


def test_only_an_ed25519_key_signs(settings: pytest.MonkeyPatch) -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, PLAIN)
    settings.setenv("JWT_PRIVATE_KEY", other.decode())
    with pytest.raises(EnvError, match="Ed25519"):
        load(Env())
