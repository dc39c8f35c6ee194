"""The API's queries: words that begin with `?`, read from left to right over a stack."""

from collections.abc import Mapping, Sequence

from simulators.routeros.refusals import Refused


def matches(row: Mapping[str, str], queries: Sequence[str]) -> bool:
    """Whether an item passes. At the end, any false on the stack fails it.

    `?name`, `?-name`, `?name=x` (librouteros writes `?=name=x`), `?<name=x`, `?>name=x`, and
    `?#` with digits, `!`, `&`, `|` and `.`. What lies below the stack is true. Raises Refused.
    """
    stack: list[bool] = []
    for query in queries:
        word = query[1:]
        if word.startswith("#"):
            _operate(stack, word[1:])
        else:
            stack.append(_holds(row, word))
    return all(stack)


def _holds(row: Mapping[str, str], word: str) -> bool:
    if word.startswith("-"):
        return word[1:] not in row
    if word[:1] in ("<", ">"):
        name, _, value = word[1:].partition("=")
        return name in row and _before(row[name], value, less=word[0] == "<")
    name, equals, value = word.removeprefix("=").partition("=")
    if not equals:
        return name in row
    return row.get(name) == value or _truth(row.get(name)) == _truth(value) is not None


def _before(one: str, other: str, *, less: bool) -> bool:
    if one.lstrip("-").isdigit() and other.lstrip("-").isdigit():
        return int(one) < int(other) if less else int(one) > int(other)
    return one < other if less else one > other


def _truth(text: str | None) -> bool | None:
    return {"yes": True, "true": True, "no": False, "false": False}.get(text or "")


def _operate(stack: list[bool], operations: str) -> None:
    index = ""
    for operation in operations:
        if operation.isdigit():
            index += operation
            continue
        if index:
            _copy(stack, int(index), replace=operation == ".")
            index = ""
        if operation == "!":
            stack.append(not _pop(stack))
        elif operation in "&|":
            right, left = _pop(stack), _pop(stack)
            stack.append((left and right) if operation == "&" else (left or right))
        elif operation != ".":
            raise Refused(f"unknown query operation {operation}", 5)
    if index:
        _copy(stack, int(index), replace=False)


def _copy(stack: list[bool], index: int, *, replace: bool) -> None:
    value = stack[index] if index < len(stack) else True
    if replace:
        stack.clear()
    stack.append(value)


def _pop(stack: list[bool]) -> bool:
    return stack.pop() if stack else True
