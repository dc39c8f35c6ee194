"""What containers find in their environment, against what the code reads."""

import functools
import importlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from sqlalchemy import create_engine

from hotspot.serve import package_of
from hotspot.testing.handling import FakePublisher
from hotspot.testing.settings_read import Reading, Watched, reading, settings_read

from .operators import secrets_made, services_made
from .secrets import USED, secrets
from .world import ROOT, Object, Pods, Whole, image_of, name_of

# Read by gunicorn itself: whose X-Forwarded-* it believes.
OF_GUNICORN = {"FORWARDED_ALLOW_IPS"}


def variables(container: Object, whole: Whole) -> tuple[dict[str, str], list[str]]:
    """What a container finds in its environment, beside its image's; and what goes wrong.

    As the kubelet does it: envFrom first, then env, where $(X) means what stands before it in env.
    """
    found: dict[str, str] = {}
    wrong: list[str] = []
    for one in container.get("envFrom", []):
        if "configMapRef" in one:
            found |= (whole.find("ConfigMap", one["configMapRef"]["name"]) or {}).get("data", {})
        else:
            found |= _secret(one["secretRef"]["name"], whole)
    before: dict[str, str] = {}
    for one in container.get("env", []):
        value = _value(one, whole)
        if value is None:
            continue
        unknown = [name for name in USED.findall(value) if not before.get(name)]
        wrong += [f"{one['name']} uses $({name}), which has no value before it" for name in unknown]
        value = USED.sub(lambda used: before.get(used.group(1), used.group(0)), value)
        if one["name"] in before:
            wrong.append(f"{one['name']} stands there twice")
        before[one["name"]] = value
    return found | before, wrong


def _value(one: Object, whole: Whole) -> str | None:
    if "valueFrom" not in one:
        return str(one.get("value", ""))
    source = one["valueFrom"]
    if "fieldRef" in source or "resourceFieldRef" in source:
        return "10.1.2.3"
    if "secretKeyRef" in source:
        named = source["secretKeyRef"]
        return _secret(named["name"], whole).get(named["key"])
    named = source["configMapKeyRef"]
    data: Mapping[str, str] = (whole.find("ConfigMap", named["name"]) or {}).get("data", {})
    return data.get(named["key"])


def _secret(name: str, whole: Whole) -> Mapping[str, str]:
    """The values of a Secret; of one that an operator makes, some."""
    by_operator = dict.fromkeys(secrets_made(whole).get(name, ()), "of-an-operator")
    return secrets(whole).get(name, by_operator)


def settings(whole: Whole) -> Iterator[str]:
    """Settings that a service refuses or misses, and variables that nobody reads."""
    for pods in whole.pods():
        for container in pods.all_containers:
            given, wrong = variables(container, whole)
            yield from (f"{pods.name}/{container['name']}: {fault}" for fault in wrong)
        container = pods.containers[0]
        image, _ = image_of(container)
        given, _ = variables(container, whole)
        for one in pods.spec.get("initContainers", []) if pods.service else ():
            if variables(one, whole)[0].get("DATABASE_URL") != given.get("DATABASE_URL"):
                yield f"{pods.name}/{one['name']} waits for another database"
        used = {
            name for one in container.get("env", []) for name in USED.findall(one.get("value", ""))
        }
        if image == "hotspot/simulators":
            yield from (
                f"{pods.name}: nobody reads {name}" for name in _unread_by_simulators(given)
            )
        elif image == "hotspot/freeradius":
            unread = set(given) - used - read_by_freeradius()
            yield from (f"{pods.name}: nobody reads {name}" for name in sorted(unread))
        elif pods.service and image.startswith("hotspot/"):
            everything = {**image_variables(image), **given}
            asked = _read(pods.service, frozenset(everything.items()))
            if asked.problem:
                yield f"{pods.name}: {asked.problem}"
            unread = asked.unread(given) - used - OF_GUNICORN
            yield from (f"{pods.name}: nobody reads {name}" for name in sorted(unread))


@functools.cache
def _read(service: str, given: frozenset[tuple[str, str]]) -> Reading:
    return settings_read(service, dict(given))


def _unread_by_simulators(given: Mapping[str, str]) -> list[str]:
    from simulators.config import read_settings

    watched = Watched(given)
    read_settings(watched)
    return sorted(set(given) - watched.asked - {"LOG_LEVEL"})


@functools.cache
def image_variables(image: str) -> Mapping[str, str]:
    """The ENV of an image, by its Dockerfile."""
    folder = image.removeprefix("hotspot/")
    text = (ROOT / folder / "Dockerfile").read_text().replace("\\\n", " ")
    last_stages = text.partition(" AS runtime")[2] or text
    lines = re.findall(r"^ENV (.+)$", last_stages, re.MULTILINE)
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(lines)))


@functools.cache
def read_by_freeradius() -> set[str]:
    """The variables in the configuration of FreeRADIUS, and in the script that starts it."""
    folder = ROOT / "radius-service" / "freeradius"
    texts = [one.read_text(errors="replace") for one in folder.rglob("*") if one.is_file()]
    return {name for text in texts for name in re.findall(r"\$(?:ENV)?\{?([A-Z][A-Z_]+)\b", text)}


def places(whole: Whole) -> Iterator[str]:
    """Databases and brokers that services are sent to, and that are not there."""
    made = services_made(whole)
    for pods in whole.pods():
        given, _ = variables(pods.containers[0], whole) if pods.service else ({}, [])
        for name in (
            "DATABASE_URL",
            "AMQP_URL",
            "RABBITMQ_MANAGEMENT_URL",
            "RATE_LIMIT_STORAGE_URL",
        ):
            if name not in given:
                continue
            at = given[name].partition("://")[2].rpartition("@")[2] or given[name]
            host, _, port = re.split(r"[/?]", at)[0].partition(":")
            service = whole.find("Service", host.partition(".")[0])
            ports = (
                {one["port"] for one in service["spec"]["ports"]}
                if service
                else made.get(host, set())
            )
            if int(port or 0) not in ports:
                yield f"{pods.name}: {name} leads to {host}:{port}, which is not there"
        if "DATABASE_URL" in given and pods.service:
            path = re.split(r"[/?]", given["DATABASE_URL"].rpartition("@")[2])[1]
            if path != pods.service:
                yield f"{pods.name} is sent to the database {path}"


def paths(whole: Whole) -> Iterator[str]:
    """Paths that are let in from outside and that the service does not have."""
    for ingress in whole.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            for one in rule["http"]["paths"]:
                name = one["backend"]["service"]["name"]
                known = served_by(whole.pods_of(name), whole)
                if not any(path.startswith(one["path"]) for path in known):
                    yield f"{name_of(ingress)}: {name} does not serve {one['path']}"


def served_by(pods: Pods, whole: Whole) -> set[str]:
    """The paths of a web process, made with the settings that it is given."""
    image, _ = image_of(pods.containers[0])
    given, _ = variables(pods.containers[0], whole)
    return _served(str(pods.service), frozenset({**image_variables(image), **given}.items()))


@functools.cache
def _served(service: str, given: frozenset[tuple[str, str]]) -> set[str]:
    package = package_of(service)
    configs = []
    load = importlib.import_module(f"{package}.config").load
    reading(lambda env: configs.append(load(env)), dict(given), {})
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    create_app = importlib.import_module(f"{package}.web").create_app
    app = create_app(configs[0], publisher=FakePublisher(), engine=nowhere)
    return {rule.rule for rule in app.url_map.iter_rules()}


CHECKS: Sequence[Callable[[Whole], Iterator[str]]] = (settings, places, paths)
