"""How RouterOS says no: the words of its `!trap`s and of its console."""

from typing import Final

MISSING, VALUE, INTERRUPTED, SCRIPT, GENERAL = 0, 1, 2, 3, 4


class Refused(Exception):
    """The router understood nothing, or would not. `category` as the API tells it; None: none."""

    def __init__(self, message: str, category: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.category = category


def no_such_item() -> Refused:
    """A number or name that is not there (any more)."""
    return Refused("no such item", MISSING)


def no_such_command(menu_is_known: bool) -> Refused:
    """A word that is no command, or a menu that is none."""
    return Refused("no such command" if menu_is_known else "no such command prefix", MISSING)


def unknown_parameter(name: str) -> Refused:
    """An argument that the command does not have."""
    return Refused(f"unknown parameter {name}", MISSING)


def bad_reference(field: str) -> Refused:
    """A value that names something of the router's that is not there."""
    return Refused(f"input does not match any value of {field}", VALUE)


def invalid(field: str) -> Refused:
    """A value that cannot be read."""
    return Refused(f"invalid value for argument {field}", VALUE)


def failure(said: str) -> Refused:
    """Understood, and not done."""
    return Refused(f"failure: {said}", None)


NOT_LOGGED_IN: Final = "not logged in"
WRONG_LOGIN: Final = "invalid user name or password (6)"
WRONG_LOGIN_BEFORE_643: Final = "cannot log in"
NOT_PERMITTED: Final = "not enough permissions (9)"
