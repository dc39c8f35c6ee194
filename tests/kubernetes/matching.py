"""What must meet: selectors and labels, ports and probes, budgets and replicas, doors and rooms."""

import importlib.util
import itertools
from collections.abc import Callable, Iterator, Sequence

from hotspot.contract import table
from hotspot.contract.topology import groups_of, messages_in, queues_of
from hotspot.serve import package_of

from .operators import pods_made
from .world import Object, Pods, Whole, matches, name_of

# Seconds that a worker has to end in, beyond its longest job: to stop taking, and to acknowledge.
ENDS_WITHIN = 5


def selectors(whole: Whole) -> Iterator[str]:
    """Workloads that do not select their own pods, and Services, budgets and monitors of nobody."""
    for pods in whole.pods():
        if not pods.ends and not matches(pods.owner["spec"]["selector"], pods.labels):
            yield f"{pods.name} does not select its own pods"
        twins = [other.name for other in whole.pods() if _selects(pods, other)]
        if twins:
            yield f"{pods.name} selects the pods of {', '.join(twins)} too"
    for one in whole.of("Service", "PodDisruptionBudget"):
        if not selected(one, whole):
            yield f"{name_of(one)} selects no pods"


def service_ports(whole: Whole) -> Iterator[str]:
    """Ports of Services that their pods do not have."""
    for service in whole.of("Service"):
        for port in service["spec"]["ports"]:
            wanted = port.get("targetPort", port["port"])
            for pods in selected(service, whole):
                if not pods.has_port(wanted, port.get("protocol", "TCP")):
                    yield f"{name_of(service)} wants port {wanted} of {pods.name}"


def stateful_services(whole: Whole) -> Iterator[str]:
    """StatefulSets whose Service is not there, has an address, or selects others."""
    for one in whole.of("StatefulSet"):
        service = whole.find("Service", one["spec"]["serviceName"])
        if service is None or service["spec"].get("clusterIP") != "None":
            yield f"{name_of(one)} has no headless Service {one['spec']['serviceName']}"
        elif [pods.owner for pods in selected(service, whole)] != [one]:
            yield f"{name_of(service)} is not {name_of(one)}'s alone"


def budgets(whole: Whole) -> Iterator[str]:
    """Disruption budgets that let no pod ever be moved; webs and servers without one."""
    covered = set()
    for budget in whole.of("PodDisruptionBudget"):
        for pods in selected(budget, whole):
            covered.add(pods.name)
            least = fewest(pods, whole)
            if "maxUnavailable" in budget["spec"]:
                blocks = str(budget["spec"]["maxUnavailable"]) in ("0", "0%")
            else:
                blocks = _count(budget["spec"]["minAvailable"], least) >= least
            if blocks:
                yield f"{name_of(budget)} never lets one of {least} {pods.name} go"
    for pods in [*whole.pods(), *pods_made(whole)] if covered else ():
        # CloudNativePG makes its own.
        is_several = not pods.ends and pods.owner["kind"] != "Cluster" and fewest(pods, whole) > 1
        if is_several and pods.name not in covered:
            yield f"{pods.name} has no PodDisruptionBudget"


def spread(whole: Whole) -> Iterator[str]:
    """Topology spread that counts other pods than the workload's own; several pods without it."""
    for pods in whole.pods():
        constraints = pods.spec.get("topologySpreadConstraints", [])
        for one in constraints:
            # matchLabelKeys takes the values of the pod that is placed.
            keys = {key: pods.labels.get(key, "") for key in one.get("matchLabelKeys", [])}
            by_revision = {"pod-template-hash", "controller-revision-hash"}
            if any(not value and key not in by_revision for key, value in keys.items()):
                yield f"{pods.name} is spread by a label that it does not have"
            named = "labelSelector" in one or set(keys) - by_revision
            if not named or not matches(one.get("labelSelector", {}), pods.labels):
                yield f"{pods.name} is spread by labels that are not its own"
            others = [
                other.name
                for other in whole.pods()
                if other.owner is not pods.owner
                and matches(one.get("labelSelector", {}), other.labels)
                and all(other.labels.get(key) == value for key, value in keys.items() if value)
            ]
            if others:
                yield f"{pods.name} is spread with {', '.join(others)}"
        if pods.service and not pods.ends and not constraints:
            yield f"{pods.name} may all stand on one node"


