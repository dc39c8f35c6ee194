"""What ships for Kubernetes holds together: every overlay, with every option."""

from collections.abc import Iterator

import pytest
import yaml

from . import matching, network, running, scaling, schemas, secrets, settings
from .planting import Check
from .world import COMPONENTS, K8S, OPTIONS, OVERLAYS, USUAL, Whole, name_of, variants

CHECKS = [
    *matching.CHECKS,
    *running.CHECKS,
    *secrets.CHECKS,
    *settings.CHECKS,
    *scaling.CHECKS,
    *network.CHECKS,
]


@pytest.mark.parametrize("variant", variants())
def test_every_server_from_1_30_on_takes_it(variant: str, wholes: dict[str, Whole]) -> None:
    assert schemas.versions()[0] == "1.30.0"
    assert schemas.faults(wholes[variant]) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_nothing_is_wrong_in_any_variant(check: Check, wholes: dict[str, Whole]) -> None:
    found = {name: list(check(whole)) for name, whole in wholes.items()}
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("variant", variants())
def test_all_of_it_is_in_one_namespace(variant: str, wholes: dict[str, Whole]) -> None:
    (namespace,) = wholes[variant].of("Namespace")
    places = {name_of(one): one["metadata"].get("namespace") for one in wholes[variant].objects}
    del places[name_of(namespace)]
    assert set(places.values()) == {namespace["metadata"]["name"]}
    assert len(places) == len(wholes[variant].objects) - 1, "two objects have one name"


@pytest.mark.parametrize("variant", [one for one in variants() if one != "local"])
def test_nothing_but_these_paths_is_let_in(variant: str, wholes: dict[str, Whole]) -> None:
    found = {
        (path["backend"]["service"]["name"], path["path"])
        for one in wholes[variant].of("Ingress")
        for rule in one["spec"]["rules"]
        for path in rule["http"]["paths"]
    }
    assert found == {
        ("gateway-web", "/"),
        ("payment-web", "/callbacks"),
        ("notification-web", "/callbacks/delivery"),
        ("router-web", "/connect"),
    }


def test_every_component_is_in_a_variant() -> None:
    chosen = {one for option in OPTIONS.values() for one in option.added}
    for overlay in OVERLAYS.glob("*/kustomization.yaml"):
        listed = yaml.safe_load(overlay.read_text()).get("components", [])
        chosen |= {one.rpartition("/")[2] for one in listed}
    assert {one.name for one in COMPONENTS.iterdir() if one.is_dir()} <= chosen


def test_every_file_is_part_of_something() -> None:
    """A manifest that no kustomization names is one that nobody applies, nor tests."""
    named = set()
    for kustomization in K8S.rglob("kustomization.yaml"):
        named.add(kustomization)
        for text in _texts(yaml.safe_load(kustomization.read_text())):
            named.add((kustomization.parent / text.rpartition("=")[2]).resolve())
    lost = [file for file in K8S.rglob("*") if file.is_file() and file.resolve() not in named]
    assert sorted(file.name for file in lost) == ["make-secrets", "secrets.example"]


def _texts(said: object) -> Iterator[str]:
    """Every text in a kustomization: those that are no files' names do no harm."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict | list):
        for inner in said.values() if isinstance(said, dict) else said:
            yield from _texts(inner)


def test_what_runs_and_the_jobs_of_a_release_bear_its_version(wholes: dict[str, Whole]) -> None:
    """A Job that is there already runs no second time: each version needs names of its own."""
    for job in wholes[USUAL].of("Job"):
        assert job["metadata"]["name"].endswith(f"-{running.version()}")


def test_the_usual_overlay_is_there(wholes: dict[str, Whole]) -> None:
    assert wholes[USUAL].pods()
