"""Settings, read once from the environment; each X may come in a file that X_FILE names."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HIGHEST_PORT: Final = 65535


class SettingsError(Exception):
    """Settings are missing or malformed; the message names each."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the stand-ins listen, where RADIUS is, and which credentials they accept."""

    host: str
    port: int
    radius_host: str
    radius_auth_port: int
    radius_acct_port: int
    coa_port: int
    routeros_port: int
    radius_secret: str = field(repr=False)
    daraja_consumer_key: str
    daraja_consumer_secret: str = field(repr=False)
    daraja_shortcode: str
    daraja_passkey: str = field(repr=False)
    sms_username: str
    sms_api_key: str = field(repr=False)
    sms_report_url: str | None
    log_level: str
    # Nobody may ask for a transaction's status or a reversal where these are empty.
    daraja_initiator_name: str = ""
    daraja_security_credential: str = field(repr=False, default="")
    nas_address: str = "127.0.0.1"  # where routers live whose address nobody says


class _Reader:
    """Reads variables and collects what is wrong with them, so that all is said at once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.wrong: list[str] = []

    def text(self, name: str, default: str | None = None) -> str:
        value = self.optional(name) or default
        if value is None:
            self.wrong.append(f"{name} is missing")
            return ""
        return value

    def optional(self, name: str) -> str:
        """What is set, or in the file that is named (as containers get secrets), else nothing."""
        file = self._environment.get(f"{name}_FILE", "")
        if not file:
            return self._environment.get(name, "").strip()
        try:
            return Path(file).read_text().strip()
        except (OSError, ValueError):
            self.wrong.append(f"{name}_FILE is no file that can be read")
            return ""

    def address(self, name: str, default: str) -> str:
        value = self.text(name, default)
        try:
            return str(ipaddress.IPv4Address(value))
        except ValueError:
            self.wrong.append(f"{name} is no IPv4 address: {value}")
            return default

    def port(self, name: str) -> int:
        value = self.text(name)
        if value and value.isdigit() and 0 < int(value) <= HIGHEST_PORT:
            return int(value)
        if value:
            self.wrong.append(f"{name} is not a port: {value}")
        return 0


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings, or SettingsError naming every variable that is missing or malformed."""
    read = _Reader(environment)
    settings = Settings(
        host=read.text("HOST", "127.0.0.1"),
        port=read.port("SIMULATORS_PORT"),
        radius_host=read.text("SIMULATORS_RADIUS_HOST", "127.0.0.1"),
        radius_auth_port=read.port("SIMULATORS_RADIUS_AUTH_PORT"),
        radius_acct_port=read.port("SIMULATORS_RADIUS_ACCT_PORT"),
        coa_port=read.port("SIMULATORS_COA_PORT"),
        routeros_port=read.port("SIMULATORS_ROUTEROS_PORT"),
        radius_secret=read.text("RADIUS_SECRET"),
        daraja_consumer_key=read.text("DARAJA_CONSUMER_KEY"),
        daraja_consumer_secret=read.text("DARAJA_CONSUMER_SECRET"),
        daraja_shortcode=read.text("DARAJA_SHORTCODE"),
        daraja_passkey=read.text("DARAJA_PASSKEY"),
        sms_username=read.text("SMS_USERNAME"),
        sms_api_key=read.text("SMS_API_KEY"),
        sms_report_url=read.optional("SMS_REPORT_URL") or None,
        log_level=read.text("LOG_LEVEL", "INFO").upper(),
        daraja_initiator_name=read.optional("DARAJA_INITIATOR_NAME"),
        daraja_security_credential=read.optional("DARAJA_SECURITY_CREDENTIAL"),
        nas_address=read.address("SIMULATORS_NAS_ADDRESS", "127.0.0.1"),
    )
    if read.wrong:
        raise SettingsError("; ".join(read.wrong))
    return settings
