"""Which variables a service asks its environment for, told by its own `config.load`.

What a manifest sets and nobody reads, and what a service needs and no manifest gives, no validator
sees: here the service itself is asked.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from environs import Env, EnvError

from hotspot.serve import package_of

SUFFIX = "_FILE"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What `config.load` made of one environment.

    `asked`: the names of all settings that it asked for, as they are called without `_FILE`.
    `required`: those of them that have no default. `problem`: what it refused; None: it loaded.
    """

    asked: frozenset[str]
    required: frozenset[str]
    problem: str | None

    def unread(self, environment: Mapping[str, str]) -> set[str]:
        """The variables of an environment that nobody asked for."""
        return {name for name in environment if not {name, name.removesuffix(SUFFIX)} & self.asked}


def settings_read(
    service: str, environment: Mapping[str, str], files: Mapping[str, str] | None = None
) -> Reading:
    """Have a service of the contract load its settings from this environment and no other.

    `files`: what stands in the files that `X_FILE` variables name, by their paths; a path that is
    not among them is a problem, as a file that is not mounted would be.
    """
    load = importlib.import_module(f"{package_of(service)}.config").load
    return reading(load, environment, files or {})


def reading(
    load: Callable[[Env], object], environment: Mapping[str, str], files: Mapping[str, str]
) -> Reading:
    """The same for any function that reads settings from an Env."""
    env = _Recorded(environment, files)
    problem = None
    try:
        load(env)
    except EnvError as error:
        problem = str(error)
    return Reading(asked=frozenset(env.asked), required=frozenset(env.required), problem=problem)


class _Recorded(Env):
    """An Env that reads what it is given, with files as in a container, and keeps the names."""

    def __init__(self, environment: Mapping[str, str], files: Mapping[str, str]) -> None:
        super().__init__()
        self.given = environment
        self.files = files
        self.asked: set[str] = set()
        self.required: set[str] = set()

    def _get_value(self, env_key: str, default: object) -> object:
        self.asked.add(env_key)
        if default is Ellipsis:
            self.required.add(env_key)
        file = self.given.get(env_key + SUFFIX)
        if not file:
            return self.given.get(env_key, default)
        if self.given.get(env_key):
            raise EnvError(f"{env_key} and {env_key}{SUFFIX} are both set")
        if file not in self.files:
            raise EnvError(f"{env_key}{SUFFIX}={file} is no file")
        return self.files[file].rstrip("\r\n")


class Watched(Mapping[str, str]):
    """An environment that keeps which names were asked for: for what reads a plain mapping."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)
