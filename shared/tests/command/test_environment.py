"""The virtual environment is made once, and finds the checkout's code."""

import hashlib
import sys
from pathlib import Path

import pytest

from hotspot.command.environment import Environment
from hotspot.command.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    checkout = tmp_path / "checkout"
    for folder in ("requirements", "payment-service", "radius-service"):
        (checkout / folder).mkdir(parents=True)
    (checkout / "requirements" / "run.txt").write_text("click==1.0\n")
    return Home(path=tmp_path / "home", venv=tmp_path / "home" / "venv", checkout=checkout)


@pytest.fixture
def site_packages(home: Home) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = home.venv / "lib" / version / "site-packages"
    folder.mkdir(parents=True)
    return folder


def mark_ready(home: Home) -> None:
    content = (home.checkout / "requirements" / "run.txt").read_bytes()
    (home.venv / ".ready").write_text(f"run={hashlib.sha256(content).hexdigest()}\n")


def test_what_is_ready_is_not_made_again(home: Home, site_packages: Path) -> None:
    mark_ready(home)

    Environment(home).ensure(["run"])

    assert not (home.path / "venv.lock").exists()


def test_the_checkouts_code_is_on_the_path(home: Home, site_packages: Path) -> None:
    mark_ready(home)

    Environment(home).ensure(["run"])

    folders = (site_packages / "hotspot.pth").read_text().splitlines()
    # The folder gateway/ holds a package of that name, which the checkout itself would hide.
    names = ["shared", "payment-service", "radius-service", "gateway", ""]
    assert folders == [str(home.checkout / name) for name in names]


def test_a_service_that_came_later_is_put_on_the_path(home: Home, site_packages: Path) -> None:
    mark_ready(home)
    Environment(home).ensure(["run"])
    (home.checkout / "router-service").mkdir()

    Environment(home).ensure(["run"])

    assert "router-service" in (site_packages / "hotspot.pth").read_text()


def test_no_lock_file_names_an_address() -> None:
    requirements = Home.of({}).checkout / "requirements"

    for file in requirements.iterdir():
        assert "://" not in file.read_text(), file
