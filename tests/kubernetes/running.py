"""How pods run: their image, probes, resources, and what they may do on their node."""

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flask import Flask

from hotspot.health import Health, application
from hotspot.web.health import health_blueprint

from .matching import groups_worked_for
from .world import ROOT, Object, Pods, Whole, image_of

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
# Of other people, at a version that says itself what it is.
FOREIGN_IMAGE = re.compile(r"^[a-z0-9./-]+:\d[\w.-]*$")

# https://kubernetes.io/docs/concepts/security/pod-security-standards/, the restricted profile.
VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}
SAFE_SYSCTLS = {
    *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies"),
    *("net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"),
    *("net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time"),
    *("net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"),
}


def probes(whole: Whole) -> Iterator[str]:
    """Probes of paths that the code does not have, or at ports that nobody listens on there."""
    for pods in whole.pods():
        for container in pods.containers if not pods.ends else []:
            missing = [name for name in PROBES if name not in container]
            if missing and (pods.service or "readinessProbe" in missing):
                yield f"{pods.name}/{container['name']} has no {', '.join(missing)}"
            for name in PROBES:
                probe = container.get(name, {})
                if probe and not {"httpGet", "exec", "tcpSocket", "grpc"} & set(probe):
                    yield f"{pods.name}: {name} asks nothing"
                asked = probe.get("httpGet")
                if asked and pods.service:
                    yield from _probe(pods, name, asked)


def _probe(pods: Pods, name: str, asked: Object) -> Iterator[str]:
    is_web = pods.containers[0].get("args") == ["web"]
    known = web_paths() if is_web else worker_paths()
    if asked["path"].partition("?")[0] not in known:
        yield f"{pods.name}: {name} asks {asked['path']}, which the code does not have"
    port = "http" if is_web else "health"
    number = 8080 if is_web else 8081
    if asked["port"] not in (port, number) or not pods.has_port(asked["port"]):
        yield f"{pods.name}: {name} asks port {asked['port']}, and it answers at {port}"
    listens = {one: port for one, port, _ in pods.ports()}
    if listens.get(port, number) != number:
        yield f"{pods.name} has {port} at {listens[port]}, and the image has it at {number}"


@functools.cache
def web_paths() -> set[str]:
    """The paths of health and metrics that every web process has."""
    app = Flask("any")
    app.register_blueprint(health_blueprint())
    return {rule.rule for rule in app.url_map.iter_rules()}


@functools.cache
def worker_paths() -> set[str]:
    """Those of web_paths that processes without a web answer, too."""
    answer = application(Health(is_live=[], needs={}))
    return {path for path in web_paths() if _status(answer, path) == "200 OK"}


def _status(answer: Callable[..., Any], path: str) -> str:
    said: list[str] = []
    environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "QUERY_STRING": ""}
    list(answer(environ, lambda status, _headers: said.append(status)))
    return said[0]


def images(whole: Whole) -> Iterator[str]:
    """Images that no Dockerfile here makes, or of no version."""
    ours = images_made()
    for pods in whole.pods():
        for container in pods.all_containers:
            name, tag = image_of(container)
            if name.startswith("hotspot/") and name not in ours:
                yield f"{pods.name}: no Dockerfile makes {name}"
            elif name.startswith("hotspot/") and tag != version():
                yield f"{pods.name}: {container['image']} is not of this version, {version()}"
            elif not name.startswith("hotspot/") and not FOREIGN_IMAGE.match(container["image"]):
                yield f"{pods.name}: {container['image']} does not say which version it is"


@functools.cache
def images_made() -> dict[str, str]:
    """Image names, and the service that each starts; made by the folders with a Dockerfile."""
    made = {}
    for file in ROOT.glob("*/Dockerfile"):
        started = re.search(r'"hotspot.serve", "(\w+)"', file.read_text())
        made[f"hotspot/{file.parent.name}"] = started.group(1) if started else ""
    for file in ROOT.glob("*/freeradius/Dockerfile"):
        made[f"hotspot/{file.parent.name}"] = ""
    return made


@functools.cache
def version() -> str:
    """The version of what is in this checkout."""
    text = (ROOT / "payment-service" / "pyproject.toml").read_text()
    found = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
    assert found
    return found.group(1)


def commands(whole: Whole) -> Iterator[str]:
    """Arguments that the image's program does not know."""
    from hotspot.serve import _parser

    for pods in whole.pods():
        container = pods.containers[0]
        service = images_made().get(image_of(container)[0])
        arguments = container.get("args", ["web"])
        if pods.service is None or not service or "command" in container:
            continue
        try:
            _parser().parse_args([service, *arguments])
        except SystemExit:
            yield f"{pods.name}: {' '.join(arguments)} is no command of the image"
        if service != pods.service:
            yield f"{pods.name} is labelled {pods.service}, and starts {service}"
        role = "setup" if pods.ends else arguments[0]
        if pods.labels.get("app.kubernetes.io/component") != role:
            yield f"{pods.name} is labelled as something else than {role}"


