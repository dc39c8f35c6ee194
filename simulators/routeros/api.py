"""The binary API: a conversation with one router, sentence by sentence."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulators.routeros.device import Device, Row
from simulators.routeros.refusals import (
    NOT_LOGGED_IN,
    WRONG_LOGIN,
    WRONG_LOGIN_BEFORE_643,
    Refused,
)

SETS_LOGIN = (6, 43)  # from here on the password is sent as it is
SAYS_EMPTY = (7, 18)

Send = Callable[[Sequence[str]], None]


@dataclass
class Conversation:
    """What one client said so far. `allows`: whether a user may log in from where it is."""

    device: Device
    allows: Callable[[str, str], bool]
    password_of: Callable[[str], str | None]
    user: str | None = None
    _challenge: bytes = b""

    def hear(self, words: Sequence[str], send: Send) -> bool:
        """Answer a sentence; False where the client said goodbye."""
        if not words:
            return True
        command, arguments, queries, tag = _parsed(words)
        tagged = [f".tag={tag}"] if tag is not None else []
        if command == "/quit":
            send(["!fatal", "session terminated on request", *tagged])
            return False
        try:
            rows = self._answer(command, arguments, queries)
        except Refused as error:
            category = [] if error.category is None else [f"=category={error.category}"]
            send(["!trap", *category, f"=message={error.message}", *tagged])
            send(["!done", *tagged])
            return True
        self._tell(command, rows, tagged, send)
        return True

    def _answer(self, command: str, arguments: Row, queries: Sequence[str]) -> list[Row]:
        if command == "/login":
            return self._login(arguments)
        if self.user is None:
            raise Refused(NOT_LOGGED_IN)
        if command == "/cancel":
            return []
        menu, _, verb = command.rpartition("/")
        return self.device.run(menu or "/", verb, arguments, queries)

    def _tell(self, command: str, rows: list[Row], tagged: list[str], send: Send) -> None:
        if any("ret" in row for row in rows) or command == "/login":
            returned = [f"=ret={row['ret']}" for row in rows]
            send(["!done", *returned, *tagged])
            return
        for row in rows:
            send(["!re", *(f"={name}={_shown(value)}" for name, value in row.items()), *tagged])
        if not rows and command.endswith("/print") and self.device.numbers >= SAYS_EMPTY:
            send(["!empty", *tagged])
        send(["!done", *tagged])

    def _login(self, arguments: Row) -> list[Row]:
        name = arguments.get("name", "")
        if "response" in arguments:
            self._check_response(name, arguments["response"])
        elif "password" in arguments and self.device.numbers >= SETS_LOGIN:
            self._let_in(name, self.password_of(name) == arguments["password"])
        else:
            self._challenge = secrets.token_bytes(16)
            return [{"ret": self._challenge.hex()}]
        return []

    def _check_response(self, name: str, response: str) -> None:
        """A newer router still sends a challenge, and then lets nobody in by it."""
        password = self.password_of(name)
        text = b"\x00" + (password or "").encode() + self._challenge
        digest = hashlib.md5(text, usedforsecurity=False).hexdigest()
        is_right = password is not None and bool(self._challenge) and response == f"00{digest}"
        self._let_in(name, is_right and self.device.numbers < SETS_LOGIN)

    def _let_in(self, name: str, is_right: bool) -> None:
        if not is_right or not self.allows(name, "api"):
            old = self.device.numbers < SETS_LOGIN
            raise Refused(WRONG_LOGIN_BEFORE_643 if old else WRONG_LOGIN)
        self.user = name


def _parsed(words: Sequence[str]) -> tuple[str, Row, list[str], str | None]:
    """A sentence's command, arguments, queries and tag."""
    arguments: Row = {}
    queries: list[str] = []
    tag = None
    for word in words[1:]:
        if word.startswith("?"):
            queries.append(word)
        elif word.startswith(".tag="):
            tag = word.removeprefix(".tag=")
        elif word.startswith("="):
            name, _, value = word[1:].partition("=")
            arguments[name] = value
    return words[0], arguments, queries, tag


def _shown(value: str) -> str:
    """Answers say true and false where the console says yes and no."""
    return {"yes": "true", "no": "false"}.get(value, value)
