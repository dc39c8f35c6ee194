"""Keys and passwords are made once, kept private, and never made anew over data that needs them."""

import json
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from hotspot.command import secrets
from hotspot.command.secrets import SecretsAreLost
from hotspot.command.services import SERVICES


def test_secrets_are_made_once_and_readable_by_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"

    made = secrets.load(file, opens=tmp_path / "data")

    assert secrets.load(file, opens=tmp_path / "data") == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    Fernet(made["encryption key"])
    assert secrets.public_key_of(made["jwt private key"]).startswith("-----BEGIN PUBLIC KEY")


def test_every_service_has_a_password_of_its_own(tmp_path: Path) -> None:
    made = secrets.load(tmp_path / "secrets.json", opens=tmp_path / "data")

    passwords = {made[f"{service} database password"] for service in SERVICES}
    assert len(passwords) == len(SERVICES)


def test_what_is_there_stays_when_more_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps({"rabbitmq password": "kept", "somebody's": "too"}))

    made = secrets.load(file, opens=tmp_path / "data")

    assert made["rabbitmq password"] == "kept"
    assert json.loads(file.read_text())["somebody's"] == "too"


def test_lost_secrets_are_not_made_anew_over_data_that_needs_them(tmp_path: Path) -> None:
    data = tmp_path / "postgres"
    data.mkdir()

    with pytest.raises(SecretsAreLost, match="is gone"):
        secrets.load(tmp_path / "secrets.json", opens=data)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"rabbitmq password": 5}'])
def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(content)

    with pytest.raises(SecretsAreLost, match="is damaged"):
        secrets.load(file, opens=tmp_path / "data")


def test_a_key_may_have_its_newlines_written_out(tmp_path: Path) -> None:
    key = secrets.load(tmp_path / "secrets.json", opens=tmp_path / "data")["jwt private key"]

    assert secrets.public_key_of(key.replace("\n", "\\n")) == secrets.public_key_of(key)


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="PEM"):
        secrets.public_key_of("secret")