def doors(whole: Whole) -> Iterator[str]:
    """Ingress backends that are no Service's port; hosts without TLS."""
    for ingress in whole.of("Ingress"):
        sealed = {host for one in ingress["spec"].get("tls", []) for host in one.get("hosts", [])}
        for rule in ingress["spec"].get("rules", []):
            if rule.get("host") not in sealed:
                yield f"{name_of(ingress)}: {rule.get('host')} is served without TLS"
            for path in rule["http"]["paths"]:
                yield from _backend(ingress, path["backend"]["service"], whole)


def _backend(ingress: Object, wanted: Object, whole: Whole) -> Iterator[str]:
    service = whole.find("Service", wanted["name"])
    port = wanted["port"].get("name", wanted["port"].get("number"))
    known = service["spec"]["ports"] if service else []
    if not any(port in (one.get("name"), one["port"]) for one in known):
        yield f"{name_of(ingress)} leads to {wanted['name']}:{port}, which is not there"


def groups(whole: Whole) -> Iterator[str]:
    """Groups of the contract that nobody works for, and workers of groups that a service lacks."""
    working = {
        (pods.service, group): pods for pods in whole.pods() for group in groups_worked_for(pods)
    }
    needed = {
        (service.name, group.name) for service in table.SERVICES for group in groups_of(service)
    }
    for service, group in sorted(needed - working.keys()):
        yield f"nobody works for the group {group} of {service}"
    for mine, group in sorted(working.keys() - needed, key=str):
        yield f"{mine} has no queues of the group {group}"


def endings(whole: Whole) -> Iterator[str]:
    """Workers that are killed before their longest job may be done."""
    for pods in whole.pods():
        given = pods.spec.get("terminationGracePeriodSeconds", 30)
        for group in groups_worked_for(pods):
            queues = queues_of(
                next(one for one in table.SERVICES if one.name == pods.service),
                tuple(one for one in table.GROUPS if one.name == group),
            )
            rows = [row for queue in queues for row in messages_in(queue)]
            longest = max((row.timeout for row in rows), default=0)
            if given < longest + ENDS_WITHIN:
                yield f"{pods.name} has {given} s to end, and a job may take {longest}"


def setups(whole: Whole) -> Iterator[str]:
    """Services whose database nobody brings to the newest version, or gives what it begins with."""
    done = {
        (pods.service, argument)
        for pods in whole.pods()
        for argument in (pods.containers[0].get("args", [])[:1] if pods.ends else ())
    }
    for service in table.SERVICES:
        if (service.name, "migrate") not in done:
            yield f"no Job migrates the database of {service.name}"
        has_seed = importlib.util.find_spec(f"{package_of(service.name)}.seed") is not None
        if has_seed and (service.name, "seed") not in done:
            yield f"no Job seeds the database of {service.name}"


def webs(whole: Whole) -> Iterator[str]:
    """Services without web processes, or whose Service is not called as the gateway calls it."""
    serving = {
        pods.service
        for pods in whole.pods()
        if not pods.ends and pods.containers[0].get("args") == ["web"]
    }
    for service in table.SERVICES:
        if service.name not in serving:
            yield f"nobody serves the web of {service.name}"
    gateway = whole.pods_of("gateway-web").containers[0] if whole.pods() else {}
    for url in _urls(gateway, whole):
        host, _, port = url.removeprefix("http://").partition(":")
        found = whole.find("Service", host)
        ports = [one["port"] for one in found["spec"]["ports"]] if found else []
        if int(port or 80) not in ports:
            yield f"the gateway asks {url}, which is no Service"


