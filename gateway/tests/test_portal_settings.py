"""Settings of the guests' pages: said which one is wrong before anything is served."""

import re

import pytest
from environs import Env, EnvError

from gateway.portal import settings as portal_settings
from gateway.portal.settings import contrast_to_white


def env(monkeypatch: pytest.MonkeyPatch, **values: str) -> Env:
    for name in ("PROVIDER_NAME", "PORTAL_COLOUR", "PORTAL_URL", "LOGIN_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return Env()


def test_all_of_them_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = portal_settings.load(env(monkeypatch))
    assert settings == portal_settings.PortalSettings()
    assert contrast_to_white(settings.colour) > 7


def test_a_provider_says_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told = env(
        monkeypatch,
        PROVIDER_NAME=" Zuri WiFi ",
        PORTAL_COLOUR="#8A1538",
        PORTAL_URL="https://wifi.zuri.co.ke/",
        LOGIN_HOSTS="Hotspot.Zuri.co.ke, 203.0.113.0/24,127.0.0.1",
    )
    settings = portal_settings.load(told)
    assert settings.provider == "Zuri WiFi"
    assert settings.colour == "#8a1538"
    assert settings.url == "https://wifi.zuri.co.ke"
    assert settings.login_hosts == ("hotspot.zuri.co.ke", "203.0.113.0/24", "127.0.0.1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROVIDER_NAME", " "),
        ("PORTAL_COLOUR", "green"),
        ("PORTAL_COLOUR", "#ffee00"),  # white on it could not be read
        ("PORTAL_URL", "wifi.zuri.co.ke"),
        ("PORTAL_URL", "javascript:alert(1)"),
        ("LOGIN_HOSTS", "http://10.5.50.1/login"),
        ("LOGIN_HOSTS", "10.5.50.0/33"),
        ("LOGIN_HOSTS", "*.zuri.co.ke"),
    ],
)
def test_what_makes_no_sense_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(EnvError, match=re.escape(name)):
        portal_settings.load(env(monkeypatch, **{name: value}))
