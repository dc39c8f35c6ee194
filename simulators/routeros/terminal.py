"""A router's terminal: a script is pasted, and the router does what it says, line by line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from simulators.routeros import console
from simulators.routeros.device import Device
from simulators.routeros.language import (
    Block,
    Command,
    Expression,
    Joined,
    ScriptError,
    Text,
    read_script,
)
from simulators.routeros.menus import rules_of
from simulators.routeros.refusals import Refused

Value = str | list[str]

LONGEST_SCRIPT: Final = 256 * 1024


@dataclass
class Terminal:
    """One session of an operator who may do everything."""

    device: Device
    printed: list[str] = field(default_factory=list)

    def paste(self, text: str) -> list[str]:
        """Do each line; a line that cannot be read costs no other. Answers what was printed."""
        for line in _statements(text):
            try:
                block = read_script(line)
                self._check(block)
                self._run(block)
            except (ScriptError, Refused) as error:
                self.printed.append(error.message if isinstance(error, Refused) else str(error))
        return self.printed

    def _check(self, block: Block) -> None:
        """Read before it is run: an unknown word anywhere in a line refuses the whole line."""
        for command in block.commands:
            self._check_command(command, "/")

    def _check_command(self, command: Command, inside: str) -> None:
        menu = inside
        if command.words and not command.words[0].startswith(":"):
            menu, verb = self._place(command, inside)
            named = {name for name, _ in command.arguments if name is not None}
            if verb == "find":
                named = set()
            try:
                self.device.check(menu, verb, dict.fromkeys(named, ""))
            except Refused as error:
                word = command.words[-1]
                said = f"bad command name {word}" if "command" in error.message else error.message
                raise ScriptError(f"{said} (line 1 column {command.at})") from error
        for _, value in command.arguments:
            self._check_value(value, menu)

    def _check_value(self, value: "Expression | Block", inside: str) -> None:
        if isinstance(value, Block):
            self._check(value)
        elif isinstance(value, Command):
            self._check_command(value, inside)
        elif isinstance(value, Joined):
            for part in value.parts:
                self._check_value(part, inside)

    def _run(self, block: Block) -> None:
        for command in block.commands:
            self._do(command)

    def _do(self, command: Command, inside: str = "/") -> Value:
        """`inside`: the menu that `[find]` means where it names none."""
        word = command.words[0] if command.words else ""
        if not word.startswith(":"):
            return self._command(command, inside)
        named = {name: value for name, value in command.arguments if name is not None}
        placed = [value for name, value in command.arguments if name is None]
        match word:
            case ":put":
                self.printed.append(_joined(self._value(placed[0])))
            case ":len":
                return str(len(self._value(placed[0])))
            case ":pick":
                return self._picked(placed)
            case ":if":
                is_so = self._value(placed[0]) == "true"
                self._block(named.get("do" if is_so else "else"))
            case ":do":
                self._try(placed[0], named.get("on-error"))
            case _:
                raise ScriptError(f"bad command name {word} (line 1 column {command.at})")
        return ""

    def _picked(self, placed: "Sequence[Expression | Block]") -> Value:
        """One item of a list, by its place."""
        items, place = self._value(placed[0]), self._value(placed[1])
        at = int(_joined(place))
        return items[at] if at < len(items) else ""

    def _try(self, block: "Expression | Block", on_error: "Expression | Block | None") -> None:
        try:
            self._block(block)
        except (Refused, ScriptError):
            if on_error is None:
                raise
            self._block(on_error)

    def _block(self, block: "Expression | Block | None") -> None:
        if isinstance(block, Block):
            self._run(block)

    def _value(self, value: "Expression | Block", inside: str = "/") -> Value:
        match value:
            case Text():
                return value.text
            case Command():
                return self._do(value, inside)
            case Joined() if value.compares:
                left, right = (self._value(part, inside) for part in value.parts)
                return "true" if left == right else "false"
            case Joined():
                return "".join(_joined(self._value(part, inside)) for part in value.parts)
        raise ScriptError("syntax error")

    def _command(self, command: Command, inside: str) -> Value:
        menu, verb = self._place(command, inside)
        named = {
            name: _joined(self._value(value, menu))
            for name, value in command.arguments
            if name is not None
        }
        placed = [self._value(value, menu) for name, value in command.arguments if name is None]
        placed = [*command.words[self._depth(command) :], *placed]
        match verb:
            case "find":
                return self._find(menu, named)
            case "get":
                return self._get(menu, placed)
            case "set" | "remove" | "enable" | "disable" | "sign" if placed:
                numbers = _joined(placed[0], ",")
                if not numbers:
                    return ""  # nothing was found: nothing to do
                named["numbers"] = numbers
        answered = self.device.run(menu, verb, named)
        return next((row["ret"] for row in answered if "ret" in row), "")

    def _find(self, menu: str, conditions: Mapping[str, str]) -> list[str]:
        return [
            row[".id"]
            for row in self.device.read(menu)
            if all(row.get(name, "") == value for name, value in conditions.items())
        ]

    def _get(self, menu: str, placed: list[Value]) -> str:
        if rules_of(menu).settings is not None:
            return self.device.read(menu)[0].get(_joined(placed[0]), "")
        row = self.device.items.find(menu, _joined(placed[0], ","))
        return row.get(_joined(placed[1]), "")

    def _place(self, command: Command, inside: str) -> tuple[str, str]:
        """The menu and the verb of a command."""
        if not command.words[:1] or not command.words[0].startswith("/"):
            return inside, command.words[0] if command.words else ""
        parts = _parts(command.words[: self._depth(command)])
        return "/" + "/".join(parts[:-1]), parts[-1] if parts else ""

    @staticmethod
    def _depth(command: Command) -> int:
        """How many of a command's words are its menu and its verb; what follows are values."""
        if command.words and not command.words[0].startswith("/"):
            return 1
        for depth in range(1, len(command.words) + 1):
            if "/" + "/".join(_parts(command.words[:depth])) not in console.menus():
                return depth
        return len(command.words)


def _parts(words: tuple[str, ...]) -> list[str]:
    return [part for word in words for part in word.split("/") if part]


def _joined(value: Value, between: str = ";") -> str:
    return value if isinstance(value, str) else between.join(value)


def _statements(text: str) -> list[str]:
    """The lines, those with open braces joined with what closes them."""
    statements: list[str] = []
    waiting = ""
    for line in text.splitlines():
        waiting = f"{waiting}\n{line}" if waiting else line
        if waiting.count("{") <= waiting.count("}"):
            statements.append(waiting)
            waiting = ""
    return [*statements, waiting] if waiting else statements
