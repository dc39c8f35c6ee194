"""Settings."""

import pytest
from environs import Env, EnvError

from hotspot.testing.identity import Keys
from radius_service import seed
from radius_service.config import Config, NasSeed, load

from .world import Database


@pytest.fixture
def environ(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DATABASE_URL", "postgresql://radius:pw@127.0.0.1:1/radius")
    monkeypatch.setenv("AMQP_URL", "amqp://127.0.0.1")
    monkeypatch.setenv("PORT", "8004")
    monkeypatch.setenv("ENCRYPTION_KEYS", keys.encryption[0])
    monkeypatch.setenv("JWT_PUBLIC_KEY", keys.public_pem)
    for name in ("AUTH_PORT", "ACCT_PORT", "COA_PORT", "HOST", "NAS"):
        monkeypatch.delenv(f"RADIUS_{name}", raising=False)
    monkeypatch.delenv("SESSION_TIMER", raising=False)
    return monkeypatch


def test_the_well_known_ports_are_the_defaults(environ: pytest.MonkeyPatch) -> None:
    config = load(Env())
    assert (config.radius_auth_port, config.radius_acct_port) == (1812, 1813)
    assert (config.radius_coa_port, config.radius_host) == (3799, "127.0.0.1")
    assert config.radius_nas == ()


@pytest.mark.parametrize(("said", "on"), [(None, True), ("on", True), ("off", False)])
def test_the_timer_runs_unless_it_is_turned_off(
    environ: pytest.MonkeyPatch, said: str | None, on: bool
) -> None:
    if said is not None:
        environ.setenv("SESSION_TIMER", said)
    assert load(Env()).session_timer is on


def test_routers_are_named_with_their_secrets(environ: pytest.MonkeyPatch) -> None:
    environ.setenv("RADIUS_NAS", "127.0.0.1=testing123,10.0.0.0/8=a=b")
    assert load(Env()).radius_nas == (
        NasSeed(nasname="127.0.0.1", secret="testing123"),
        NasSeed(nasname="10.0.0.0/8", secret="a=b"),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RADIUS_NAS", "secret-without-address"),
        ("RADIUS_NAS", "router.example=secret"),
        ("RADIUS_NAS", "127.0.0.1="),
        ("RADIUS_AUTH_PORT", "70000"),
        ("RADIUS_HOST", "localhost"),
        ("SESSION_TIMER", "sometimes"),
    ],
)
def test_a_wrong_setting_is_named_but_its_secret_is_not(
    environ: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environ.setenv(name, value)
    with pytest.raises(EnvError, match=name) as raised:
        load(Env())
    assert "secret-without" not in str(raised.value)


def test_secrets_are_not_shown_with_the_settings(config: Config) -> None:
    assert "testing123" not in repr(config)


def test_a_seeded_router_keeps_the_secret_that_an_operator_gave_it(radius: Database) -> None:
    radius.execute("UPDATE nas SET secret = 'changed'")
    seeds = (NasSeed(nasname="127.0.0.1", secret="a"), NasSeed(nasname="10.0.0.2", secret="b"))
    seed.insert_missing(radius.engine, seeds)
    assert radius.rows("SELECT nasname, secret FROM nas ORDER BY id") == [
        ("127.0.0.1", "changed"),
        ("10.0.0.2", "b"),
    ]
