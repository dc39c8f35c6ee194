"""Settings that are missing or wrong are said before anything is served."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from environs import Env

from hotspot import settings
from hotspot.testing.identity import Keys

GOOD = {
    "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x",
    "AMQP_URL": "amqp://127.0.0.1:1/",
    "PORT": "19999",
}


def start(settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [sys.executable, "-m", "hotspot.serve", "provisioning", "migrate"],
        env={"PYTHONPATH": paths, **settings},
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def good(keys: Keys) -> dict[str, str]:
    return GOOD | {
        "ENCRYPTION_KEYS": ",".join(keys.encryption),
        "JWT_PUBLIC_KEY": keys.public_pem.replace("\n", "\\n"),
    }


@pytest.mark.parametrize("missing", [*GOOD, "ENCRYPTION_KEYS", "JWT_PUBLIC_KEY"])
def test_a_missing_setting_is_named_and_the_exit_code_is_2(
    good: dict[str, str], missing: str
) -> None:
    del good[missing]
    done = start(good)
    assert (done.returncode, missing in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "none"),
        ("PORT", "70000"),
        ("AMQP_URL", "http://127.0.0.1/"),
        ("DATABASE_URL", "mysql://127.0.0.1/x"),
        ("ENCRYPTION_KEYS", "short"),
        ("JWT_PUBLIC_KEY", "no pem"),
        ("LOG_LEVEL", "LOUD"),
        ("HEALTH_PORT", "http"),
        ("HEALTH_PORT", "0"),
    ],
)
def test_a_malformed_setting_is_named_and_the_exit_code_is_2(
    good: dict[str, str], name: str, value: str
) -> None:
    done = start(good | {name: value})
    assert (done.returncode, name in done.stderr) == (2, True), done.stderr


def read(prefix: str = "", **environment: str) -> settings.CommonConfig:
    """Read in this process, with nothing else in its environment."""

    def load(env: Env) -> settings.CommonConfig:
        return settings.CommonConfig(**settings.common(env, "test"))  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        return settings.read(load, prefix)


@pytest.mark.parametrize("prefix", ["", "RADIUS__"])
@pytest.mark.parametrize("line_end", ["", "\n", "\r\n"])
def test_every_setting_may_come_in_a_file(
    good: dict[str, str], keys: Keys, tmp_path: Path, prefix: str, line_end: str
) -> None:
    in_files = good | {"HEALTH_PORT": "8081", "JWT_PUBLIC_KEY": keys.public_pem.rstrip()}
    environment = {}
    for name, value in in_files.items():
        file = tmp_path / name
        file.write_bytes((value + line_end).encode())
        environment[f"{prefix}{name}_FILE"] = str(file)
        environment[f"{prefix}{name}"] = ""  # as compose files write it
    config = read(prefix, **environment)
    assert config.database_url == "postgresql+psycopg://u:p@127.0.0.1:1/x"
    assert (config.amqp_url, config.port, config.health_port) == (good["AMQP_URL"], 19999, 8081)
    assert config.encryption_keys == keys.encryption
    assert config.jwt_public_key == keys.public_pem


def test_spaces_belong_to_what_a_file_says(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(" p w \n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMS_API_KEY_FILE", str(file))
        assert settings.read(lambda env: str(env.str("SMS_API_KEY"))) == " p w "


def test_a_file_that_cannot_be_read_is_named_by_its_setting_alone(
    good: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    # The last is a secret that somebody put where the name of its file belongs.
    for file in (tmp_path / "missing", tmp_path, binary, "amqp://u:hush@h/" + "x" * 300):
        with pytest.raises(SystemExit) as stopped:
            read(**good | {"AMQP_URL": "", "AMQP_URL_FILE": str(file)})
        said = capsys.readouterr().err
        assert (stopped.value.code, "AMQP_URL_FILE" in said) == (2, True)
        assert str(file) not in said


def test_a_setting_that_is_given_twice_is_refused(
    good: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "amqp").write_text("amqp://elsewhere/")
    with pytest.raises(SystemExit):
        read(**good | {"AMQP_URL_FILE": str(tmp_path / "amqp")})
    assert "AMQP_URL and AMQP_URL_FILE are both set" in capsys.readouterr().err


def test_without_a_health_port_there_is_none(good: dict[str, str], keys: Keys) -> None:
    assert read(**good).health_port is None
    assert read(**good, HEALTH_PORT="").health_port is None
