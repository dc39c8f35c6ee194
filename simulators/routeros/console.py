"""What the console knows: every menu, command and argument, from RouterOS's own command tree."""

from functools import cache
from pathlib import Path
from typing import Final

from simulators.routeros.refusals import Refused, no_such_command, unknown_parameter

FILE: Final = Path(__file__).parent / "commands.txt"
# Of the API, for every command.
EVERYWHERE: Final = frozenset({".id", ".proplist", ".tag", "numbers"})


@cache
def commands() -> dict[tuple[str, str], frozenset[str]]:
    """The arguments of each command of each menu."""
    known = {}
    for line in FILE.read_text().splitlines():
        if not line.startswith("#"):
            menu, command, *arguments = line.split()
            known[menu, command] = frozenset(arguments)
    return known


@cache
def menus() -> frozenset[str]:
    """Every menu, and every path that leads to one."""
    paths = {"/"}
    for menu, _ in commands():
        parts = menu.strip("/").split("/")
        paths |= {"/" + "/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    return frozenset(paths)


def check(menu: str, command: str, arguments: "frozenset[str] | set[str]") -> None:
    """Raises Refused for what RouterOS does not know."""
    known = commands().get((menu, command))
    if known is None:
        raise no_such_command(menu_is_known=menu in menus())
    for name in sorted(arguments - EVERYWHERE):
        if name not in known:
            raise unknown_parameter(name)


def is_known(menu: str, command: str) -> bool:
    """Whether there is such a command."""
    try:
        check(menu, command, frozenset())
    except Refused:
        return False
    return True
