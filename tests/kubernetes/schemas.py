"""Objects against what Kubernetes, and the operators that we use, accept."""

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml
from jsonschema_rs import Draft202012Validator, Registry
from kubernetes_validate import utils

from .world import Object, Whole, name_of

FIELDS = Path(__file__).parent / "fields"
OLDEST = (1, 30)
_DEFINITIONS = "https://kubernetes.io/api/_definitions.json#/$defs/"

_SIMPLE: Mapping[str, object] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "strings": {"type": "object", "additionalProperties": {"type": "string"}},
    "quantity": {"type": ["string", "integer"]},
    "duration": {"type": "string", "pattern": r"^((\d+)(ms|[smhdwy]))+$"},
    "port": {"type": ["string", "integer"]},
}


def versions() -> list[str]:
    """Every version of Kubernetes from 1.30 on whose schemas there are."""
    known = {version: tuple(map(int, version.split("."))) for version in utils.all_versions()}
    return sorted((name for name, parts in known.items() if parts[:2] >= OLDEST), key=known.get)  # type: ignore[arg-type]


def faults(whole: Whole) -> list[str]:
    """What no API server would take, for each version that it holds for."""
    found: dict[str, list[str]] = {}
    for version in versions():
        for one in whole.objects:
            for fault in _faults_of(json.dumps(one), version):
                found.setdefault(fault, []).append(version)
    return [f"{fault} ({', '.join(where)})" for fault, where in found.items()]


@functools.cache
def _faults_of(text: str, version: str) -> tuple[str, ...]:
    """Most objects are the same in most variants."""
    return tuple(faults_of(json.loads(text), version))


def faults_of(one: Object, version: str) -> Iterator[str]:
    """What one version says of one object."""
    validator = validator_of(one["apiVersion"], one["kind"], version)
    if validator is None:
        yield f"{name_of(one)}: no schema of {one['apiVersion']} {one['kind']}"
        return
    for error in validator.iter_errors(one):
        yield f"{name_of(one)}: {'.'.join(map(str, error.instance_path))}: {error.message[:200]}"


@functools.cache
def validator_of(api_version: str, kind: str, version: str) -> Draft202012Validator | None:
    """The strict schema of a kind: Kubernetes' own, or that of the fields recorded beside this.

    kubernetes_validate.validate reads half a megabyte for each object; this reads it once.
    """
    known = recorded().get((api_version, kind))
    if known is not None:
        return Draft202012Validator(known, registry=_definitions(version))
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    file = f"kubernetes-json-schema/v{version}-local-strict/{kind.lower()}-{group}.json"
    try:
        schema = utils.schema_contents(file, version)
    except FileNotFoundError:
        return None
    return Draft202012Validator(schema, registry=_definitions(version))


@functools.cache
def _definitions(version: str) -> Registry:
    file = f"kubernetes-json-schema/v{version}-local-strict/_definitions.json"
    contents = utils.schema_contents(file, version)
    return Registry([(contents["$id"], contents)])


@functools.cache
def recorded() -> dict[tuple[str, str], Object]:
    """A schema for each kind in fields/*.yaml."""
    found = {}
    for file in sorted(FIELDS.glob("*.yaml")):
        for kind in yaml.safe_load(file.read_text())["kinds"]:
            shape = {
                "apiVersion!": kind["apiVersion"],
                "kind!": kind["kind"],
                "metadata!": "kubernetes io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
                "spec!": kind["spec"],
            }
            found[kind["apiVersion"], kind["kind"]] = schema_of(shape)
    return found


def schema_of(shape: object) -> Object:
    """The JSON schema of a shape as fields/*.yaml write it.

    A mapping: exactly these fields, those with `!` required. A list: any number of what is in it.
    A word: string, integer, boolean, strings (a mapping to strings), quantity, duration, port;
    `a | b`: one of these words; `kubernetes NAME`: one of Kubernetes' own types.
    """
    if isinstance(shape, dict):
        return {
            "type": "object",
            "properties": {name.rstrip("!"): schema_of(inner) for name, inner in shape.items()},
            "required": [name.rstrip("!") for name in shape if name.endswith("!")],
            "additionalProperties": False,
        }
    if isinstance(shape, list):
        (inner,) = shape
        return {"type": "array", "items": schema_of(inner)}
    word = str(shape)
    if word.startswith("kubernetes "):
        return {"$ref": _DEFINITIONS + word.removeprefix("kubernetes ")}
    if word in _SIMPLE:
        return json.loads(json.dumps(_SIMPLE[word]))  # type: ignore[no-any-return]
    return {"enum": [choice.strip() for choice in word.split("|")]}


def kinds_of(wholes: Sequence[Whole]) -> set[tuple[str, str]]:
    """(apiVersion, kind) of everything."""
    return {(one["apiVersion"], one["kind"]) for whole in wholes for one in whole.objects}
