"""RouterOS's script language, as far as the connectivity script uses it: from text to a tree."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r"[^\s;{}()\[\]\"=]+")
_VALUE: Final = re.compile(r"[^\s;{}()\[\]\"]+")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "_": " "}


class ScriptError(Exception):
    """What a terminal prints in red instead of doing anything."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A word or a string."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Joined:
    """`( ... )`: parts joined by `.`, or compared by `=` (then there are two)."""

    parts: Sequence["Expression"]
    compares: bool = False


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command with its arguments: named, or in their place (`name` None)."""

    words: tuple[str, ...]
    arguments: "Sequence[tuple[str | None, Expression | Block]]"
    at: int


@dataclass(frozen=True, kw_only=True)
class Block:
    """`{ ... }`: commands one after the other."""

    commands: Sequence[Command]


Expression = Text | Joined | Command


def read_script(text: str) -> Block:
    """The commands of a text. Raises ScriptError."""
    return _Reader(text).block(closing="")


class _Reader:
    """Reads from left to right. Positions in errors count from 1, as the terminal's do."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def block(self, *, closing: str) -> Block:
        commands: list[Command] = []
        while True:
            self._skip(";")
            if self._at >= len(self._text):
                if closing:
                    raise self._error("expected closing brace")
                return Block(commands=commands)
            if closing and self._text[self._at] == closing:
                self._at += 1
                return Block(commands=commands)
            commands.append(self._command())

    def _command(self) -> Command:
        at = self._at
        words: list[str] = []
        arguments: list[tuple[str | None, Expression | Block]] = []
        while not self._is_over():
            letter = self._text[self._at]
            if letter in '"([{':
                arguments.append((None, self._value()))
                continue
            found = _WORD.match(self._text, self._at)
            if found is None:
                raise self._error("expected end of command")
            self._at = found.end()
            if self._at < len(self._text) and self._text[self._at] == "=":
                self._at += 1
                arguments.append((found[0], self._value()))
            elif arguments or "." in found[0]:
                arguments.append((None, Text(text=found[0])))
            else:
                words.append(found[0])
        return Command(words=tuple(words), arguments=arguments, at=at + 1)

    def _value(self) -> "Expression | Block":
        match self._text[self._at : self._at + 1]:
            case '"':
                return Text(text=self._string())
            case "(":
                return self._joined()
            case "[":
                return self._bracket()
            case "{":
                self._at += 1
                return self.block(closing="}")
        found = _VALUE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return Text(text=found[0] if found else "")

    def _joined(self) -> Joined:
        self._at += 1
        parts: list[Expression] = []
        compares = False
        while True:
            self._skip()
            if self._at >= len(self._text):
                raise self._error("expected closing bracket")
            letter = self._text[self._at]
            if letter == ")":
                self._at += 1
                return Joined(parts=parts, compares=compares)
            if letter in ".=":
                compares = compares or letter == "="
                self._at += 1
                continue
            value = self._value()
            if isinstance(value, Block):
                raise self._error("syntax error")
            parts.append(value)

    def _bracket(self) -> Command:
        self._at += 1
        self._skip()
        command = self._command()
        self._skip()
        if self._at >= len(self._text) or self._text[self._at] != "]":
            raise self._error("expected closing bracket")
        self._at += 1
        return command

    def _string(self) -> str:
        self._at += 1
        read: list[str] = []
        while self._at < len(self._text):
            letter = self._text[self._at]
            self._at += 1
            if letter == '"':
                return "".join(read)
            if letter == "\\":
                escaped = self._text[self._at : self._at + 1]
                self._at += 1
                read.append(_ESCAPES.get(escaped, escaped))
            elif letter in "$?":
                # A variable, or a terminal's call for help: our script must escape both.
                raise self._error(f"unescaped {letter}")
            else:
                read.append(letter)
        raise self._error("unterminated string")

    def _is_over(self) -> bool:
        self._skip(newlines=False)
        return self._at >= len(self._text) or self._text[self._at] in "\n;}])"

    def _skip(self, more: str = "", *, newlines: bool = True) -> None:
        """Pass by spaces; and by comments, which begin a line."""
        while self._at < len(self._text):
            letter = self._text[self._at]
            if letter == "#" and self._begins_line():
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif letter in " \t\r" + more or (newlines and letter == "\n"):
                self._at += 1
            else:
                return

    def _begins_line(self) -> bool:
        return not self._text[: self._at].rpartition("\n")[2].strip()

    def _error(self, said: str) -> ScriptError:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        return ScriptError(f"{said} (line {line} column {column})")