def radius(whole: Whole) -> Iterator[str]:
    """RADIUS that nobody answers, or that arrives from another address than the router's."""
    ports = {("radius-auth", 1812), ("radius-acct", 1813)}
    doors = [
        one
        for one in whole.of("Service")
        if {(port["name"], port["port"]) for port in one["spec"]["ports"]} == ports
    ]
    if not doors:
        yield "there is no Service for RADIUS"
    for one in doors:
        if any(port.get("protocol") != "UDP" for port in one["spec"]["ports"]):
            yield f"{name_of(one)} does not speak UDP"
        is_outside = one["spec"].get("type", "ClusterIP") != "ClusterIP"
        if is_outside and one["spec"].get("externalTrafficPolicy") != "Local":
            yield f"{name_of(one)} hides the routers' addresses"
        if one["spec"].get("sessionAffinity") != "ClientIP":
            yield f"{name_of(one)} sends what a router repeats to another server"


def _urls(container: Object, whole: Whole) -> list[str]:
    settings = [
        whole.find("ConfigMap", one["configMapRef"]["name"])
        for one in container.get("envFrom", [])
        if "configMapRef" in one
    ]
    values = {name: value for one in settings if one for name, value in one["data"].items()}
    return [
        values[f"{service.name.upper()}_URL"]
        for service in table.SERVICES
        if f"{service.name.upper()}_URL" in values
    ]


def groups_worked_for(pods: Pods) -> list[str]:
    """The groups that pods take messages of."""
    arguments = pods.containers[0].get("args", [])
    after = itertools.pairwise(arguments)
    return [value for flag, value in after if flag == "--group"]


def selected(one: Object, whole: Whole) -> list[Pods]:
    """The pods that a Service or a budget selects. Those that are done are in no Service."""
    selector = one["spec"].get("selector")
    if one["kind"] == "Service":
        selector = {"matchLabels": selector} if selector else None
    lasting = [pods for pods in whole.pods() if not pods.ends]
    return [pods for pods in [*lasting, *pods_made(whole)] if matches(selector, pods.labels)]


def fewest(pods: Pods, whole: Whole) -> int:
    """The fewest replicas that a workload is ever scaled to, and no fewer than one."""
    for scaler in whole.of("HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        if target["name"] == pods.owner["metadata"]["name"]:
            name = (
                "minReplicas" if scaler["kind"] == "HorizontalPodAutoscaler" else "minReplicaCount"
            )
            return max(1, int(scaler["spec"].get(name, 1)))
    return int(pods.owner["spec"].get("replicas", 1))


def _selects(pods: Pods, other: Pods) -> bool:
    if pods.ends or other.owner is pods.owner:
        return False
    return matches(pods.owner["spec"]["selector"], other.labels)


def _count(wanted: int | str, of: int) -> int:
    """A budget's number, percentages rounded up as Kubernetes does."""
    text = str(wanted)
    return -(-of * int(text[:-1]) // 100) if text.endswith("%") else int(text)


def databases(whole: Whole) -> Iterator[str]:
    """Services without a database and a login of their own, where an operator makes them."""
    made = {one["spec"]["name"]: one["spec"] for one in whole.of("Database")}
    for cluster in whole.of("Cluster"):
        first = cluster["spec"].get("bootstrap", {}).get("initdb", {})
        if first:
            made[first["database"]] = {"owner": first["owner"], "cluster": cluster["metadata"]}
    for service in table.SERVICES if whole.of("Cluster") else ():
        database = made.get(service.name)
        if database is None or database["owner"] != service.name:
            yield f"nobody makes the database of {service.name}"
        elif whole.find("Cluster", database["cluster"]["name"]) is None:
            yield f"the database of {service.name} is in no cluster"


CHECKS: Sequence[Callable[[Whole], Iterator[str]]] = (
    selectors,
    service_ports,
    stateful_services,
    budgets,
    spread,
    doors,
    groups,
    endings,
    setups,
    webs,
    databases,
    radius,
)
