"""Settings that are missing or wrong are said before anything is served."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    ],
)
def test_a_malformed_setting_is_named_and_the_exit_code_is_2(
    good: dict[str, str], name: str, value: str
) -> None:
    done = start(good | {name: value})
    assert (done.returncode, name in done.stderr) == (2, True), done.stderr
