"""Nothing is said to a router that RouterOS does not know."""

import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from hotspot.bus.work import Handlers
from hotspot.contract.sessions import DisconnectGuestJob
from hotspot.testing.handling import NOON, run
from hotspot.testing.identity import Keys
from router_service.config import Controller
from router_service.script import script

from .router_on_paper import PaperRouter, from_the_box
from .test_connecting import connection
from .test_provisioning import package, provision
from .test_registration import register
from .test_script import PASTE

# Menus, commands and arguments of RouterOS 7.24, one command a line.
KNOWN_FILE = Path(__file__).parents[2] / "simulators" / "routeros" / "commands.txt"
# Of the API alone, and of every command: items are named by their id.
OF_THE_API = {"", ".id", "numbers", ".proplist"}


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, str], set[str]]:
    """Each command of each menu with its arguments."""
    lines = [line.split() for line in KNOWN_FILE.read_text().splitlines() if line[0] != "#"]
    return {(menu, command): set(arguments) for menu, command, *arguments in lines}


@pytest.fixture
def paper() -> PaperRouter:
    """A router from the box."""
    return from_the_box()


def unknown(
    said: set[tuple[str, str, str]], known: dict[tuple[str, str], set[str]]
) -> list[tuple[str, str, str]]:
    """What RouterOS would refuse."""
    return sorted(
        (menu, command, argument)
        for menu, command, argument in said
        if (menu, command) not in known
        or (argument not in OF_THE_API and argument not in known[menu, command])
    )


def test_provisioning_says_nothing_unknown(
    *,
    client: FlaskClient,
    keys: Keys,
    engine: Engine,
    handlers: Handlers,
    paper: PaperRouter,
    known: dict[tuple[str, str], set[str]],
) -> None:
    router = register(client, keys).get_json()["id"]
    run(handlers, connection(router), engine)
    run(handlers, package("HOUR1"), engine)
    provision(handlers, UUID(router), engine)
    for rows in paper.menus.values():  # everything is different, in every way
        for row in rows:
            for name in row.keys() - {".id", "name", "comment", "version", "type", "interface"}:
                row[name] = "other"
    paper.menus["/ip/firewall/filter"].reverse()
    run(handlers, package("HOUR1", on_sale=False), engine)
    provision(handlers, UUID(router), engine)
    job = DisconnectGuestJob(
        session_id=UUID(int=1), attempt=1, username="u", nas="10.99.0.2", requested_at=NOON
    )
    paper.add("/ip/hotspot/active", user="u")
    paper.said.discard(("/ip/hotspot/active", "add", "user"))
    run(handlers, job, engine)

    commands = {command for _, command, _ in paper.said}
    assert commands >= {"print", "add", "set", "remove", "fetch"}
    assert unknown(paper.said, known) == []


def test_the_script_says_nothing_unknown(
    controller: Controller, known: dict[tuple[str, str], set[str]]
) -> None:
    for paste in (PASTE, replace(PASTE, api_tls=True)):
        said = commands_in(script(paste, controller))
        assert len({menu for menu, _, _ in said}) > 10
        assert unknown(said, known) == []


def commands_in(text: str) -> set[tuple[str, str, str]]:
    """Every menu, command and argument of a script."""
    said = set()
    for line in text.splitlines():
        bare = re.sub(r'"(\\.|[^"\\])*"', '""', line)
        if bare.startswith("#"):
            continue
        for command in re.findall(r"/[a-z][^{}\[\];]*", bare):
            words = command.replace('""', "").split()
            path = [word for word in words if "=" not in word and word not in ("", ".", "!")]
            verb = next(at for at, word in enumerate(path) if word in VERBS)
            menu = "/" + "/".join(path[:verb]).lstrip("/")
            arguments = [word.partition("=")[0] for word in words if "=" in word]
            if path[verb] == "find":
                arguments = []
            said |= {(menu, path[verb], name) for name in arguments or [""]}
    return said


VERBS = {"add", "set", "find", "get", "fetch", "sign", "remove", "print"}


def test_what_is_unknown_would_be_found(known: dict[tuple[str, str], set[str]]) -> None:
    made_up = commands_in('/ip hotspot add name="x" comment="y"\n/ip nonsense add a=1')

    assert unknown(made_up, known) == [
        ("/ip/hotspot", "add", "comment"),
        ("/ip/nonsense", "add", "a"),
    ]