def waits(whole: Whole) -> Iterator[str]:
    """Processes that begin before their database has the tables of their version."""
    for pods in whole.pods():
        arguments = pods.containers[0].get("args", ["web"])
        if not pods.service or arguments[0] not in ("web", "worker", "scheduler", "server", "seed"):
            continue
        found = [
            container.get("command", [])
            for container in pods.spec.get("initContainers", [])
            if container["image"] == pods.containers[0]["image"]
        ]
        waiting = ["python", "-P", "-m", "hotspot.migrated", pods.service]
        if image_of(pods.containers[0])[0] != "hotspot/freeradius" and not any(
            command[: len(waiting)] == waiting for command in found
        ):
            yield f"{pods.name} does not wait for its tables"


def writable(whole: Whole) -> Iterator[str]:
    """Processes without a place for temporary files; callbacks that do not outlive their pod."""
    for pods in whole.pods():
        made = {
            one["metadata"]["name"] for one in pods.owner["spec"].get("volumeClaimTemplates", [])
        }
        for container in pods.containers if pods.service else ():
            mounts = {one["mountPath"]: one["name"] for one in container.get("volumeMounts", [])}
            if "/tmp" not in mounts:
                yield f"{pods.name} has no /tmp"
            image, _ = image_of(container)
            takes_callbacks = image == "hotspot/payment-service" and container.get("args") == [
                "web"
            ]
            if takes_callbacks and mounts.get("/var/spool/hotspot") not in made:
                yield f"{pods.name} keeps callbacks where they are lost with it"
        for claim in pods.owner["spec"].get("volumeClaimTemplates", []):
            asked = claim.get("spec", {})
            if not asked.get("accessModes") or not asked.get("resources", {}).get("requests"):
                yield f"{pods.name} claims a volume of no size or kind"


def resources(whole: Whole) -> Iterator[str]:
    """Containers that ask for nothing, or may take all of a node's memory."""
    for pods in whole.pods():
        for container in pods.all_containers:
            given = container.get("resources", {})
            for kind, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
                if name not in given.get(kind, {}):
                    yield f"{pods.name}/{container['name']} has no {kind}.{name}"
    for one in whole.of("RabbitmqCluster", "Cluster"):
        given = one["spec"].get("resources", {})
        if "memory" not in given.get("limits", {}) or "cpu" not in given.get("requests", {}):
            yield f"{one['kind']}/{one['metadata']['name']} has no resources"


def restarts(whole: Whole) -> Iterator[str]:
    """Rollouts that stop the old before the new is there; Jobs that may run again and again."""
    for pods in whole.pods():
        if pods.owner["kind"] == "Deployment" and pods.service and not groups_worked_for(pods):
            gone = pods.owner["spec"].get("strategy", {}).get("rollingUpdate", {})
            if str(gone.get("maxUnavailable", "25%")) not in ("0", "25%", "0%"):
                yield f"{pods.name} goes away before its successor is ready"
        if pods.ends and pods.spec.get("restartPolicy") not in ("Never", "OnFailure"):
            yield f"{pods.name} is restarted when it is done"


def tokens(whole: Whole) -> Iterator[str]:
    """Pods that could talk to the API server."""
    for pods in whole.pods():
        account = whole.find("ServiceAccount", pods.spec.get("serviceAccountName", "default"))
        if account is None:
            yield f"{pods.name} has no service account of its own"
        off = (pods.spec, account or {})
        if all(one.get("automountServiceAccountToken") is not False for one in off):
            yield f"{pods.name} is given a token"


def restricted(whole: Whole) -> Iterator[str]:
    """What a namespace of restricted Pod Security refuses; and images that are written to."""
    for namespace in whole.of("Namespace"):
        enforced = namespace["metadata"].get("labels", {})
        if enforced.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"Namespace/{namespace['metadata']['name']} does not enforce restricted"
    for pods in whole.pods():
        yield from (f"{pods.name}: {fault}" for fault in _pod_faults(pods.spec))
        for container in pods.all_containers:
            yield from (
                f"{pods.name}/{container['name']}: {fault}"
                for fault in _container_faults(container, pods.spec.get("securityContext", {}))
            )


def _pod_faults(spec: Object) -> Iterator[str]:
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield name
    for volume in spec.get("volumes", []):
        kinds = set(volume) - {"name"}
        if not kinds <= VOLUMES:
            yield f"a volume of {', '.join(sorted(kinds - VOLUMES))}"
    names = {one["name"] for one in spec.get("securityContext", {}).get("sysctls", [])}
    if not names <= SAFE_SYSCTLS:
        yield f"sysctls {', '.join(sorted(names - SAFE_SYSCTLS))}"


def _container_faults(container: Object, pod: Mapping[str, Any]) -> Iterator[str]:
    own: Mapping[str, Any] = container.get("securityContext", {})
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "does not drop all capabilities"
    if not set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot is not true"
    if own.get("runAsUser", pod.get("runAsUser")) == 0:
        yield "runs as root"
    profile = own.get("seccompProfile", pod.get("seccompProfile", {})).get("type")
    if profile not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile"
    if own.get("procMount", "Default") != "Default":
        yield "has another procMount"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "takes a port of its node"
    # RabbitMQ's own image writes its configuration when it starts.
    is_rabbitmq = container["image"].startswith("rabbitmq:")
    if own.get("readOnlyRootFilesystem") is not True and not is_rabbitmq:
        yield "writes to its image"


CHECKS: Sequence[Callable[[Whole], Iterator[str]]] = (
    probes,
    images,
    commands,
    waits,
    writable,
    resources,
    restarts,
    tokens,
    restricted,
)
