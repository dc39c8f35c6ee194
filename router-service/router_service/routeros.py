"""A router's API through librouteros, with errors named by what to do.

Values are text, as RouterOS writes them; yes and no for truth, whichever words it used.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import librouteros
from librouteros.api import Api
from librouteros.exceptions import LibRouterosError, MultiTrapError, TrapError

from hotspot.bus.outcome import Reject, Retry

Row = Mapping[str, str]

# A read that takes longer is a router that went away: without it a worker would wait for ever.
TIMEOUT_SECONDS = 10.0


class RouterUnreachable(Retry):
    """No connection, or it broke: whatever was under way may or may not have been done."""


class WrongPassword(Reject):
    """The router does not let us in: the script must be pasted again, or the password changed."""


class RouterRefused(Reject):
    """The router understood and said no (`!trap`)."""


class NoSuchItem(RouterRefused):
    """What should be changed or removed is not there (any more)."""


class NoSuchCommand(RouterRefused):
    """This RouterOS does not have the menu or the command: an older version, a missing package."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where and as whom to log in."""

    host: str
    port: int
    tls: bool
    username: str
    password: str = field(repr=False)


class RouterOs(Protocol):
    """An open connection to a router. Every method raises RouterUnreachable or RouterRefused.

    `menu` is a path such as `/ip/hotspot/active`.
    """

    def read(self, menu: str, /, *, only: Sequence[str] = (), **where: str) -> list[Row]:
        """The items of a menu; those whose fields equal `where`, and `only` some fields of them."""

    def add(self, menu: str, /, **values: str) -> str:
        """A new item; answers its id."""

    def set(self, menu: str, item: str | None, /, **values: str) -> None:
        """Change an item, or the menu itself where it has no items."""

    def remove(self, menu: str, item: str, /) -> None:
        """Remove an item. Raises NoSuchItem where it is gone already."""

    def call(self, menu: str, command: str, /, **values: str) -> list[Row]:
        """Any other command."""

    def export(self) -> str:
        """The configuration as `/export` writes it, without secrets and without its date."""


class Connection:
    """A RouterOs over librouteros."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def read(self, menu: str, /, *, only: Sequence[str] = (), **where: str) -> list[Row]:
        """The items of a menu, or some of them."""
        listed = [f"=.proplist={','.join(only)}"] if only else []
        queries = [f"?{_word(name)}={value}" for name, value in where.items()]
        # Two conditions stand on the query stack side by side: all of them must hold.
        queries += ["?#&"] * (len(queries) - 1)
        return self._say(f"{menu}/print", *listed, *queries)

    def add(self, menu: str, /, **values: str) -> str:
        """A new item."""
        answered = self._say(f"{menu}/add", *_words(values))
        return next((row["ret"] for row in answered if "ret" in row), "")

    def set(self, menu: str, item: str | None, /, **values: str) -> None:
        """Change an item or a menu."""
        numbers = [] if item is None else [f"=.id={item}"]
        self._say(f"{menu}/set", *numbers, *_words(values))

    def remove(self, menu: str, item: str, /) -> None:
        """Remove an item."""
        self._say(f"{menu}/remove", f"=.id={item}")

    def call(self, menu: str, command: str, /, **values: str) -> list[Row]:
        """Any other command."""
        return self._say(f"{menu}/{command}", *_words(values))

    def export(self) -> str:
        """The configuration, by way of a file on the router (`/export file=`, `/file/read`)."""
        with _named_errors():
            return str(self._api.config().export())

    def _say(self, command: str, *words: str) -> list[Row]:
        with _named_errors():
            return [_row(answer) for answer in self._api.rawCmd(command, *words)]


@contextmanager
def connect(address: Address, *, timeout: float = TIMEOUT_SECONDS) -> Iterator[RouterOs]:
    """Log in. Raises RouterUnreachable, WrongPassword. `timeout`: for each read, in seconds."""
    try:
        api = librouteros.connect(
            address.host,
            address.username,
            address.password,
            port=address.port,
            timeout=timeout,
            ssl_wrapper=_tls(address.host) if address.tls else None,
            encoding="utf-8",  # names of shops have come so; passwords are held to ASCII
        )
    except TrapError as error:
        raise WrongPassword(
            f"{address.host} does not let {address.username} in: {error}"
        ) from error
    except (LibRouterosError, OSError) as error:
        raise _unreachable(error) from error
    try:
        yield Connection(api)
    finally:
        api.close()


def _tls(host: str) -> Callable[..., ssl.SSLSocket]:
    """The certificate is one that the router made itself, so that nobody vouches for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return lambda sock: context.wrap_socket(sock, server_hostname=host)


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except TrapError as error:
        raise _refused(str(error)) from error
    except MultiTrapError as error:
        raise _refused(str(error)) from error
    except (LibRouterosError, OSError) as error:
        raise _unreachable(error) from error


def _refused(said: str) -> RouterRefused:
    if "no such item" in said:
        return NoSuchItem(said)
    if "no such command" in said or "unknown command" in said:
        return NoSuchCommand(said)
    return RouterRefused(said)


def _unreachable(error: Exception) -> RouterUnreachable:
    said = str(error) or type(error).__name__
    return RouterUnreachable(f"the router does not answer: {said}", after=timedelta(seconds=5))


def _words(values: Mapping[str, str]) -> list[str]:
    return [f"={_word(name)}={value}" for name, value in values.items()]


def _word(name: str) -> str:
    """Argument names as RouterOS spells them: `address_pool` in Python is `address-pool` there."""
    return name.replace("_", "-")


def _row(answer: Mapping[str, str | int | bool]) -> Row:
    return {name: _text(value) for name, value in answer.items()}


def _text(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
